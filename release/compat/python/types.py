"""What annotations say: written in one way, with the package's own names followed, and compared."""

from __future__ import annotations

import ast
import builtins
import re
import typing
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import griffe

DEEPEST = 50  # names that stand for names; in broken sources one may stand for itself
# A float parameter takes an int, and so on: https://typing.python.org/en/latest/spec/special-types.html
_INCLUDED = {"complex": {"float", "int", "bool"}, "float": {"int", "bool"}, "int": {"bool"}}
_ANYTHING = frozenset({"typing.Any", "object"})
_NAMED = (ast.Name, ast.Attribute)
_ALIAS = (*_NAMED, ast.Subscript, ast.BinOp)  # what the value of a type's alias is written as
# Arguments with these names are words for people.
_WORDS = frozenset({"description", "doc", "epilog", "help", "short_help", "summary"})
# And these of a command line's option, which takes the same words without them: https://click.palletsprojects.com
_SHOWN = frozenset({"is_eager", "metavar", "show_choices", "show_default", "show_envvar"})
_OPTIONS = frozenset({"argument", "option"})


@dataclass(frozen=True)
class Annotation:
    """A declared type: as it is written, and the types that it is one of, each written in one way."""

    text: str
    members: frozenset[str]


def accepts_all(wide: Annotation, narrow: Annotation) -> bool:
    """Tell whether every value of the one annotation surely is one of the other."""
    if wide.members & _ANYTHING:
        return True
    if wide.text == narrow.text:  # an alias changed: what its types have within is a hint alone
        return {each.split("[")[0] for each in narrow.members} <= {each.split("[")[0] for each in wide.members}
    return narrow.members <= wide.members.union(*(_INCLUDED.get(member, set()) for member in wide.members))


def is_certain(old: Annotation, new: Annotation) -> bool:
    """Tell whether two annotations that do not fit surely differ: only builtins are known to be unrelated."""
    told = " ".join(each for each in old.members | new.members if not each.startswith("Literal["))
    names = set(re.findall(r"[^\W\d][\w.]*|[^\w\s.,|[\]]", told)) - {"None", "typing.Any"}
    return all(isinstance(getattr(builtins, name, None), type) for name in names) and not names & {"object", "type"}


def without_words(text: str) -> str:
    """Write an expression without the arguments that only people read."""
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError):
        return text
    for call in ast.walk(tree):
        if isinstance(call, ast.Call):
            silent = _WORDS | _SHOWN if ast.unparse(call.func).rpartition(".")[2] in _OPTIONS else _WORDS
            call.keywords = [each for each in call.keywords if each.arg not in silent]
    return ast.unparse(tree)


@dataclass
class Names:
    """What names mean in one version of a package; a class that moved has the name that it has `later`."""

    package: griffe.Module
    later: Names | None = None
    kept: dict[tuple[int, str], Annotation] = field(default_factory=dict)
    offered: dict[int, dict[str, griffe.Object | griffe.Alias]] = field(default_factory=dict)
    above: dict[int, list[str]] = field(default_factory=dict)

    def annotation(self, expression: object, scope: griffe.Object | griffe.Alias | None) -> Annotation | None:
        """Read an expression that stands in the module or class; None when there is none."""
        if expression is None or scope is None:
            return None
        text = str(expression)
        if (id(scope), text) not in self.kept:
            self.kept[id(scope), text] = Annotation(text, frozenset(self._of_text(text, scope, 0)))
        return self.kept[id(scope), text]

    def members(self, node: griffe.Object) -> dict[str, griffe.Object | griffe.Alias]:
        """Return what a module or class offers, with what it inherits as far as that can be told."""
        if id(node) not in self.offered:
            try:
                above = node.mro() if node.is_class else []  # type: ignore[attr-defined] # of the kind class
            except ValueError:
                above = []
            inherited = {name: member for base in reversed(above) for name, member in base.members.items()}
            self.offered[id(node)] = {
                **node.members,
                **{name: inherited[name] for name in inherited.keys() - node.members.keys()},
            }
        return self.offered[id(node)]

    def ancestors(self, cls: griffe.Class) -> list[str]:
        """Return the names of all classes above; of builtin ones without a module."""
        if id(cls) not in self.above:
            self.above[id(cls)] = []  # in broken sources a class may be its own base
            resolved = {base.canonical_path: base for base in cls.resolved_bases if base.is_class}
            self.above[id(cls)] = [
                *_unresolved_bases(cls, {path.rsplit(".", 1)[-1] for path in resolved}),
                *(name for path, base in resolved.items() for name in (path, *self.ancestors(base))),  # type: ignore[arg-type]
            ]
        return self.above[id(cls)]

    def is_protocol(self, node: griffe.Object | griffe.Alias | None) -> bool:
        """Tell whether other classes may implement this one by having what it has."""
        return node is not None and node.is_class and "typing.Protocol" in self.ancestors(node)  # type: ignore[arg-type]

    def assigned(self, node: griffe.Object) -> griffe.Object:
        """Return the function or class that an attribute is only another name of; else the node itself."""
        import griffe

        value, scope = getattr(node, "value", None), node.parent
        if not isinstance(value, (griffe.ExprName, griffe.ExprAttribute)) or scope is None or not node.is_attribute:
            return node
        if getattr(node, "annotation", None) is not None or "instance-attribute" in node.labels:
            return node
        _, found = self._final(self._path(str(value), scope))
        return found if found is not None and (found.is_function or found.is_class) else node

    def _of_text(self, text: str, scope: griffe.Object | griffe.Alias, depth: int) -> Iterator[str]:
        tree = _tree(text)
        yield from self._read(tree, scope, depth) if tree is not None else (f"<{text}>",)

    def _read(self, node: ast.expr, scope: griffe.Object | griffe.Alias, depth: int) -> Iterator[str]:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            yield from self._read(node.left, scope, depth)
            yield from self._read(node.right, scope, depth)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from self._of_text(node.value, scope, depth)
        elif isinstance(node, ast.Subscript):
            yield from self._read_subscript(node, scope, depth)
        elif isinstance(node, ast.List):
            yield f"[{', '.join(self._text(each, scope, depth) for each in node.elts)}]"
        elif isinstance(node, _NAMED):
            path, found = self._final(self._path(ast.unparse(node), scope))
            aliased = _alias_value(found) if depth < DEEPEST else None
            if found is not None and aliased is not None:
                yield from self._of_text(aliased, found.parent or scope, depth + 1)
            else:
                yield path if self.later is None or found is None else self.later._final(path)[0]
        else:
            yield ast.unparse(node)

    def _read_subscript(self, node: ast.Subscript, scope: griffe.Object | griffe.Alias, depth: int) -> Iterator[str]:
        head = self._text(node.value, scope, depth)
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if head == "typing.Literal":
            yield from (f"Literal[{ast.unparse(part)}]" for part in parts)
        elif head in {"typing.Optional", "typing.Union"}:
            yield from ["None"] if head == "typing.Optional" else []
            for part in parts:
                yield from self._read(part, scope, depth)
        elif head in {"typing.Annotated", "typing.ClassVar", "typing.Final"}:
            said = [ast.unparse(part) for part in parts[1:]]
            told = [each for each in said if not each.split("(")[0].endswith("Doc")]  # Doc: words for people
            yield from (
                [f"Annotated[{self._text(parts[0], scope, depth)}, {told}]"]
                if told
                else self._read(parts[0], scope, depth)
            )
        else:
            within = [self._text(part, scope, depth) for part in parts]
            # Without its parameters a type has Any for each.
            is_bare = (
                within == ["typing.Any", "..."] if head == "tuple" else within and {*within} <= {"typing.Any", "..."}
            )
            yield head if is_bare else f"{head}[{', '.join(within)}]"

    def _text(self, node: ast.expr, scope: griffe.Object | griffe.Alias, depth: int) -> str:
        return " | ".join(sorted(set(self._read(node, scope, depth))))

    def _path(self, name: str, scope: griffe.Object | griffe.Alias) -> str:
        import griffe

        first, *rest = name.split(".")
        try:
            return ".".join([scope.resolve(first), *rest])
        except (griffe.NameResolutionError, griffe.AliasResolutionError, griffe.CyclicAliasError):
            return ".".join([first, *rest])

    def _final(self, path: str) -> tuple[str, griffe.Object | None]:
        """Follow imports within the package to where a name is defined."""
        for _ in range(DEEPEST):
            node: griffe.Object | griffe.Alias | None = self.package
            parts = path.split(".")
            for place, part in enumerate(parts[1:], 2):
                node = node.members.get(part) if node is not None and parts[0] == self.package.name else None
                if node is None:
                    return _standard(path), None
                if node.is_alias:
                    path = ".".join([str(node.target_path), *parts[place:]])  # type: ignore[union-attr]
                    break
            else:
                return (path, node) if len(parts) > 1 else (_standard(path), None)  # type: ignore[return-value]
        return path, None


def _unresolved_bases(cls: griffe.Class, resolved: set[str]) -> Iterator[str]:
    for base in cls.bases:
        name = base if isinstance(base, str) else base.canonical_path
        builtin = getattr(builtins, name.removeprefix("builtins."), None)
        if isinstance(builtin, type):
            yield from (above.__name__ for above in builtin.__mro__)
        elif name.rsplit(".", 1)[-1] not in resolved:
            yield _standard(name)


def _tree(text: str) -> ast.expr | None:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError):
        return None


def _alias_value(found: griffe.Object | None) -> str | None:
    """Return what the name of a type stands for, if it stands for another type."""
    value = getattr(found, "value", None)
    if found is None or value is None or found.parent is None or not found.parent.is_module:
        return None
    if found.kind.value == "type alias" or str(getattr(found, "annotation", "")).endswith("TypeAlias"):
        return str(value)
    return str(value) if getattr(found, "annotation", None) is None and isinstance(_tree(str(value)), _ALIAS) else None


def _standard(path: str) -> str:
    """Give what typing only has another name for the name it has: `typing.List` is `list`."""
    module, _, name = path.rpartition(".")
    if module in {"typing", "typing_extensions"} or (not module and not hasattr(builtins, name)):
        known = getattr(typing, name, None)
        known = getattr(known, "__origin__", known)
        if isinstance(known, type):
            path = f"{known.__module__}.{known.__qualname__}"
        elif known is not None:
            path = f"typing.{name}"
    return path.removeprefix("builtins.")
