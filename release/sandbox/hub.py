"""What the sandbox's GitHub remembers beside the bare repository: pull requests, runs, releases, rules."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from .bare import Bare

if TYPE_CHECKING:
    from .rules import Ruleset

Json = dict[str, Any]
OWNER_LOGIN = "releaser"
BOT_LOGIN = "github-actions[bot]"


def now() -> datetime:
    """Read the clock, in UTC."""
    return datetime.now(timezone.utc)


class StepLike(Protocol):
    """A step of a job, as the runner keeps it."""

    name: str
    number: int
    status: str
    conclusion: str | None
    started_at: datetime | None
    completed_at: datetime | None


class JobLike(Protocol):
    """A job of a run, as the runner keeps it."""

    name: str
    status: str
    conclusion: str | None
    started_at: datetime | None
    completed_at: datetime | None
    log: str

    @property
    def steps(self) -> Sequence[StepLike]:
        """The steps, in order."""


class RunLike(Protocol):
    """What runs a workflow: `jobs.WorkflowRun`, or a test's stand-in."""

    status: str
    conclusion: str | None
    attempt: int

    @property
    def jobs(self) -> Sequence[JobLike]:
        """The jobs of the current attempt."""

    @property
    def artifacts(self) -> Mapping[str, Path]:
        """The artifacts' archives by name."""

    def start(self) -> None:
        """Begin, in a thread of its own."""

    def cancel(self) -> None:
        """End early."""

    def rerun_failed(self) -> None:
        """Begin another attempt with what failed."""

    def rerun(self) -> None:
        """Begin another attempt with everything."""


@dataclass(frozen=True)
class Start:
    """What a run is started with."""

    text: str
    path: str
    sha: str
    ref: str
    event: str
    inputs: dict[str, Any]
    actor: str
    id: int
    number: int


@dataclass
class Run:
    """A workflow run: what started it, and what runs it."""

    start: Start
    name: str
    workflow_id: int
    work: RunLike
    created_at: datetime = field(default_factory=now)
    earlier: list[tuple[str | None, Sequence[JobLike]]] = field(default_factory=list)
    again_at: datetime | None = None

    @property
    def id(self) -> int:
        """The run's number on the whole server."""
        return self.start.id

    @property
    def ref_name(self) -> str:
        """The branch or tag without its prefix."""
        return self.start.ref.split("/", 2)[-1]


@dataclass
class Pull:
    """A pull request; its commits are in the repository."""

    number: int
    title: str
    body: str
    user: str
    head: str
    base: str
    head_sha: str
    base_sha: str
    draft: bool = False
    state: str = "open"
    created_at: datetime = field(default_factory=now)
    updated_at: datetime = field(default_factory=now)
    closed_at: datetime | None = None
    merged_at: datetime | None = None
    merged_by: str = ""
    merge_sha: str = ""
    labels: list[str] = field(default_factory=list)
    reviews: list[Json] = field(default_factory=list)
    asked: set[tuple[str, str]] = field(default_factory=set)


@dataclass
class Asset:
    """A file of a release."""

    id: int
    name: str
    content: bytes
    content_type: str
    label: str = ""
    created_at: datetime = field(default_factory=now)


@dataclass
class Release:
    """A GitHub Release."""

    id: int
    tag: str
    target: str
    name: str
    body: str
    draft: bool
    prerelease: bool
    author: str
    created_at: datetime = field(default_factory=now)
    published_at: datetime | None = None
    assets: list[Asset] = field(default_factory=list)


@dataclass
class Settings:
    """What an administrator can set on the repository."""

    allow_merge_commit: bool = True
    allow_squash_merge: bool = True
    allow_rebase_merge: bool = True
    delete_branch_on_merge: bool = False
    default_branch: str = "main"
    private: bool = True
    immutable_releases: bool = False
    # How a dispatch that asks for the run's id is answered: "details", "none" (204) or "reject" (422).
    dispatch_answer: str = "details"


@dataclass(frozen=True)
class Token:
    """Who a token belongs to, and what it may do."""

    login: str = OWNER_LOGIN
    push: bool = True
    scopes: str = "repo, workflow"
    # Events made with the token of a workflow start no workflows, dispatches excepted (F14).
    starts: bool = True


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
