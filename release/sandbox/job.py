"""A job and its steps, as GitHub shows them."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from release.sandbox.joblog import Log, now
from release.sandbox.machine import deep_value
from release.sandbox.matrix import display_name
from release.workflows import expressions

_ids = itertools.count(30_000_000_001)


@dataclass
class Step:
    """A step as GitHub shows it."""

    name: str
    number: int
    status: str = "queued"
    conclusion: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    log: str = ""
    summary: str = ""


@dataclass(eq=False)
class Job:
    """A job as GitHub shows it; `spec` is what the file says."""

    key: str
    name: str
    spec: dict[str, Any]
    matrix: dict[str, Any] = field(default_factory=dict)
    attempt: int = 1
    id: int = field(default_factory=lambda: next(_ids))
    status: str = "queued"
    conclusion: str | None = None
    created_at: datetime = field(default_factory=now)
    started_at: datetime | None = None
    completed_at: datetime | None = None
    steps: list[Step] = field(default_factory=list)
    log: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    tolerated: bool = False
    cancelled: threading.Event = field(default_factory=threading.Event, repr=False)
    killed: threading.Event = field(default_factory=threading.Event, repr=False)

    def conclude(self, conclusion: str) -> None:
        """End the job; whoever sees it completed sees its conclusion too."""
        self.started_at = self.started_at or now()
        self.completed_at = now()
        self.conclusion = conclusion
        self.status = "completed"

    @property
    def result(self) -> str:
        """How it ended, as other jobs see it: one that may fail counts as a success."""
        return "success" if self.tolerated and self.conclusion == "failure" else self.conclusion or ""


def new_job(key: str, spec: dict[str, Any], matrix: dict[str, Any], context: Mapping[str, Any]) -> Job:
    """Make a queued job for one combination of its matrix, named as GitHub names it."""
    context = {**context, "matrix": matrix}
    given = expressions.text(spec.get("name"))
    name = expressions.interpolate(given, context) if "${{" in given else display_name(given or key, matrix)
    tolerated = expressions.truth(deep_value(spec.get("continue-on-error"), context))
    names = ["Set up job", *map(_step_name, spec.get("steps") or ()), "Complete job"]
    steps = [Step(name, number) for number, name in enumerate(names, 1)]
    return Job(key, name, spec, matrix, steps=steps, tolerated=tolerated)


def unrun_job(key: str, spec: dict[str, Any], conclusion: str, said: str = "") -> Job:
    """Make a job that is over before it began: skipped, or one that cannot be read."""
    job = Job(key, expressions.text(spec.get("name")) or key, spec)
    if said:
        Log(job, ()).write(said)
    job.conclude(conclusion)
    return job


def _step_name(spec: Mapping[str, Any]) -> str:
    if name := spec.get("name"):
        return str(name)
    lines = str(spec.get("run") or spec.get("uses")).strip().splitlines() or [""]
    return f"Run {lines[0]}"
