"""The rules of direction: who may import what, who prints, what stays unloaded."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = {path.stem: path for path in (ROOT / "release").glob("*.py")}
SANDBOX = {
    ".".join(path.relative_to(ROOT / "release").with_suffix("").parts): path
    for path in (ROOT / "release" / "sandbox").rglob("*.py")
}

# Each library of the outside has one door.
DOORS = {"git": "repo", "requests": "github", "boto3": "aws", "botocore": "aws"}
OTHER_DOORS = ("oci", "packages")
# Recipes may know the rules and the doors' values; the rules and doors may not know recipes.
VALUES = (
    "versions",
    "constants",
    "wheels",
    "roles",
    "refs",
    "settings",
    "errors",
    "workflows",
    "verdicts",
    "web",
)
IO = ("subprocess", "os", "socket", "shutil", "tempfile", "pathlib", "time", "urllib.request", "http", "logging")
KNOW_INVOKE = ("cli", "errors", "tasks", "__init__")
HEAVY = ("git", "requests", "boto3", "botocore", "flask", "griffe", "moto", "rich")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path) -> set[str]:
    """The modules that the file imports when it runs; what is for the type checker alone is left out."""
    found: set[str] = set()
    checked: set[ast.AST] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            checked |= {inner for each in node.body for inner in ast.walk(each)}
    for node in ast.walk(tree(path)):
        if node in checked:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            module = node.module or ""
            found |= {f"{module}.{alias.name}" for alias in node.names} | {module}
    return found


def has(path: Path, name: str) -> bool:
    return any(each == name or each.startswith(f"{name}.") for each in imports(path))


@pytest.mark.parametrize(("library", "door"), DOORS.items())
def test_each_library_of_the_outside_has_one_door(library: str, door: str) -> None:
    assert {name for name, path in MODULES.items() if has(path, library)} == {door}


def test_doors_do_not_import_each_other() -> None:
    doors = {*DOORS.values(), *OTHER_DOORS, "report"}
    for door in doors:
        others = {other for other in doors - {door} if has(MODULES[door], f"release.{other}")}
        assert not others, f"{door} imports {others}"


@pytest.mark.parametrize("name", VALUES)
def test_values_do_no_io_and_open_no_door(name: str) -> None:
    path = MODULES[name]
    forbidden = [*IO, *DOORS, *(f"release.{door}" for door in (*DOORS.values(), *OTHER_DOORS, "world", "report"))]
    assert not [each for each in forbidden if has(path, each)]
    calls = {node.func.id for node in ast.walk(tree(path)) if isinstance(node, ast.Call) and _is_name(node.func)}
    assert not calls & {"open", "print", "input"}


def _is_name(node: ast.expr) -> bool:
    return isinstance(node, ast.Name)


def test_only_report_prints() -> None:
    guilty = set()
    for name, path in (MODULES | SANDBOX).items():
        for node in ast.walk(tree(path)):
            prints = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
            streams = isinstance(node, ast.Attribute) and node.attr in ("stdout", "stderr") and _is_sys(node.value)
            guilty |= {name} if prints or streams else set()
    assert guilty <= {"report"}


def _is_sys(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "sys"


def test_only_tasks_and_errors_know_invoke() -> None:
    assert {name for name, path in MODULES.items() if has(path, "invoke")} <= set(KNOW_INVOKE)


def test_doors_and_values_know_no_recipes() -> None:
    recipes = {name for name, path in MODULES.items() if has(path, "release.cli")} - {"tasks"}
    assert {"release", "sdk", "image", "platform", "pipelines"} <= recipes
    for name in {*VALUES, *DOORS.values(), *OTHER_DOORS, "report", "ensure", "follow", "runs", "lines"}:
        known = {recipe for recipe in recipes if has(MODULES[name], f"release.{recipe}")}
        assert not known, f"{name} imports {known}"


def test_the_product_does_not_need_the_sandbox() -> None:
    needing = {name for name, path in MODULES.items() if has(path, "release.sandbox")}
    assert needing <= {"tasks"}


def test_s08_no_command_goes_through_a_shell() -> None:
    for name, path in (MODULES | SANDBOX).items():
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.Call):
                continue
            shell = [each for each in node.keywords if each.arg == "shell"]
            assert all(isinstance(each.value, ast.Constant) and each.value.value is False for each in shell), name
            called = ast.unparse(node.func)
            assert called not in ("os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"), name


def test_listing_the_tasks_loads_nothing_heavy() -> None:
    script = (
        "import sys\n"
        "from invoke.program import Program\n"
        "from release import namespace\n"
        "Program(namespace=namespace).run(['inv', '--list'], exit=False)\n"
        f"print('LOADED', sorted(set({HEAVY!r}) & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.stdout.splitlines()[-1] == "LOADED []", done.stdout[-500:] + done.stderr
    assert "release.minor" in done.stdout or "minor" in done.stdout
