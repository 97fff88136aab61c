"""The value of an expression, of a text with expressions, and of an `if:`, in contexts known in part."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from release.workflows.expressions import values
from release.workflows.expressions.syntax import MAX_LENGTH, Call, Literal, Name, Node, Unsupported, parse

CONTEXTS = frozenset(
    ("env", "github", "inputs", "job", "jobs", "matrix", "needs", "runner", "secrets", "steps", "strategy", "vars")
)
# The context key that success(), failure() and cancelled() look at: one of those words, or "skipped".
STATUS = "status()"
# The context key of what hashFiles() is, given the patterns.
HASH_FILES = "hashFiles()"
_STATUS_FUNCTIONS = ("always", "success", "failure", "cancelled")
# Strings may hold "}}", so they are read as strings; an empty one is none.
EXPRESSION = re.compile(r"\$\{\{(?!\s*\}\})((?:'(?:[^']|'')*'|(?!\}\}).)*)\}\}", re.DOTALL)

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
    return _value(_tree(whole.group(1) if whole else text), context)


def interpolate(text: str, context: Context, undecided: Callable[[str, str], str] | None = None) -> str:
    """Replace every `${{ … }}` in a text; raises as `evaluate` does.

    With `undecided` one that cannot be decided becomes what that answers, given the expression and what it depends on.
    """
    _check_closed(text)

    def value(found: re.Match[str]) -> str:
        """Write one expression's value."""
        try:
            return values.text(evaluate(found.group(1), context))
        except Undecided as error:
            if undecided is None:
                raise
            return undecided(found.group(1), error.name)

    return EXPRESSION.sub(value, text)


def check_text(text: str, contexts: frozenset[str] | None = None) -> None:
    """Check that every `${{ … }}` in a text can be evaluated where it stands; raises `Unsupported` for what is wrong.

    `contexts` are those that are there; all of GitHub's unless said.
    """
    _check_closed(text)
    found = EXPRESSION.findall(text)
    if found and len(text) > MAX_LENGTH:  # GitHub makes one format() of the whole text
        raise Unsupported(f"an expression is longer than {MAX_LENGTH} characters")
    for name in (name for each in found for name in _names(_tree(each))):
        if name not in (CONTEXTS if contexts is None else contexts):
            raise Unsupported(f"unrecognized named-value: {name!r}")


def _names(node: Node) -> Iterator[str]:
    """List the contexts that an expression names."""
    if isinstance(node, Name):
        yield node.name
    for each in node.arguments if isinstance(node, Call) else ():
        yield from _names(each)


def condition(text: str, context: Context) -> bool:
    """Judge an `if:`; without a status function in it, `success()` must hold too.

    What does not change the outcome may stay unknown; otherwise raises as `evaluate` does.
    """
    node = _condition_node(text.strip())
    if not _asks_status(node):
        node = Call("&&", (Call("success", ()), node))
    return _truth(node, context)


@lru_cache(maxsize=512)
def _tree(text: str) -> Node:
    """Read one expression and check its calls, also those that are never made."""
    node = parse(text)
    values.check_calls(node)
    return node


def _check_closed(text: str) -> None:
    if "${{" in EXPRESSION.sub("", text):
        raise Unsupported(f"an expression is empty or not closed: {text[:80]!r}")


def _condition_node(text: str) -> Node:
    _check_closed(text)
    whole = EXPRESSION.fullmatch(text)
    if whole or "${{" not in text:
        return _tree(whole.group(1) if whole else text) if text else Literal(True)
    # GitHub makes such a text a format() of its expressions, and a text that is not empty is true.
    found = [_tree(part) for part in EXPRESSION.findall(text)]
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
        case Call(name, arguments) if name in values.IMPURE:
            return _run_value(name, arguments, context)
        case Call(name, arguments):
            return values.call(name, [_value(argument, context) for argument in arguments])


def _run_value(name: str, arguments: Sequence[Node], context: Context) -> Any:
    """Return the value of a function that looks at the run or its files, or not at all its arguments."""
    if name == "case":
        return _value(_case(arguments[:-1], arguments[-1], context), context)
    key = HASH_FILES if name == "hashfiles" else STATUS
    if name != "always" and key not in context:
        raise Undecided(HASH_FILES if key == HASH_FILES else f"{name}()")
    if key == HASH_FILES:
        return context[HASH_FILES]([values.text(_value(each, context)) for each in arguments])
    return name == "always" or context[STATUS] == name


def _case(pairs: Sequence[Node], default: Node, context: Context) -> Node:
    """Choose what follows the first predicate that is true."""
    for predicate, result in zip(pairs[::2], pairs[1::2], strict=True):
        if not isinstance(holds := _value(predicate, context), bool):
            raise Unsupported("a predicate of case() is neither true nor false")
        if holds:
            return result
    return default


def _context_value(name: str, context: Context) -> Any:
    if name in context:
        return context[name]
    if name in CONTEXTS:
        raise Undecided(name)
    raise Unsupported(f"unrecognized named-value: {name!r}")


def _item(target: Any, key: Any, path: str) -> Any:
    if isinstance(target, values.Filtered):
        return values.Filtered(each for element in target for each in _entry(element, key, path))
    return next(iter(_entry(target, key, path)), None)


def _entry(target: Any, key: Any, path: str) -> list[Any]:
    """List the one value that an object or array has at a key, if it has one."""
    if isinstance(target, Mapping) and values.is_primitive(key):
        wanted = values.text(key)
        near = [wanted] if wanted in target else [each for each in target if values.fold(each) == values.fold(wanted)]
        if not near and isinstance(target, Partial):
            raise Undecided(path)
        return [target[each] for each in near[:1]]
    at = values.number(key)
    return [target[int(at)]] if isinstance(target, list) and 0 <= at < len(target) else []


def _description(node: Node) -> str:
    match node:
        case Call("[]", (target, Literal(key))):
            return f"{_description(target)}.{values.text(key)}"
        case Call("[]" | ".*", (target, *_)):
            return f"{_description(target)}.*"
        case Name(name):
            return name
    return "…"
