"""act's own cases of expressions: https://github.com/nektos/act, pkg/exprparser."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from sources import repository

from release.sandbox.runner.machine import hash_files
from release.workflows.expressions import HASH_FILES, Undecided, Unsupported, evaluate

TEXT = r"`[^`]*`|\"(?:\\.|[^\"\\])*\""
CASE = re.compile(rf"^\t\t\{{({TEXT}), ({TEXT}|[^`\"\n]+), (?:nil, )?\"[^\"]*\"(?:, (nil|{TEXT}))?\}},$", re.MULTILINE)
WORDS = {"true": True, "false": False, "nil": None, "math.Inf(1)": math.inf, "math.Inf(-1)": -math.inf}
# Where act itself is not as GitHub's runner and its @actions/expressions are.
NOT_AS_GITHUB = {
    'contains(fromJSON(\'[{ "first": { "result": "success" }}': "a name is no index of an array",
    "hashFiles('./for": "GitHub hashes the files' hashes",
    "fromJSON('[0,1]')[1.1]": "an index is rounded down",
    "(github.event.commits.*.author.username)[0]": "an index of what a * gives is that of each",
    "github.event.commits[0].author.username1 != github.event.commits[1].author.username2": "null is null",
    "secrets != env": "objects can be compared",
    "github.event.pull_request.labels.*.name": "a * gives an array, of null too",
}
VALUE = {"name": "value"}
NEED = {"outputs": {"output-name": "value"}, "result": "success"}
DONE = {"outputs": VALUE, "conclusion": "success", "outcome": "success"}
CONTEXTS: dict[str, Any] = {  # those that its tests give
    **dict.fromkeys(("secrets", "vars", "inputs"), VALUE),
    "github": {"action": "push", "event": {"commits": [{"author": {"username": name}} for name in ("one", "another")]}},
    "env": {"TEST": "value"},
    "job": {"status": "success"},
    "steps": {"step-id": DONE, "step-id2": {"conclusion": "skipped", "outcome": "failure"}},
    "runner": {"os": "Linux"},
    "strategy": {"fail-fast": True},
    "matrix": {"os": "Linux"},
    "needs": {"job-id": NEED, "another-job-id": NEED},
}


def cases() -> Iterator[tuple[str, str]]:
    """Evaluate each expression of its tables whose wanted value is a plain one; an error has only to be one."""
    folder = repository("nektos/act") / "pkg" / "exprparser"
    contexts = {**CONTEXTS, HASH_FILES: partial(hash_files, folder / "testdata")}
    for name in ("functions_test.go", "interpreter_test.go"):
        for text, wanted, error in CASE.findall((folder / name).read_text("utf-8")):
            expression = _text(text).removesuffix("}}").strip()
            if not expression.startswith(tuple(NOT_AS_GITHUB)):
                given = contexts | ({"env": {"key": "value"}} if expression == "toJSON(env)" else {})
                yield expression[:80], _fault(expression, wanted, len(error) > len("nil"), given)


def _text(found: str) -> str:
    return (
        found[1:-1]
        if found.startswith("`")
        else found[1:-1].replace('\\"', '"').replace("\\n", "\n").replace("\\\\", "\\")
    )


def _fault(expression: str, wanted: str, is_error: bool, context: dict[str, Any]) -> str:
    try:
        value = evaluate(expression, context)
    except Undecided as error:
        return f"another context: {error}"
    except Unsupported as error:
        return "" if is_error else f"FALSE: refused: {error}"
    if is_error:
        return f"FALSE: not refused: {value!r}"
    if wanted == "math.NaN()":
        return "" if isinstance(value, float) and math.isnan(value) else f"FALSE: {value!r} instead of NaN"
    if wanted.startswith("make(map"):
        return "" if value == {} else f"FALSE: {value!r} instead of an object"
    meant = WORDS[wanted] if wanted in WORDS else _text(wanted) if wanted[0] in '`"' else float(wanted)
    same = value == meant and isinstance(value, bool) is isinstance(meant, bool)
    return "" if same else f"FALSE: {value!r} instead of {meant!r}"
