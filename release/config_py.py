"""A string constant in the text of a Python file, read and replaced without importing the file (S6)."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Iterator

from release.errors import Usage

_LITERAL = re.compile(r"""[rRuU]?(\"\"\"|'''|"|')((?:\\.|(?!\1)[^\\])*)\1""", re.DOTALL)
_PLAIN = re.compile(r"[ !#-&(-\[\]-~]*")  # ASCII without quotes and backslash means itself in every literal
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")  # what ends a line for Python: not form feed, unlike splitlines()
_PLACED = (ast.stmt, ast.expr, ast.ExceptHandler, ast.alias, ast.pattern)  # all that can bind has a line
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def constant(source: bytes, variable: str, path: str = "config.py") -> str:
    """Return the string that a module's variable is set to.

    Raise Usage, naming file and line, unless it is set once, outside any other statement, to one plain literal.
    """
    return str(_assignment(_text(source, path)[1], variable, path)[0].value)


def replace_constant(source: bytes, variable: str, value: str, path: str = "config.py") -> bytes:
    """Return the file with what stands between that literal's quotes replaced and every other byte as it was.

    BOM, line ends and encoding stay. Raise Usage as `constant` does, and for a value that no plain literal holds.
    """
    encoding, text = _text(source, path)
    node, literal = _assignment(text, variable, path)
    if node.value == value:
        return source
    if not _PLAIN.fullmatch(value):
        raise Usage(f"{path}:{node.lineno}: {variable} cannot be set to {value!a}", "give plain ASCII text")
    return (text[: literal.start(2)] + value + text[literal.end(2) :]).encode(encoding)


def _text(source: bytes, path: str) -> tuple[str, str]:
    try:
        encoding = tokenize.detect_encoding(io.BytesIO(source).readline)[0]
        text = source.decode(encoding)
        kept = text.encode(encoding) == source
    except (SyntaxError, UnicodeError, LookupError) as error:
        raise Usage(f"{path}: not the text of a Python file: {error}", f"save {path} as UTF-8") from error
    if not kept:
        raise Usage(f"{path}: {encoding} cannot be written back byte for byte", f"save {path} as UTF-8")
    return encoding, text


def _assignment(text: str, variable: str, path: str) -> tuple[ast.Constant, re.Match[str]]:
    tree = _tree(text, path)
    lines = sorted(node.lineno for node in _own_nodes(tree) if _binds(node, variable))
    if not lines:
        raise Usage(f"{path}: {variable} is not set", f'add {variable} = "…" to {path}, or set image.config_variable')
    if len(lines) > 1:
        raise Usage(f"{path}:{lines[1]}: {variable} is set again, first in line {lines[0]}", "leave one of them")
    node = next(filter(None, (_value(statement, variable) for statement in tree.body)), None)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        literal = _LITERAL.fullmatch(text, *_span(text, node))
        if literal:  # "a" "b" is one constant to ast
            return node, literal
    raise Usage(f"{path}:{lines[0]}: {variable} is not set to one plain string", f'write {variable} = "…" there')


def _tree(text: str, path: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as an invalid escape elsewhere in the file
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None) or 1
        raise Usage(f"{path}:{line}: not Python that this version reads: {error}", f"repair {path}") from error


def _own_nodes(tree: ast.Module) -> Iterator[ast.stmt | ast.expr | ast.ExceptHandler | ast.alias | ast.pattern]:
    """Yield what runs in the module's own scope, and `global` statements from everywhere."""
    waiting: list[tuple[ast.AST, bool]] = [(tree, True)]  # no recursion: long expressions are deep trees
    while waiting:
        node, own = waiting.pop()
        if isinstance(node, ast.AnnAssign) and not node.value:
            continue  # declares, sets nothing
        if isinstance(node, _PLACED) and (own or isinstance(node, ast.Global)):
            yield node
        own = own and not isinstance(node, _SCOPES)
        waiting += [(child, own) for child in ast.iter_child_nodes(node)]


def _binds(node: ast.AST, variable: str) -> bool:
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            return name == variable
        case ast.Global(names=names):
            return variable in names
        case ast.alias(name=name, asname=alias):
            return variable == (alias or name.partition(".")[0])
        case ast.MatchMapping(rest=name):
            return name == variable
        case _:  # functions, classes, `except … as`, `case … as`
            return getattr(node, "name", None) == variable


def _value(statement: ast.stmt, variable: str) -> ast.expr | None:
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)) if name == variable:
            return statement.value
    return None


def _span(text: str, node: ast.Constant) -> tuple[int, int]:
    """Return where the node stands in the text, in characters: ast counts UTF-8 bytes from the line's begin."""
    lines = list(_LINE.finditer(text))
    places = (node.lineno, node.col_offset), (node.end_lineno or 0, node.end_col_offset or 0)
    at = [lines[line - 1].start() + len(lines[line - 1][0].encode()[:column].decode()) for line, column in places]
    return at[0], at[1]
