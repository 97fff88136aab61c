"""Compare two versions of one definition: a function's signature, a class, an attribute, its decorators."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from release.compat.python.types import Annotation, Names, accepts_all, is_certain, without_words

if TYPE_CHECKING:
    import griffe

    Node = griffe.Object | griffe.Alias

LONGEST = 60  # characters of an expression in a message
_ON_CLASS = frozenset({"classmethod", "staticmethod"})
# What kinds and labels tell already, or what changes nothing for a caller.
_SILENT_DECORATORS = frozenset({
    "abstractmethod", "cache", "classmethod", "deleter", "deprecated", "final", "lru_cache", "overload",
    "override", "property", "setter", "staticmethod", "wraps",
})  # fmt: skip

_DISPLAYS = {ast.Dict: dict, ast.JoinedStr: str, ast.List: list, ast.Set: set, ast.Tuple: tuple, ast.UnaryOp: int}


class Definitions(NamedTuple):
    """Compare definitions by what names mean at both sides."""

    before: Names
    after: Names

    def changes(self, old: griffe.Object, new: griffe.Object) -> Iterator[tuple[str, bool]]:
        """Yield what breaks for who uses the definition, and whether that is certain; a class's members aside."""
        yield from _decorator_changes(old, new)
        if old.is_function:
            yield from _signature_changes(old, new, self)  # type: ignore[arg-type] # told apart by their kind
            back = _signature_changes(new, old, Definitions(self.after, self.before))  # type: ignore[arg-type]
            if self.before.is_protocol(old.parent) and any(back):
                yield "who implements it may not fit any more", False
        elif old.is_class:
            yield from _class_changes(old, new, self)  # type: ignore[arg-type]
        else:
            yield from _attribute_changes(old, new, self)  # type: ignore[arg-type]
        if str(getattr(old, "type_parameters", "")) != str(getattr(new, "type_parameters", "")):
            yield "its type parameters changed", False


def _signature_changes(old: griffe.Function, new: griffe.Function, both: Definitions) -> Iterator[tuple[str, bool]]:
    if ("async" in old.labels) != ("async" in new.labels):
        yield "a function and a coroutine were exchanged", True
    if old.labels & _ON_CLASS and not new.labels & _ON_CLASS:
        yield "it can no longer be called on the class", True
    earlier, later = _Parameters(old), _Parameters(new)
    for parameter in earlier.named:
        yield from _parameter_changes(parameter, earlier, later)
        now = later.by_name.get(parameter.name)
        given = both.before.annotation(parameter.annotation, old.parent)
        taken = both.after.annotation(now and now.annotation, new.parent)
        if given is not None and taken is not None and not accepts_all(taken, given):
            what = f"the parameter {parameter.name} took {_excerpt(given.text)} and takes {_excerpt(taken.text)}"
            yield what, is_certain(given, taken)
    yield from _variadic_changes(earlier, later)
    for parameter in later.named:
        if parameter.name not in earlier.by_name and parameter.required and not _is_renamed(parameter, earlier, later):
            yield f"the new parameter {parameter.name} is required", True
    before, after = both.before.annotation(old.returns, old.parent), both.after.annotation(new.returns, new.parent)
    yield from _value_type_changes("it returns", before, after)
    if _overloads(old, both.before) - _overloads(new, both.after):
        yield "its overloads changed", False


def _variadic_changes(earlier: _Parameters, later: _Parameters) -> Iterator[tuple[str, bool]]:
    if earlier.args and not later.args:
        yield "it no longer takes any number of arguments (*)", True
    if earlier.kwargs and not later.kwargs:
        yield "it no longer takes any keyword (**)", True
    if earlier.args and len(later.positional) > len(earlier.positional):
        yield f"{later.positional[-1]} takes an argument that was one of any number (*)", True


class _Parameters:
    """A signature as a caller sees it, without `self` or `cls`."""

    def __init__(self, function: Node) -> None:
        listed = list(getattr(function, "parameters", ()))
        is_bound = function.parent is not None and function.parent.is_class and "staticmethod" not in function.labels
        if is_bound and listed and _is_positional(listed[0]):
            listed = listed[1:]
        self.named = [parameter for parameter in listed if "variadic" not in _kind(parameter)]
        self.positional = [parameter.name for parameter in self.named if _is_positional(parameter)]
        self.by_name = {parameter.name: parameter for parameter in self.named}
        self.args = any(_kind(parameter) == "variadic positional" for parameter in listed)
        self.kwargs = any(_kind(parameter) == "variadic keyword" for parameter in listed)


def _parameter_changes(old: griffe.Parameter, earlier: _Parameters, later: _Parameters) -> Iterator[tuple[str, bool]]:
    new = later.by_name.get(old.name)
    keeps_place = not _is_positional(old) or _keeps_place(old, earlier.positional.index(old.name), later)
    keeps_name = _kind(old) == "positional-only" or later.kwargs or (new and _kind(new) != "positional-only")
    if new is None:
        if not (keeps_place and keeps_name):
            yield f"the parameter {old.name} was removed", True
        return
    if not keeps_place:
        yield f"the parameter {old.name} is not at its position any more", True
    if not keeps_name:
        yield f"the parameter {old.name} can no longer be given by name", True
    yield from _default_changes(old, new)


def _keeps_place(old: griffe.Parameter, place: int, later: _Parameters) -> bool:
    if len(later.positional) <= place:
        return later.args and old.name not in later.positional
    # What can only be given by its place may be renamed.
    renamed = _kind(old) == "positional-only" and old.name not in later.by_name
    return renamed or later.positional[place] == old.name


def _is_renamed(new: griffe.Parameter, earlier: _Parameters, later: _Parameters) -> bool:
    if not _is_positional(new) or later.positional.index(new.name) >= len(earlier.positional):
        return False
    before = earlier.by_name[earlier.positional[later.positional.index(new.name)]]
    return _kind(before) == "positional-only" and before.required and before.name not in later.by_name


def _default_changes(old: griffe.Parameter, new: griffe.Parameter) -> Iterator[tuple[str, bool]]:
    if new.required and not old.required:
        yield f"the parameter {old.name} became required", True
    elif not new.required and not old.required and _text_of(old.default) != _text_of(new.default):
        was, now = _text_of(old.default) or "", _text_of(new.default) or ""
        yield f"the default of {old.name} changed from {_excerpt(was)} to {_excerpt(now)}", True


def _overloads(function: griffe.Function, names: Names) -> set[object]:
    def said(annotation: object) -> object:
        found = names.annotation(annotation, function.parent)
        return found and found.members

    return {
        (
            tuple((part.name, _kind(part), said(part.annotation), part.required) for part in each.parameters),
            said(each.returns),
        )
        for each in function.overloads or []
    }


def _is_positional(parameter: griffe.Parameter) -> bool:
    return _kind(parameter) in {"positional-only", "positional or keyword"}


def _kind(parameter: griffe.Parameter) -> str:
    return parameter.kind.value if parameter.kind else "positional or keyword"


def _class_changes(old: griffe.Class, new: griffe.Class, both: Definitions) -> Iterator[tuple[str, bool]]:
    yield from _base_changes(old, new, both)
    try:
        _ = old.mro(), new.mro()
    except ValueError:
        yield "its bases cannot be put in an order, so what it inherits was not compared", False
    before, after = both.before.members(old), both.after.members(new)
    added = [member for name, member in after.items() if name not in before]
    for member in added:
        if (not member.is_alias and "abstractmethod" in member.labels) or (
            both.after.is_protocol(new) and not member.name.startswith("__")
        ):
            yield f"the new member {member.name} is abstract, so who implements it must have it", False
    if "__init__" in after:
        made = _Parameters(after["__init__"]) if "__init__" not in before else None
        if made and (required := [parameter.name for parameter in made.named if parameter.required]):
            yield f"making one now requires {', '.join(required)}", True
    # A decorator or another package's base may build the constructor from the fields, as pydantic and attrs do.
    elif new.decorators or not all(_is_known(name, new) for name in both.after.ancestors(new)):
        for member in added:
            if not member.is_alias and member.is_attribute and _is_required_field(member):
                yield f"the new field {member.name} has no default, so making one may require it", False

    yield from _field_changes(old, new, both)


def _field_changes(old: griffe.Class, new: griffe.Class, both: Definitions) -> Iterator[tuple[str, bool]]:
    """Yield changes of a tuple's fields, or of their order where a decorator may take them by it."""
    before, after = ([name for name, each in cls.members.items() if _is_declared(each)] for cls in (old, new))
    is_tuple = any(name.endswith(".NamedTuple") for name in both.after.ancestors(new))
    kept = [name for name in after if name in before]
    if (
        (new.decorators or is_tuple)
        and "__init__" not in new.members
        and kept != [name for name in before if name in after]
    ):
        yield "its fields have another order", is_tuple
    elif is_tuple and len(after) != len(before):
        yield f"it has {len(after)} fields, not {len(before)}", True


def _is_known(name: str, cls: griffe.Class) -> bool:
    return "." not in name or name.startswith(f"{cls.package.path}.")


def _is_declared(member: Node) -> bool:
    return not member.is_alias and member.is_attribute and getattr(member, "annotation", None) is not None


def _is_required_field(member: griffe.Object | griffe.Alias) -> bool:
    declared = _text_of(getattr(member, "annotation", None))
    if declared is None or member.name.startswith("_") or "property" in member.labels or "ClassVar" in declared:
        return False
    return getattr(member, "value", None) is None


def _base_changes(old: griffe.Class, new: griffe.Class, both: Definitions) -> Iterator[tuple[str, bool]]:
    earlier, later = set(both.before.ancestors(old)), set(both.after.ancestors(new))
    # Another package's class may well have the lost base among its own.
    certain = all(_is_known(name, new) for name in later)
    for name in sorted(earlier - later):
        if not name.rsplit(".", 1)[-1].startswith("_") and name not in {"object", "builtins.object"}:
            yield f"{name} is no longer among its bases", certain


def _attribute_changes(old: griffe.Attribute, new: griffe.Attribute, both: Definitions) -> Iterator[tuple[str, bool]]:
    if _can_be_set(old) and not _can_be_set(new):
        yield "it can no longer be set", True
    declared = both.before.annotation(getattr(old, "annotation", None), old.parent)
    later = both.after.annotation(getattr(new, "annotation", None), new.parent)
    yield from _value_type_changes("its type is", declared, later)
    if old.value is None or str(old.value) == str(new.value):
        return
    before, after = both.before.annotation(old.value, old.parent), both.after.annotation(new.value, new.parent)
    if before is None:
        return
    # A class's value is compared, as a default is. A module's may be new (a version, an image's name), of its type.
    is_default = _has_default(old) and (_has_default(new) or after is None) and not old.name.startswith("__")
    types = {_literal_type(before.text), _literal_type(after.text if after else "")}
    said = f"its value {_excerpt(before.text)} became {_excerpt(after.text if after else 'none at all')}"
    if is_default or (declared is None and None not in types and len(types) > 1):
        yield said, True
    elif old.parent is not None and old.parent.is_module and None in types:
        # Of what is not written out, only the declared type is known.
        is_alias = declared is None or declared.text.endswith("TypeAlias")
        if is_alias and (after is None or before.members != after.members):
            yield said, False


def _decorator_changes(old: griffe.Object, new: griffe.Object) -> Iterator[tuple[str, bool]]:
    earlier, later = _decorators(old), _decorators(new)  # what they do to a signature is not known
    for text in sorted(earlier - later):
        yield f"the decorator {_excerpt(text)} is gone or changed", False
    if earlier <= later:
        for text in sorted(later - earlier):
            yield f"the decorator {_excerpt(text)} is new", False


def _value_type_changes(said: str, before: Annotation | None, after: Annotation | None) -> Iterator[tuple[str, bool]]:
    """Yield a declared type of something read that is not the same or narrower any more."""
    if before is None or (after is not None and accepts_all(before, after)):
        return
    if after is None:
        yield f"{said} no longer declared as {_excerpt(before.text)}", False
    else:
        yield f"{said} {_excerpt(after.text)}, not {_excerpt(before.text)}", is_certain(before, after)


def _text_of(expression: object) -> str | None:
    return None if expression is None else str(expression)


def _excerpt(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _can_be_set(attribute: griffe.Attribute) -> bool:
    return "property" not in attribute.labels or "writable" in attribute.labels


def _has_default(attribute: griffe.Attribute) -> bool:
    return "class-attribute" in attribute.labels and "property" not in attribute.labels


def _decorators(node: griffe.Object) -> set[str]:
    texts = {str(decorator.value) for decorator in getattr(node, "decorators", ())}
    said = {text for text in texts if text.split("(")[0].rsplit(".", 1)[-1] not in _SILENT_DECORATORS}
    return {without_words(text) for text in said}


def _literal_type(text: str) -> type | None:
    """Return the type of what is written out, whatever stands within."""
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    if isinstance(tree, ast.Constant):
        return None if tree.value is None else type(tree.value)
    return next((known for kind, known in _DISPLAYS.items() if isinstance(tree, kind)), None)
