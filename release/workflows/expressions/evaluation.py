"""The value of an expression, of a text with expressions, and of an `if:`, in contexts known in part."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from release.workflows.expressions import values
from release.workflows.expressions.syntax import Call, Literal, Name, Node, Unsupported, parse

CONTEXTS = frozenset(
    ("env", "github", "inputs", "job", "jobs", "matrix", "needs", "runner", "secrets", "steps", "strategy", "vars")
)
# The context key that success(), failure() and cancelled() look at: one of those words, or "skipped".
STATUS = "status()"
_STATUS_FUNCTIONS = ("always", "success", "failure", "cancelled")
# Strings may hold "}}", so they are read as strings.
EXPRESSION = re.compile(r"\$\{\{((?:'(?:[^']|'')*'|(?!\}\}).)*)\}\}", re.DOTALL)

Context = Mapping[str, Any]


class Undecided(Exception):
    """The value depends on something that is not known here; `name` says on what."""

    def __init__(self, name: str) -> None:
        super().__init__(f"depends on {name}, which is not known here")
        self.name = name


class Partial(dict[str, Any]):
    """A context of which only some entries are known: any other is undecided instead of null."""


def evaluate(text: str, context: Context) -> Any:
    """Evaluate one expression, with or without its `${{ }}`, in the contexts given.

    Raises `Undecided` when it reaches a context that GitHub has and `context` lacks, `Unsupported` when it is wrong.
    """
    whole = EXPRESSION.fullmatch(text.strip())
    return _value(parse(whole.group(1) if whole else text), context)


def interpolate(text: str, context: Context) -> str:
    """Replace every `${{ … }}` in a text; raises as `evaluate` does."""
    if "${{" in EXPRESSION.sub("", text):
        raise Unsupported(f"an expression is not closed: {text[:80]!r}")
    return EXPRESSION.sub(lambda found: values.text(evaluate(found.group(1), context)), text)


def condition(text: str, context: Context) -> bool:
    """Judge an `if:`; without a status function in it, `success()` must hold too.

    What does not change the outcome may stay unknown; otherwise raises as `evaluate` does.
    """
    node = _condition_node(text.strip())
    if not _asks_status(node):
        node = Call("&&", (Call("success", ()), node))
    return _truth(node, context)


def _condition_node(text: str) -> Node:
    whole = EXPRESSION.fullmatch(text)
    if whole or "${{" not in text:
        return parse(whole.group(1) if whole else text) if text else Literal(True)
    # GitHub makes such a text a format() of its expressions, and a text that is not empty is true.
    found = [parse(part) for part in EXPRESSION.findall(text)]
    template = EXPRESSION.sub("x", text)
    return Call("format", (Literal(template.replace("{", "{{").replace("}", "}}")), *found))


def _asks_status(node: Node) -> bool:
    return isinstance(node, Call) and (node.name in _STATUS_FUNCTIONS or any(map(_asks_status, node.arguments)))


def _truth(node: Node, context: Context) -> bool:
    match node:
        case Call("!", (inner,)):
            return not _truth(inner, context)
        case Call("&&" | "||" as operator, (left, right)):
            ends = operator == "||"
            try:
                return ends if _truth(left, context) is ends else _truth(right, context)
            except Undecided:
                if _truth(right, context) is ends:
                    return ends
                raise
    return values.truth(_value(node, context))


def _value(node: Node, context: Context) -> Any:
    match node:
        case Literal(value):
            return value
        case Name(name):
            return _context_value(name, context)
        case Call("&&" | "||" as operator, (first, second)):
            left = _value(first, context)
            return left if values.truth(left) is (operator == "||") else _value(second, context)
        case Call("[]", (target, key)):
            return _item(_value(target, context), _value(key, context), _description(node))
        case Call(name) if name in _STATUS_FUNCTIONS:
            if name != "always" and STATUS not in context:
                raise Undecided(f"{name}()")
            return name == "always" or context[STATUS] == name
        case Call(name, arguments):
            return values.call(name, [_value(argument, context) for argument in arguments])


def _context_value(name: str, context: Context) -> Any:
    if name in context:
        return context[name]
    if name in CONTEXTS:
        raise Undecided(name)
    raise Unsupported(f"unrecognized named-value: {name!r}")


def _item(target: Any, key: Any, path: str) -> Any:
    if isinstance(target, values.Filtered):
        found = [_item(element, key, path) for element in target if isinstance(element, Mapping | list)]
        return values.Filtered(element for element in found if element is not None)
    if isinstance(target, Mapping):
        wanted = values.text(key)
        if wanted in target:
            return target[wanted]
        near = [name for name in target if name.lower() == wanted.lower()]
        if not near and isinstance(target, Partial):
            raise Undecided(path)
        return target[near[0]] if near else None
    at = values.number(key)
    return target[int(at)] if isinstance(target, list) and 0 <= at < len(target) else None


def _description(node: Node) -> str:
    match node:
        case Call("[]", (target, Literal(key))):
            return f"{_description(target)}.{values.text(key)}"
        case Call("[]" | ".*", (target, *_)):
            return f"{_description(target)}.*"
        case Name(name):
            return name
    return "…"
