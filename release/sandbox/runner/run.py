"""A workflow's run: its jobs in the order of their needs, their steps run for real on this machine."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, field

from release.sandbox.runner.job import Job, Log, RunState, job_contexts, new_job, now, unrun_job
from release.sandbox.runner.machine import Machine
from release.sandbox.runner.steps import run_job
from release.sandbox.runner.workflow import combinations, deep_value
from release.workflows import expressions

# How many jobs run at once, of all runs together; the others are queued.
_RUNNERS = threading.BoundedSemaphore(2)
_LOOK = 0.05  # seconds between looks at whether a queued job is cancelled


@dataclass
class WorkflowRun(RunState):
    """A run of a workflow at one commit, from `start` to its last job."""

    _kept: dict[str, list[Job]] = field(default_factory=dict, init=False)
    _done: threading.Event = field(default_factory=threading.Event, init=False)

    def start(self) -> None:
        """Begin; the jobs run in threads."""
        with self.lock:
            self._advance()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the run is completed; false when the time (seconds) ran out."""
        return self._done.wait(timeout)

    def cancel(self) -> None:
        """End the run early; steps that run on regardless, such as always(), are ended by a second call."""
        with self.lock:
            for job in self.jobs:
                job.cancelled.set()
                if self.is_cancelled:
                    job.killed.set()
            self.is_cancelled = True

    def rerun_failed(self) -> None:
        """Begin another attempt: the jobs that failed or were cancelled, and those that need them.

        Raises `ValueError` while the run is not completed.
        """
        with self.lock:
            failed = {key for key in self.groups if self.result(key) in ("failure", "cancelled")}
            keys = {key for key in self.groups if ({key} | self.workflow.ancestors(key)) & failed}
            # Of a matrix only what failed runs again, unless something before it does.
            first = {key for key in keys if not keys & self.workflow.ancestors(key)}
            kept = {key: [job for job in self.groups[key] if job.result == "success"] for key in first}
            self._begin_again(keys, kept)

    def rerun(self) -> None:
        """Begin another attempt with all jobs; raises `ValueError` while the run is not completed."""
        with self.lock:
            self._begin_again(set(self.groups), {})

    def _begin_again(self, keys: set[str], kept: dict[str, list[Job]]) -> None:
        if self.status != "completed":
            raise ValueError("The workflow run is already running")
        for key in keys:
            del self.groups[key]
        self._kept = kept
        self.attempt += 1
        self.is_cancelled = False
        self._done.clear()
        self.status, self.conclusion = "queued", None
        self._advance()

    def _advance(self) -> None:
        while ready := [
            key
            for key in self.workflow.jobs
            if key not in self.groups and all(map(self.result, self.workflow.needs(key)))
        ]:
            for key in ready:
                self._begin(key)
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
                self.groups[key] = [unrun_job(key, spec, "skipped")]
                return
            strategy = deep_value(spec.get("strategy") or {}, context)
            jobs = [new_job(key, spec, found, context) for found in combinations(strategy.get("matrix"))]
        except (expressions.Undecided, expressions.Unsupported) as error:
            self.groups[key] = [unrun_job(key, spec, "failure", f"##[error]jobs.{key}: {error}")]
            return
        limit = expressions.number(strategy.get("max-parallel", len(jobs)))
        self._begin_jobs(key, jobs, threading.Semaphore(max(1, int(limit))))

    def _begin_jobs(self, key: str, jobs: list[Job], places: threading.Semaphore) -> None:
        kept = self._kept.pop(key, [])
        group = [next((one for one in kept if one.matrix == job.matrix), job) for job in jobs]
        self.groups[key] = group
        for job in (job for job in group if job not in kept):
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
            with self.lock:
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
            for other in self.groups[job.key]:
                other.cancelled.set()
