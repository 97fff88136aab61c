"""A workflow's run of which no step runs: what is not known of its jobs is told, and taken as done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from release.sandbox.runner.job import Job
from release.sandbox.runner.run import WorkflowRun
from release.sandbox.runner.state import Call
from release.sandbox.runner.workflow import Combination
from release.sandbox.simulation.unknown import interpolate, is_known, known_entries, shown, unknown
from release.workflows import expressions

Undecided = Callable[[WorkflowRun, str, str, str], None]


@dataclass
class SimulatedRun(WorkflowRun):
    """A run whose contexts are known in part; `undecided` is told the job, its key, and what is not known."""

    undecided: Undecided = field(default=lambda *_: None, kw_only=True)

    def contexts(self, key: str) -> dict[str, Any]:
        """Give what is known; whatever depends on the rest is undecided."""
        found = super().contexts(key)
        needs = {
            name: {**each, "outputs": expressions.Partial(known_entries(each["outputs"]))}
            for name, each in found["needs"].items()
        }
        return {**found, "needs": needs, "inputs": known_entries(found["inputs"])}

    def is_wanted(self, key: str, context: Mapping[str, Any]) -> bool:
        """Judge a job's `if:`; a job of which it is not known is taken to run."""
        try:
            return super().is_wanted(key, context)
        except expressions.Undecided as error:
            text = expressions.text(self.workflow.jobs[key].get("if"))
            self.undecided(self, key, "if", f"whether this job runs (if: {text}) depends on {error.name}: taken to run")
            return True

    def value(self, value: Any, context: Mapping[str, Any]) -> Any:
        """Evaluate what a job's key says; texts that are known in part stay texts, a matrix becomes one job."""
        try:
            return super().value(value, context)
        except expressions.Undecided as error:
            if isinstance(value, Mapping):
                return {name: self._entry(name, each, context, error) for name, each in value.items()}
            return interpolate(value, context, context) if isinstance(value, str) else value

    def _entry(self, name: str, value: Any, context: Mapping[str, Any], error: expressions.Undecided) -> Any:
        if name != "matrix":
            return self.value(value, context)
        try:
            return super().value(value, context)
        except expressions.Undecided:
            self._told_matrix(error.name)
        if not isinstance(value, Mapping):
            return {"include": [expressions.Partial({"matrix": unknown(error.name)})]}
        axes = {axis: self._axis(each, context) for axis, each in value.items() if axis not in ("include", "exclude")}
        return axes or {"include": [expressions.Partial({"matrix": unknown(error.name)})]}

    def _axis(self, value: Any, context: Mapping[str, Any]) -> Any:
        try:
            return super().value(value, context)
        except expressions.Undecided as error:
            return [unknown(error.name)]

    def _told_matrix(self, name: str) -> None:
        key = next((key for key in self.workflow.jobs if key not in self.groups), "")
        self.undecided(self, key, "strategy", f"the matrix depends on {name}: taken as one job")

    def environment_name(self, job: Job, context: Mapping[str, Any]) -> str:
        """Name the environment that a job wants; of one that is not known no protection can be told."""
        name = super().environment_name(job, context)
        if is_known(name):
            return name
        self.undecided(self, job.key, "environment", f"whether environment {shown(name)} waits: taken to be open")
        return ""

    def _unit(self, key: str, found: tuple[Combination, Combination], context: Mapping[str, Any]) -> Job | Call:
        try:
            return super()._unit(key, found, context)
        except expressions.Undecided:
            spec = self.workflow.jobs[key]
            named = {name: value for name, value in spec.items() if name not in ("name", "continue-on-error")}
            self.workflow.jobs[key] = named
            return super()._unit(key, found, context)
