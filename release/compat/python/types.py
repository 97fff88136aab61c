"""Compare annotations by their text, as far as the text alone can tell."""

from __future__ import annotations

import ast
import builtins

_ALIASES = {name: name.lower() for name in ("Dict", "FrozenSet", "List", "Set", "Tuple", "Type")} | {"Text": "str"}
_MODULES = frozenset({"t", "typing", "typing_extensions"})
# A float parameter takes an int, and so on: https://typing.python.org/en/latest/spec/special-types.html
_INCLUDED = {"complex": {"float", "int", "bool"}, "float": {"int", "bool"}, "int": {"bool"}}
_ANYTHING = frozenset({"Any", "object"})


def accepts_all(wide: str, narrow: str) -> bool:
    """Tell whether every value of the one annotation surely is one of the other."""
    accepted, wanted = _members(_tree(wide)), _members(_tree(narrow))
    if accepted & _ANYTHING:
        return True
    return wanted <= accepted.union(*(_INCLUDED.get(member, set()) for member in accepted))


def is_certain(old: str, new: str) -> bool:
    """Tell whether two annotations that do not fit surely differ: only builtins are known to be unrelated."""
    names = set[str]()
    for text in (old, new):
        names |= {node.id for node in ast.walk(_tree(text)) if isinstance(node, ast.Name)}
        if any(isinstance(node, ast.Attribute) for node in ast.walk(_tree(text))):
            return False
    known = {name for name in names if isinstance(getattr(builtins, name, None), type)}
    return not names - known - {"Any", "Literal", "Optional", "Union"} and not names & {"object", "type"}


def _tree(text: str) -> ast.expr:
    try:
        return _Plain().visit(ast.parse(text.strip(), mode="eval").body)  # type: ignore[no-any-return]
    except (SyntaxError, ValueError, RecursionError):
        return ast.Attribute(ast.Name("unreadable"), text)


def _members(node: ast.expr) -> set[str]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _members(node.left) | _members(node.right)
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if node.value.id == "Optional":
            return {"None"}.union(*map(_members, parts))
        if node.value.id == "Union":
            return set[str]().union(*map(_members, parts))
        if node.value.id == "Literal":
            return {f"Literal[{ast.unparse(part)}]" for part in parts}
        if node.value.id in {"Annotated", "Final", "ClassVar"}:
            return _members(parts[0])
    return {ast.unparse(node)}


class _Plain(ast.NodeTransformer):
    """Write one annotation in one way."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Write `List` as `list`."""
        return ast.Name(_ALIASES.get(node.id, node.id))

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """Write `typing.Any` as `Any`."""
        if isinstance(node.value, ast.Name) and node.value.id in _MODULES:
            return self.visit_Name(ast.Name(node.attr))
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        """Leave what stands in a Literal as it is: its quotes mean strings."""
        head = self.visit(node.value)
        is_literal = isinstance(head, ast.Name) and head.id == "Literal"
        return ast.Subscript(head, node.slice if is_literal else self.visit(node.slice))

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        """Write a quoted annotation without the quotes."""
        return self.visit(ast.parse(node.value, mode="eval").body) if isinstance(node.value, str) else node
