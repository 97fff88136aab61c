"""Command lines, read into options and the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """The options of a command line with their values, in order, and what is none."""

    pairs: Sequence[tuple[str, str]]
    rest: Sequence[str]

    def values(self, *names: str) -> list[str]:
        """List the values of an option that goes by these names."""
        return [value for name, value in self.pairs if name in names]

    def value(self, *names: str) -> str:
        """Return the last value of an option; nothing where it is not given."""
        return next(iter(self.values(*names)[::-1]), "")

    def has(self, *names: str) -> bool:
        """Tell whether an option is given, and is not `false`."""
        return any(value != "false" for value in self.values(*names))


def options(words: Sequence[str], takes_value: Callable[[str], bool]) -> Options:
    """Read words; `takes_value` says of an option whether the next word is its value."""
    pairs: list[tuple[str, str]] = []
    rest: list[str] = []
    left = list(words)
    while left:
        word = left.pop(0)
        if word == "--":
            rest += left
            break
        if not word.startswith("-") or word == "-":
            rest.append(word)
        elif word.startswith("--") and "=" in word:
            name, _, value = word.partition("=")
            pairs.append((name, value))
        else:
            pairs.append((word, left.pop(0) if left and takes_value(word) else "true"))
    return Options(pairs, rest)
