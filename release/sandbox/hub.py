"""What the sandbox's GitHub remembers beside the bare repository."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

from .bare import Bare
from .records import Json, Pull, Release, Settings, Token
from .running import Run, RunLike, Start

if TYPE_CHECKING:
    from .rules import Ruleset


@dataclass
class Hub:
    """The whole state of one server with one repository."""

    owner: str
    name: str
    bare: Bare
    folder: Path
    runner: Callable[[Hub, Start], RunLike]
    url: str = ""
    settings: Settings = field(default_factory=Settings)
    tokens: dict[str, Token] = field(default_factory=dict)
    job_environment: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    pulls: dict[int, Pull] = field(default_factory=dict)
    runs: dict[int, Run] = field(default_factory=dict)
    releases: dict[int, Release] = field(default_factory=dict)
    statuses: list[Json] = field(default_factory=list)
    checks: list[Json] = field(default_factory=list)
    rulesets: list[Ruleset] = field(default_factory=list)
    known_refs: dict[str, str] = field(default_factory=dict)
    job_ids: dict[tuple[int, int, str], int] = field(default_factory=dict)
    workflow_ids: dict[str, int] = field(default_factory=dict)
    blobs: dict[str, tuple[float, bytes, str]] = field(default_factory=dict)
    leaks: list[str] = field(default_factory=list)
    used: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1_001))
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def full_name(self) -> str:
        """`owner/name`, as in GITHUB_REPOSITORY."""
        return f"{self.owner}/{self.name}"

    @property
    def api(self) -> str:
        """The address below which the repository's resources are."""
        return f"{self.url}/api/v3/repos/{self.full_name}"

    @property
    def html(self) -> str:
        """The address people would open."""
        return f"{self.url}/{self.full_name}"

    def next_id(self) -> int:
        """Take the next number for an object of any kind."""
        return next(self._ids)

    def next_number(self) -> int:
        """Take the next number of a pull request."""
        return next(self._numbers)

    def head(self, branch: str) -> str | None:
        """Find the commit of a branch."""
        return self.bare.sha(f"refs/heads/{branch}")


def hub() -> Hub:
    """Find the state that belongs to the request being answered."""
    from flask import current_app

    return cast(Hub, current_app.extensions["hub"])
