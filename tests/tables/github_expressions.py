"""GitHub's own cases of expressions: https://github.com/actions/languageservices, expressions/testdata."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from sources import repository

from release.workflows.expressions import Undecided, Unsupported, evaluate

KINDS = {bool: "Boolean", float: "Number", int: "Number", str: "String", type(None): "Null", dict: "Object"}


def cases() -> Iterator[tuple[str, str]]:
    """Evaluate each expression in its contexts; an error has only to be one."""
    for path in sorted((repository("actions/languageservices") / "expressions" / "testdata").glob("*.json")):
        for group in json.loads(path.read_text("utf-8")).values():
            for case in group:
                yield f"{path.stem}: {case['expr'][:80]}", _fault(case)


def _fault(case: dict[str, Any]) -> str:
    try:
        value = evaluate(case["expr"], {name.lower(): each for name, each in (case.get("contexts") or {}).items()})
    except (Undecided, Unsupported) as error:
        return "" if "err" in case else f"FALSE: refused: {error}"
    if "memory" in case.get("err", {}).get("value", ""):
        return "its limit is the tests' own, 1 MiB; that of a workflow is 10 MiB (actions/runner, ParseOptions.cs)"
    if "err" in case:
        return f"FALSE: not refused: {value!r}"
    wanted = case["result"]
    kind = KINDS.get(type(value), "Array" if isinstance(value, list) else "Object")
    same = kind == wanted["kind"] and _plain(value) == _plain(wanted.get("value"))
    return "" if same else f"FALSE: {kind} {value!r} instead of {wanted['kind']} {wanted.get('value')!r}"


def _plain(value: Any) -> str:
    """Write a value so that NaN equals NaN, 1 equals 1.0 and a number's special name is the number."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "NaN" if math.isnan(value) else str(float(value))
    if value in ("NaN", "Infinity", "-Infinity"):
        return str(float(value)).replace("nan", "NaN")
    if isinstance(value, list):
        return str([_plain(each) for each in value])
    return str({key: _plain(each) for key, each in value.items()}) if isinstance(value, dict) else repr(value)
