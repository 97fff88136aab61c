"""A workflow's run: its jobs in the order of their needs, their steps run for real on this machine."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, cast

from release.sandbox.runner.calls import call_inputs, call_secrets, called_workflow
from release.sandbox.runner.job import Job, Log, new_job, now, shown_name, unrun_job
from release.sandbox.runner.machine import Machine
from release.sandbox.runner.state import Call, RunState, job_contexts
from release.sandbox.runner.steps import run_job
from release.sandbox.runner.workflow import Combination, combinations, deep_value
from release.workflows import expressions

# How many jobs run at once, of all runs together; the others are queued.
_RUNNERS = threading.BoundedSemaphore(2)
_LOOK = 0.05  # seconds between looks at whether a queued job is cancelled


@dataclass
class WorkflowRun(RunState):
    """A run of a workflow at one commit, from `start` to its last job.

    `run_steps` does the steps of one job on its machine and returns its conclusion.
    """

    run_steps: Callable[[Machine], str] = field(default=run_job, kw_only=True)
    ended: Callable[[], None] = field(default=lambda: None, kw_only=True)  # the caller goes on
    _kept: dict[str, list[Job | Call]] = field(default_factory=dict, init=False)
    _done: threading.Event = field(default_factory=threading.Event, init=False)

    def start(self) -> None:
        """Begin; the jobs run in threads."""
        with self.lock:
            self._advance()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the run is completed; false when the time (seconds) ran out."""
        return self._done.wait(timeout)

    def rerun_failed(self) -> None:
        """Begin another attempt: the jobs that failed or were cancelled, and those that need them.

        Raises `ValueError` while the run is not completed.
        """
        with self.lock:
            failed = {key for key in self.groups if self.result(key) in ("failure", "cancelled")}
            keys = {key for key in self.groups if ({key} | self.workflow.ancestors(key)) & failed}
            # Of a matrix only what failed runs again, unless something before it does.
            first = {key for key in keys if not keys & self.workflow.ancestors(key)}
            kept = {
                key: [unit for unit in self.groups[key] if unit.result == "success" or isinstance(unit, Call)]
                for key in first
            }
            self._begin_again(keys, kept)

    def rerun(self) -> None:
        """Begin another attempt with all jobs; raises `ValueError` while the run is not completed."""
        with self.lock:
            self._begin_again(set(self.groups), {})

    def _begin_again(self, keys: set[str], kept: dict[str, list[Job | Call]]) -> None:
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
        while key := next(filter(self._is_ready, self.workflow.jobs), ""):
            self._begin(key)
        results = [self.result(key) for key in self.workflow.jobs]
        if all(results):
            self.conclusion = self._conclusion(results)
            self.status = "completed"
            self._done.set()
            self.ended()

    def _is_ready(self, key: str) -> bool:
        return key not in self.groups and all(map(self.result, self.workflow.needs(key)))

    def _conclusion(self, results: list[str]) -> str:
        order = ("cancelled", "failure") if self.is_cancelled else ("failure", "cancelled")
        return next((word for word in (*order, "success") if word in results), "skipped")

    def _begin(self, key: str) -> None:
        spec = self.workflow.jobs[key]
        try:
            context = self.contexts(key)
            if not self.is_wanted(key, context):
                self.groups[key] = [self._named(unrun_job(key, spec, "skipped"))]
                return
            strategy = self.value(spec.get("strategy") or {}, context)
            units = [self._unit(key, found, context) for found in combinations(strategy.get("matrix"))]
        except (expressions.Undecided, expressions.Unsupported) as error:
            self.groups[key] = [self._named(unrun_job(key, spec, "failure", f"##[error]jobs.{key}: {error}"))]
            return
        limit = expressions.number(strategy.get("max-parallel", len(units)))
        self._begin_units(key, units, max(1, int(limit)))

    def contexts(self, key: str) -> dict[str, Any]:
        """Give what a job's own keys are evaluated in."""
        return job_contexts(self, key)

    def is_wanted(self, key: str, context: Mapping[str, Any]) -> bool:
        """Judge a job's `if:`."""
        return expressions.condition(expressions.text(self.workflow.jobs[key].get("if")), context)

    def value(self, value: Any, context: Mapping[str, Any]) -> Any:
        """Evaluate the expressions in one of a job's own keys."""
        return deep_value(value, context)

    def _unit(self, key: str, found: tuple[Combination, Combination], context: Mapping[str, Any]) -> Job | Call:
        spec = self.workflow.jobs[key]
        self.permissions(key)  # a job that wants too much does not begin
        return self._call(key, found, context) if "uses" in spec else self._named(new_job(key, spec, found, context))

    def _named(self, job: Job) -> Job:
        job.name = f"{self.prefix}{job.name}"
        return job

    def _call(self, key: str, found: tuple[Combination, Combination], context: Mapping[str, Any]) -> Call:
        """Make the run of a called workflow, within this one."""
        spec, matrix = self.workflow.jobs[key], found[0] | found[1]
        allowed = self.permissions(key)
        workflow, sha = called_workflow(self, str(spec["uses"]))
        secrets = type(self.context.get("secrets", {}))(self.secrets(key))
        seen = {**context, "matrix": matrix, "secrets": secrets}
        run = replace(
            self,
            workflow=workflow,
            file_sha=sha,
            inputs=call_inputs(workflow, self.value(spec.get("with") or {}, seen), context),
            context={**self.context, "secrets": call_secrets(workflow, self.value(spec.get("secrets"), seen), secrets)},
            caller=self,
            grants=replace(self.grants, most=allowed),
            prefix=f"{self.prefix}{shown_name(key, spec, found[0], seen)} / ",
        )
        call = Call(run, spec, matrix)
        run.ended = partial(self._end, key, call)
        return call

    def _begin_units(self, key: str, units: list[Job | Call], limit: int) -> None:
        kept = self._kept.pop(key, [])
        group = [next((one for one in kept if one.matrix == unit.matrix), unit) for unit in units]
        self.groups[key] = group
        places = threading.Semaphore(limit)
        calls = [unit for unit in group if isinstance(unit, Call) and unit.result != "success"]
        for call in calls:
            call.is_begun = False
        for call in calls[:limit]:
            _begin_call(call)
        for job in (unit for unit in group if isinstance(unit, Job) and unit not in kept):
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
                self._end(job.key, job)

    def _run_held(self, job: Job, places: threading.Semaphore, held: contextlib.ExitStack) -> str:
        for place in (places, _RUNNERS):
            while not place.acquire(timeout=_LOOK):
                if job.cancelled.is_set():
                    return "cancelled"
            held.callback(place.release)
        if job.cancelled.is_set():
            return "cancelled"
        job.started_at = now()
        job.status = "in_progress"
        run: RunState | None = self
        while run:
            run.status, run = "in_progress", run.caller
        return self.run_steps(Machine(self, job))

    def _end(self, key: str, unit: Job | Call) -> None:
        """Go on after a job, or a called workflow, that is over."""
        group = self.groups[key]
        strategy = unit.spec.get("strategy") or {}
        if unit.result == "failure" and strategy.get("fail-fast", True) is not False:
            for other in group:
                other.cancel(by_force=False)
        if waiting := next((one for one in group if isinstance(one, Call) and not one.is_begun), None):
            _begin_call(waiting)
        self._advance()


def _begin_call(call: Call) -> None:
    """Begin the called workflow, or again what failed of it."""
    call.is_begun = True
    run = cast(WorkflowRun, call.run)
    if run.status == "completed":
        run.rerun_failed()
    else:
        run.start()
