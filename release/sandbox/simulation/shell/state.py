"""What a shell knows while a script goes on, and the files that it sees."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Protocol

from release.sandbox.simulation.unknown import is_known, shown, unknown

Value = str | list[str]


class Tree(Protocol):
    """The files of a commit."""

    def names(self) -> Sequence[str]:
        """List the paths of all files."""

    def read(self, path: str) -> str | None:
        """Read one; nothing where there is none."""


class NoTree:
    """A job that checked nothing out."""

    def names(self) -> Sequence[str]:
        """List nothing."""
        return ()

    def read(self, path: str) -> None:
        """Find nothing."""


@dataclass
class Files:
    """A job's folder: what was written into it, on top of the commit that was checked out."""

    root: Path  # no step writes outside of it
    workspace: Path
    tree: Tree = field(default_factory=NoTree)

    def check_out(self, tree: Tree) -> None:
        """See the files of a commit from now on."""
        self.tree = tree
        self.__dict__.pop("_known", None)

    def place(self, folder: str, path: str) -> Path | None:
        """Return where a path is, if that is in the job's folder."""
        if not path or not is_known(folder + path):
            return None
        found = (self.workspace / folder / path).resolve()
        return found if found.is_relative_to(self.root.resolve()) else None

    def read(self, folder: str, path: str) -> str | None:
        """Read a file; nothing where it is not known to be there."""
        place = self.place(folder, path)
        if place is None:
            return None
        if place.is_file():
            return place.read_text(encoding="utf-8", errors="replace")
        return self.tree.read(self._name(place))

    def exists(self, folder: str, path: str) -> bool | None:
        """Tell whether a file or folder is there, if that is known."""
        place = self.place(folder, path)
        if place is None:
            return None
        return place.exists() or self._name(place) in self._known

    def write(self, folder: str, path: str, text: str, append: bool) -> None:
        """Write a file of the job's folder; any other is left alone."""
        place = self.place(folder, path)
        if place is not None and not place.is_dir():
            before = (self.read(folder, path) or "") if append else ""
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(before + text, encoding="utf-8")

    def paths(self, folder: str, pattern: str) -> list[str]:
        """List the files and folders that a pattern names, as a shell writes them."""
        if pattern.startswith("/"):
            return []
        start = (self.workspace / folder).resolve()
        below = self._name(start)
        inside = {_relative(name, below) for name in self._known} | self._written(start)
        depth = pattern.rstrip("/").count("/")
        fits = re.compile(fnmatch.translate(pattern.removeprefix("./").rstrip("/")))
        found = {name for name in inside if name and name.count("/") == depth and fits.match(name)}
        return sorted(name for name in found if not any(part.startswith(".") for part in name.split("/")))

    def _written(self, start: Path) -> set[str]:
        return {path.relative_to(start).as_posix() for path in start.rglob("*")} if start.is_dir() else set()

    def _name(self, place: Path) -> str:
        inside = place.is_relative_to(self.workspace.resolve())
        return place.relative_to(self.workspace.resolve()).as_posix() if inside else "/"

    @cached_property
    def _known(self) -> set[str]:
        """Every file and folder of the commit."""
        names = self.tree.names()
        return {*names, *(str(above) for name in names for above in PurePosixPath(name).parents)} if names else set()


def _relative(name: str, below: str) -> str:
    return name if below == "." else name.removeprefix(f"{below}/") if name.startswith(f"{below}/") else ""


@dataclass
class State:
    """Variables, folder, streams and options."""

    files: Files
    variables: dict[str, Value] = field(default_factory=dict)
    arguments: list[str] = field(default_factory=list)
    folder: str = "."
    errexit: bool = True
    input: list[str] = field(default_factory=list)
    output: list[str] = field(default_factory=list)
    code: int | None = 0
    uncertain: int = 0  # how many conditions around this place could not be told
    opaque: bool = False  # something ran whose files and outputs cannot be told

    def fork(self) -> State:
        """Return a copy that a subshell or a branch may change."""
        copied = copy(self)
        copied.variables, copied.arguments, copied.input = dict(self.variables), [*self.arguments], [*self.input]
        return copied

    def text(self, name: str) -> str | None:
        """Read a variable, an array's first entry; nothing where it is not set."""
        found = self.variables.get(name)
        return (found[0] if found else "") if isinstance(found, list) else found

    def merge(self, branches: Sequence[State]) -> None:
        """Go on after branches of which one ran: what they do not agree in is unknown."""
        names = {name for branch in branches for name in branch.variables}
        for name in names:
            values = [branch.variables.get(name, "") for branch in branches]
            self.variables[name] = values[0] if all(each == values[0] for each in values) else unknown(name)
        self.folder = branches[0].folder
        self.errexit = branches[0].errexit
        self.opaque = self.opaque or any(branch.opaque for branch in branches)


def label(words: Sequence[str]) -> str:
    """Name a command by its first words, for people."""
    return shown(" ".join(words[:3]))
