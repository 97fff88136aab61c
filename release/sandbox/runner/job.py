"""The jobs of a run and their steps, as GitHub shows them, and their log."""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Protocol

from release.sandbox.runner.environments import Environment
from release.sandbox.runner.workflow import Combination, deep_value, display_name
from release.workflows import expressions

_COMMAND = re.compile(r"\s*::([a-z-]+)(?: ([^\n]*?))?::(.*)")
_LONGEST = 16 << 20  # characters of a job's log: a step that prints without end would fill the memory
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
        self.is_full = False
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
        visible = [shown for line in lines for shown in self._visible_lines(line)]
        if len(self.job.log) < _LONGEST:
            self.write(*visible)
        elif not self.is_full:
            self.is_full = True
            self.write("##[warning]The log is full: what the steps print from here on is left out.")

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
    annotations: list[str] = field(default_factory=list)
    environment: Environment | None = None

    def conclude(self, conclusion: str) -> None:
        """End the job; whoever sees it completed sees its conclusion too."""
        self.started_at = self.started_at or now()
        self.completed_at = now()
        self.conclusion = conclusion
        self.status = "completed"

    def annotate(self, text: str) -> None:
        """Say beside the job, and in its log, what kept it from running."""
        self.annotations.append(text)
        Log(self, ()).write(f"##[error]{text}")

    def cancel(self, by_force: bool) -> None:
        """End the job early, or what of it runs regardless too."""
        self.cancelled.set()
        if by_force:
            self.killed.set()

    def give_way(self, why: str) -> None:
        """End the job early for another one."""
        if self.status != "completed":
            self.annotate(why)
            self.cancel(by_force=False)

    @property
    def jobs(self) -> list[Job]:
        """Itself: what a called workflow has instead is several."""
        return [self]

    @property
    def result(self) -> str:
        """How it ended, as other jobs see it: one that may fail counts as a success."""
        return "success" if self.tolerated and self.conclusion == "failure" else self.conclusion or ""


def shown_name(key: str, spec: dict[str, Any], named: Combination, context: Mapping[str, Any]) -> str:
    """Name a job as GitHub does, in the contexts of one combination of its matrix."""
    given = expressions.text(spec.get("name"))
    return expressions.interpolate(given, context) if "${{" in given else display_name(given or key, named)


def new_job(key: str, spec: dict[str, Any], found: tuple[Combination, Combination], context: Mapping[str, Any]) -> Job:
    """Make a queued job for one combination of its matrix."""
    named, added = found
    matrix = named | added
    context = {**context, "matrix": matrix}
    name = shown_name(key, spec, named, context)
    tolerated = expressions.truth(deep_value(spec.get("continue-on-error"), context))
    names = ["Set up job", *map(_step_name, spec.get("steps") or ()), "Complete job"]
    steps = [Step(name, number) for number, name in enumerate(names, 1)]
    return Job(key, name, spec, matrix, steps=steps, tolerated=tolerated)


def unrun_job(key: str, spec: dict[str, Any], conclusion: str, said: str = "") -> Job:
    """Make a job that is over before it began: skipped, or one that cannot be read."""
    job = Job(key, expressions.text(spec.get("name")) or key, spec)
    if said:
        job.annotate(said)
    job.conclude(conclusion)
    return job


def _step_name(spec: Mapping[str, Any]) -> str:
    if name := spec.get("name"):
        return str(name)
    lines = str(spec.get("run") or spec.get("uses")).strip().splitlines() or [""]
    return f"Run {lines[0]}"
