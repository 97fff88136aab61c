"""What one `inv` call works with: settings, time, report, options, what it settled, and the doors it opened."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import date, datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from release.call.plan import Plan
from release.call.texts import typed_call
from release.errors import Usage
from release.versions import Line, line_of

if TYPE_CHECKING:
    import semver

    from release.call.report import Report
    from release.settings import Settings

T = TypeVar("T")


class Clock:
    """The machine's own time; tests hold another."""

    def now(self) -> float:
        """Return seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds that only grow, for how long something took: the time of day may be set back meanwhile."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let that many seconds pass."""
        if seconds > 0:
            time.sleep(seconds)


@dataclass(frozen=True)
class Options:
    """What this task was told; `asking` is a dry run that a question follows, `timeout` in seconds (0: the setting)."""

    dry: bool = False
    asking: bool = False
    yes: bool = False
    timeout: float = 0
    rerun_failed: bool = False
    skip: bool = False


@dataclass
class Facts:
    """What the tasks of this call settled so far; `line` is what somebody typed, `named` says that it was a version."""

    version: semver.Version | None = None
    line: Line | None = None
    named: bool = False
    agreed: bool = False


@dataclass
class Activity:
    """What this call did: the `changes` (writes and waits) before which a look is old, and the HTTP `requests`."""

    changes: int = 0
    requests: int = 0


class View:
    """What a dry call would have made so far (refs, runs, images …): its later reads see it."""

    def __init__(self) -> None:
        self._things: dict[tuple[type, Hashable], Any] = {}

    def add(self, key: Hashable, thing: object) -> None:
        """Remember a thing that would be there by now."""
        self._things[type(thing), key] = thing

    def get(self, kind: type[T], key: Hashable) -> T | None:
        """Return the thing of that kind and key, or None."""
        return self._things.get((kind, key))

    def all(self, kind: type[T]) -> list[T]:
        """Return every thing of that kind, in the order they would have been made in."""
        return [thing for (found, _), thing in self._things.items() if found is kind]


@dataclass
class Context:
    """One task of a call; the tasks of a call share `facts`, `view` and the doors that were opened."""

    settings: Settings
    report: Report
    options: Options = field(default_factory=Options)
    facts: Facts = field(default_factory=Facts)
    view: View = field(default_factory=View)
    plan: Plan = field(default_factory=Plan)
    clock: Clock = field(default_factory=Clock)
    folder: Path = field(default_factory=Path.cwd)
    doors: dict[Hashable, Any] = field(default_factory=dict)
    activity: Activity = field(default_factory=Activity)
    _opening: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _making: dict[Hashable, threading.RLock] = field(default_factory=dict, repr=False)

    @property
    def dry(self) -> bool:
        """Whether nothing may be written."""
        return self.options.dry

    @property
    def version(self) -> semver.Version | None:
        """Return the version that this call is about, once that is settled."""
        return self.facts.version

    @property
    def today(self) -> date:
        """The UTC day that the call counts as, read once: a plan's own, whenever it is carried out (F23)."""
        return self.plan.day or self.once(
            "today", lambda: datetime.fromtimestamp(self.clock.now(), timezone.utc).date()
        )

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what was made under this key before in the call, making it the first time: a door, a look.

        Threads may ask at once; one makes, those that ask for the same wait for it.
        """
        with self._opening:
            making = self._making.setdefault(key, threading.RLock())
        with making:
            if key not in self.doors:
                self.doors[key] = make()
            found: T = self.doors[key]
        return found

    def confirm(self, what: str) -> None:
        """Return when writing is agreed to, or would be asked; raise Usage when nobody did and nobody can be asked."""
        if not (self.options.dry or self.options.yes or self.facts.agreed):
            raise Usage(
                f"Not confirmed; nothing was written: {what}",
                f"To write it: {typed_call()} --yes (or CI=true). To see it first: {typed_call('--dry')}",
            )

    def settle(self, version: semver.Version) -> semver.Version:
        """Keep the version for the later tasks of the same call, and say which it is.

        Raises Usage where the call names another: it is about one.
        """
        if self.facts.version != version:
            if self.facts.line and (self.facts.named or line_of(version) != self.facts.line):
                names = f"one call has one version: it names {self.facts.version or self.facts.line}"
                raise Usage(f"{names}, and this would be {version}", "Type each version in a call of its own.")
            self.facts.version = version
            self.report.record(version=str(version))
        self.plan.about("version", str(version))
        return version

    def look_anew(self) -> None:
        """Have the next reader of the remote look again: something was written, or time has passed."""
        self.activity.changes += 1
