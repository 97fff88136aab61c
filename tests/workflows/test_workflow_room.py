"""The room's walls: it is pure, and others come in through its door alone."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

RELEASE = Path(__file__).parents[2] / "release"
ROOM = sorted((RELEASE / "workflows").rglob("*.py"))
OTHERS = sorted({*RELEASE.rglob("*.py")} - {*ROOM})
IO = {"asyncio", "http", "io", "logging", "os", "pathlib", "shutil", "socket", "subprocess", "tempfile", "urllib"}


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


@pytest.mark.parametrize("path", ROOM, ids=lambda path: str(path.relative_to(RELEASE)))
def test_the_room_does_no_io_and_knows_errors_alone(path: Path) -> None:
    for name in imports(path):
        top = name.partition(".")[0]
        mine = name == "release.errors" or name.startswith("release.workflows")
        assert mine or top == "yaml" or (top in sys.stdlib_module_names and top not in IO), name
    called = [node.func for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
    assert not {each.id for each in called if isinstance(each, ast.Name)} & {"open", "print", "input"}


def test_others_come_in_through_the_door() -> None:
    inside = [(path.name, name) for path in OTHERS for name in imports(path) if name.startswith("release.workflows.")]
    assert inside == []
