"""Runs that follow a script instead of running steps: for tests of what surrounds a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from release.sandbox.github.state import Hub
from release.sandbox.runner import Start
from release.sandbox.runner.job import Step


@dataclass
class Job:
    name: str
    status: str = "queued"
    conclusion: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    log: str = ""
    steps: list[Step] = field(default_factory=list)

    def begin(self) -> None:
        self.status, self.started_at = "in_progress", datetime.now(timezone.utc)
        self.steps = [Step("Run the job", 1, "in_progress", None, self.started_at)]

    def end(self, conclusion: str) -> None:
        moment = datetime.now(timezone.utc)
        self.status, self.conclusion, self.started_at, self.completed_at = "completed", conclusion, moment, moment
        self.steps = [Step("Run the job", 1, "completed", conclusion, moment, moment)]
        self.log = f"{self.name}: {conclusion}\n"


class ScriptedRun:
    """A run whose jobs end as told: at once with `ends`, else when the test calls `end`."""

    def __init__(self, conclusions: Mapping[str, str], ends: bool = True) -> None:
        self.conclusions = dict(conclusions)
        self.ends = ends
        self.status = "queued"
        self.conclusion: str | None = None
        self.attempt = 1
        self.jobs: list[Job] = []
        self.artifacts: dict[str, Path] = {}

    def start(self) -> None:
        self.jobs = [Job(name) for name in self.conclusions]
        if self.ends:
            self.end()

    def begin(self) -> None:
        self.status = "in_progress"
        for job in self.jobs:
            job.begin()

    def end(self, conclusion: str = "") -> None:
        for job in self.jobs:
            job.end(conclusion or self.conclusions[job.name])
        passed = {job.conclusion for job in self.jobs} <= {"success", "skipped"}
        self.status, self.conclusion = "completed", conclusion or ("success" if passed else "failure")

    def cancel(self) -> None:
        self.end("cancelled")

    def rerun_failed(self) -> None:
        self.rerun()

    def rerun(self) -> None:
        self.attempt += 1
        self.status, self.conclusion = "queued", None
        self.start()


def scripted(ends: bool = True, **conclusions: str) -> Callable[[Hub, Start], ScriptedRun]:
    """Make a runner: `scripted(build="success", test="failure")`."""
    return lambda hub, start: ScriptedRun(conclusions or {"build": "success"}, ends)
