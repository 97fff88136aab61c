"""A workflow's run: its jobs in the order of their needs, their steps run for real on this machine."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, cast

from release.sandbox.runner.calls import call_inputs, call_secrets, called_workflow, check_grants
from release.sandbox.runner.concurrency import DEADLOCK, Member, member_facts
from release.sandbox.runner.job import Job, Log, new_job, now, shown_name, unrun_job
from release.sandbox.runner.machine import Machine
from release.sandbox.runner.state import Call, RunState, job_contexts, run_contexts
from release.sandbox.runner.steps import run_job
from release.sandbox.runner.waits import LOOK, Wanted, enter_group, pass_gates
from release.sandbox.runner.workflow import Combination, combinations, deep_value
from release.workflows import expressions

# How many jobs run at once, of all runs together; the others are queued.
_RUNNERS = threading.BoundedSemaphore(2)


@dataclass
class WorkflowRun(RunState):
    """A run of a workflow at one commit, from `start` to its last job.

    `run_steps` does the steps of one job on its machine and returns its conclusion.
    """

    run_steps: Callable[[Machine], str] = field(default=run_job, kw_only=True)
    ended: Callable[[], None] = field(default=lambda: None, kw_only=True)  # the caller goes on
    concurrency: Any = field(default=None, kw_only=True)  # of the job that calls it, evaluated
    _why: str = field(default="", init=False)  # it was cancelled
    _kept: dict[str, list[Job | Call]] = field(default_factory=dict, init=False)
    _done: threading.Event = field(default_factory=threading.Event, init=False)

    def start(self) -> None:
        """Begin once its concurrency groups are free; the jobs run in threads."""
        try:
            given = (self.concurrency, self.value(self.workflow.concurrency, run_contexts(self)))
        except (expressions.Undecided, expressions.Unsupported) as error:
            self._end_unbegun("failure", f"concurrency: {error}")
            return
        self._join([facts for each in given if (facts := member_facts(each))])

    def _join(self, groups: Sequence[Mapping[str, Any]]) -> None:
        """Enter the groups one after the other, then begin the jobs."""
        if groups and groups[0]["group"].lower() in self.all_groups:
            self._end_unbegun("cancelled", DEADLOCK.format(groups[0]["group"], self.prefix.rstrip(" /")))
        elif groups:
            begin, root = partial(self._join, groups[1:]), self.root
            member = Member(run=root, begin=begin, cancel=self._give_way, **groups[0])
            with self.lock:
                self._members.append(member)
                self.status = "pending"
            enter_group(self, member)
        else:
            self._begin_jobs()

    def _begin_jobs(self) -> None:
        with self.lock:
            if self.status != "completed":  # cancelled while it waited
                self.status = "queued"
                self._advance()

    def _give_way(self, why: str) -> None:
        """End early for another run of the group."""
        with self.lock:
            for job in [job for job in self.jobs if job.status != "completed"]:
                job.annotate(why)
            self._why = why
            self.end_early(by_force=False)

    def end_early(self, by_force: bool) -> None:
        """Have every job end, and no other begin; a run that waits for its group is over at once."""
        super().end_early(by_force)
        if self.status == "pending" and not self.groups:
            self._end_unbegun("cancelled", self._why)

    def _end_unbegun(self, conclusion: str, why: str) -> None:
        """End a run before its jobs began: the first of them have the reason, the others are skipped."""
        with self.lock:
            for key, spec in self.workflow.jobs.items():
                said = ("skipped", "") if self.workflow.needs(key) else (conclusion, why)
                self.groups[key] = [self._named(unrun_job(key, spec, *said))]
            self._complete(conclusion)

    def _complete(self, conclusion: str) -> None:
        self.conclusion, self.status = conclusion, "completed"
        for member in self._members:
            self.gates.groups.leave(member)
        self._members.clear()
        self._done.set()
        self.ended()

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
        self.is_cancelled, self._why = False, ""
        self._done.clear()
        self.status, self.conclusion = "requested", None
        self.start()

    def _advance(self) -> None:
        while key := next(filter(self._is_ready, self.workflow.jobs), ""):
            self._begin(key)
        results = [self.result(key) for key in self.workflow.jobs]
        if all(results):
            self._complete(self._conclusion(results))
        else:
            self.follow_jobs()

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
        return self._call(key, found, context) if "uses" in spec else self._named(new_job(key, spec, found, context))

    def _named(self, job: Job) -> Job:
        job.name = f"{self.prefix}{job.name}"
        return job

    def _call(self, key: str, found: tuple[Combination, Combination], context: Mapping[str, Any]) -> Call:
        """Make the run of a called workflow, within this one."""
        spec, matrix = self.workflow.jobs[key], found[0] | found[1]
        workflow, sha = called_workflow(self, str(spec["uses"]))
        secrets = self.secrets(key)
        seen = {**context, "matrix": matrix, "secrets": secrets}
        run = replace(
            self,
            workflow=workflow,
            file_sha=sha,
            inputs=call_inputs(workflow, self.value(spec.get("with") or {}, seen), context),
            context={**self.context, "secrets": call_secrets(workflow, self.value(spec.get("secrets"), seen), secrets)},
            concurrency=self.value(spec.get("concurrency"), {**context, "matrix": matrix}),
            caller=self,
            called_by=key,
            prefix=f"{self.prefix}{shown_name(key, spec, found[0], seen)} / ",
        )
        check_grants(run, str(spec["uses"]))
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
        over = _take_place(job, places, held) or self._pass_gates(job, held) or _take_place(job, _RUNNERS, held)
        if over:
            return over
        job.started_at = now()
        self.show(job, "in_progress")
        return self.run_steps(Machine(self, job))

    def _pass_gates(self, job: Job, held: contextlib.ExitStack) -> str:
        try:
            with self.lock:
                context = {**self.contexts(job.key), "matrix": job.matrix}
                concurrency = self.value(job.spec.get("concurrency"), context)
                wanted = Wanted(concurrency, self.environment_name(job, context))
            return pass_gates(self, job, wanted, held)
        except (expressions.Undecided, expressions.Unsupported) as error:
            job.annotate(f"jobs.{job.key}: {error}")
            return "failure"

    def environment_name(self, job: Job, context: Mapping[str, Any]) -> str:
        """Name the environment that a job wants, or nothing."""
        given = job.spec.get("environment")
        return expressions.text(self.value(given.get("name") if isinstance(given, dict) else given, context))

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


def _take_place(job: Job, places: threading.Semaphore, held: contextlib.ExitStack) -> str:
    """Wait for a place of a job; says that the job was cancelled where it was meanwhile."""
    while not places.acquire(timeout=LOOK):
        if job.cancelled.is_set():
            return "cancelled"
    held.callback(places.release)
    return "cancelled" if job.cancelled.is_set() else ""


def _begin_call(call: Call) -> None:
    """Begin the called workflow, or again what failed of it."""
    call.is_begun = True
    run = cast(WorkflowRun, call.run)
    if run.status == "completed":
        run.rerun_failed()
    else:
        run.start()
