"""The pairs of pidiff's own tests: https://github.com/rohanpm/pidiff."""

from __future__ import annotations

from collections.abc import Iterator

from python_package import fault, verdict
from sources import repository

# What its logs of these pairs call a break (its codes that begin with B), and what they call none.
BREAK = ("builtin", "classprop", "major", "major_early", "signatures")
NO_BREAK = ("externalmod", "minorbad", "minorgood", "nochange", "subclasses")


def cases() -> Iterator[tuple[str, str]]:
    """Compare each pair of its test data."""
    folder = repository("rohanpm/pidiff") / "tests" / "test_api"
    for name in (*BREAK, *NO_BREAK):
        sides = [{"a/__init__.py": (folder / f"{name}{number}.py").read_bytes()} for number in (1, 2)]
        yield name, fault(verdict("a", *sides), breaks=name in BREAK)
