"""A workflow file's text, read as GitHub reads it: its inputs, its matrices and the expressions in its values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, compress, product
from typing import Any

from release.sandbox.runner.concurrency import group_problem
from release.sandbox.runner.keys import key_problems, known_contexts
from release.workflows import InvalidYaml, cut_name, document, expressions

_JOB_KEYS = {
    *("name", "needs", "if", "runs-on", "strategy", "env", "defaults", "steps", "outputs", "timeout-minutes"),
    *("continue-on-error", "permissions", "concurrency", "environment"),
    # Known to GitHub; a job that has one of these fails here and says so.
    *("container", "services", "uses", "with", "secrets", "snapshot", "cancel-timeout-minutes"),
}
_STEP_KEYS = {
    *("id", "if", "name", "run", "uses", "with", "env", "shell", "working-directory", "continue-on-error"),
    "timeout-minutes",
}
_STEP_KINDS = ("uses", "run", "parallel", "wait", "wait-all", "cancel")
FOREIGN_STEP_KEYS = ("background", *_STEP_KINDS[2:])  # known to GitHub; a step that has one fails here and says so
_JOB_NAME = re.compile(r"(?!__)[A-Za-z_][A-Za-z0-9_-]*")
_CONDITION = re.compile(r"jobs\.[^.]+(\.steps\.[0-9]+)?\.if")


class InvalidWorkflow(ValueError):
    """GitHub would refuse this file, or its run could not start."""


@dataclass(frozen=True)
class Workflow:
    """A workflow file; its jobs stay as written, in order."""

    name: str
    path: str
    triggers: dict[str, dict[str, Any]]
    jobs: dict[str, dict[str, Any]]
    env: dict[str, Any]
    defaults: dict[str, Any]
    permissions: Any = None
    concurrency: Any = None

    @property
    def inputs(self) -> dict[str, dict[str, Any]]:
        """The dispatch inputs by name; empty without `workflow_dispatch`."""
        found = self.triggers.get("workflow_dispatch", {}).get("inputs") or {}
        return {name: spec or {} for name, spec in found.items()}

    def needs(self, key: str) -> list[str]:
        """List the jobs that a job waits for."""
        return _as_list(self.jobs[key].get("needs"))

    def ancestors(self, key: str) -> set[str]:
        """List the jobs that a job waits for, and those that they wait for."""
        found = set(self.needs(key))
        return found.union(*(self.ancestors(need) for need in found))


def _as_list(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def _mapping(value: Any, where: str) -> dict[str, Any]:
    if value is not None and not isinstance(value, dict):
        raise InvalidWorkflow(f"{where}: expected a mapping")
    return value or {}


def parse_workflow(text: str, path: str = "") -> Workflow:
    """Read a workflow file.

    Raises `InvalidWorkflow` for what GitHub refuses before a job starts: no YAML, no trigger or job, an unknown key,
    a doubled key, a `needs` that does not exist or goes in a circle.
    """
    try:
        content = document(text.encode())
    except InvalidYaml as error:
        raise InvalidWorkflow(f"{path or 'workflow'}: {error}") from error
    content = _mapping(content, path or "workflow")
    jobs = {str(key): _mapping(job, f"jobs.{key}") for key, job in _mapping(content.get("jobs"), "jobs").items()}
    workflow = Workflow(
        name=expressions.text(content.get("name")) or path,
        path=path,
        triggers=_triggers(content.get("on")),
        jobs=jobs,
        env=_mapping(content.get("env"), "env"),
        defaults=_mapping(content.get("defaults"), "defaults"),
        permissions=content.get("permissions"),
        concurrency=content.get("concurrency"),
    )
    problem = next(chain(key_problems(content), _problems(workflow), _expression_problems(content)), "")
    if problem:
        raise InvalidWorkflow(f"{path or 'workflow'}: {problem}")
    return workflow


def _triggers(found: Any) -> dict[str, dict[str, Any]]:
    if isinstance(found, dict):
        return {str(event): spec if isinstance(spec, dict) else {} for event, spec in found.items()}
    return {str(event): {} for event in _as_list(found)}


def _problems(workflow: Workflow) -> Iterator[str]:
    if not workflow.triggers:
        yield "no event triggers defined in `on`"
    if not workflow.jobs:
        yield "no jobs defined"
    for key, job in workflow.jobs.items():
        yield from _job_problems(workflow, key, job)
    grouped = {"concurrency": workflow.concurrency}
    grouped |= {f"jobs.{key}.concurrency": job.get("concurrency") for key, job in workflow.jobs.items()}
    yield from (f"{where}: {problem}" for where, given in grouped.items() if (problem := group_problem(given)))
    yield from _circles(workflow)


def _expression_problems(value: Any, where: tuple[str, ...] = ()) -> Iterator[str]:
    """List the expressions, at any depth, that GitHub cannot read, or whose contexts are not there yet."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from _expression_problems(each, (*where, str(key)))
    if isinstance(value, str):
        is_condition = _CONDITION.fullmatch(".".join(where)) and "${{" not in value and value.strip()
        try:
            expressions.check_text(f"${{{{ {value} }}}}" if is_condition else value, known_contexts(where))
        except expressions.Unsupported as error:
            yield f"{'.'.join(where)}: {error}"


def _job_problems(workflow: Workflow, key: str, job: Mapping[str, Any]) -> Iterator[str]:
    where = f"jobs.{key}"
    if not _JOB_NAME.fullmatch(key):
        yield f"{where}: the name must start with a letter or one _ and contain only letters, digits, - and _"
    yield from (f"{where}: unexpected value {name!r}" for name in job if name not in _JOB_KEYS)
    yield from (
        f"{where}: depends on unknown job {need!r}" for need in workflow.needs(key) if need not in workflow.jobs
    )
    if "uses" in job:
        if "runs-on" in job:
            yield f"{where}: a job has either `uses` or `runs-on`"
        return
    if "runs-on" not in job:
        yield f"{where}: required property is missing: runs-on"
    steps = job.get("steps")
    if not isinstance(steps, list) or not steps:
        yield f"{where}: no steps defined in `steps`"
        return
    for number, step in enumerate(steps):
        yield from _step_problems(f"{where}.steps[{number}]", step)
    ids = [str(step["id"]).lower() for step in steps if isinstance(step, dict) and step.get("id")]
    yield from (f"{where}: the step id {name!r} is there twice" for name in dict.fromkeys(ids) if ids.count(name) > 1)
    yield from (f"{where}: {name!r} is no step id" for name in ids if not _JOB_NAME.fullmatch(name))


def _step_problems(where: str, step: Any) -> Iterator[str]:
    if not isinstance(step, dict):
        yield f"{where}: expected a mapping"
        return
    yield from (f"{where}: unexpected value {name!r}" for name in step if name not in {*_STEP_KEYS, *FOREIGN_STEP_KEYS})
    if sum(kind in step for kind in _STEP_KINDS) != 1:
        yield f"{where}: a step must define either `uses` or `run`"


def _circles(workflow: Workflow) -> Iterator[str]:
    settled: set[str] = set()
    while waiting := [key for key in workflow.jobs if key not in settled]:
        ready = [key for key in waiting if settled.issuperset(workflow.needs(key))]
        if not ready:
            yield f"jobs that depend on each other in a circle: {', '.join(waiting)}"
            return
        settled.update(ready)


def input_values(workflow: Workflow, given: Mapping[str, Any]) -> dict[str, Any]:
    """Give every dispatch input its value: what was given, else the default, in the type it is declared with."""
    return {name: typed_value(given.get(name, spec.get("default")), spec) for name, spec in workflow.inputs.items()}


def typed_value(value: Any, spec: Mapping[str, Any]) -> Any:
    """Give a value the type that its input is declared with."""
    if spec.get("type") == "boolean":
        return expressions.text(value) == "true"
    if spec.get("type") == "number":
        return expressions.number(value)
    return expressions.text(value)


def deep_value(value: Any, context: Mapping[str, Any]) -> Any:
    """Evaluate the expressions in a value of the file, at any depth."""
    if isinstance(value, str):
        whole = value.strip().startswith("${{") and value.strip().endswith("}}") and value.count("${{") == 1
        return expressions.evaluate(value, context) if whole else expressions.interpolate(value, context)
    if isinstance(value, Mapping):
        return {key: deep_value(one, context) for key, one in value.items()}
    return [deep_value(one, context) for one in value] if isinstance(value, list) else value


def deep_text(found: Mapping[str, Any], context: Mapping[str, Any]) -> dict[str, str]:
    """Evaluate the expressions in a mapping such as `env`, to text."""
    return {str(key): expressions.interpolate(expressions.text(value), context) for key, value in found.items()}


MAX_JOBS = 256
Combination = dict[str, Any]


def combinations(matrix: Any) -> list[tuple[Combination, Combination]]:
    """Expand a matrix whose expressions are evaluated already; no matrix is one empty combination.

    Each has what names its job, and what `include` adds to that without naming it (actions/runner, MatrixBuilder.cs).
    Raises `Unsupported` for an axis without values, or more than GitHub's 256 jobs.
    """
    if matrix is None:
        return [({}, {})]
    if not isinstance(matrix, Mapping):
        raise expressions.Unsupported(f"the matrix is no mapping: {matrix!r}")
    axes = {name: _axis(name, found) for name, found in matrix.items() if name not in ("include", "exclude")}
    names = {name.lower(): name for name in axes}  # what include and exclude call it, in any case
    exclude, include = matrix.get("exclude") or [], matrix.get("include") or []
    exclude = [{names.get(key.lower(), key): value for key, value in rule.items()} for rule in exclude]
    if unknown := next((key for rule in exclude for key in rule if key not in axes), ""):
        raise expressions.Unsupported(f"matrix exclude key {unknown!r} does not match any key within the matrix")
    chosen = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())] if axes else []
    chosen = [one for one in chosen if not any(_covers(rule, one) for rule in exclude)]
    include = [{names.get(key.lower(), key): value for key, value in entry.items()} for entry in include]
    rules = [{key: value for key, value in entry.items() if key in axes} for entry in include]
    fits = [[_covers(rule, one) for rule in rules] for one in chosen]
    found = [(one, _added(axes, compress(include, fit))) for one, fit in zip(chosen, fits, strict=True)]
    found += [(_named_first(axes, entry), {}) for at, entry in enumerate(include) if not any(fit[at] for fit in fits)]
    if not 0 < len(found) <= MAX_JOBS:
        raise expressions.Unsupported(f"the matrix makes {len(found)} jobs")
    return found


def _axis(name: str, found: Any) -> list[Any]:
    if not isinstance(found, list) or not found:
        raise expressions.Unsupported(f"matrix vector {name!r} does not contain any values")
    return found


def _covers(rule: Any, value: Any) -> bool:
    """Tell whether each single value in a rule equals, as `==` does, what stands at its place."""
    if isinstance(rule, Mapping):
        return all(_covers(part, value.get(key) if isinstance(value, Mapping) else None) for key, part in rule.items())
    if isinstance(rule, list):
        there = value if isinstance(value, list) else []
        return all(_covers(part, there[at] if at < len(there) else None) for at, part in enumerate(rule))
    return expressions.equal(rule, value)


def _named_first(axes: Mapping[str, Any], entry: Combination) -> Combination:
    """Put what axes name before what the entry adds, each in the entry's order."""
    return {key: entry[key] for key in sorted(entry, key=lambda key: key not in axes)}


def _added(axes: Mapping[str, Any], entries: Iterable[Combination]) -> Combination:
    return {key: value for entry in entries for key, value in entry.items() if key not in axes}


def display_name(name: str, combination: Mapping[str, Any]) -> str:
    """Name a job as GitHub shows it: `test-package (3.10)`."""
    shown = ", ".join(filter(None, _leaves(list(combination.values()))))
    return cut_name(f"{name} ({shown})" if shown else name)


def _leaves(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        value = list(value.values())
    return [leaf for one in value for leaf in _leaves(one)] if isinstance(value, list) else [expressions.text(value)]
