"""A run as it is so far, the runs of the workflows that it calls within it, and the contexts of their expressions."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from release.sandbox.runner.concurrency import Member
from release.sandbox.runner.gates import Gates
from release.sandbox.runner.job import Job
from release.sandbox.runner.workflow import Workflow, deep_text, input_values
from release.workflows import RESTRICTED, expressions, grants

_SHOWN = ("in_progress", "waiting", "pending")  # of its jobs' statuses the one that a run has, the first there is


@dataclass
class RunState:
    """What a run was started with, and its jobs so far; `context` may hold `github`, `vars` and `secrets`.

    A called workflow's run stands within its `caller`, whose event, commit, artifacts and lock are its own too.
    """

    workflow: Workflow
    repository: Path
    sha: str
    ref: str
    event: str
    inputs: dict[str, Any]
    env: dict[str, str]
    folder: Path
    context: dict[str, Any] = field(default_factory=dict)
    status: str = field(default="requested", init=False)
    conclusion: str | None = field(default=None, init=False)
    attempt: int = field(default=1, init=False)
    artifacts: dict[str, Path] = field(default_factory=dict, kw_only=True)
    is_cancelled: bool = field(default=False, init=False)
    # What each job of the file has become: one job, those of its matrix, or the calls of another workflow.
    groups: dict[str, list[Job | Call]] = field(default_factory=dict, init=False)
    lock: threading.RLock = field(default_factory=threading.RLock, kw_only=True)
    caller: RunState | None = field(default=None, kw_only=True)
    called_by: str = field(default="", kw_only=True)  # the caller's job
    prefix: str = field(default="", kw_only=True)  # of its jobs' names
    file_sha: str = field(default="", kw_only=True)  # the commit of the called file, where it is another one
    gates: Gates = field(default_factory=Gates, kw_only=True)
    _members: list[Member] = field(default_factory=list, init=False)  # of its groups

    @property
    def root(self) -> RunState:
        """The run that GitHub lists: of this workflow, or of the one that led to its call."""
        return self.caller.root if self.caller else self

    @property
    def label(self) -> str:
        """The run as people name it."""
        number = self.root.context.get("github", {}).get("run_id", "")
        return f"run {number} of {self.root.workflow.path.rpartition('/')[2]}"

    @property
    def all_groups(self) -> set[str]:
        """The concurrency groups that it and its callers are in, or wait for."""
        own = {each.group.lower() for each in self._members}
        return own | (self.caller.all_groups if self.caller else set())

    def show(self, job: Job, status: str) -> None:
        """Have a job stand at a status, and the runs that it is of with it."""
        with self.lock:
            job.status = status
            self.follow_jobs()

    def follow_jobs(self) -> None:
        """Have the run, and those that called it, stand where their jobs do."""
        found = {unit.status for group in self.groups.values() for unit in group}
        begun = "in_progress" if any(job.steps and job.started_at for job in self.jobs) else "queued"
        if self.status != "completed":
            self.status = next((word for word in _SHOWN if word in found), begun)
        if self.caller:
            self.caller.follow_jobs()

    @property
    def jobs(self) -> list[Job]:
        """The jobs of this attempt so far; as on GitHub a job appears once its needs are met."""
        with self.lock:
            return [job for group in self.groups.values() for unit in group for job in unit.jobs]

    def grants(self, key: str) -> dict[str, str]:
        """Return what the token of a job may do, each scope with its level."""
        given = self.context.get("grants", RESTRICTED)
        above = self.caller.grants(self.called_by) if self.caller else given
        return grants(above, self.workflow.permissions, self.workflow.jobs[key].get("permissions"))

    def secrets(self, key: str) -> Any:
        """Give a job its secrets: the run's, and where somebody issues them a token of its own."""
        found, issue = self.context.get("secrets", {}), self.context.get("issue")
        return type(found)({**found, "GITHUB_TOKEN": issue(self.grants(key))}) if issue else found

    def cancel(self) -> None:
        """End the run early; steps that run on regardless, such as always(), are ended by a second call."""
        with self.lock:
            self.end_early(by_force=self.is_cancelled)

    def end_early(self, by_force: bool) -> None:
        """Have every job end, and no other begin."""
        self.is_cancelled = True
        for unit in [unit for group in self.groups.values() for unit in group]:
            unit.cancel(by_force)

    def result(self, key: str) -> str:
        """Say how a job and all of its matrix ended; nothing while it has not."""
        group = self.groups.get(key)
        if group is None or any(unit.status != "completed" for unit in group):
            return ""
        found = {unit.result for unit in group}
        return next((word for word in ("failure", "cancelled", "success") if word in found), "skipped")


@dataclass(eq=False)
class Call:
    """A job that calls a workflow: that one's run, within this one."""

    run: RunState
    spec: dict[str, Any]
    matrix: dict[str, Any]
    is_begun: bool = False

    @property
    def jobs(self) -> list[Job]:
        """The called workflow's jobs so far."""
        return self.run.jobs

    @property
    def status(self) -> str:
        """How far it is."""
        return self.run.status

    @property
    def result(self) -> str:
        """How it ended."""
        return self.run.conclusion or ""

    @property
    def outputs(self) -> dict[str, str]:
        """What the called workflow makes of its jobs' outputs."""
        run = self.run
        declared = run.workflow.triggers["workflow_call"].get("outputs") or {}
        context = {**run_contexts(run), "jobs": {key: _need(run, key) for key in run.groups}}
        return deep_text({name: spec.get("value") for name, spec in declared.items()}, context)

    def cancel(self, by_force: bool) -> None:
        """End it early."""
        self.run.end_early(by_force)


def run_contexts(run: RunState) -> dict[str, Any]:
    """Give what is the same for all jobs of a run."""
    return {"github": _github_context(run.root), "inputs": _inputs(run), "vars": run.context.get("vars", {})}


def job_contexts(run: RunState, key: str) -> dict[str, Any]:
    """Give what a job's own keys, such as `if` and `strategy`, are evaluated in."""
    results = {run.result(ancestor) for ancestor in run.workflow.ancestors(key)}
    status = next((word for word in ("failure", "cancelled", "skipped") if word in results), "success")
    return {
        **run_contexts(run),
        "needs": {need: _need(run, need) for need in run.workflow.needs(key)},
        expressions.STATUS: "cancelled" if run.is_cancelled else status,
    }


def step_contexts(run: RunState, job: Job) -> dict[str, Any]:
    """Give what a job's steps are evaluated in; its machine adds the rest."""
    found = job_contexts(run, job.key)
    group, secrets = run.groups[job.key], run.secrets(job.key)
    found["github"] = {**found["github"], "token": secrets.get("GITHUB_TOKEN", "")}
    if job.environment:  # what it has goes before the repository's
        found["vars"] = type(found["vars"])({**found["vars"], **job.environment.variables})
        secrets = type(secrets)({**secrets, **job.environment.secrets})
    strategy = {"job-index": group.index(job), "job-total": len(group)}
    return {**found, "matrix": job.matrix, "strategy": strategy, "secrets": secrets}


def _need(run: RunState, key: str) -> dict[str, Any]:
    outputs: dict[str, str] = {}
    for job in run.groups[key]:
        outputs |= {name: value for name, value in job.outputs.items() if value or name not in outputs}
    return {"result": run.result(key), "outputs": outputs}


def _inputs(run: RunState) -> dict[str, Any]:
    if run.caller:
        return run.inputs
    return input_values(run.workflow, run.inputs) if run.event == "workflow_dispatch" else {}


def _github_context(run: RunState) -> dict[str, Any]:
    """Give the `github` context: what the run knows itself, then what it was given."""
    given: Mapping[str, Any] = run.context.get("github", {})
    texts = {name: expressions.text(value) for name, value in _inputs(run).items()}
    event = {"inputs": texts, "ref": run.ref, "workflow": run.workflow.path} if texts else {"ref": run.ref}
    repository = str(given.get("repository", ""))
    own = {
        "event_name": run.event,
        "event": event | run.context.get("event", {}),
        "ref": run.ref,
        "ref_name": run.ref.split("/", 2)[-1],
        "ref_type": "tag" if run.ref.startswith("refs/tags/") else "branch",
        "sha": run.sha,
        "repository_owner": repository.partition("/")[0],
        "workflow": run.workflow.name,
        "workflow_ref": f"{repository}/{run.workflow.path}@{run.ref}",
        "workflow_sha": run.sha,
    }
    return {**own, **given, "run_attempt": str(run.attempt)}
