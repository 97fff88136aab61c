"""The steps of one job, judged one after the other; none is run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from release.sandbox.runner import Machine
from release.sandbox.runner.command_files import InvalidFile, command_file_pairs, command_file_text, make_command_files
from release.sandbox.runner.job import Step
from release.sandbox.runner.machine import MAX_DEPTH, ActionFailed
from release.sandbox.runner.steps import time_step
from release.sandbox.simulation.actions import run_action
from release.sandbox.simulation.effects import KEYS, Programs
from release.sandbox.simulation.lines import Lines, file_lines
from release.sandbox.simulation.needs import Need
from release.sandbox.simulation.shell import Files, Shell, State
from release.sandbox.simulation.unknown import is_known, shown
from release.sandbox.simulation.work import Means, Place, Refused, Work
from release.workflows import InvalidYaml, document, expressions

_PROBLEMS = (expressions.Unsupported, ActionFailed, InvalidFile, Refused)
_SHELLS = ("", "bash", "sh")
_CONDITION = -1  # in the place of a script's line: the step's `if`


def simulate_job(means: Means, need: Need | None, text: str, machine: Machine) -> str:
    """Judge a job's steps, make their effects in the sandbox, and return the job's conclusion; `text` is its file's."""
    for folder in (machine.workspace, machine.temp):
        folder.mkdir(parents=True)
    run = machine.run
    files = Files(machine.folder, machine.workspace)
    work = Work(machine, means, need, Place(run.workflow.path, "", lambda _: 1), files)
    machine.contexts["github"] = {
        **machine.contexts["github"], "job": machine.job.key, "workspace": str(machine.workspace)
    }  # fmt: skip
    for found in (run.workflow.env, machine.job.spec.get("env") or {}):
        machine.variables |= {str(name): work.fill(value) for name, value in found.items()}
    first, *steps, last = machine.job.steps
    time_step(machine, first, lambda: "success")
    where = ("jobs", machine.job.key, "steps")
    for number, (step, spec) in enumerate(zip(steps, machine.job.spec["steps"], strict=True)):
        one = _OneStep(work, step, spec, run.workflow.path, file_lines(text), (*where, number))
        time_step(machine, step, one.conclude)
    time_step(machine, last, lambda: _complete(work))
    return machine.status


def _complete(work: Work) -> str:
    job = work.machine.job
    job.outputs = {name: work.fill(value) for name, value in (job.spec.get("outputs") or {}).items()}
    work.machine.tear_down()
    return "success"


class _OneStep:
    """One step being judged; `place` is where it stands in its file."""

    def __init__(
        self, work: Work, step: Step, spec: dict[str, Any], file: str, lines: Lines, place: tuple[str | int, ...]
    ) -> None:
        self.work = work
        self.step = step
        self.spec = spec
        self.file = file
        self.lines = lines
        self.place = place
        self.own: dict[str, str] = {}
        self.outputs: Mapping[str, str] = {}

    def conclude(self) -> str:
        """Judge the step if its `if` says so, and remember how it would end."""
        work, machine = self.work, self.work.machine
        outer = work.place
        work.place, before = Place(self.file, shown(self.step.name), self.line), work.lines_told
        outcome = self.outcome()
        if outcome == "success" and work.lines_told == before:
            work.tell(0, "nothing that leaves the job", "listed")
        work.place = outer
        tolerated = work.fill(self.spec.get("continue-on-error")) == "true"
        conclusion = "success" if outcome == "failure" and tolerated else outcome
        if name := self.spec.get("id"):
            machine.steps[str(name)] = {"outputs": self.outputs, "outcome": outcome, "conclusion": conclusion}
        return conclusion

    def outcome(self) -> str:
        """Judge the step; one that fails says why."""
        machine = self.work.machine
        if machine.job.cancelled.is_set():
            machine.status = "cancelled"
        try:
            self.own = {str(name): self.work.fill(value) for name, value in (self.spec.get("env") or {}).items()}
            if not self.is_wanted():
                return "skipped"
            self.step.name = self.work.place.step = shown(self.work.fill(self.step.name, self.own))
            self.do()
        except _PROBLEMS as error:
            machine.log.write(f"##[error]{shown(str(error))}")
            self.work.tell(0, f"fails: {shown(str(error))}", "untold")
            return "failure"
        return "success"

    def is_wanted(self) -> bool:
        """Judge the `if`; a step of which it is not known is taken as done."""
        text = expressions.text(self.spec.get("if"))
        try:
            return expressions.condition(text, self.work.context(self.own))
        except expressions.Undecided as error:
            what = f"whether this step runs (if: {text}) depends on {error.name}: taken as done"
            self.work.tell(_CONDITION, what, "untold")
            return self.work.machine.status == "success"

    def line(self, offset: int) -> int:
        """Return the file's line of a line of the step's script; of the step where it has none."""
        if offset == _CONDITION:
            return self.lines.line(*self.place, "if")
        key = "run" if "run" in self.spec else "uses"
        return self.lines.block_line(offset, *self.place, key) if key == "run" else self.lines.line(*self.place)

    def do(self) -> None:
        """Do what the step would do; what it writes to the command files takes effect."""
        work, uses = self.work, str(self.spec.get("uses", ""))
        folder = work.machine.temp / f"step-{next(work.machine.numbers)}"
        env = work.machine.environment(self.own) | make_command_files(folder)
        work.machine.has_keys |= any(env.get(name) for name in KEYS)
        if uses.startswith("./"):
            self.outputs = self.composite(uses)
        elif uses:
            inputs = {str(name): work.fill(value, self.own) for name, value in (self.spec.get("with") or {}).items()}
            self.outputs = run_action(work, uses, inputs, env)
        else:
            self.run(folder, env)

    def run(self, folder: Path, env: Mapping[str, str]) -> None:
        """Follow the step's script."""
        work, shell = self.work, self.setting("shell").split(" ")[0]
        if shell not in _SHELLS:
            work.opaque = True
            work.tell(0, f"what a script of {shell} does", "untold")
            self.outputs = expressions.Partial()
            return
        state = State(work.files, dict(env), folder=self.setting("working-directory") or ".")
        state.opaque = work.opaque
        outputs: dict[str, str] = {}
        work.machine.log.outputs = outputs
        code = Shell(Programs(work), state).run(work.fill(self.spec["run"], self.own))
        printed = [line for line in "".join(state.output).splitlines() if is_known(line)]
        work.machine.log.write_output(printed)
        outputs |= _pairs(folder, "GITHUB_OUTPUT")
        self.outputs = expressions.Partial(outputs) if state.opaque else outputs
        work.machine.variables |= _pairs(folder, "GITHUB_ENV")
        self.step.summary += shown(command_file_text(folder, "GITHUB_STEP_SUMMARY"))
        if code:
            raise Refused(f"Process completed with exit code {code}.")

    def composite(self, uses: str) -> Mapping[str, str]:
        """Judge the steps of an action that is in the repository, and return its outputs."""
        work, machine = self.work, self.work.machine
        path, text = _action_file(work, uses.removeprefix("./").rstrip("/"))
        try:
            action = document(text.encode()) if text else {}
        except InvalidYaml as error:
            raise Refused(f"{path}: {error}") from error
        action = action if isinstance(action, dict) else {}
        steps = (action.get("runs") or {}).get("steps")
        if not steps or machine.depth >= MAX_DEPTH:
            work.opaque = True
            work.tell(0, f"what the action {uses} does", "untold")
            return expressions.Partial()
        outer_steps, outer_inputs = machine.steps, machine.contexts["inputs"]
        declared = {str(name): (each or {}).get("default") for name, each in (action.get("inputs") or {}).items()}
        given = {name: self.spec.get("with", {}).get(name, default) for name, default in declared.items()}
        inputs = {name: work.fill(value, self.own) for name, value in given.items()}
        machine.steps, machine.contexts["inputs"], machine.depth = {}, inputs, machine.depth + 1
        try:
            self.inner(path, text, steps)
            found = {name: work.fill(each.get("value")) for name, each in (action.get("outputs") or {}).items()}
        finally:
            machine.steps, machine.contexts["inputs"], machine.depth = outer_steps, outer_inputs, machine.depth - 1
        return found

    def inner(self, path: str, text: str, steps: list[dict[str, Any]]) -> None:
        """Judge a composite action's own steps; the first that fails ends it."""
        for number, spec in enumerate(steps):
            name = str(spec.get("name") or spec.get("uses") or spec.get("run", "")).strip().splitlines()[0]
            step = Step(name, self.step.number)
            one = _OneStep(self.work, step, spec, path, file_lines(text), ("runs", "steps", number))
            if one.conclude() == "failure":
                raise Refused(f"{path}: {name} fails")

    def setting(self, name: str) -> str:
        """Return the step's `shell` or `working-directory`."""
        return self.work.fill(self.work.machine.setting(self.spec, name), self.own)


def _pairs(folder: Path, name: str) -> dict[str, str]:
    """Read a command file; lines of which nothing is known are left out."""
    path = folder / name.lower()
    lines = command_file_text(folder, name).splitlines()
    path.write_text("".join(f"{line}\n" for line in lines if is_known(line) or "=" in line or "<<" in line))
    return command_file_pairs(folder, name)


def _action_file(work: Work, folder: str) -> tuple[str, str]:
    """Return the path and the text of an action of the repository, as the run's commit has it."""
    for name in ("action.yml", "action.yaml"):
        path = f"{folder}/{name}"
        text = work.means.bare.file(work.machine.run.sha, path)
        if text is not None:
            return path, text
    raise Refused(f"there is no action in {folder}: neither action.yml nor action.yaml")
