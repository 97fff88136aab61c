"""The values of GitHub's expressions: truth, loose comparison, text, and the functions.

Rules: https://docs.github.com/en/actions/reference/workflows-and-actions/expressions
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from release.workflows.expressions.syntax import Unsupported

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_KINDS: dict[type, str] = {bool: "boolean", int: "number", float: "number", str: "string", type(None): "null"}
_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{(\d{1,3})\}|[{}]")


class Filtered(list[Any]):
    """What `.*` gives: a property of it is that property of every element."""


def truth(value: Any) -> bool:
    """Tell whether a value counts as true: all but null, false, 0, NaN and the empty string."""
    if isinstance(value, float) and math.isnan(value):
        return False
    return isinstance(value, Mapping | list) or bool(value)


def number(value: Any) -> float:
    """Turn a value into a number as a comparison does; NaN when it is none."""
    if isinstance(value, bool | int | float):
        return float(value) if isinstance(value, float) or abs(value) < 2**1023 else math.inf
    if value is None:
        return 0.0
    if not isinstance(value, str):
        return math.nan
    digits = value.strip()
    if digits.lower().startswith(("0x", "0o")):
        try:
            return float(int(digits, 0))
        except (ValueError, OverflowError):
            return math.nan
    return float(digits) if _NUMBER.fullmatch(digits) else (math.nan if digits else 0.0)


def text(value: Any) -> str:
    """Write a value as text, as an interpolation does."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.15g}".replace("nan", "NaN").replace("inf", "Infinity")
    if isinstance(value, Mapping):
        return "Object"
    return "Array" if isinstance(value, list) else str(value)


def texts(value: Any) -> list[str]:
    """Write what may be a list, the only one of it or null as texts."""
    return [text(each) for each in (value if isinstance(value, list) else [] if value is None else [value])]


def equal(left: Any, right: Any) -> bool:
    """Compare as `==` does: text without case, kinds that differ as numbers, objects by identity."""
    kind, other = (_KINDS.get(type(value), "object") for value in (left, right))
    if kind != other:
        return number(left) == number(right)
    if isinstance(left, str):
        return left.upper() == str(right).upper()
    return left is right if kind == "object" else bool(left == right)


def less(left: Any, right: Any) -> bool:
    """Compare as `<` does; always false with NaN."""
    if isinstance(left, str) and isinstance(right, str):
        return left.upper() < right.upper()
    return number(left) < number(right)


def _all(target: Any) -> Filtered:
    if isinstance(target, Mapping):
        return Filtered(target.values())
    return Filtered(target if isinstance(target, list) else ())


def _contains(where: Any, item: Any) -> bool:
    if isinstance(where, list):
        return any(equal(element, item) for element in where)
    return not isinstance(where, Mapping) and text(item).lower() in text(where).lower()


def _format(template: Any, *values: Any) -> str:
    def replacement(found: re.Match[str]) -> str:
        """Give what stands in a placeholder's stead."""
        if found.group() in ("{{", "}}"):
            return found.group()[0]
        if not found.group(1) or int(found.group(1)) >= len(values):
            raise Unsupported(f"format({text(template)!r}): no value for {found.group()!r}")
        return text(values[int(found.group(1))])

    return _PLACEHOLDER.sub(replacement, text(template))


def _join(values: Any, separator: Any = ",") -> str:
    return text(separator).join(map(text, values)) if isinstance(values, list) else text(values)


def _from_json(value: Any) -> Any:
    try:
        return json.loads(text(value))
    except (ValueError, RecursionError) as error:
        raise Unsupported(f"fromJSON: this is no JSON: {text(value)[:80]!r}") from error


# Name: the function, the fewest and the most arguments it takes. The operators take what the syntax gives them.
_FUNCTIONS: dict[str, tuple[Callable[..., Any], int, float]] = {
    "!": (lambda value: not truth(value), 1, 1),
    ".*": (_all, 1, 1),
    "==": (equal, 2, 2),
    "!=": (lambda left, right: not equal(left, right), 2, 2),
    "<": (less, 2, 2),
    ">": (lambda left, right: less(right, left), 2, 2),
    "<=": (lambda left, right: less(left, right) or equal(left, right), 2, 2),
    ">=": (lambda left, right: less(right, left) or equal(left, right), 2, 2),
    "contains": (_contains, 2, 2),
    "startswith": (lambda where, what: text(where).lower().startswith(text(what).lower()), 2, 2),
    "endswith": (lambda where, what: text(where).lower().endswith(text(what).lower()), 2, 2),
    "format": (_format, 1, math.inf),
    "join": (_join, 1, 2),
    "tojson": (lambda value: json.dumps(value, indent=2, ensure_ascii=False), 1, 1),
    "fromjson": (_from_json, 1, 1),
}


def call(name: str, arguments: Sequence[Any]) -> Any:
    """Call one of GitHub's pure functions by its lower-case name, or an operator.

    Raises `Unsupported` for a function that is not known here (`hashFiles` too) or with too few or many arguments.
    """
    if name not in _FUNCTIONS:
        raise Unsupported(f"the function {name}() is not supported")
    function, fewest, most = _FUNCTIONS[name]
    if not fewest <= len(arguments) <= most:
        raise Unsupported(f"the function {name}() does not take {len(arguments)} arguments")
    return function(*arguments)
