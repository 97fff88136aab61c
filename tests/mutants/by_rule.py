"""The changes to a source that mutmut's rules make, one at a time."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from libcst import FunctionDef, Module
from mutmut.mutation.file_mutation import Mutation, create_mutations, deep_replace

Statements = (ast.stmt, ast.ExceptHandler)
ERRORS = ("Failed", "Usage", "Conflict", "Waiting", "Unknown", "Blocked")  # not imported: the children import it broken
Defines = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True)
class Change:
    """A source, the function that changes, and how; what it becomes is made when asked for: that takes a while."""

    file: str
    function: str
    source: str
    module: Module
    mutation: Mutation

    @cached_property
    def broken(self) -> str:
        """What the source becomes."""
        changed = deep_replace(self.module, self.mutation.original_node, self.mutation.mutated_node)
        assert isinstance(changed, Module)
        return changed.code

    @property
    def is_python(self) -> bool:
        """Whether it differs, and Python can read it."""
        try:
            compile(self.broken, "changed", "exec")
        except SyntaxError:
            return False
        return self.broken != self.source

    @cached_property
    def blocks(self) -> list[tuple[int, int, int, int]]:
        """The lines that differ: from and to before, from and to after, counted from zero."""
        matcher = difflib.SequenceMatcher(None, self.source.splitlines(), self.broken.splitlines(), autojunk=False)
        return [tuple(each[1:]) for each in matcher.get_opcodes() if each[0] != "equal"]  # type: ignore[misc]

    @property
    def place(self) -> str:
        """Where it is, for a person."""
        return f"{self.file}:{self.blocks[0][0] + 1} {self.function}"

    @property
    def texts(self) -> tuple[str, str]:
        """The lines that differ, before and after, without the space around them."""
        before, after = self.source.splitlines(), self.broken.splitlines()
        was = [line.strip() for a, b, *_ in self.blocks for line in before[a:b]]
        return "\n".join(was), "\n".join(line.strip() for *_, c, d in self.blocks for line in after[c:d])

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What tells it from all others in the list of those that no input can show."""
        return self.file, self.function, *self.texts

    @property
    def diff(self) -> list[str]:
        """The lines that differ, as a diff."""
        return [f"{sign} {line}" for sign, text in zip("-+", self.texts, strict=True) for line in text.splitlines()]

    @property
    def lines(self) -> set[int]:
        """The lines that run only when what changes does: those of the statement; of a function's head, all of it."""
        tree = ast.parse(self.source)
        changed = [line + 1 for a, b, *_ in self.blocks for line in range(a, max(b, a + 1))]
        return {each for line in changed for each in _around(tree, line)}

    @property
    def is_wording(self) -> bool:
        """Whether nothing but the words differ that an error or the report says to a person."""
        return _without_words(self.source) == _without_words(self.broken)


def changes(file: str, source: str) -> Iterator[Change]:
    """Yield each change that the rules make in a function."""
    module, mutations, *_ = create_mutations(file, source)
    for each in mutations:
        function = each.contained_by_top_level_function
        if isinstance(function, FunctionDef):
            yield Change(file, function.name.value, source, module, each)


def _around(tree: ast.AST, line: int) -> range:
    """Return the lines of the smallest statement that has this one: of a block its head, of a function its body."""
    nodes = [n for n in ast.walk(tree) if isinstance(n, Statements) and n.lineno <= line <= (n.end_lineno or 0)]
    if not nodes:
        return range(line, line + 1)
    least = min(nodes, key=lambda node: (node.end_lineno or 0) - node.lineno)
    body: Sequence[ast.stmt] = getattr(least, "body", [])
    end = least.end_lineno or least.lineno
    if isinstance(least, Defines):
        return range(body[0].lineno, end + 1)
    return range(least.lineno, max(body[0].lineno if body else end + 1, least.lineno + 1))


def _without_words(source: str) -> str:
    """Return the program, without what its errors and its report say."""
    tree = ast.parse(source)
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            said = [value for node in ast.walk(function) if isinstance(node, ast.Call) for value in _said(node)]
            names = {value.id for value in said if isinstance(value, ast.Name)}
            assigned = [node for node in ast.walk(function) if isinstance(node, ast.Assign)]
            _blank([*said, *(node.value for node in assigned if {ast.unparse(each) for each in node.targets} <= names)])
    return ast.dump(tree)


def _said(call: ast.Call) -> list[ast.expr]:
    """Return what a call is given that a person is told; nothing where it is no such call."""
    owner, _, name = ast.unparse(call.func).rpartition(".")
    tells = owner.endswith("report") or (not owner and name in ERRORS)
    return [*call.args, *(each.value for each in call.keywords)] if tells else []


def _blank(values: Sequence[ast.expr]) -> None:
    """Empty the texts among these, as they are or put together; not those that another call gets."""
    left: list[ast.AST] = list(values)
    while left:
        node = left.pop()
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
        elif isinstance(node, ast.IfExp):
            left += [node.body, node.orelse]
        elif isinstance(node, (ast.JoinedStr, ast.FormattedValue, ast.BinOp)):
            left += [each for each in ast.iter_child_nodes(node) if isinstance(each, ast.expr)]
