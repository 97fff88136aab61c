"""What starts a workflow: an event on a ref, or a dispatch with its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from release.sandbox.workflow import Workflow
from release.workflows import expressions, ref_passes


class InvalidInputs(ValueError):
    """GitHub refuses this dispatch; the text is what it answers."""


def starts(workflow: Workflow, event: str, ref: str) -> bool:
    """Tell whether an event on a full ref starts the workflow; path filters are taken as met."""
    return event in workflow.triggers and ref_passes(workflow.triggers[event], ref)


def check_dispatch(workflow: Workflow, given: Mapping[str, Any]) -> None:
    """Raise `InvalidInputs` when GitHub would answer 422 to a dispatch with these inputs."""
    if "workflow_dispatch" not in workflow.triggers:
        raise InvalidInputs("Workflow does not have 'workflow_dispatch' trigger")
    if unexpected := [name for name in given if name not in workflow.inputs]:
        listed = ", ".join(f'"{name}"' for name in unexpected)
        raise InvalidInputs(f"Unexpected inputs provided: [{listed}]")
    for name, spec in workflow.inputs.items():
        value = expressions.text(given.get(name, spec.get("default")))
        if spec.get("required") and not value:
            raise InvalidInputs(f"Required input '{name}' not provided")
        allowed = _allowed(spec)
        if value and allowed and value not in allowed:
            raise InvalidInputs(f"Provided value '{value}' for input '{name}' not in the list of allowed values")


def _allowed(spec: Mapping[str, Any]) -> list[str]:
    if spec.get("type") == "boolean":
        return ["true", "false"]
    return [expressions.text(option) for option in spec.get("options") or []] if spec.get("type") == "choice" else []


def input_values(workflow: Workflow, given: Mapping[str, Any]) -> dict[str, Any]:
    """Give every dispatch input its value: what was given, else the default, in the type it is declared with."""
    return {name: _typed(given.get(name, spec.get("default")), spec) for name, spec in workflow.inputs.items()}


def _typed(value: Any, spec: Mapping[str, Any]) -> Any:
    if spec.get("type") == "boolean":
        return expressions.text(value) == "true"
    if spec.get("type") == "number":
        return expressions.number(value)
    return expressions.text(value)
