"""The inputs that a workflow's `workflow_dispatch` declares, against those to be sent and those a run needs."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from release.workflows.expressions import values
from release.workflows.expressions.syntax import NAME
from release.workflows.roles import is_on

Value = bool | str | int | float

TYPES = ("boolean", "choice", "environment", "number", "string")
MOST = 25  # inputs, and characters of all of them: GitHub's documentation of workflow_dispatch
LONGEST = 65_535


@dataclass(frozen=True)
class Input:
    """One declared input; an old file's has no type, and takes any text."""

    type: str = ""
    required: bool = False
    default: Any = None
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rule:
    """An input without which a run is green and useless, or worse."""

    input: str
    wanted: bool
    why: str
    hint: str


SDK = (Rule("is_release", True, "nothing is published under release/", "set sdk.inputs.is_release to true"),)
IMAGE = (
    Rule("is_release", True, "the run is green and pushes nothing", "set image.inputs.is_release to true"),
    Rule("build_base", False, "it pushes unversioned images again", "add --build-base if that is meant"),
)


def image_rules(*, build_base: bool) -> tuple[Rule, ...]:
    """Return the rules of an image run, with or without leave to push the base images again."""
    return tuple(rule for rule in IMAGE if not (build_base and rule.input == "build_base"))


def dispatch_inputs(trigger: Any) -> tuple[dict[str, Input], list[str]]:
    """Return the inputs that stand under `workflow_dispatch`, and what is wrong with them."""
    found = trigger.get("inputs") if isinstance(trigger, Mapping) else None
    if not isinstance(found, Mapping):
        return {}, [] if found is None else ["declares inputs that are no mapping"]
    inputs = {name: _input(body if isinstance(body, Mapping) else {}) for name, body in found.items()}
    problems = [f"declares {len(inputs)} inputs, GitHub takes {MOST}"] if len(inputs) > MOST else []
    for name, each in inputs.items():
        if not re.fullmatch(NAME, name):
            problems.append(f"declares an input with an impossible name: {name!r}")
        if each.type not in ("", *TYPES):
            problems.append(f"declares {name} of the unknown type {each.type!r}")
        if each.type == "choice" and not each.options:
            problems.append(f"declares the choice {name} without options")
    return inputs, problems


def input_problems(inputs: Mapping[str, Input], sent: Mapping[str, Value]) -> list[str]:
    """List what GitHub would refuse of the inputs to be sent."""
    problems = [
        f"does not know the input {name}" if name not in inputs else _mismatch(name, inputs[name], value)
        for name, value in sent.items()
    ]
    for name, each in inputs.items():
        given = sent.get(name, each.default)
        if each.required and (given is None or given == ""):
            problems.append(f"requires the input {name}")
    if sum(len(name) + len(values.text(value)) for name, value in sent.items()) > LONGEST:
        problems.append(f"would be sent more than {LONGEST} characters of inputs")
    return [problem for problem in problems if problem]


def input_values(inputs: Mapping[str, Input], sent: Mapping[str, Value]) -> dict[str, Value]:
    """Return the values the run sees, defaults included; what is left to GitHub or a person is left out."""
    known = {name: _value(each, sent.get(name, each.default)) for name, each in inputs.items()}
    return {name: value for name, value in known.items() if value is not None}


def _input(body: Mapping[str, Any]) -> Input:
    options = body.get("options")
    listed = tuple(values.texts(options)) if isinstance(options, list) else ()
    return Input(values.text(body.get("type")), is_on(body.get("required")), body.get("default"), listed)


def _mismatch(name: str, each: Input, value: Value) -> str:
    given = f"not {value!r}"
    match each.type:
        case "boolean" if not isinstance(value, bool) and value not in ("true", "false"):
            return f"wants true or false for {name}, {given}"
        case "number" if isinstance(value, bool) or value == "" or math.isnan(values.number(value)):
            return f"wants a number for {name}, {given}"
        case "choice" if values.text(value) not in each.options:
            return f"wants one of {', '.join(each.options)} for {name}, {given}"
        case "environment" if not isinstance(value, str) or not value:
            return f"wants an environment's name for {name}, {given}"
        case "string" if not isinstance(value, str):
            return f"wants text for {name}, {given}"
    return ""


def _value(each: Input, value: Any) -> Value | None:
    if each.type == "boolean":
        return is_on(value)
    if value is None:
        return None if each.type in ("choice", "number") else ""
    return values.number(value) if each.type == "number" else values.text(value)
