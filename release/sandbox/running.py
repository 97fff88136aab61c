"""A workflow run as the server sees it: what starts it, and what runs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from .records import now

if TYPE_CHECKING:
    pass


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
