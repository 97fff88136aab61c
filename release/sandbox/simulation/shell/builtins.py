"""A shell's own commands that change what it knows."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePosixPath

from release.sandbox.simulation.shell.state import State
from release.sandbox.simulation.unknown import is_known, unknown

Builtin = Callable[[list[str], State], int | None]


def _cd(words: list[str], state: State) -> int | None:
    where = next((word for word in words if not word.startswith("-")), "")
    workspace = str(state.files.workspace)
    place = state.files.place(state.folder, where) if where else None
    if place is not None and str(place).startswith(str(state.files.workspace.resolve())):
        state.folder = str(PurePosixPath(place).relative_to(str(state.files.workspace.resolve())))
    else:
        state.folder = where if is_known(where) and where.startswith("/") else f"/{unknown(where or workspace)}"
    return 0


def _set(words: list[str], state: State) -> int:
    if "--" in words:
        state.arguments = words[words.index("--") + 1 :]
    for word in words:
        if re.fullmatch(r"[-+][a-z]*e[a-z]*", word):
            state.errexit = word[0] == "-"
    return 0


def _shift(words: list[str], state: State) -> int:
    state.arguments = state.arguments[int(words[0]) if words and words[0].isdecimal() else 1 :]
    return 0


def _read(words: list[str], state: State) -> int:
    names = [word for word in words if not word.startswith("-")] or ["REPLY"]
    if not state.input:
        return 1
    line = state.input.pop(0)
    mark = str(state.variables.get("IFS", "")).strip("\n") or None
    parts = line.split(mark, len(names) - 1) if is_known(line) or len(names) == 1 else [unknown(line)] * len(names)
    if "-a" in words:
        state.variables[names[0]] = line.split(mark)
        return 0
    state.variables |= dict(zip(names, [*parts, *[""] * len(names)], strict=False))
    return 0


def _mapfile(words: list[str], state: State) -> int:
    names = [word for word in words if not word.startswith("-")]
    state.variables[names[-1] if names else "MAPFILE"] = [*state.input]
    return 0


def _nothing(words: list[str], state: State) -> int:
    return 0


def _false(words: list[str], state: State) -> int:
    return 1


BUILTINS: dict[str, Builtin] = {
    **dict.fromkeys((":", "true", "wait", "sleep", "umask", "ulimit", "shopt", "alias", "mkdir"), _nothing),
    "cd": _cd,
    "pushd": _cd,
    "false": _false,
    "mapfile": _mapfile,
    "readarray": _mapfile,
    "read": _read,
    "set": _set,
    "shift": _shift,
}
