"""The pairs of griffe's own tests: https://github.com/mkdocstrings/griffe."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from python_package import fault, verdict
from sources import sdist


def cases() -> Iterator[tuple[str, str]]:
    """Compare each pair of its test of breaking changes; those that it lists none for should pass."""
    tests = ast.parse(sdist("griffelib", "2.4.1")["tests/test_diff.py"])
    for node in ast.walk(tests):
        match node:
            case ast.Tuple([ast.Constant(str(before)), ast.Constant(str(after)), ast.List(kinds)]):
                sides = [{"a/__init__.py": f"{side}\n".encode()} for side in (before, after)]
                yield f"{before!r} to {after!r}", fault(verdict("a", *sides), breaks=bool(kinds))
