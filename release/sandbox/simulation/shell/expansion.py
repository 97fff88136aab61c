"""What the words of a script become: variables, their expansions, commands' outputs, arithmetic."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from release.sandbox.simulation.shell.limits import LONGEST, MOST_WORDS, check_size
from release.sandbox.simulation.shell.state import State
from release.sandbox.simulation.shell.words import ANCHOR, FIELD, cut, fields, plain, quote, replace
from release.sandbox.simulation.unknown import is_known, unknown

if TYPE_CHECKING:
    from tree_sitter import Node

_OPERATORS: dict[type, Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"'}
_CASES: dict[str, Callable[[str], str]] = {
    "^^": str.upper,
    ",,": str.lower,
    "^": lambda text: text[:1].upper() + text[1:],
    ",": lambda text: text[:1].lower() + text[1:],
}
_SPACE = re.compile(r"\s+")
_DEFAULTS = (":-", "-", ":=", "=", ":?", "?")
_NAMES = ("variable_name", "special_variable_name", "subscript")


def node_text(node: Node) -> str:
    """Return a node's source."""
    return (node.text or b"").decode()


class Expansion:
    """Expands the words of one state; `substitute` runs a command substitution and returns its output."""

    def __init__(self, state: State, substitute: Callable[[Node], str]) -> None:
        self.state = state
        self.substitute = substitute

    def words(self, nodes: Sequence[Node]) -> list[str]:
        """Return the words that nodes become."""
        folder, files = self.state.folder, self.state.files
        found = [word for node in nodes for word in fields(self.text(node), lambda one: files.paths(folder, one))]
        check_size("words", len(found), MOST_WORDS)
        return found

    def word(self, node: Node | None) -> str:
        """Return a node as one word."""
        return plain(self.text(node)) if node is not None else ""

    def text(self, node: Node, quoted: bool = False) -> str:
        """Return a node's text with its quoting."""
        found = self._text(node, quoted)
        check_size("a text", len(found), LONGEST)
        return found

    def _text(self, node: Node, quoted: bool) -> str:
        kinds = {
            "string": lambda: ANCHOR + self.inside(node),
            "translated_string": lambda: ANCHOR + self.inside(node.children[-1]),
            "raw_string": lambda: ANCHOR + quote(node_text(node)[1:-1]),
            "ansi_c_string": lambda: ANCHOR + quote(_unescape(node_text(node)[2:-1])),
            "simple_expansion": lambda: self.variable(node, quoted),
            "expansion": lambda: self.expansion(node, quoted),
            "command_substitution": lambda: self.keep(self.substitute(node), quoted),
            "arithmetic_expansion": lambda: self.arithmetic(node_text(node)[3:-2]),
            "process_substitution": lambda: unknown(node_text(node)),
            "concatenation": lambda: self.joined(node, quoted, _unquote),
        }
        if node.type in kinds:
            return kinds[node.type]()
        return self.joined(node, quoted, _unquote) if node.named_children else _unquote(node_text(node))

    def keep(self, text: str, quoted: bool) -> str:
        """Return a value, which is split and matched unless it is quoted."""
        return quote(text) if quoted else text

    def joined(self, node: Node, quoted: bool, literal: Callable[[str], str]) -> str:
        """Join the parts of a node, and what stands between them as it is."""
        source, start = node.text or b"", node.start_byte
        found, at = "", 0
        for child in node.named_children:
            found += literal(source[at : child.start_byte - start].decode())
            content = child.type in ("string_content", "heredoc_content")
            space = _SPACE.match(node_text(child)) if not content else None  # the grammar counts it to what follows
            found += literal(space.group() if space and quoted else "")
            found += literal(node_text(child)) if content else self.text(child, quoted)
            at = child.end_byte - start
        return found + literal(source[at:].decode())

    def inside(self, node: Node) -> str:
        """Return what stands between double quotes."""
        return self.joined(node, True, _string_literal).removeprefix('"').removesuffix('"')

    def document(self, node: Node) -> str:
        """Return a here document's text, its variables filled in."""
        return plain(self.joined(node, True, _document_literal))

    def variable(self, node: Node, quoted: bool) -> str:
        """Return `$name`, or `"$@"` as the fields that it is."""
        name = node_text(node).strip()[1:]
        if name in ("@", "*"):
            return self.several(self.state.arguments, quoted)
        return self.keep(self.value(name) or "", quoted)

    def several(self, values: Sequence[str], quoted: bool) -> str:
        """Return several values: a field each when they are quoted."""
        return FIELD.join(ANCHOR + quote(each) for each in values) if quoted else " ".join(values)

    def value(self, name: str) -> str | None:
        """Read a variable or a parameter; nothing where it is not set."""
        arguments = self.state.arguments
        if name.isdecimal():
            return name_zero(name, arguments)
        if name in ("#", "?"):
            code = self.state.code
            return str(len(arguments)) if name == "#" else unknown("$?") if code is None else str(code)
        return unknown(f"${name}") if name in ("$", "!", "-", "RANDOM", "SECONDS") else self.state.text(name)

    def expansion(self, node: Node, quoted: bool) -> str:
        """Return `${…}`."""
        target = next((each for each in node.named_children if each.type in _NAMES), None)
        if target is None:
            return unknown(node_text(node))
        before = node_text(node)[: target.start_byte - node.start_byte].strip()[2:]
        values = self.target(target)
        if before == "#":
            whole = values if isinstance(values, list) else values or ""
            return str(len(whole)) if all(map(is_known, whole)) else unknown(node_text(node))
        if before == "!":
            return self.keep(self.value(values) or "" if isinstance(values, str) else "", quoted)
        rest = [each for each in node.children if each.start_byte >= target.end_byte][:-1]
        if isinstance(values, list):
            return self.several([self.changed(each, rest, node) or "" for each in values], quoted)
        changed = self.changed(values, rest, node)
        if not values and rest and rest[0].type in _DEFAULTS:
            return changed or ""  # the default: its own quoting holds
        return self.keep(changed or "", quoted)

    def target(self, node: Node) -> str | list[str] | None:
        """Read what an expansion is of: a variable, an entry of an array, or all of them."""
        if node.type != "subscript":
            text = node_text(node)
            return list(self.state.arguments) if text in ("@", "*") else self.value(text)
        name, index = (node.child_by_field_name(each) for each in ("name", "index"))
        found = self.state.variables.get(node_text(name) if name else "")
        values = found if isinstance(found, list) else [] if found is None else [found]
        at = self.word(index)
        if at in ("@", "*"):
            return values
        if at.lstrip("-").isdecimal():
            return values[int(at)] if -len(values) <= int(at) < len(values) else None
        return unknown(node_text(node))

    def changed(self, value: str | None, rest: Sequence[Node], node: Node) -> str | None:
        """Return a value after the operator that follows it, if one does."""
        if not rest:
            return value
        mark = rest[0].type
        empty = not value if mark.startswith(":") else value is None
        if mark in _DEFAULTS:
            return self.default(rest, mark) if empty else value
        if mark in (":+", "+"):
            return None if empty else plain(self.default(rest, mark))
        if value is None or not is_known(value):
            return value and unknown(node_text(node))
        return self.edited(value, mark, rest[1:], node)

    def edited(self, value: str, mark: str, rest: Sequence[Node], node: Node) -> str:
        """Return a text that is known after an operator that edits it."""
        found = [self.text(each) for each in rest if each.type != "/"]
        edits: dict[str, Callable[[], str]] = {
            **dict.fromkeys(_CASES, lambda: _CASES[mark](value)),
            **dict.fromkeys(("#", "##", "%", "%%"), lambda: cut(value, "".join(found), mark)),
            **dict.fromkeys(("/", "//", "/#", "/%"), lambda: replace(value, found[0], plain("".join(found[1:])), mark)),
            ":": lambda: _slice(value, list(map(plain, found))),
        }
        return edits[mark]() if mark in edits else unknown(node_text(node))

    def default(self, rest: Sequence[Node], mark: str) -> str:
        """Return the words that stand for a variable that is not set, as their quoting has them."""
        found = "".join(map(self.text, rest[1:]))
        return found if mark in (":-", "-") else plain(found)

    def arithmetic(self, source: str) -> str:
        """Return what a sum comes to."""
        filled = re.sub(r"\$?\{?([A-Za-z_]\w*)\}?", lambda found: self.value(found[1]) or "0", source)
        try:
            return str(_number(ast.parse(filled.strip().replace("/", "//"), mode="eval").body))
        except (SyntaxError, ValueError, ZeroDivisionError, RecursionError):
            return unknown(f"$(({source}))")


def name_zero(name: str, arguments: Sequence[str]) -> str | None:
    """Return a positional parameter."""
    at = int(name)
    return "bash" if at == 0 else arguments[at - 1] if at <= len(arguments) else None


def _number(node: ast.expr) -> int:
    match node:
        case ast.Constant(int(value)):
            return value
        case ast.BinOp(left, sign, right) if type(sign) in _OPERATORS:
            return _OPERATORS[type(sign)](_number(left), _number(right))
        case ast.UnaryOp(ast.USub(), inner):
            return -_number(inner)
    raise ValueError(node)


def _slice(value: str, parts: Sequence[str]) -> str:
    numbers = [int(each) for each in parts if re.fullmatch(r"\s*-?\d+", each)]
    start = numbers[0] if numbers else 0
    start = max(0, start + len(value)) if start < 0 else start
    if len(numbers) < 2:
        return value[start:]
    return value[start : start + numbers[1]] if numbers[1] >= 0 else value[start : numbers[1]]


def _unquote(text: str) -> str:
    """Read what stands outside of quotes: a backslash quotes what follows it."""
    return re.sub(r"\\(.)", lambda found: "" if found[1] == "\n" else quote(found[1]), text, flags=re.DOTALL)


def _string_literal(text: str) -> str:
    return quote(re.sub(r'\\([\\"$`\n])', lambda found: found[1].strip("\n"), text))


def _document_literal(text: str) -> str:
    return quote(re.sub(r"\\([\\$`\n])", lambda found: found[1].strip("\n"), text))


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found.group()), text)
