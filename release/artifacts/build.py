"""Build a wheel, and try it in an environment of its own."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from release.artifacts.version_file import project_data, tree_reader
from release.call.programs import child_environment
from release.errors import Failed, Usage

PIP = (sys.executable, "-m", "pip")
TIMEOUT = 1800  # seconds for one build or install


def build_wheel(source: Path, out: Path, version: str = "", variables: Mapping[str, str] | None = None) -> Path:
    """Build the wheel of the project in `source` into `out` with pip and return its path.

    `version` reaches back ends that take it from the environment; others take it from the tag or their files.
    `variables` are the build's own, on top of this process's.
    Raises Failed with the build's own words.
    """
    if not (source / "pyproject.toml").is_file() and not (source / "setup.py").is_file():
        raise Usage(f"{source} holds no Python project", "Set sdk.path in invoke.yaml.")
    out.mkdir(parents=True, exist_ok=True)
    environment = {**(variables or {}), **({"SETUPTOOLS_SCM_PRETEND_VERSION": version} if version else {})}
    with tempfile.TemporaryDirectory(prefix="wheel-") as folder:
        _run([*PIP, "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, str(source.resolve())], environment)
        built = next(Path(folder).glob("*.whl"))
        return Path(shutil.copyfile(built, out / built.name))


def check_build_requirements(source: Path) -> None:
    """Raise Usage unless what the project's build system asks for is installed here, where nothing can be fetched."""
    system = project_data(tree_reader(source), "").get("build-system", {"requires": ["setuptools"]})
    missing = [each for each in system.get("requires", ()) if not _is_installed(Requirement(each))]
    if missing:
        what = f"building {source.name} needs {', '.join(missing)}, and a sandbox fetches nothing"
        raise Usage(what, f"Install it beside the tasks: {shlex.join(['pip', 'install', *missing])}")


def _is_installed(wanted: Requirement) -> bool:
    if wanted.marker and not wanted.marker.evaluate():
        return True
    try:
        return wanted.specifier.contains(metadata.version(wanted.name), prereleases=True)
    except metadata.PackageNotFoundError:
        return False


def try_wheel(wheel: Path, python: str, package: str, command: str) -> tuple[str, str]:
    """Install the wheel into a fresh environment; return the version it imports as, and what its command prints.

    Raises Failed with the words of whatever did not install, import or run.
    """
    with tempfile.TemporaryDirectory(prefix="try-") as folder:
        environment = Path(folder) / "environment"
        _run([_interpreter(python), "-m", "venv", "--without-pip", str(environment)])
        programs = environment / ("Scripts" if os.name == "nt" else "bin")
        inside = str(programs / "python")
        _run([*PIP, "--python", inside, "install", "--quiet", str(wheel.resolve())])
        asks = "import importlib, sys; print(importlib.import_module(sys.argv[1]).__version__)"
        imported = _run([inside, "-I", "-c", asks, package], folder=folder)
        printed = _run([str(programs / command), "--version"], folder=folder) if command else ""
    return imported, printed


def _interpreter(python: str) -> str:
    """Return the program for `3.12`, a path, or nothing (the running one)."""
    if not python or python == ".".join(map(str, sys.version_info[:2])):
        return sys.executable
    return f"python{python}" if python[0].isdigit() else python


def _run(command: Sequence[str], extra: Mapping[str, str] | None = None, folder: str | None = None) -> str:
    environment = child_environment({"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", **(extra or {})})
    try:
        done = subprocess.run(
            command, env=environment, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
    except FileNotFoundError as error:
        raise Usage(f"there is no {command[0]} here", "Install it, or name another: --python") from error
    except subprocess.TimeoutExpired as error:
        raise Failed(f"{Path(command[0]).name} took more than {TIMEOUT} s") from error
    if done.returncode:
        words = "\n".join((done.stderr.strip() or done.stdout.strip()).splitlines()[-15:])
        raise Failed(f"{' '.join(Path(part).name for part in command[:4])} … exited {done.returncode}:\n{words}")
    return done.stdout.strip()
