"""Refs as plain values, and their names for people."""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

NEW = "0" * 40  # stands in a dry run for a commit that is not made yet
HEADS, TAGS = "refs/heads/", "refs/tags/"
# Versions whose tag's name GitHub gives out no more (F35): noted on the remote, where no rule of tags is in the way.
BURNED = "refs/release/burned/"
# Versions that were taken back, each with why: a blob of JSON. Their numbers are never used again.
WITHDRAWN = "refs/release/withdrawn/"


@dataclass(frozen=True)
class RemoteRef:
    """A ref as the remote has it: `sha` is its commit, `target` the object it names (an annotated tag's own)."""

    name: str
    sha: str
    target: str

    @property
    def key(self) -> str:
        """What it is found by in the view of a dry call."""
        return self.name


class Refs:
    """Refs by their names; each is made a value when it is asked for: a remote may have 100,000."""

    def __init__(self, targets: Mapping[str, str], commits: Mapping[str, str]) -> None:
        """`targets` are the objects that the names name; `commits` are theirs, of the annotated tags alone."""
        self._targets, self._commits, self._names = targets, commits, sorted(targets)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._names)

    def names(self, begin: str) -> list[str]:
        """Return the full names that begin so."""
        first = bisect_left(self._names, begin)
        return self._names[first : bisect_left(self._names, f"{begin}{chr(sys.maxunicode)}", first)]

    def begin(self, begin: str) -> list[RemoteRef]:
        """Return the refs whose full names begin so."""
        return list(map(self._ref, self.names(begin)))

    def at(self, sha: str, begin: str) -> list[RemoteRef]:
        """Return those of them that are at the commit."""
        commits, targets = self._commits, self._targets
        return [self._ref(name) for name in self.names(begin) if commits.get(name, targets[name]) == sha]

    def _ref(self, name: str) -> RemoteRef:
        target = self._targets[name]
        return RemoteRef(name, self._commits.get(name, target), target)


def branch_ref(name: str, sha: str) -> RemoteRef:
    """Return the branch of the name at the commit."""
    return RemoteRef(f"{HEADS}{name}", sha, sha)


def tag_ref(name: object, sha: str) -> RemoteRef:
    """Return the tag of the name, or of a version, at the commit."""
    return RemoteRef(f"{TAGS}{name}", sha, sha)


@dataclass(frozen=True)
class Push:
    """One ref to push: full name, object, and the object expected there now (empty: it must be new)."""

    ref: str
    sha: str
    expected: str = ""


def ref_matches(pattern: str, ref: str) -> bool:
    """Tell whether a full ref matches a glob as GitHub's rulesets have it: `*` stops at a `/`, `**/` does not."""
    first, more, rest = pattern.partition("/")
    part, further, left = ref.partition("/")
    if first == "**" and more:
        return ref_matches(rest, ref) or (further != "" and ref_matches(pattern, left))
    return fnmatchcase(part, first) and (ref_matches(rest, left) if more and further else more == further)


def brief(sha: str) -> str:
    """Return the commit as people read it."""
    return "a new commit" if sha in ("", NEW) else sha[:9]


def printed_lines(text: str) -> list[str]:
    """Return the lines that Git printed: its own newline alone ends one, where Python sees ends in names and titles."""
    return text.split("\n") if text else []


def short_name(ref: RemoteRef) -> str:
    """Return a branch's or tag's name for people: never for Git, where only the full one is unambiguous (F11)."""
    return ref.name.removeprefix(TAGS).removeprefix(HEADS)
