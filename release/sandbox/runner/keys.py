"""What a workflow file may hold where: keys of mappings, contexts of expressions, and a few values.

Rules: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax, and for contexts
https://docs.github.com/en/actions/reference/workflows-and-actions/contexts#context-availability
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

MAX_NODES = 500_000
MAX_DEPTH = 50  # of mappings and lists in each other
# By place, a key that has to be there with a `!`; jobs and steps themselves are read elsewhere.
_CONTAINER = "image! credentials env ports volumes options"
_CONCURRENCY = "group! cancel-in-progress queue"
_KEYS = {
    "concurrency": _CONCURRENCY,
    "defaults": "run",
    "defaults.run": "shell working-directory",
    "on.workflow_call": "inputs outputs secrets",
    "on.workflow_call.inputs.*": "type! description default required",
    "on.workflow_call.outputs.*": "value! description",
    "on.workflow_call.secrets.*": "description required",
    "jobs.*.concurrency": _CONCURRENCY,
    "jobs.*.container": _CONTAINER,
    "jobs.*.container.credentials": "username password",
    "jobs.*.defaults": "run",
    "jobs.*.defaults.run": "shell working-directory",
    "jobs.*.environment": "name! url deployment",
    "jobs.*.services.*": f"{_CONTAINER} command entrypoint",
    "jobs.*.services.*.credentials": "username password",
    "jobs.*.strategy": "matrix fail-fast max-parallel job-total",
}
_VALUES = {
    "on.workflow_call.inputs.*.type": r"string|boolean|number",
    "permissions": r"read-all|write-all",
    "permissions.*": r"read|write|none",
    "jobs.*.permissions": r"read-all|write-all",
    "jobs.*.permissions.*": r"read|write|none",
    "concurrency.queue": r"single|max",
    "jobs.*.concurrency.queue": r"single|max",
    "jobs.*.runs-on.group": r"[^/]+|(?:ent|enterprise|org|organization)/[^/]+",
    "jobs.*.steps.*.uses": r"\.\.?/.*|docker://.*|[^/@]+/[^@]+@.+",
}
_EARLY = frozenset(("github", "inputs", "vars"))
_OF_JOB = _EARLY | {"needs"}
_OF_MATRIX = _OF_JOB | {"matrix", "strategy"}
_OF_JOBS_OWN = ("concurrency", "continue-on-error", "name", "runs-on", "timeout-minutes")
_CONTEXTS = {
    **dict.fromkeys(("concurrency", "run-name"), _EARLY),
    "env": _EARLY | {"secrets"},
    **dict.fromkeys(("jobs.*.if", "jobs.*.strategy"), _OF_JOB),
    **{f"jobs.*.{key}": _OF_MATRIX for key in _OF_JOBS_OWN},
    "jobs.*.env": _OF_MATRIX | {"secrets"},
}  # fmt: skip


def known_contexts(where: tuple[str, ...]) -> frozenset[str] | None:
    """Return the contexts that an expression at a place may name; nothing where each is."""
    found = (_CONTEXTS.get(_pattern(where[:size])) for size in range(1, 4))
    return next((each for each in found if each is not None), None)


def key_problems(content: Mapping[str, Any]) -> Iterator[str]:
    """List the keys and values that GitHub does not know at their places, and those that are missing."""
    if any(count > MAX_NODES for count, _ in enumerate(_nodes(content))):  # a repeated anchor is read each time
        yield "maximum object size exceeded"
        return
    left: list[tuple[tuple[str, ...], Any]] = [((), content)]
    while left:
        where, value = left.pop()
        if len(where) > MAX_DEPTH:
            yield "maximum object depth exceeded"
            return
        yield from _problems(where, value)
        left += [((*where, str(key)), each) for key, each in _inner(value)]


def _nodes(content: Any) -> Iterator[Any]:
    left = [content]
    while left:
        value = left.pop()
        yield value
        left += [each for _, each in _inner(value)]


def _inner(value: Any) -> Iterable[tuple[Any, Any]]:
    return value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()


def _pattern(where: tuple[str, ...]) -> str:
    """Write a place with `*` for what people name or number: `jobs.*.steps.*.uses`."""
    for each in _ALL:
        if len(each) == len(where) and all(part in ("*", name) for part, name in zip(each, where, strict=True)):
            return ".".join(each)
    return ""


_ALL = [tuple(each.split(".")) for each in {*_KEYS, *_VALUES, *_CONTEXTS, "jobs.*.strategy.matrix.*", "name"}]


def _problems(where: tuple[str, ...], value: Any) -> Iterator[str]:
    place, pattern = ".".join(where), _pattern(where)
    if isinstance(value, Mapping):
        listed = _KEYS.get(pattern, "").split()
        known = {each.rstrip("!") for each in listed} or value.keys()
        yield from (f"{place}: unexpected value {key!r}" for key in value if key not in known and "${{" not in key)
        needed = [each.rstrip("!") for each in listed if each.endswith("!")]
        yield from (f"{place}: required property is missing: {key}" for key in needed if value.get(key) is None)
    elif pattern == "jobs.*.strategy.matrix.*" and value == [] and where[-1] not in ("exclude", "include"):
        yield f"{place}: the matrix vector does not contain any values"
    elif value is not None and "${{" not in str(value) and not re.fullmatch(_VALUES.get(pattern, "(?s).*"), str(value)):
        yield f"{place}: unexpected value {value!r}"
    elif pattern == "name" and isinstance(value, list):
        yield "name: a sequence was not expected"
