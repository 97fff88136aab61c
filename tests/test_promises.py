"""Every promise of the tool has a test that names it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

# Their tests are owed, or being added: take a row out of here when it has one.
OWED = {"F35", "F36"}
EVERY = [f"F{number}" for number in range(1, 38)] + [f"S{number}" for number in range(1, 13)]
ROWS = [row for row in EVERY if row not in OWED]


@pytest.fixture(scope="module")
def named() -> set[str]:
    found: set[str] = set()
    for path in Path(__file__).parent.rglob("test_*.py"):
        for name in re.findall(r"def (test_\w+)", path.read_text(encoding="utf-8")):
            found |= {
                f"{kind.upper()}{int(number)}" for kind, number in re.findall(r"(?<=_)([fs])(\d{1,2})(?=_)", name)
            }
    return found


@pytest.mark.parametrize("row", ROWS)
def test_the_promise_is_named_by_a_test(row: str, named: set[str]) -> None:
    assert row in named
