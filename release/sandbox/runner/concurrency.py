"""Concurrency groups: one run or job at a time in each, and those that wait for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from release.workflows import expressions

MOST_WAITING = 100  # of one group with `queue: max`
CANCELED = "Canceling since a higher priority waiting request for '{}' exists"
DEADLOCK = "Canceling since a deadlock for concurrency group '{}' was detected between 'top level workflow' and '{}'"


@dataclass(eq=False)
class Member:
    """A run or job of a group: what begins it once it is its turn, and what ends it where another one displaces it."""

    group: str
    run: object  # that it is, or is of
    begin: Callable[[], None]
    cancel: Callable[[str], None]
    cancels: bool = False  # whatever is in the group
    in_order: bool = False  # displaces nobody that waits


class Groups:
    """The groups of a repository; the first member of each is in progress, the others wait in their order."""

    def __init__(self) -> None:
        self._members: dict[str, list[Member]] = {}
        self._lock = threading.Lock()

    def enter(self, new: Member) -> None:
        """Begin a member when its group is free, else have it wait; GitHub's rules say who is cancelled for it."""
        with self._lock:
            members = self._members.setdefault(new.group.lower(), [])
            displaced = _displaced(new, members)
            # What is in progress keeps the group until it has ended.
            members[1:] = [each for each in members[1:] if each not in displaced]
            members += [new] if new not in displaced else []
            is_first = members[0] is new
        for each in displaced:
            # Each takes its own run's lock, and the one that enters may hold another's.
            threading.Thread(target=each.cancel, args=(CANCELED.format(new.group),), daemon=True).start()
        if is_first:
            new.begin()

    def leave(self, member: Member) -> None:
        """Take a member out; the next of its group begins in a thread of its own."""
        with self._lock:
            members = self._members.get(member.group.lower(), [])
            was_first = members[:1] == [member]
            members[:] = [each for each in members if each is not member]
            following = members[:1] if was_first else []
        for each in following:
            threading.Thread(target=each.begin, daemon=True).start()

    def ahead(self, group: str) -> list[object]:
        """Return the runs that are in a group now, the one in progress first."""
        with self._lock:
            return [each.run for each in self._members.get(group.lower(), [])]


def _displaced(new: Member, members: Sequence[Member]) -> list[Member]:
    if new.cancels:
        return list(members)
    if new.in_order:
        return [new] if len(members) > MOST_WAITING else []
    return list(members[1:])


def group_problem(given: Any) -> str:
    """Say what GitHub refuses of a `concurrency` that is otherwise well formed, or nothing."""
    is_wrong = isinstance(given, dict) and given.get("queue") == "max" and given.get("cancel-in-progress") is True
    return "`queue: max` does not go with `cancel-in-progress: true`" if is_wrong else ""


def member_facts(found: Any) -> dict[str, Any]:
    """Read a `concurrency` whose expressions are evaluated; nothing without a group."""
    told = found if isinstance(found, dict) else {"group": found}
    group = expressions.text(told.get("group"))
    if not group:
        return {}
    cancels = expressions.text(told.get("cancel-in-progress")) == "true"
    return {"group": group, "cancels": cancels, "in_order": told.get("queue") == "max"}
