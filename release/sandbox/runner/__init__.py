"""Running a workflow's steps for real: what a run is started with, and what it offers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from release.sandbox.runner.confinement import check_confinement, run_confined_job
from release.sandbox.runner.environments import Deployment, Environment, Review
from release.sandbox.runner.gates import Gates
from release.sandbox.runner.machine import Machine
from release.sandbox.runner.run import WorkflowRun
from release.sandbox.runner.steps import run_job
from release.sandbox.runner.workflow import InvalidWorkflow, Workflow, input_values, parse_workflow

__all__ = [
    "Deployment",
    "Environment",
    "Gates",
    "InvalidWorkflow",
    "JobLike",
    "Machine",
    "Review",
    "RunLike",
    "Start",
    "StepLike",
    "Workflow",
    "check_confinement",
    "input_values",
    "new_run",
    "parse_workflow",
    "run_confined_job",
    "run_job",
]


class StepLike(Protocol):
    """A step of a job, as the runner keeps it."""

    name: str
    number: int
    status: str
    conclusion: str | None
    started_at: datetime | None
    completed_at: datetime | None
    log: str


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
    """What runs a workflow: `run.WorkflowRun`, or a test's stand-in."""

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
    payload: dict[str, Any] = field(default_factory=dict)  # of the event, beside what a run knows itself


def new_run(
    start: Start,
    repository: Path,
    folder: Path,
    env: Mapping[str, str],
    context: Mapping[str, Any],
    *,
    run_steps: Callable[[Machine], str] = run_job,
    gates: Gates | None = None,
) -> RunLike:
    """Make a run of a workflow; `context` may hold `github`, `vars` and `secrets`.

    `run_steps` does the steps of one job on its machine and returns its conclusion: by default it really runs
    them, as they are; `run_confined_job` sets each apart, where `check_confinement` finds that this machine can.
    """
    folder.mkdir(parents=True)
    run: RunLike = WorkflowRun(
        parse_workflow(start.text, start.path),
        repository=repository,
        sha=start.sha,
        ref=start.ref,
        event=start.event,
        inputs=start.inputs,
        env=dict(env),
        folder=folder,
        context={**context, "event": start.payload},
        run_steps=run_steps,
        gates=gates or Gates(),
    )
    return run
