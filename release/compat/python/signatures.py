"""Compare two versions of a function's signature."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from release.compat.python.types import accepts_all, is_certain
from release.compat.python.values import excerpt, text_of, value_type_changes

if TYPE_CHECKING:
    import griffe

    Node = griffe.Object | griffe.Alias

_ON_CLASS = frozenset({"classmethod", "staticmethod"})


def signature_changes(old: griffe.Function, new: griffe.Function) -> Iterator[tuple[str, bool]]:
    """Yield what breaks for callers of a function, and whether that is certain."""
    if ("async" in old.labels) != ("async" in new.labels):
        yield "a function and a coroutine were exchanged", True
    if old.labels & _ON_CLASS and not new.labels & _ON_CLASS:
        yield "it can no longer be called on the class", True
    earlier, later = _Parameters(old), _Parameters(new)
    for parameter in earlier.named:
        yield from _parameter_changes(parameter, earlier, later)
    yield from _variadic_changes(earlier, later)
    for parameter in later.named:
        if parameter.name not in earlier.by_name and parameter.required and not _is_renamed(parameter, earlier, later):
            yield f"the new parameter {parameter.name} is required", True
    yield from value_type_changes("it returns", old.returns, new.returns)
    if _overloads(old) - _overloads(new):
        yield "its overloads changed", False


def required_names(function: Node) -> list[str]:
    """Name the parameters that a caller has to give, without the bound first one."""
    return [parameter.name for parameter in _Parameters(function).named if parameter.required]


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
    before, after = text_of(old.annotation), text_of(new.annotation)
    if before is not None and after is not None and not accepts_all(after, before):
        yield f"the parameter {old.name} took {excerpt(before)} and takes {excerpt(after)}", is_certain(before, after)


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
    elif not new.required and not old.required and text_of(old.default) != text_of(new.default):
        was, now = text_of(old.default) or "", text_of(new.default) or ""
        yield f"the default of {old.name} changed from {excerpt(was)} to {excerpt(now)}", True


def _variadic_changes(earlier: _Parameters, later: _Parameters) -> Iterator[tuple[str, bool]]:
    if earlier.args and not later.args:
        yield "it no longer takes any number of arguments (*)", True
    if earlier.kwargs and not later.kwargs:
        yield "it no longer takes any keyword (**)", True
    if earlier.args and len(later.positional) > len(earlier.positional):
        yield f"{later.positional[-1]} takes an argument that was one of any number (*)", True


def _overloads(function: griffe.Function) -> set[str]:
    return {_signature_text(overload) for overload in function.overloads or []}


def _signature_text(function: griffe.Function) -> str:
    taken = [(part.name, _kind(part), text_of(part.annotation), part.required) for part in function.parameters]
    return f"{taken} {text_of(function.returns)}"


def _is_positional(parameter: griffe.Parameter) -> bool:
    return _kind(parameter) in {"positional-only", "positional or keyword"}


def _kind(parameter: griffe.Parameter) -> str:
    return parameter.kind.value if parameter.kind else "positional or keyword"
