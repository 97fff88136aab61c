"""Reusable workflows: the file that a job calls, and what it is given."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from typing import Any

from release.sandbox.git import Bare
from release.sandbox.runner.state import RunState
from release.sandbox.runner.workflow import InvalidWorkflow, Workflow, parse_workflow, typed_value
from release.workflows import excess, expressions

MAX_DEPTH = 10  # the run's own workflow, and those called one by another
_LOCAL = re.compile(r"\./(\.github/workflows/[^/@]+)")
_NAMED = re.compile(r"([^/]+/[^/]+)/(\.github/workflows/[^/@]+)@(.+)")
_TYPES: Mapping[str, tuple[type, ...]] = {"boolean": (bool,), "number": (int, float), "string": (str,)}


def called_workflow(run: RunState, uses: str) -> tuple[Workflow, str]:
    """Read a workflow of the repository, and return the commit that it was read at.

    Raises `Unsupported` for another repository's, one that is not there or cannot be called, and one too deep.
    """
    path, sha = _place(run, uses)
    if _depth(run) >= MAX_DEPTH:
        raise expressions.Unsupported(f"{uses} is called {MAX_DEPTH} workflows deep: GitHub allows no more")
    bare = Bare(run.repository)
    with contextlib.closing(bare.objects):
        text = bare.file(sha, path)
    if text is None:
        raise expressions.Unsupported(f"the workflow {uses} was not found")
    try:
        workflow = parse_workflow(text, path)
    except InvalidWorkflow as error:
        raise expressions.Unsupported(str(error)) from error
    if "workflow_call" not in workflow.triggers:
        raise expressions.Unsupported(f"{path}: workflow is not reusable as it is missing a `on.workflow_call` trigger")
    return workflow, sha


def _place(run: RunState, uses: str) -> tuple[str, str]:
    if found := _LOCAL.fullmatch(uses):
        return found[1], run.file_sha or run.sha
    if not (found := _NAMED.fullmatch(uses)):
        raise expressions.Unsupported(f"no workflow is called as {uses!r}: ./.github/workflows/FILE")
    repository = str(run.context.get("github", {}).get("repository", ""))
    if found[1].lower() != repository.lower():
        raise expressions.Unsupported(f"the sandbox has no workflow of another repository: {uses}")
    bare = Bare(run.repository)
    with contextlib.closing(bare.objects):
        sha = bare.sha(found[3])
    if sha is None:
        raise expressions.Unsupported(f"the workflow {uses} was not found: there is no ref {found[3]}")
    return found[2], sha


def _depth(run: RunState) -> int:
    return 1 + (_depth(run.caller) if run.caller else 0)


def call_inputs(workflow: Workflow, given: Mapping[str, Any], context: Mapping[str, Any]) -> dict[str, Any]:
    """Give the called workflow's inputs their values; raises `Unsupported` for what GitHub refuses of them."""
    declared = {name: spec or {} for name, spec in (_called(workflow).get("inputs") or {}).items()}
    _check_names(workflow, "input", declared, given)
    values = {name: _value(name, spec, given, context) for name, spec in declared.items()}
    return {name: typed_value(value, declared[name]) for name, value in values.items()}


def _value(name: str, spec: Mapping[str, Any], given: Mapping[str, Any], context: Mapping[str, Any]) -> Any:
    if name not in given:
        default = spec.get("default")
        return expressions.interpolate(default, context) if isinstance(default, str) else default
    value, kind = given[name], str(spec.get("type"))
    if kind != "string" and not isinstance(value, _TYPES[kind]):
        raise expressions.Unsupported(f"the input {name} is a {kind}, and {value!r} is none")
    return value


def call_secrets(workflow: Workflow, given: Any, known: Mapping[str, str]) -> dict[str, str]:
    """Give the secrets that the called workflow sees: all with `inherit`, else those handed on and GitHub's token.

    `given` is evaluated already. Raises `Unsupported` for one that is required, or not declared.
    """
    declared = {name: spec or {} for name, spec in (_called(workflow).get("secrets") or {}).items()}
    if given == "inherit":
        return dict(known)
    _check_names(workflow, "secret", declared, given or {})
    own = {name: value for name, value in known.items() if name == "GITHUB_TOKEN"}
    return {**own, **{name: expressions.text(value) for name, value in (given or {}).items()}}


def check_grants(run: RunState, uses: str) -> None:
    """Raise `Unsupported` for a called workflow's job that asks for more than the job that calls it has."""
    allowed = run.caller.grants(run.called_by) if run.caller else {}
    for key in run.workflow.jobs:
        for scope, level, given in excess(run.grants(key), allowed):
            raise expressions.Unsupported(
                f"Error calling workflow {uses!r}. The nested job {key!r} is requesting '{scope}: {level}', "
                f"but is only allowed '{scope}: {given}'."
            )


def _check_names(workflow: Workflow, kind: str, declared: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    for name in given.keys() - declared.keys():
        raise expressions.Unsupported(f"{workflow.path} has no {kind} {name}")
    for name, spec in declared.items():
        if spec.get("required") and name not in given:
            raise expressions.Unsupported(f"{workflow.path} requires the {kind} {name}, which its caller does not give")


def _called(workflow: Workflow) -> Mapping[str, Any]:
    return workflow.triggers["workflow_call"]
