"""The room knows nothing of the project but its errors: what it judges comes in as text."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

RELEASE = Path(__file__).parents[2] / "release"
ROOM = sorted((RELEASE / "workflows").rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


@pytest.mark.parametrize("path", ROOM, ids=lambda path: str(path.relative_to(RELEASE)))
def test_the_room_knows_errors_and_yaml_alone(path: Path) -> None:
    for name in imports(path):
        mine = name == "release.errors" or name.startswith("release.workflows")
        assert mine or name.partition(".")[0] in {"yaml", *sys.stdlib_module_names}, name
