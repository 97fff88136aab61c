"""The jobs of a run and their steps, as GitHub shows them, their log, and the contexts of their expressions."""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Protocol

from release.sandbox.runner.workflow import Combination, Workflow, deep_value, display_name, input_values
from release.workflows import expressions

_COMMAND = re.compile(r"\s*::([a-z-]+)(?: ([^\n]*?))?::(.*)")
_SHOWN = ("error", "warning", "notice", "debug", "group", "endgroup")
_ESCAPES = (("%0D", "\r"), ("%0A", "\n"), ("%25", "%"))


class Logged(Protocol):
    """What has a log: a job, a step."""

    log: str


def now() -> datetime:
    """Read the clock, in UTC."""
    return datetime.now(timezone.utc)


class Log:
    """Writes lines to the logs of a job and of the step it is in."""

    def __init__(self, job: Logged, secrets: Iterable[str]) -> None:
        self.job = job
        self.step: Logged | None = None
        self.masks: set[str] = set()
        self.outputs: dict[str, str] = {}  # of the step, by the commands that it prints
        for secret in secrets:
            self.mask(secret)

    def mask(self, secret: str) -> None:
        """Show `***` for a value, and for each line of it, from now on."""
        self.masks.update(line for line in (secret, *secret.splitlines()) if line.strip())

    def write(self, *lines: str) -> None:
        """Write lines as the runner's own."""
        stamp = now().strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
        written = "".join(f"{stamp} {self.hide(part)}\n" for line in lines for part in line.splitlines() or [""])
        self.job.log += written
        if self.step is not None:
            self.step.log += written

    def write_output(self, lines: Iterable[str]) -> None:
        """Write what a step printed; workflow commands in it take effect."""
        self.write(*(shown for line in lines for shown in self._visible_lines(line)))

    def hide(self, text: str) -> str:
        """Replace every masked value in a text."""
        for secret in sorted(self.masks, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text

    def _visible_lines(self, line: str) -> Iterator[str]:
        found = _COMMAND.fullmatch(line)
        if not found:
            yield line
            return
        name, properties, value = found.groups()
        for escape, plain in _ESCAPES:
            value = value.replace(escape, plain)
        if name == "add-mask":
            self.mask(value)
        elif name == "set-output" and (output := re.search("(?:^|,) *name=([^,]+)", properties or "")):
            self.outputs[output[1]] = value
            yield "##[warning]The `set-output` command is deprecated and will be disabled soon."
        elif name in _SHOWN:
            yield f"##[{name}]{value}"
        else:
            yield f"##[warning]The sandbox does not support the workflow command {name!r}: it has no effect."


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
    id: int = field(default_factory=lambda: next(_ids))
    status: str = "queued"
    conclusion: str | None = None
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


def new_job(key: str, spec: dict[str, Any], found: tuple[Combination, Combination], context: Mapping[str, Any]) -> Job:
    """Make a queued job for one combination of its matrix, named as GitHub names it."""
    named, added = found
    matrix = named | added
    context = {**context, "matrix": matrix}
    given = expressions.text(spec.get("name"))
    name = expressions.interpolate(given, context) if "${{" in given else display_name(given or key, named)
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


@dataclass
class RunState:
    """What a run was started with, and its jobs so far; `context` may hold `github`, `vars` and `secrets`."""

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
    artifacts: dict[str, Path] = field(default_factory=dict, init=False)
    is_cancelled: bool = field(default=False, init=False)
    # The jobs that each job of the file has become: one, or those of its matrix.
    groups: dict[str, list[Job]] = field(default_factory=dict, init=False)
    lock: threading.RLock = field(default_factory=threading.RLock, init=False)

    @property
    def jobs(self) -> list[Job]:
        """The jobs of this attempt so far; as on GitHub a job appears once its needs are met."""
        with self.lock:
            return [job for group in self.groups.values() for job in group]

    def result(self, key: str) -> str:
        """Say how a job and all of its matrix ended; nothing while it has not."""
        group = self.groups.get(key)
        if group is None or any(job.status != "completed" for job in group):
            return ""
        found = {job.result for job in group}
        return next((word for word in ("failure", "cancelled", "success") if word in found), "skipped")


def job_contexts(run: RunState, key: str) -> dict[str, Any]:
    """Give what a job's own keys, such as `if` and `strategy`, are evaluated in."""
    results = {run.result(ancestor) for ancestor in run.workflow.ancestors(key)}
    status = next((word for word in ("failure", "cancelled", "skipped") if word in results), "success")
    return {
        "github": _github_context(run),
        "inputs": _inputs(run),
        "needs": {need: _need(run, need) for need in run.workflow.needs(key)},
        "vars": run.context.get("vars", {}),
        expressions.STATUS: "cancelled" if run.is_cancelled else status,
    }


def step_contexts(run: RunState, job: Job) -> dict[str, Any]:
    """Give what a job's steps are evaluated in; its machine adds the rest."""
    group = run.groups[job.key]
    return {
        **job_contexts(run, job.key),
        "matrix": job.matrix,
        "strategy": {"job-index": group.index(job), "job-total": len(group)},
        "secrets": run.context.get("secrets", {}),
    }


def _need(run: RunState, key: str) -> dict[str, Any]:
    outputs: dict[str, str] = {}
    for job in run.groups[key]:
        outputs |= {name: value for name, value in job.outputs.items() if value or name not in outputs}
    return {"result": run.result(key), "outputs": outputs}


def _inputs(run: RunState) -> dict[str, Any]:
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
        "token": run.context.get("secrets", {}).get("GITHUB_TOKEN", ""),
    }
    return {**own, **given, "run_attempt": str(run.attempt)}
