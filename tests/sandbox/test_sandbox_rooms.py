"""Who may import whom in the sandbox; imports for the type checker alone count too."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEAVY = ("flask", "moto", "boto3", "werkzeug", "graphql")


def imports() -> dict[str, set[str]]:
    """Each module of the sandbox, with those of them that it imports."""
    paths = {dotted(path): path for path in (ROOT / "release" / "sandbox").rglob("*.py")}
    found: dict[str, set[str]] = {}
    for module, path in paths.items():
        nodes = [each for each in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(each, ast.ImportFrom)]
        named = {(each.module or "", alias.name) for each in nodes for alias in each.names}
        found[module] = {f"{base}.{name}" if f"{base}.{name}" in paths else base for base, name in named} & set(paths)
    return found


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def in_room(module: str, room: str) -> bool:
    return f"{module}.".startswith(f"release.sandbox.{room}.")


def test_no_import_goes_in_a_circle() -> None:
    order = list(TopologicalSorter(imports()).static_order())
    assert order.index("release.sandbox.runner") < order.index("release.sandbox.github.app")


def test_the_runner_knows_no_github_and_is_entered_through_its_door() -> None:
    for module, known in imports().items():
        if in_room(module, "runner"):
            assert {each for each in known if in_room(each, "github")} == set(), module
        if in_room(module, "github"):
            assert {each for each in known if in_room(each, "runner")} <= {"release.sandbox.runner"}, module


def test_the_door_loads_nothing_heavy() -> None:
    script = f"import sys; from release.sandbox import type_task; print(sorted(set({HEAVY!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
