"""The commands of a script: what each is, and who does it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from release.sandbox.simulation.shell.state import State, label

_BEFORE = {
    *("sudo", "env", "time", "nohup", "exec", "nice", "command", "builtin", "timeout", "retry", "stdbuf", "unbuffer"),
}
_WITH_VALUE = {"-u", "-g", "-n", "-k", "-s"}
_ASSIGNED = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)


@dataclass(frozen=True)
class Command:
    """One call of a program: its words, the script's line, whether it is certain that it is made."""

    words: list[str]
    line: int
    state: State
    environment: Mapping[str, str] = field(default_factory=dict)
    given: str = ""

    @property
    def certain(self) -> bool:
        """Whether every condition on the way here is known."""
        return not self.state.uncertain

    @property
    def label(self) -> str:
        """The command by its first words."""
        return label(self.words)


@dataclass(frozen=True)
class Result:
    """How a program ends, nothing where that is not known, and what it prints."""

    code: int | None = 0
    output: str = ""


class World(Protocol):
    """Who is asked about programs, and told what is not known."""

    def call(self, command: Command) -> Result:
        """Do what a program does, as far as that can be told."""

    def undecided(self, line: int, what: str) -> None:
        """Take note of what cannot be told."""


def bare_words(words: list[str], environment: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """Take away what only starts another program: `sudo`, `env NAME=value`, `timeout 60`."""
    found = dict(environment)
    while len(words) > 1 and words[0] in _BEFORE and not (words[0] == "command" and words[1].startswith("-")):
        first, *words = words
        while words and (words[0].startswith("-") or (named := _ASSIGNED.fullmatch(words[0]))):
            if words[0].startswith("-"):
                words = words[2:] if words[0] in _WITH_VALUE else words[1:]
            elif named:
                found[named[1]] = named[2]
                words = words[1:]
        words = words[1:] if first == "timeout" and words else words
    return words, found


def argument_lists(words: list[str], given: str) -> list[list[str]]:
    """Return the commands that `xargs` makes of its input."""
    inputs, holder, size = given.split(), "", 0
    while words and words[0].startswith("-"):
        if place := re.fullmatch(r"-I(.*)", words[0]):
            holder, words = (place[1], words) if place[1] else (words[1], words[1:])
        elif number := re.fullmatch(r"-[nLP](\d*)", words[0]):
            size = int(number[1] or words[1]) if words[0][1] != "P" else size
            words = words if number[1] else words[1:]
        words = words[1:]
    if holder:
        return [[word.replace(holder, each) for word in words] for each in given.splitlines()]
    size = size or max(len(inputs), 1)
    return [[*words, *inputs[at : at + size]] for at in range(0, len(inputs), size)]
