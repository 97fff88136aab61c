"""Compare two versions of an attribute, of decorators, and of declared types."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from release.compat.python.types import accepts_all, is_certain

if TYPE_CHECKING:
    import griffe

LONGEST = 60  # characters of an expression in a message
# What kinds and labels tell already, or what changes nothing for a caller.
_SILENT_DECORATORS = frozenset(
    {"abstractmethod", "cache", "classmethod", "deleter", "deprecated", "final", "lru_cache", "overload"}
    | {"override", "property", "setter", "staticmethod", "wraps"}
)


def attribute_changes(old: griffe.Attribute, new: griffe.Attribute) -> Iterator[tuple[str, bool]]:
    """Yield what breaks for readers and writers of an attribute, and whether that is certain.

    A class's value is compared, as a default is. A module's may be new (a version, an image's name) but for its type.
    """
    if _can_be_set(old) and not _can_be_set(new):
        yield "it can no longer be set", True
    yield from value_type_changes("its type is", old.annotation, new.annotation)
    before, after = text_of(old.value), text_of(new.value)
    if before is None or before == after:
        return
    is_default = _has_default(old) and (_has_default(new) or after is None) and not old.name.startswith("__")
    if is_default or (old.annotation is None and _are_of_other_types(before, after or "")):
        yield f"its value {excerpt(before)} became {excerpt(after or 'none at all')}", True


def decorator_changes(old: griffe.Object, new: griffe.Object) -> Iterator[tuple[str, bool]]:
    """Yield decorators that came or went: what they do to a signature is not known."""
    earlier, later = _decorators(old), _decorators(new)
    for text in sorted(earlier - later):
        yield f"the decorator {excerpt(text)} is gone or changed", False
    if earlier <= later:
        for text in sorted(later - earlier):
            yield f"the decorator {excerpt(text)} is new", False


def value_type_changes(said: str, old: object, new: object) -> Iterator[tuple[str, bool]]:
    """Yield a declared type of something read that is not the same or narrower any more."""
    before, after = text_of(old), text_of(new)
    if before is None or (after is not None and accepts_all(before, after)):
        return
    if after is None:
        yield f"{said} no longer declared as {excerpt(before)}", False
    else:
        yield f"{said} {excerpt(after)}, not {excerpt(before)}", is_certain(before, after)


def text_of(expression: object) -> str | None:
    """Give an expression of griffe's as source text."""
    return None if expression is None else str(expression)


def excerpt(text: str) -> str:
    """Cut a long expression for a message."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _can_be_set(attribute: griffe.Attribute) -> bool:
    return "property" not in attribute.labels or "writable" in attribute.labels


def _has_default(attribute: griffe.Attribute) -> bool:
    return "class-attribute" in attribute.labels and "property" not in attribute.labels


def _decorators(node: griffe.Object) -> set[str]:
    texts = {str(decorator.value) for decorator in getattr(node, "decorators", ())}
    return {text for text in texts if text.split("(")[0].rsplit(".", 1)[-1] not in _SILENT_DECORATORS}


def _are_of_other_types(before: str, after: str) -> bool:
    earlier, later = _literal_type(before), _literal_type(after)
    return earlier is not None and later is not None and earlier is not later


def _literal_type(text: str) -> type | None:
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    return None if value is None else type(value)
