"""Every promise of the tool has a mutant, a break of the source that its own tests catch: tests/mutants/."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
ROWS = [f"F{number}" for number in range(1, 38)] + [f"S{number}" for number in range(1, 13)]
LEAST = 60


def mutants() -> list[dict[str, Any]]:
    files = sorted((ROOT / "tests" / "mutants").glob("*.yaml"))
    return [each for file in files for each in yaml.safe_load(file.read_text(encoding="utf-8"))]


@pytest.fixture(scope="module")
def named() -> set[str]:
    """The rows that the mutants' names begin with, `F01-…` as `F1-…`."""
    found = [re.match(r"([FS])0*(\d+)-", each["name"]) for each in mutants()]
    return {f"{row[1]}{row[2]}" for row in found if row}


@pytest.mark.parametrize("row", ROWS)
def test_the_promise_has_a_mutant(row: str, named: set[str]) -> None:
    assert row in named


def test_the_mutants_are_many() -> None:
    assert len(mutants()) >= LEAST
