"""The shape of the house: who may import whom, who prints, what stays unloaded, and how large a thing may be."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
from conftest import Inv

from release.sandbox import Sandbox

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "release").rglob("*.py"))
VALUES = ("errors", "versions", "config_py", "settings")
ROOMS = ("call", "workflows", "git", "github", "compat", "artifacts", "picks", "audit", "tasks", "sandbox")
FLOOR = {room: number for number, room in enumerate((*VALUES, *ROOMS))}  # bottom up, one room on each
ENGINES = ("workflows", "compat", "sandbox")  # entered through their __init__ alone
LIBRARIES = {"git": "git", "requests": "github", "boto3": "artifacts", "botocore": "artifacts"}
PURE = ("versions", "config_py", "errors", "settings", "workflows")
IO = (
    "subprocess", "os", "socket", "shutil", "tempfile", "pathlib.Path", "time", "urllib.request", "http", "logging",
    "asyncio",
)  # fmt: skip
HEAVY = ("git", "requests", "boto3", "botocore", "flask", "griffe", "moto", "rich")
LONGEST, LARGEST = 40, 300
DEFINES = (ast.FunctionDef, ast.ClassDef)


def room(path: Path) -> str:
    """The entry of release/ that the module belongs to."""
    return path.relative_to(ROOT / "release").parts[0].removesuffix(".py")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path) -> Iterator[str]:
    """The dotted names that the module imports, for the type checker too."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_imports(path: Path) -> Iterator[list[str]]:
    """What the module imports of other rooms, taken apart."""
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "release" and len(parts) > 1 and parts[1] in FLOOR and parts[1] != room(path):
            yield parts


def test_nothing_imports_upwards() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {'.'.join(parts)}"
        for path in MODULES
        for parts in own_imports(path)
        # release/__init__ stands above all. What may use the sandbox has a test of its own.
        if FLOOR.get(room(path), len(FLOOR)) < FLOOR[parts[1]] and parts[1] != "sandbox"
    ]
    assert not wrong


def test_the_product_does_not_need_the_sandbox() -> None:
    assert {room(path) for path in MODULES for parts in own_imports(path) if parts[1] == "sandbox"} <= {"tasks"}


def test_no_module_is_in_a_circle() -> None:
    names = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in MODULES}
    known: dict[str, set[str]] = {}
    for name, path in names.items():
        found = {each if each in names else each.rpartition(".")[0] for each in imports(path)}
        # A room's __init__ names its own modules for the type checker alone.
        own = f"{name}." if path.name == "__init__.py" else "-"
        known[name] = {each for each in found & names.keys() if each != name and not each.startswith(own)}
    while leaves := {name for name, others in known.items() if not others & known.keys()}:
        known = {name: others for name, others in known.items() if name not in leaves}
    assert not known


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_is_entered_through_its_door(engine: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in MODULES
        if room(path) != engine
        for name in imports(path)
        if name.startswith(f"release.{engine}.") and _goes_round_the_door(engine, name)
    ]
    assert not wrong


def _goes_round_the_door(engine: str, name: str) -> bool:
    """Tell whether an import reaches into an engine: below what its __init__ has, or for one of its modules."""
    inside = name.split(".")[2:]
    return len(inside) > 1 or (ROOT / "release" / engine / f"{inside[0]}.py").is_file()


@pytest.mark.parametrize(("library", "owner"), LIBRARIES.items())
def test_each_library_of_the_outside_has_one_room(library: str, owner: str) -> None:
    users = {room(path) for path in MODULES if any(name.split(".")[0] == library for name in imports(path))}
    assert users - {"sandbox"} == {owner}


def test_only_the_surface_knows_invoke() -> None:
    users = {room(path) for path in MODULES if any(name.split(".")[0] == "invoke" for name in imports(path))}
    assert users == {"__init__", "tasks", "call", "errors"}


@pytest.mark.parametrize("name", PURE)
def test_what_is_pure_does_no_io(name: str) -> None:
    for path in (path for path in MODULES if room(path) == name):
        # Who imports a package whole, pathlib say, has all that is in it.
        assert not {each for each in imports(path) for io in IO if f"{each}.".startswith(f"{io}.")}, path
        assert not {each for each in imports(path) for io in IO if io.startswith(f"{each}.")}, path
        called = {node.func.id for node in ast.walk(tree(path)) if _calls_a_name(node)}  # type: ignore[attr-defined]
        assert not called & {"open", "print", "input"}, path


def _calls_a_name(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name)


def test_only_report_prints() -> None:
    # The sandbox's stand-ins are programs of their own: what they print is what a step of a workflow reads.
    for path in (path for path in MODULES if path.stem != "report" and path.parent.name != "stand_ins"):
        for node in ast.walk(tree(path)):
            assert not (_calls_a_name(node) and node.func.id == "print"), path  # type: ignore[attr-defined]
            streams = isinstance(node, ast.Attribute) and node.attr in ("stdout", "stderr")
            assert not (streams and ast.unparse(node.value) == "sys"), path  # type: ignore[attr-defined]


def test_sizes_stay_readable() -> None:
    for path in MODULES:
        assert path.read_text(encoding="utf-8").count("\n") <= LARGEST, path
        for node in (node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef)):
            assert (node.end_lineno or 0) - node.lineno < LONGEST, f"{path}: {node.name}"


def test_listing_the_tasks_loads_nothing_heavy() -> None:
    script = (
        "import sys\n"
        "from invoke.program import Program\n"
        "from release import namespace\n"
        "Program(namespace=namespace).run(['inv', '--list'], exit=False)\n"
        "ours = sum(m.startswith('release') for m in sys.modules)\n"
        f"print('LOADED', sorted(set({HEAVY!r}) & set(sys.modules)), ours)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False)
    loaded = done.stdout.splitlines()[-1]
    assert loaded.startswith("LOADED []"), loaded + done.stderr
    assert int(loaded.split()[-1]) <= 30, "each module costs some 0.5 ms at every call, completion's too"
    assert "release.minor" in done.stdout


ON_A_BRANCH = ("git", "switch", "--quiet", "--create", "bump"), ("git", "push", "--quiet", "origin", "bump")
A_BRANCH_CUT = ((sys.executable, "-m", "invoke", "release.branch", "--version", "0.7.0"),)


@pytest.mark.parametrize(
    ("task", "before", "loaded"),
    [
        ("release.next", (), set()),
        ("release.check", (), set()),
        ("release.branch", (), set()),
        ("release.tag", A_BRANCH_CUT, {"boto3", "botocore"}),
        ("image.bump", ON_A_BRANCH, {"boto3", "botocore"}),
    ],
)
def test_a_task_loads_what_it_asks_alone(
    inv: Inv, sandbox: Sandbox, task: str, before: tuple[tuple[str, ...], ...], loaded: set[str]
) -> None:
    """Git's own library aside; each costs as much as an empty call of invoke's, or half of that."""
    for command in before:
        environment = {**os.environ, **sandbox.environment(), "CI": "true"}
        subprocess.run(command, cwd=sandbox.work, env=environment, check=True, capture_output=True)
    version = () if task == "release.next" else ("--version", "0.7.0")
    done = inv(task, *version, CI="true", PYTHONPROFILEIMPORTTIME="1")
    modules = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert modules & (set(HEAVY) - {"git"}) == loaded


@pytest.mark.parametrize("name", ["artifacts", "audit", "git", "github", "picks"])
def test_a_room_has_no_module_that_is_not_there(name: str) -> None:
    found = import_module(f"release.{name}")
    assert not hasattr(found, "nope")
    assert not hasattr(found, "_nope")


def test_each_rule_is_where_the_list_of_rules_says() -> None:
    """CONTRIBUTING's table of homes leads a reader to functions that are there."""
    rows = re.findall(r"^\| .+ \| (`.+`) \|$", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    homes = [home for row in rows for home in re.findall(r"`([^`]+)`", row)]
    module, missing = "", []
    for home in homes:
        path, _, name = home.rpartition(": ")
        module = path or module  # a second name of the same module
        names = {node.name for node in tree(ROOT / "release" / module).body if isinstance(node, DEFINES)}
        missing += [f"{module}: {name}"] if name not in names else []
    assert len(homes) > 20
    assert not missing
