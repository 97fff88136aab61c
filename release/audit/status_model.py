"""What there is to see of versions and lines, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone

import semver

from release.versions import Line

PARTS = ("tag", "platform", "wheel", "images", "pull request", "GitHub Release")
MARKS = {"out": "✔", "missing": "✘", "waiting": "…", "unknown": "?", "none": "–"}


@dataclass(frozen=True)
class Part:
    """What of a version is out: `state` is out, missing, waiting, unknown, or none where nothing belongs to it."""

    state: str
    note: str = ""
    at: str = ""
    url: str = ""


@dataclass(frozen=True)
class Version:
    """One released version: its commit, the image that its config.py names, its parts by name.

    `components` is empty for a coordinated release, which is of all of them.
    """

    version: semver.Version
    sha: str
    at: str
    image: semver.Version | None = None
    on_branch: bool = True
    components: tuple[str, ...] = ()
    parts: Mapping[str, Part] = field(default_factory=dict)

    @property
    def missing(self) -> list[str]:
        """The names of the parts that should be out and are not."""
        return [name for name, part in self.parts.items() if part.state in ("missing", "waiting")]


@dataclass(frozen=True)
class LineState:
    """One line: its branch if it has one; the counts are None where they could not be learned."""

    line: Line
    branch: str = ""
    head: str = ""
    newest: semver.Version | None = None
    unreleased: int | None = None
    pickable: int | None = None


@dataclass(frozen=True)
class Overview:
    """What there is to see, newest first; `at` is when it was read, in seconds since the epoch."""

    repository: str
    url: str
    trunk: str
    at: float
    lines: list[LineState]
    versions: list[Version]


def age(at: str, now: float) -> str:
    """Say how long ago a moment was, in the largest unit that fits."""
    if not at:
        return ""
    seconds = now - datetime.fromisoformat(at.replace("Z", "+00:00")).astimezone(timezone.utc).timestamp()
    for size, unit in ((86_400 * 365, "y"), (86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return "now"
