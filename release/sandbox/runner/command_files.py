"""The files that a step writes to: outputs, variables, paths, its summary."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

COMMAND_FILES = ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY", "GITHUB_STATE")


class InvalidFile(ValueError):
    """A step wrote what the runner cannot read."""


def make_command_files(folder: Path) -> dict[str, str]:
    """Make the files, empty, and return the variables that name them."""
    folder.mkdir(parents=True)
    for name in COMMAND_FILES:
        (folder / name.lower()).touch()
    return {name: str(folder / name.lower()) for name in COMMAND_FILES}


def command_file_text(folder: Path, name: str) -> str:
    """Read one file; empty when the step removed it, or put something else in its place."""
    path = folder / name.lower()
    is_there = path.is_file() and not path.is_symlink()  # which could lead anywhere
    return path.read_text(encoding="utf-8-sig", errors="replace") if is_there else ""


def command_file_pairs(folder: Path, name: str) -> dict[str, str]:
    """Read `name=value` lines and `name<<delimiter` blocks.

    Raises `InvalidFile` for any other line, or a block that does not end.
    """
    return dict(_parse_pairs(name, iter(command_file_text(folder, name).splitlines())))


def _parse_pairs(file: str, lines: Iterator[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        equals, block = line.find("="), line.find("<<")
        if block >= 0 and (equals < 0 or block < equals):
            yield line[:block], _block(file, line[block + 2 :], lines)
        elif equals > 0:
            yield line[:equals], line[equals + 1 :]
        elif line:
            raise InvalidFile(f"Unable to process file command '{file}' successfully: invalid format '{line}'")


def _block(file: str, delimiter: str, lines: Iterator[str]) -> str:
    found: list[str] = []
    for line in lines:
        if line == delimiter:
            return "\n".join(found)
        found.append(line)
    raise InvalidFile(f"Unable to process file command '{file}' successfully: no line is the delimiter '{delimiter}'")
