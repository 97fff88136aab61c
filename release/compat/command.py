"""Compatibility judged by a program of the repository's own."""

from __future__ import annotations

import tempfile
from pathlib import Path

from release.call.programs import run_program
from release.compat.files import Files, write_files
from release.compat.verdicts import Change, Comparison, Verdict
from release.errors import CouldNotTellError

INCOMPATIBLE = 1


def comparison(command: tuple[str, ...], before: Files, after: Files, timeout: float) -> Comparison:
    """Run the program on both sides: exit 0 is compatible, 1 incompatible.

    It runs in the working directory. `{before}` and `{after}` in its arguments become folders that hold the files
    under their repository paths. Raises CouldNotTellError for every other exit, and when a side has no files.
    """
    if not command:
        raise CouldNotTellError("no command is set for this component")
    if not before or not after:
        raise CouldNotTellError(f"there are no files at the {'earlier' if not before else 'later'} side")
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        folders = {"before": root / "before", "after": root / "after"}
        write_files(folders["before"], before)
        write_files(folders["after"], after)
        program = run_program([_argument(part, folders) for part in command], Path.cwd(), timeout)
        said = program.tail.replace(f"{root}/", "")
    if program.code == 0:
        return Comparison(Verdict.COMPATIBLE, f"{command[0]} exited 0")
    if program.code == INCOMPATIBLE:
        changes = tuple(Change(line) for line in said.splitlines())
        return Comparison(Verdict.INCOMPATIBLE, f"{command[0]} exited 1", changes)
    raise CouldNotTellError(f"{command[0]} exited {program.code}: {said or 'it said nothing'}")


def _argument(part: str, folders: dict[str, Path]) -> str:
    for name, folder in folders.items():
        part = part.replace(f"{{{name}}}", str(folder))
    return part
