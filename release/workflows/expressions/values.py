"""The values of GitHub's expressions: truth, loose comparison, text, and the functions.

Rules: https://docs.github.com/en/actions/reference/workflows-and-actions/expressions
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from release.workflows.expressions.syntax import Call, Node, Unsupported, parse_number

_KINDS: dict[type, str] = {bool: "boolean", int: "number", float: "number", str: "string", type(None): "null"}
MOST = 255  # arguments of a function
# The functions that are no matter of their arguments' values alone, and the fewest that each takes.
IMPURE = {"always": 0, "success": 0, "failure": 0, "cancelled": 0, "hashfiles": 1, "case": 3}
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
    return parse_number(value.strip() or "0") if isinstance(value, str) else math.nan


def text(value: Any) -> str:
    """Write a value as text, as an interpolation does."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value + 0.0:.15g}".upper().replace("NAN", "NaN").replace("INF", "Infinity")  # -0 is 0
    if isinstance(value, Mapping):
        return "Object"
    return "Array" if isinstance(value, list) else str(value)


def fold(text: str) -> str:
    """Take the case out of a text as .NET's OrdinalIgnoreCase does: letter by letter, and not out of the Turkish ı."""
    return "".join(each if each == "ı" or len(each.upper()) > 1 else each.upper() for each in text)


def is_primitive(value: Any) -> bool:
    """Tell whether a value is no object and no array: only such a one is a text for functions and indexes."""
    return type(value) in _KINDS


def texts(value: Any) -> list[str]:
    """Write what may be a list, the only one of it or null as texts."""
    return [text(each) for each in (value if isinstance(value, list) else [] if value is None else [value])]


def equal(left: Any, right: Any) -> bool:
    """Compare as `==` does: text without case, kinds that differ as numbers, objects by identity."""
    kind, other = (_KINDS.get(type(value), "object") for value in (left, right))
    if kind != other:
        return number(left) == number(right)
    if isinstance(left, str):
        return fold(left) == fold(right)
    return left is right if kind == "object" else bool(left == right)


def less(left: Any, right: Any) -> bool:
    """Compare as `<` does; always false with NaN."""
    if isinstance(left, str) and isinstance(right, str):
        return fold(left) < fold(right)
    return number(left) < number(right)


def _all(target: Any) -> Filtered:
    if isinstance(target, Filtered):
        return Filtered(each for element in target for each in _all(element))
    if isinstance(target, Mapping):
        return Filtered(target.values())
    return Filtered(target if isinstance(target, list) else ())


def _contains(where: Any, item: Any) -> bool:
    if isinstance(where, list):
        return any(equal(element, item) for element in where)
    return _compare_texts(str.__contains__, where, item)


def _compare_texts(comparison: Callable[[str, str], bool], left: Any, right: Any) -> bool:
    return is_primitive(left) and is_primitive(right) and comparison(fold(text(left)), fold(text(right)))


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
    if isinstance(values, list):
        return (text(separator) if is_primitive(separator) else ",").join(map(text, values))
    return text(values) if is_primitive(values) else ""


def _to_json(value: Any, margin: str = "\n") -> str:
    """Write a value as JSON, its numbers as text has them."""
    inner = f"{margin}  "
    if isinstance(value, Mapping):
        marks, found = "{}", [f"{_to_json(str(key))}: {_to_json(each, inner)}" for key, each in value.items()]
    elif isinstance(value, list):
        marks, found = "[]", [_to_json(each, inner) for each in value]
    else:
        is_number = _KINDS[type(value)] == "number"
        return text(value) if is_number else json.dumps(value, ensure_ascii=False)
    return f"{marks[0]}{inner}{f',{inner}'.join(found)}{margin}{marks[1]}" if found else marks


def _from_json(value: Any) -> Any:
    try:
        return json.loads(text(value))
    except (ValueError, RecursionError) as error:
        raise Unsupported(f"fromJSON: this is no JSON: {text(value)[:80]!r}") from error


# Name: the function, the fewest and the most arguments it takes. The operators take what the syntax gives them.
_FUNCTIONS: dict[str, tuple[Callable[..., Any], int, int]] = {
    "!": (lambda value: not truth(value), 1, 1),
    ".*": (_all, 1, 1),
    "==": (equal, 2, 2),
    "!=": (lambda left, right: not equal(left, right), 2, 2),
    "<": (less, 2, 2),
    ">": (lambda left, right: less(right, left), 2, 2),
    "<=": (lambda left, right: less(left, right) or equal(left, right), 2, 2),
    ">=": (lambda left, right: less(right, left) or equal(left, right), 2, 2),
    "contains": (_contains, 2, 2),
    "startswith": (partial(_compare_texts, str.startswith), 2, 2),
    "endswith": (partial(_compare_texts, str.endswith), 2, 2),
    "format": (_format, 1, MOST),
    "join": (_join, 1, 2),
    "tojson": (_to_json, 1, 1),
    "fromjson": (_from_json, 1, 1),
}


def check_calls(node: Node) -> None:
    """Check every call of a function in an expression, evaluated or not, as GitHub does before it evaluates any.

    Raises `Unsupported` for a function that GitHub does not have, or with too few or many arguments.
    """
    if not isinstance(node, Call):
        return
    for argument in node.arguments:
        check_calls(argument)
    name, given = node.name, len(node.arguments)
    if name not in {*IMPURE, *_FUNCTIONS, "&&", "||", "[]"}:
        raise Unsupported(f"GitHub has no function {name}()")
    fewest, most = (IMPURE[name], MOST) if name in IMPURE else _FUNCTIONS.get(name, (bool, 0, MOST))[1:]
    if not fewest <= given <= most or (name == "case" and given % 2 == 0):
        raise Unsupported(f"the function {name}() does not take {given} arguments")


def call(name: str, arguments: Sequence[Any]) -> Any:
    """Call one of GitHub's pure functions by its lower-case name, or an operator, with arguments as it takes them."""
    return _FUNCTIONS[name][0](*arguments)
