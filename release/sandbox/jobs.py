"""A workflow's run: its jobs in the order of their needs, their steps run for real on this machine."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from release.sandbox.contexts import job_contexts
from release.sandbox.job import Job, Step, new_job, unrun_job
from release.sandbox.joblog import Log, now
from release.sandbox.machine import Machine, deep_value
from release.sandbox.matrix import combinations
from release.sandbox.steps import run_job
from release.sandbox.workflow import InvalidWorkflow, Workflow, parse_workflow
from release.workflows import expressions

__all__ = ["InvalidWorkflow", "Job", "Step", "Workflow", "WorkflowRun", "parse_workflow"]

# How many jobs run at once, of all runs together; the others are queued.
_RUNNERS = threading.BoundedSemaphore(2)
_LOOK = 0.05  # seconds between looks at whether a queued job is cancelled


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
    is_cancelled: bool = field(default=False, init=False)
    _groups: dict[str, list[Job]] = field(default_factory=dict, init=False)
    _kept: dict[str, list[Job]] = field(default_factory=dict, init=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False)
    _done: threading.Event = field(default_factory=threading.Event, init=False)

    @property
    def jobs(self) -> list[Job]:
        """The jobs of this attempt so far; as on GitHub a job appears once its needs are met."""
        with self._lock:
            return [job for group in self._groups.values() for job in group]

    def group(self, key: str) -> list[Job]:
        """List the jobs that one job of the file has become: one, or those of its matrix."""
        return self._groups[key]

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
                if self.is_cancelled:
                    job.killed.set()
            self.is_cancelled = True

    def rerun_failed(self) -> None:
        """Begin another attempt: the jobs that failed or were cancelled, and those that need them.

        Raises `ValueError` while the run is not completed.
        """
        with self._lock:
            failed = {key for key in self._groups if self.result(key) in ("failure", "cancelled")}
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
        self.is_cancelled = False
        self._done.clear()
        self.status, self.conclusion = "queued", None
        self._advance()

    def result(self, key: str) -> str:
        """Say how a job and all of its matrix ended; nothing while it has not."""
        group = self._groups.get(key)
        if group is None or any(job.status != "completed" for job in group):
            return ""
        found = {job.result for job in group}
        return next((word for word in ("failure", "cancelled", "success") if word in found), "skipped")

    def _advance(self) -> None:
        while ready := [
            key
            for key in self.workflow.jobs
            if key not in self._groups and all(map(self.result, self.workflow.needs(key)))
        ]:
            for key in ready:
                self._begin(key)
        self.updated_at = now()
        results = [self.result(key) for key in self.workflow.jobs]
        if all(results):
            self.conclusion = self._conclusion(results)
            self.status = "completed"
            self._done.set()

    def _conclusion(self, results: list[str]) -> str:
        order = ("cancelled", "failure") if self.is_cancelled else ("failure", "cancelled")
        return next((word for word in (*order, "success") if word in results), "skipped")

    def _begin(self, key: str) -> None:
        spec = self.workflow.jobs[key]
        try:
            context = job_contexts(self, key)
            if not expressions.condition(expressions.text(spec.get("if")), context):
                self._groups[key] = [unrun_job(key, spec, "skipped")]
                return
            strategy = deep_value(spec.get("strategy") or {}, context)
            jobs = [new_job(key, spec, matrix, context) for matrix in combinations(strategy.get("matrix"))]
        except (expressions.Undecided, expressions.Unsupported) as error:
            self._groups[key] = [unrun_job(key, spec, "failure", f"##[error]jobs.{key}: {error}")]
            return
        limit = expressions.number(strategy.get("max-parallel", len(jobs)))
        self._begin_jobs(key, jobs, threading.Semaphore(max(1, int(limit))))

    def _begin_jobs(self, key: str, jobs: list[Job], places: threading.Semaphore) -> None:
        kept = self._kept.pop(key, [])
        group = [next((one for one in kept if one.matrix == job.matrix), job) for job in jobs]
        self._groups[key] = group
        for job in (job for job in group if job not in kept):
            job.attempt = self.attempt
            threading.Thread(target=self._run, args=(job, places), name=job.name, daemon=True).start()

    def _run(self, job: Job, places: threading.Semaphore) -> None:
        conclusion = "failure"
        try:
            with contextlib.ExitStack() as held:
                conclusion = self._run_held(job, places, held)
        except Exception as error:
            Log(job, ()).write(f"##[error]The sandbox's runner broke: {error!r}")
            raise
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
