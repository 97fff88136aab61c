"""The syntax of GitHub's expressions: text in, tree out.

Rules: https://docs.github.com/en/actions/reference/workflows-and-actions/expressions
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from math import inf, isnan, nan

# GitHub's own limits for one expression.
MAX_LENGTH = 21_000
MAX_DEPTH = 50

NAME = r"[A-Za-z_][A-Za-z0-9_-]*"
_TOKEN = re.compile(
    rf"""\s*(?:
    (?P<number>(?:[-+]|\.?[0-9])[^\s()\[\],!<>=&|]*)
    |(?P<string>'(?:[^']|'')*')
    |(?P<name>{NAME})
    |(?P<mark>&&|\|\||[=!<>]=|[!<>()\[\].,*])
    )""",
    re.VERBOSE,
)
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?Infinity")
_WHOLE = re.compile(r"0x[0-9a-fA-F]+|0o[0-7]+")
_LEVELS: tuple[tuple[str, ...], ...] = (("||",), ("&&",), ("==", "!="), ("<", "<=", ">", ">="))
_WORDS: dict[str, bool | float | None] = {"null": None, "true": True, "false": False, "NaN": nan, "Infinity": inf}


class Unsupported(ValueError):
    """It is no expression, or one that is not understood here."""


@dataclass(frozen=True)
class Literal:
    """A value written out."""

    value: str | bool | float | None


@dataclass(frozen=True)
class Name:
    """A context, such as `inputs`."""

    name: str


@dataclass(frozen=True)
class Call:
    """A function or operator and its operands; `[]` is an index or property, the name of a function in lower case."""

    name: str
    arguments: tuple[Node, ...]


Node = Literal | Name | Call


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    """Yield each token's kind, which is the mark itself for a mark, and its text."""
    position = 0
    end = len(text.rstrip())
    while position < end:
        found = _TOKEN.match(text, position)
        if not found or not found.lastgroup:
            raise Unsupported(f"expression {text!r}: unexpected {text[position:].strip()[:1]!r} at {position}")
        token = found[found.lastgroup]
        yield (token if found.lastgroup == "mark" else found.lastgroup), token
        position = found.end()


def parse_number(text: str) -> float:
    """Read a number as it is written, in an expression or in a text; NaN when it is none, infinite when too large."""
    if _WHOLE.fullmatch(text):
        return float(int(text[:200], 0))
    return float(text) if _NUMBER.fullmatch(text) else nan


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = [*_tokens(text), ("end", "the end")]
        self.at = 0
        self.depth = 0

    def take(self, *kinds: str) -> str:
        """Pass a token of one of the kinds and return its text; return no text when another comes next."""
        kind, text = self.tokens[self.at]
        self.at += kind in kinds
        return text if kind in kinds else ""

    def expect(self, kind: str, words: str) -> str:
        """Pass the one kind of token that can come next and return its text."""
        text = self.take(kind)
        if not text:
            raise Unsupported(f"expression {self.text!r}: unexpected {self.tokens[self.at][1]!r} instead of {words}")
        return text

    def level(self, number: int = 0) -> Node:
        """Read the operators of one level and of those that bind closer."""
        if number == len(_LEVELS):
            return self.unary()
        node = self.level(number + 1)
        while operator := self.take(*_LEVELS[number]):
            right = partial(self.level, number + 1)
            node = Call(operator, (node, self.deeper(right) if operator in ("||", "&&") else right()))
        return node

    def deepen(self) -> None:
        """Count a level of nesting more."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unsupported(f"expression is nested deeper than {MAX_DEPTH}")

    def deeper(self, part: Callable[[], Node]) -> Node:
        """Read a part that is nested, and not too deep."""
        self.deepen()
        node = part()
        self.depth -= 1
        return node

    def unary(self) -> Node:
        """Read an operand and the `!` before it."""
        if self.take("!"):
            return Call("!", (self.deeper(self.unary),))
        if text := self.take("number"):
            if isnan(number := parse_number(text)):
                raise Unsupported(f"expression {self.text!r}: {text!r} is no number")
            return Literal(number)
        if string := self.take("string"):
            return Literal(string[1:-1].replace("''", "'"))
        if (name := self.take("name")) in _WORDS:
            return Literal(_WORDS[name])
        return self.postfix(self.named(name.lower()) if name else self.group())

    def named(self, name: str) -> Node:
        """Read what follows the name of a context or function."""
        return Call(name, self.arguments()) if self.take("(") else Name(name)

    def group(self) -> Node:
        """Read what stands in parentheses."""
        self.expect("(", "a value")
        node = self.deeper(self.level)
        self.expect(")", "')'")
        return node

    def arguments(self) -> tuple[Node, ...]:
        """Read the arguments of a call."""
        found: list[Node] = []
        while not self.take(")"):
            if found:
                self.expect(",", "',' or ')'")
            found.append(self.deeper(self.level))
        return tuple(found)

    def postfix(self, node: Node) -> Node:
        """Read the properties and indexes after an operand."""
        before = self.depth
        while (bracket := self.take("[")) or self.take("."):
            if self.take("*"):
                node = Call(".*", (node,))
            else:
                node = Call(
                    "[]", (node, self.deeper(self.level) if bracket else Literal(self.expect("name", "a name")))
                )
            if bracket:
                self.expect("]", "']'")
            self.deepen()
        self.depth = before
        return node


def parse(text: str) -> Node:
    """Read one expression, without its `${{ }}`; nothing at all is null.

    Raises `Unsupported` where GitHub would refuse it, or when it is longer or deeper than GitHub allows.
    """
    if len(text) > MAX_LENGTH:
        raise Unsupported(f"expression is longer than {MAX_LENGTH} characters")
    parser = _Parser(text)
    node = parser.deeper(parser.level) if text.strip() else Literal(None)
    parser.expect("end", "an operator")
    return node
