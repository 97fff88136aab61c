"""Compare two versions of a class: its bases, how it is made, and its new duties."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from typing import TYPE_CHECKING

from release.compat.python.signatures import required_names
from release.compat.python.values import text_of

if TYPE_CHECKING:
    import griffe

DEEPEST = 50  # bases above bases; in broken sources a class may be its own base


def class_changes(old: griffe.Class, new: griffe.Class) -> Iterator[tuple[str, bool]]:
    """Yield what breaks about the class itself, and whether that is certain; members are compared elsewhere."""
    yield from _base_changes(old, new)
    if not (_has_order(old) and _has_order(new)):
        yield "its bases cannot be put in an order, so what it inherits was not compared", False
    before, after = old.all_members, new.all_members
    added = [member for name, member in after.items() if name not in before]
    for member in added:
        if "abstractmethod" in member.labels:
            yield f"the new method {member.name} is abstract, so subclasses must have it", False
    if "__init__" in after:
        if "__init__" not in before and (names := required_names(after["__init__"])):
            yield f"making one now requires {', '.join(names)}", True
        return
    for member in added if _may_be_made_from_fields(new) else ():
        if member.is_attribute and _is_required_field(member):
            yield f"the new field {member.name} has no default, so making one may require it", False


def _may_be_made_from_fields(cls: griffe.Class) -> bool:
    """Tell whether a decorator or another package's base may build the constructor, as pydantic and attrs do."""
    return bool(cls.decorators) or not all(_is_known(name, cls) for name in _ancestors(cls))


def _is_known(name: str, cls: griffe.Class) -> bool:
    return "." not in name or name.startswith(f"{cls.package.path}.")


def _is_required_field(member: griffe.Object | griffe.Alias) -> bool:
    declared = text_of(getattr(member, "annotation", None))
    if declared is None or member.name.startswith("_") or "property" in member.labels or "ClassVar" in declared:
        return False
    return getattr(member, "value", None) is None


def _base_changes(old: griffe.Class, new: griffe.Class) -> Iterator[tuple[str, bool]]:
    earlier, later = set(_ancestors(old)), set(_ancestors(new))
    # Another package's class may well have the lost base among its own.
    certain = all(_is_known(name, new) for name in later)
    for name in sorted(earlier - later):
        if not name.rsplit(".", 1)[-1].startswith("_") and name not in {"object", "builtins.object"}:
            yield f"{name} is no longer among its bases", certain


def _ancestors(cls: griffe.Class, depth: int = 0) -> Iterator[str]:
    resolved = {base.canonical_path: base for base in cls.resolved_bases if base.is_class}
    for base in cls.bases:
        name = base if isinstance(base, str) else base.canonical_path
        builtin = getattr(builtins, name.removeprefix("builtins."), None)
        if isinstance(builtin, type):
            yield from (above.__name__ for above in builtin.__mro__)
        elif name.rsplit(".", 1)[-1] not in {path.rsplit(".", 1)[-1] for path in resolved}:
            yield name
    for path, ancestor in resolved.items():
        yield path
        if depth < DEEPEST:
            yield from _ancestors(ancestor, depth + 1)  # type: ignore[arg-type] # of the kind class


def _has_order(cls: griffe.Class) -> bool:
    try:
        cls.mro()
    except ValueError:
        return False
    return True
