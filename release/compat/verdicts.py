"""What a comparison gets, files, and what it can come to; anything unclear is never compatible."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path, PurePosixPath

from release.errors import CouldNotTellError

Files = Mapping[str, bytes]  # repository paths (with `/`) to contents


class Verdict(Enum):
    """The three answers of the gate; only the first opens it."""

    COMPATIBLE = "compatible"
    INCOMPATIBLE = "incompatible"
    UNDECIDED = "could not tell"


@dataclass(frozen=True)
class Change:
    """One difference that breaks a caller, or may (`certain` is false).

    `line` counts from 1, and is 0 where no line is known. `gone` says that file and line are those of the earlier side.
    """

    what: str
    file: str = ""
    line: int = 0
    certain: bool = True
    gone: bool = False


@dataclass(frozen=True)
class Comparison:
    """A verdict, why, the changes behind it, and what the comparison does not look at."""

    verdict: Verdict
    why: str
    changes: tuple[Change, ...] = ()
    not_covered: tuple[str, ...] = ()


def could_not_tell(why: str) -> Comparison:
    """Give the comparison that could not be made."""
    return Comparison(Verdict.UNDECIDED, why)


def verdict_on(changes: Iterable[Change], not_covered: tuple[str, ...] = ()) -> Comparison:
    """Weigh changes: one that is certain is incompatible, one that is not leaves it undecided."""
    found = tuple(sorted(set(changes), key=lambda change: (not change.certain, change.file, change.line, change.what)))
    certain = sum(change.certain for change in found)
    counted = "1 change" if (number := certain or len(found)) == 1 else f"{number} changes"
    if certain:
        return Comparison(Verdict.INCOMPATIBLE, f"{counted} would break callers", found, not_covered)
    if found:
        why = f"{counted} may break callers, and only a person can say"
        return Comparison(Verdict.UNDECIDED, why, found, not_covered)
    return Comparison(Verdict.COMPATIBLE, "no breaking change found", (), not_covered)


def worst_verdict(verdicts: Iterable[Verdict]) -> Verdict:
    """Give the worst of several verdicts; of none at all: could not tell."""
    seen = set(verdicts)
    if Verdict.INCOMPATIBLE in seen:
        return Verdict.INCOMPATIBLE
    return Verdict.COMPATIBLE if seen == {Verdict.COMPATIBLE} else Verdict.UNDECIDED


def write_files(root: Path, files: Files) -> None:
    """Write files below an empty folder of the caller's own.

    Raises CouldNotTellError for a path that would leave the folder, or that the file system refuses.
    """
    for name, content in files.items():
        parts = PurePosixPath(name).parts
        if not parts or parts[0] == "/" or ".." in parts or "\\" in name:
            raise CouldNotTellError(f"the path {name!r} cannot be written to a folder")
        target = root.joinpath(*parts)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        except OSError as error:
            raise CouldNotTellError(f"the file {name!r} cannot be written: {error.strerror}") from error
