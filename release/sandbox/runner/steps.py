"""The steps of one job, run for real one after the other, and the files that they write to."""

from __future__ import annotations

import math
import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from release.sandbox.runner.actions import run_action
from release.sandbox.runner.command_files import (
    InvalidFile,
    command_file_pairs,
    command_file_text,
    make_command_files,
)
from release.sandbox.runner.job import Step, now
from release.sandbox.runner.local_actions import LocalAction, local_action, run_javascript
from release.sandbox.runner.machine import MAX_DEPTH, ActionFailed, Machine
from release.sandbox.runner.process import Stopped
from release.sandbox.runner.workflow import FOREIGN_STEP_KEYS, deep_text, deep_value
from release.workflows import expressions

_SHELLS = {
    "": "bash -e {0}",
    "bash": "bash --noprofile --norc -eo pipefail {0}",
    "sh": "sh -e {0}",
    "python": "python {0}",
}
_FOREIGN = ("container", "services", "snapshot")
_SYSTEMS = ("windows", "macos")
_DEFAULT_MINUTES = 360
_PROBLEMS = (expressions.Unsupported, expressions.Undecided, ActionFailed, InvalidFile)


def run_job(machine: Machine) -> str:
    """Run a job's steps on its machine and return its conclusion.

    What the sandbox does not support fails the job, and the log names it.
    """
    first, *steps, last = machine.job.steps
    time_step(machine, first, lambda: _set_up(machine))
    if first.conclusion == "success":
        clock = _Clock(machine)
        for step, spec in zip(steps, machine.job.spec["steps"], strict=True):
            time_step(machine, step, _StepRun(machine, clock, step, spec).conclude)
    else:
        for step in steps:
            time_step(machine, step, lambda: "skipped")
    time_step(machine, last, lambda: _complete(machine))
    return machine.status


def time_step(machine: Machine, step: Step, part: Callable[[], str]) -> None:
    """Do a step's part, with its times, its log and its conclusion; a failure is the job's too."""
    step.started_at, step.status = now(), "in_progress"
    machine.log.step = step
    step.conclusion = _outcome(machine, part)
    if step.conclusion in ("failure", "cancelled") and machine.status == "success":
        machine.status = step.conclusion
    machine.log.step = None
    step.completed_at, step.status = now(), "completed"


def _outcome(machine: Machine, part: Callable[[], str]) -> str:
    try:
        return part()
    except Stopped:
        cancelled = machine.job.cancelled.is_set()
        machine.log.write(f"##[error]The {'operation was canceled' if cancelled else 'action has timed out'}.")
        return "cancelled" if cancelled else "failure"
    except _PROBLEMS as error:
        machine.log.write(f"##[error]{error}")
        return "failure"


def _set_up(machine: Machine) -> str:
    spec = machine.job.spec
    machine.log.write(f"Job name: {machine.job.name}", f"Attempt: {machine.run.root.attempt}")
    if foreign := next((key for key in _FOREIGN if key in spec), ""):
        raise expressions.Unsupported(f"the sandbox does not support `{foreign}` in a job (jobs.{machine.job.key})")
    labels = str(deep_value(spec.get("runs-on"), machine.contexts)).lower()
    if any(system in labels for system in _SYSTEMS):
        raise expressions.Unsupported(f"the sandbox has no runner for {labels}: it is this machine alone")
    machine.set_up()
    return "success"


def _complete(machine: Machine) -> str:
    try:
        machine.job.outputs = deep_text(machine.job.spec.get("outputs") or {}, machine.context())
        for post in reversed(machine.posts):
            post()
    finally:
        machine.tear_down()
    return "success"


class _Clock:
    """Says when a step has to stop: the job is cancelled, or time is up."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        minutes = deep_value(machine.job.spec.get("timeout-minutes", _DEFAULT_MINUTES), machine.context())
        self.minutes = expressions.number(minutes)
        self.deadline = time.monotonic() + 60 * self.minutes

    def stop(self, minutes: Any, regardless: bool) -> Callable[[], bool]:
        """Make the question for one step, which may have a limit of its own, or run although the job is cancelled."""
        job = self.machine.job
        deadline = time.monotonic() + (math.inf if minutes is None else 60 * expressions.number(minutes))
        asked = job.killed if regardless else job.cancelled

        def stops() -> bool:
            """Tell whether to stop now."""
            if time.monotonic() > self.deadline and not job.cancelled.is_set():
                self.machine.log.write(
                    f"##[error]The job has exceeded the maximum execution time of {self.minutes:g}m."
                )
                job.cancelled.set()
            return asked.is_set() or job.killed.is_set() or time.monotonic() > deadline

        return stops


class _StepRun:
    """One step being done."""

    def __init__(self, machine: Machine, clock: _Clock, step: Step, spec: dict[str, Any]) -> None:
        self.machine = machine
        self.clock = clock
        self.step = step
        self.spec = spec
        self.own: dict[str, str] = {}
        self.outputs: dict[str, str] = {}
        self.regardless = False

    def conclude(self) -> str:
        """Do the step if its `if` says so, and remember how it ended."""
        machine = self.machine
        # Asked once: a step that began before the job was cancelled ends with it, a later always() only by force.
        self.regardless = machine.job.cancelled.is_set()
        if self.regardless:
            machine.status = "cancelled"
        outcome = _outcome(machine, self.decide)
        tolerated = False
        if outcome == "":
            outcome = _outcome(machine, self.do)
            tolerated = expressions.truth(deep_value(self.spec.get("continue-on-error"), self.context()))
        conclusion = "success" if outcome == "failure" and tolerated else outcome
        if name := self.spec.get("id"):
            machine.steps[str(name)] = {"outputs": self.outputs, "outcome": outcome, "conclusion": conclusion}
        return conclusion

    def decide(self) -> str:
        """Answer "skipped", or nothing when the step has to be done."""
        self.own = deep_text(self.spec.get("env") or {}, self.machine.context())
        if not expressions.condition(expressions.text(self.spec.get("if")), self.context()):
            return "skipped"
        self.step.name = expressions.interpolate(self.step.name, self.context())
        return ""

    def context(self) -> dict[str, Any]:
        """Give the contexts with the step's own variables."""
        return self.machine.context(self.own)

    def do(self) -> str:
        """Run the command or the action; what the step wrote to the command files takes effect either way."""
        if foreign := next((key for key in FOREIGN_STEP_KEYS if key in self.spec), ""):
            raise expressions.Unsupported(f"the sandbox does not support `{foreign}` in a step")
        folder = self.machine.inside(self.machine.temp / f"step-{next(self.machine.numbers)}")
        self.machine.log.outputs = self.outputs
        env = self.machine.environment(self.own) | make_command_files(folder)
        try:
            if "uses" in self.spec:
                inputs = deep_text(self.spec.get("with") or {}, self.context())
                self.head(str(self.spec["uses"]), "with", inputs)
                self.outputs |= self.use(str(self.spec["uses"]), inputs, env)
                return "success"
            return self.run(folder, env)
        finally:
            self.take_in(folder)

    def use(self, uses: str, inputs: dict[str, str], env: dict[str, str]) -> dict[str, str]:
        """Do an action and return its outputs: one of the repository's, or one that is known here."""
        if not uses.startswith("./"):
            return run_action(self.machine, uses, inputs, env)
        action = local_action(self.machine, uses, inputs)
        if action.runs["using"] == "composite":
            return self.compose(action)
        return run_javascript(self.machine, action, env)

    def compose(self, action: LocalAction) -> dict[str, str]:
        """Do the steps of a composite action, which see its inputs and each other alone."""
        machine, kept = self.machine, (self.machine.contexts, self.machine.steps, self.machine.status)
        if machine.depth >= MAX_DEPTH:
            raise ActionFailed(f"{self.spec['uses']} is called {MAX_DEPTH} actions deep: GitHub allows no more")
        github = {**machine.contexts["github"], "action_path": str(action.folder)}
        machine.contexts, machine.steps = {**machine.contexts, "inputs": action.inputs, "github": github}, {}
        machine.depth += 1
        try:
            for number, spec in enumerate(action.runs.get("steps") or (), 1):
                inner = {**spec, "env": {**self.own, **(spec.get("env") or {})}}
                if _StepRun(machine, self.clock, Step(str(number), number), inner).conclude() == "failure":
                    machine.status = "failure"
            if machine.status == "failure" != kept[2]:
                raise ActionFailed(f"a step of {self.spec['uses']} failed")
            found = {name: each.get("value") for name, each in (action.spec.get("outputs") or {}).items()}
            return deep_text(found, machine.context())
        finally:
            machine.depth -= 1
            machine.contexts, machine.steps, machine.status = kept
            machine.log.outputs = self.outputs

    def head(self, title: str, kind: str, listed: dict[str, str]) -> None:
        """Write the folded lines that say what runs."""
        first, *more = title.splitlines() or [""]
        shown = [f"{kind}:", *(f"  {name}: {value}" for name, value in listed.items())] if listed else []
        self.machine.log.write(f"##[group]Run {first}", *([first, *more] if more else []), *shown, "##[endgroup]")

    def run(self, folder: Path, env: dict[str, str]) -> str:
        """Run the step's command in its shell."""
        machine = self.machine
        command = expressions.interpolate(str(self.spec["run"]), self.context())
        self.head(command.strip(), "env", self.own)
        place = machine.inside(machine.workspace / self.setting("working-directory"))
        if not place.is_dir():
            raise ActionFailed(f"the working directory does not exist: {self.setting('working-directory')}")
        script = folder / "script"
        script.write_text(command, encoding="utf-8")
        argv = self.shell(script)
        stop = self.clock.stop(deep_value(self.spec.get("timeout-minutes"), self.context()), self.regardless)
        code = machine.run_command(argv, place, env, stop)
        if code:
            raise ActionFailed(f"Process completed with exit code {code if code > 0 else 128 - code}.")
        return "success"

    def shell(self, script: Path) -> list[str]:
        """Give the command line of the step's shell."""
        name = self.setting("shell")
        template = _SHELLS.get(name, name)
        if "{0}" not in template:
            raise expressions.Unsupported(f"the sandbox does not support the shell {name!r}")
        return [part.replace("{0}", str(script)) for part in shlex.split(template)]

    def setting(self, name: str) -> str:
        """Return the step's `shell` or `working-directory`."""
        return expressions.interpolate(expressions.text(self.machine.setting(self.spec, name)), self.context())

    def take_in(self, folder: Path) -> None:
        """Take in the files that the step wrote."""
        self.outputs |= command_file_pairs(folder, "GITHUB_OUTPUT")
        self.machine.variables |= command_file_pairs(folder, "GITHUB_ENV")
        for path in command_file_text(folder, "GITHUB_PATH").splitlines():
            self.machine.paths.insert(0, path)
        self.step.summary += command_file_text(folder, "GITHUB_STEP_SUMMARY")
