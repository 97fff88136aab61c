"""actions/setup-python, and the interpreters of this machine that really run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import lru_cache
from pathlib import Path

from release.sandbox.runner.machine import ActionFailed, Inputs, Machine, Outputs
from release.sandbox.runner.stand_ins import write_python

_RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"


def running_version() -> str:
    """Name the running interpreter: `3.12`."""
    return _RUNNING


def installed_versions(versions: Sequence[str]) -> list[str]:
    """Choose those of some versions that this machine can run."""
    return [version for version in versions if interpreter(version)]


@lru_cache(maxsize=32)
def interpreter(version: str) -> str | None:
    """Find the interpreter of a version such as `3.11` or `3.11.7`; the running one where it fits."""
    if not re.fullmatch(r"3\.\d{1,2}(\.\d{1,2})?", version, re.ASCII):
        return None
    if ".".join(map(str, sys.version_info[: version.count(".") + 1])) == version:
        return sys.executable
    return next((str(path) for path in _candidates(version) if _runs(path, version)), None)


def _candidates(version: str) -> Iterator[Path]:
    name = "python" + ".".join(version.split(".")[:2])
    yield Path(sys.executable).with_name(name)
    yield from (Path(folder) / name for folder in os.get_exec_path())
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted((pyenv / "versions").glob(f"{version}*/bin/{name}"))
    yield from sorted((Path.home() / ".local/share/uv/python").glob(f"cpython-{version}*/bin/{name}"))


def _runs(path: Path, version: str) -> bool:
    # A shim of a version manager is there, and executable, and still runs nothing.
    if not shutil.which(str(path)):
        return False
    try:
        asked = subprocess.run(
            [path, "-ISc", "import sys; print(sys.version)"], capture_output=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return re.match(re.escape(version) + r"(?!\d)", asked.stdout.decode("ascii", "replace")) is not None


def setup_python(machine: Machine, inputs: Inputs, env: Mapping[str, str]) -> Outputs:
    """Put an interpreter of this machine first on the path of the job's steps."""
    version = inputs.get("python-version", running_version())
    found = interpreter(version)
    if not found and re.fullmatch(r"3(\.\d{1,2}){1,2}(-dev)?", version, re.ASCII):
        found = sys.executable  # a rehearsal tells of the workflow, not of which Pythons this machine has
        machine.log.write(f"##[warning]Python {version} is not on this machine: {_RUNNING} stands in for it")
    if not found:
        raise ActionFailed(f"Python {version} is not on this machine: neither on PATH, nor from pyenv or uv")
    folder = machine.inside(machine.tools / "Python" / version / "bin")
    if machine.confine is not nullcontext:  # what a step installs needs a place: the interpreter's own is read-only
        found = write_environment(found, machine.inside(folder.parent) / "environment")
    write_python(folder, version, found)
    machine.paths.insert(0, str(folder))
    machine.variables |= {"pythonLocation": str(folder.parent), "Python_ROOT_DIR": str(folder.parent)}
    machine.log.write(f"Successfully set up CPython ({version}): {found}")
    return {"python-version": version, "python-path": found, "cache-hit": "false"}


def write_environment(found: str, folder: Path) -> str:
    """Make an environment that has the packages of an interpreter and takes more; return its interpreter.

    As `venv` makes it (PEP 405), without the seconds that this takes.
    """
    base, packages, version = _told(found)
    place = folder / "lib" / f"python{version}" / "site-packages"
    if not place.exists():
        _clear(folder)
        place.mkdir(parents=True)
        (folder / "bin").mkdir()
        (folder / "bin" / "python").symlink_to(base)
        (folder / "pyvenv.cfg").write_text(f"home = {Path(base).parent}\nversion = {version}\n", encoding="utf-8")
        line = f"import site; site.addsitedir({packages!r})\n"
        (place / "machine.pth").write_text(line, encoding="utf-8")
    return str(folder / "bin" / "python")


def _clear(folder: Path) -> None:
    """Take away what a step left in the environment's place: it is made from outside of the job's namespaces (F36)."""
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)


@lru_cache(maxsize=32)
def _told(found: str) -> tuple[str, str, str]:
    """Ask an interpreter for the one that it stands on, the folder of its packages and its version."""
    asks = (
        "import sys, sysconfig as s; print(sys._base_executable, s.get_path('purelib'), '%d.%d' % sys.version_info[:2])"
    )
    asked = subprocess.run(
        [found, "-c", asks], check=True, capture_output=True, text=True, timeout=60,
        start_new_session=True,  # Ctrl-C ends the run, which says so, and not a program below it
    )  # fmt: skip
    base, packages, version = asked.stdout.split()
    return str(Path(base).resolve()), packages, version
