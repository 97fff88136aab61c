"""Walk what a package promises, and tell what of it the later version lost or changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from release.compat.python.definitions import Definitions
from release.compat.python.types import Names
from release.compat.verdicts import Change

if TYPE_CHECKING:
    import griffe

    Node = griffe.Object | griffe.Alias


def python_changes(before: griffe.Module, after: griffe.Module, folder: str) -> list[Change]:
    """Compare everything public, by the names callers use, wherever it is defined now.

    Griffe's own list of breaking changes is not used: measured with 2.4.1, it passes over a name that was moved and
    changed, what a package's `__init__` imports without `__all__`, other base classes, annotations, and values.
    """
    later = Names(after)
    both = Definitions(Names(before, later), later)
    walk = _Walk(both, folder, Path(str(before.filepath)).parent, Path(str(after.filepath)).parent)
    walk.compare_members(before.path, before, after)
    return walk.found


@dataclass
class _Walk:
    both: Definitions
    folder: str
    before: Path
    after: Path
    found: list[Change] = field(default_factory=list)
    seen: set[tuple[int, int]] = field(default_factory=set)

    def compare_members(self, path: str, old: griffe.Object, new: griffe.Object) -> None:
        """Compare what a module or class offers, each by its name."""
        later = self.both.after.members(new)
        for name, member in self.both.before.members(old).items():
            if not _is_public(member, name, old, self.both.after.package.name):
                continue
            if name not in later:
                if name == "__init__" or not (name.startswith("__") and hasattr(object, name)):  # else it is inherited
                    self.tell(member, f"{path}.{name} was removed", gone=True)
                continue
            if old.is_module and _exports(old, name) and new.exports and not _exports(new, name):
                self.tell(member, f"{path}.{name} is no longer in __all__", certain=False, gone=True)
            self.compare(f"{path}.{name}", member, later[name])
        if old.is_module and new.is_module:
            self.compare_unseen_exports(old, new)

    def compare_unseen_exports(self, old: griffe.Object, new: griffe.Object) -> None:
        """Names that only `__getattr__` or the like can serve are compared as names."""
        for name in map(str, old.exports or []):
            if name not in old.members and name not in new.members and not _exports(new, name):
                self.tell(old, f"{old.path}.{name} was removed from __all__", gone=True)

    def compare(self, path: str, old: Node, new: Node) -> None:
        """Compare what stands behind one name, once for each pair of definitions."""
        earlier, later = _final_target(old), _final_target(new)
        if earlier is None or later is None:
            self.compare_unresolved(path, old, new, known_before=earlier is not None)
            return
        earlier, later = self.both.before.assigned(earlier), self.both.after.assigned(later)
        if (id(earlier), id(later)) in self.seen and earlier.kind is later.kind:
            return
        self.seen.add((id(earlier), id(later)))
        if earlier.kind is not later.kind:
            self.tell(later, f"{path} changed from {earlier.kind.value} to {later.kind.value}")
        elif earlier.is_module:
            self.compare_members(path, earlier, later)
        else:
            for what, certain in self.both.changes(earlier, later):
                self.tell(later, f"{path}: {what}", certain=certain)
            if earlier.is_class:
                self.compare_members(path, earlier, later)

    def compare_unresolved(self, path: str, old: Node, new: Node, *, known_before: bool) -> None:
        """Compare imports from other packages, whose sources are not here, by what they name."""
        target = str(getattr(new, "target_path", ""))
        if not known_before and new.is_alias and str(getattr(old, "target_path", "")) == target:
            return
        if known_before and target.startswith(f"{self.both.after.package.name}."):
            self.tell(new, f"{path} is imported from {target}, which does not exist")
        else:
            self.tell(new, f"{path} comes from another place now, which cannot be compared", certain=False)

    def tell(self, node: Node, what: str, *, certain: bool = True, gone: bool = False) -> None:
        """Add a change at the node's place."""
        file, line = _place(node, self.before if gone else self.after)
        self.found.append(Change(what, f"{self.folder}/{file}" if file else self.folder, line, certain, gone))


def _is_public(member: Node, name: str, parent: griffe.Object, package: str) -> bool:
    if name.startswith("_") and not (name.endswith("__") and not parent.is_module):
        return parent.is_module and _exports(parent, name)
    if not member.is_alias and member.is_module:
        return True
    if parent.is_module and parent.exports:
        return _exports(parent, name)
    if not parent.is_module or not member.is_alias:
        return True
    # A package's __init__ imports from its own modules in order to offer: `from .api import get`.
    return parent.is_init_module and str(getattr(member, "target_path", "")).startswith(f"{package}.")


def _exports(module: griffe.Object, name: str) -> bool:
    return name in {str(export) for export in module.exports or []}


def _final_target(node: Node) -> griffe.Object | None:
    import griffe

    try:
        return node.final_target if isinstance(node, griffe.Alias) else node
    except (griffe.AliasResolutionError, griffe.CyclicAliasError):
        return None


def _place(node: Node, root: Path) -> tuple[str, int]:
    """Give the file relative to the package, and the line; an import stands where it is written."""
    line = getattr(node, "alias_lineno", 0) if node.is_alias else node.lineno
    owner = node.parent if node.is_alias else node
    if not line and node.parent is not None and not node.is_module:
        line = node.parent.lineno  # a generated __init__, or an inherited member
    path = owner.filepath if owner is not None else None
    if not isinstance(path, Path) or not path.is_relative_to(root):
        return "", 0
    return path.relative_to(root).as_posix(), int(line or 0)
