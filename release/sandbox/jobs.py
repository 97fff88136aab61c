"""A workflow's run: its jobs in the order of their needs, their steps run for real on this machine."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from release import expression_values as values
from release.expressions import STATUS, Undecided, Unsupported, condition, interpolate
from release.sandbox.joblog import Log, now
from release.sandbox.machine import Machine, deep_value
from release.sandbox.matrix import combinations, display_name
from release.sandbox.steps import run_job
from release.sandbox.triggers import input_values
from release.sandbox.workflow import InvalidWorkflow, Workflow, parse_workflow

__all__ = ["InvalidWorkflow", "Job", "Step", "Workflow", "WorkflowRun", "parse_workflow"]

# How many jobs run at once, of all runs together; the others are queued.
_RUNNERS = threading.BoundedSemaphore(2)
_LOOK = 0.05  # seconds between looks at whether a queued job is cancelled
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


@dataclass
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


@dataclass
class WorkflowRun:
    """A run of a workflow at one commit; `context` may hold `github`, `vars` and `secrets`."""

    workflow: Workflow
    repository: Path
    sha: str
    ref: str
    event: str
    inputs: dict[str, Any]
    env: dict[str, str]
    folder: Path
    context: dict[str, Any] = field(default_factory=dict)
    status: str = field(default="queued", init=False)
    conclusion: str | None = field(default=None, init=False)
    attempt: int = field(default=1, init=False)
    created_at: datetime = field(default_factory=now, init=False)
    updated_at: datetime = field(default_factory=now, init=False)
    artifacts: dict[str, Path] = field(default_factory=dict, init=False)
    earlier: list[list[Job]] = field(default_factory=list, init=False)
    _groups: dict[str, list[Job]] = field(default_factory=dict, init=False)
    _kept: dict[str, list[Job]] = field(default_factory=dict, init=False)
    _cancelled: bool = field(default=False, init=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False)
    _done: threading.Event = field(default_factory=threading.Event, init=False)

    @property
    def jobs(self) -> list[Job]:
        """The jobs of this attempt so far; as on GitHub a job appears once its needs are met."""
        with self._lock:
            return [job for group in self._groups.values() for job in group]

    def start(self) -> None:
        """Begin; the jobs run in threads."""
        with self._lock:
            self._advance()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the run is completed; false when the time (seconds) ran out."""
        return self._done.wait(timeout)

    def cancel(self) -> None:
        """End the run early; steps that run on regardless, such as always(), are ended by a second call."""
        with self._lock:
            for job in self.jobs:
                job.cancelled.set()
                if self._cancelled:
                    job.killed.set()
            self._cancelled = True

    def rerun_failed(self) -> None:
        """Begin another attempt: the jobs that failed or were cancelled, and those that need them.

        Raises `ValueError` while the run is not completed.
        """
        with self._lock:
            failed = {key for key in self._groups if self._result(key) in ("failure", "cancelled")}
            keys = {key for key in self._groups if ({key} | self.workflow.ancestors(key)) & failed}
            # Of a matrix only what failed runs again, unless something before it does.
            first = {key for key in keys if not keys & self.workflow.ancestors(key)}
            kept = {key: [job for job in self._groups[key] if job.result == "success"] for key in first}
            self._begin_again(keys, kept)

    def rerun(self) -> None:
        """Begin another attempt with all jobs; raises `ValueError` while the run is not completed."""
        with self._lock:
            self._begin_again(set(self._groups), {})

    def _begin_again(self, keys: set[str], kept: dict[str, list[Job]]) -> None:
        if self.status != "completed":
            raise ValueError("The workflow run is already running")
        self.earlier.append(self.jobs)
        for key in keys:
            del self._groups[key]
        self._kept = kept
        self.attempt += 1
        self._cancelled = False
        self._done.clear()
        self.status, self.conclusion = "queued", None
        self._advance()

    def _result(self, key: str) -> str:
        group = self._groups.get(key)
        if group is None or any(job.status != "completed" for job in group):
            return ""
        found = {job.result for job in group}
        return next((word for word in ("failure", "cancelled", "success") if word in found), "skipped")

    def _advance(self) -> None:
        while ready := [
            key
            for key in self.workflow.jobs
            if key not in self._groups and all(map(self._result, self.workflow.needs(key)))
        ]:
            for key in ready:
                self._begin(key)
        self.updated_at = now()
        results = [self._result(key) for key in self.workflow.jobs]
        if all(results):
            self.conclusion = self._conclusion(results)
            self.status = "completed"
            self._done.set()

    def _conclusion(self, results: list[str]) -> str:
        order = ("cancelled", "failure") if self._cancelled else ("failure", "cancelled")
        return next((word for word in (*order, "success") if word in results), "skipped")

    def _begin(self, key: str) -> None:
        spec = self.workflow.jobs[key]
        try:
            context = self.contexts(key)
            if not condition(values.text(spec.get("if")), context):
                self._groups[key] = [self._unrun(key, "skipped")]
                return
            strategy = spec.get("strategy") or {}
            found = combinations(deep_value(strategy.get("matrix"), context))
            limit = values.number(deep_value(strategy.get("max-parallel", len(found)), context))
            jobs = [self._job(key, matrix, context) for matrix in found]
        except (Undecided, Unsupported) as error:
            self._groups[key] = [self._unrun(key, "failure", f"##[error]jobs.{key}: {error}")]
            return
        kept = self._kept.pop(key, [])
        same = {id(job): next((one for one in kept if one.matrix == job.matrix), None) for job in jobs}
        self._groups[key] = [same[id(job)] or job for job in jobs]
        places = threading.Semaphore(max(1, int(limit)))
        for job in jobs:
            if same[id(job)] is None:
                threading.Thread(target=self._run, args=(job, places), name=job.name, daemon=True).start()

    def _unrun(self, key: str, conclusion: str, said: str = "") -> Job:
        job = Job(key, values.text(self.workflow.jobs[key].get("name")) or key, self.workflow.jobs[key])
        job.attempt = self.attempt
        if said:
            Log(job, ()).write(said)
        job.conclude(conclusion)
        return job

    def _job(self, key: str, matrix: dict[str, Any], context: dict[str, Any]) -> Job:
        spec = self.workflow.jobs[key]
        context = context | {"matrix": matrix}
        given = values.text(spec.get("name"))
        name = interpolate(given, context) if "${{" in given else display_name(given or key, matrix)
        tolerated = values.truth(deep_value(spec.get("continue-on-error"), context))
        names = ["Set up job", *map(_step_name, spec.get("steps") or ()), "Complete job"]
        steps = [Step(name, number) for number, name in enumerate(names, 1)]
        return Job(key, name, spec, matrix, self.attempt, steps=steps, tolerated=tolerated)

    def _run(self, job: Job, places: threading.Semaphore) -> None:
        conclusion = "failure"
        try:
            with contextlib.ExitStack() as held:
                conclusion = self._run_held(job, places, held)
        finally:
            with self._lock:
                job.conclude(conclusion)
                self._stop_others(job)
                self._advance()

    def _run_held(self, job: Job, places: threading.Semaphore, held: contextlib.ExitStack) -> str:
        for place in (places, _RUNNERS):
            while not place.acquire(timeout=_LOOK):
                if job.cancelled.is_set():
                    return "cancelled"
            held.callback(place.release)
        if job.cancelled.is_set():
            return "cancelled"
        job.started_at = now()
        job.status = self.status = "in_progress"
        return run_job(Machine(self, job))

    def _stop_others(self, job: Job) -> None:
        strategy = job.spec.get("strategy") or {}
        if job.result == "failure" and strategy.get("fail-fast", True) is not False:
            for other in self._groups[job.key]:
                other.cancelled.set()

    def contexts(self, key: str) -> dict[str, Any]:
        """Give the contexts that a job's own keys are evaluated in."""
        needs = {need: self._need(need) for need in self.workflow.needs(key)}
        results = {self._result(ancestor) for ancestor in self.workflow.ancestors(key)}
        status = next((word for word in ("failure", "cancelled", "skipped") if word in results), "success")
        return {
            "github": self._github(),
            "inputs": self._inputs(),
            "needs": needs,
            "vars": self.context.get("vars", {}),
            STATUS: "cancelled" if self._cancelled else status,
        }

    def job_contexts(self, job: Job) -> dict[str, Any]:
        """Give the contexts that a job's steps are evaluated in, those of its machine left out."""
        group = self._groups[job.key]
        strategy = {"job-index": group.index(job), "job-total": len(group)}
        given = {"matrix": job.matrix, "strategy": strategy, "secrets": self.context.get("secrets", {})}
        return self.contexts(job.key) | given

    def _need(self, key: str) -> dict[str, Any]:
        outputs: dict[str, str] = {}
        for job in self._groups[key]:
            outputs |= {name: value for name, value in job.outputs.items() if value or name not in outputs}
        return {"result": self._result(key), "outputs": outputs}

    def _inputs(self) -> dict[str, Any]:
        return input_values(self.workflow, self.inputs) if self.event == "workflow_dispatch" else {}

    def _github(self) -> dict[str, Any]:
        given: Mapping[str, Any] = self.context.get("github", {})
        texts = {name: values.text(value) for name, value in self._inputs().items()}
        event = {"inputs": texts, "ref": self.ref, "workflow": self.workflow.path} if texts else {"ref": self.ref}
        repository = str(given.get("repository", ""))
        own = {
            "event_name": self.event,
            "event": event,
            "ref": self.ref,
            "ref_name": self.ref.split("/", 2)[-1],
            "ref_type": "tag" if self.ref.startswith("refs/tags/") else "branch",
            "sha": self.sha,
            "repository_owner": repository.partition("/")[0],
            "workflow": self.workflow.name,
            "workflow_ref": f"{repository}/{self.workflow.path}@{self.ref}",
            "workflow_sha": self.sha,
            "token": self.context.get("secrets", {}).get("GITHUB_TOKEN", ""),
        }
        return {**own, **given, "run_attempt": str(self.attempt)}


def _step_name(spec: Mapping[str, Any]) -> str:
    if name := spec.get("name"):
        return str(name)
    lines = str(spec.get("run") or spec.get("uses")).strip().splitlines() or [""]
    return f"Run {lines[0]}"
