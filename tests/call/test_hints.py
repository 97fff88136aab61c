"""Every command that the tool, its help and its documents tell people to type is one that can be typed."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from invoke.parser import Parser
from invoke.program import Program
from semver import Version

from release import tasks
from release.audit import status

ROOT = Path(__file__).parents[2]
SOURCES = [path for path in sorted((ROOT / "release").rglob("*.py")) if "sandbox" not in path.parts]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SAMPLE = "0.7.0"  # where only the call knows the value
COLLECTION = importlib.reload(tasks).namespace  # anew: invoke takes a task's help away when it first reads it
CONTEXTS = {each.name: each for each in COLLECTION.to_contexts()}
CORE = Program().initial_context


def variant(node: ast.expr, names: dict[str, ast.expr], side: bool) -> str:
    """What the expression says: of each choice one side, a name what the function sets it to, else a sample."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.FormattedValue):
        return variant(node.value, names, side)
    if isinstance(node, ast.JoinedStr):
        return "".join(variant(each, names, side) for each in node.values)
    if isinstance(node, ast.IfExp):
        return variant(node.body if side else node.orelse, names, side)
    if isinstance(node, ast.Name) and isinstance(names.get(node.id), ast.JoinedStr | ast.Constant | ast.IfExp):
        return variant(names[node.id], {**names, node.id: ast.Name("any")}, side)
    return SAMPLE


def texts(path: Path) -> Iterator[str]:
    """Each text in a file of Python, as it may be printed, with either side of its choices."""
    tree = ast.parse(path.read_text("utf-8"))
    seen = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    for function in [*reversed(functions), tree]:  # an inner one first: its names are its own
        nodes = list(ast.walk(function))
        sets = [node for node in nodes if isinstance(node, ast.Assign)]
        names = {each.targets[0].id: each.value for each in sets if isinstance(each.targets[0], ast.Name)}
        for node in nodes:
            text = isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
            if text and id(node) not in seen:
                seen.add(id(node))
                yield from (variant(node, names, side) for side in (True, False))  # type: ignore[arg-type]


def commands(text: str) -> Iterator[list[str]]:
    """The words of each `inv …` in the text: tasks, flags and their values, up to where prose goes on."""
    for said in re.findall(r"\binv (.+)", text):
        words: list[str] = []
        task, flag = "", None
        for raw in said.split(" "):
            word = raw.strip("`'\")").rstrip(".,;:`'\")")
            if flag:
                words.append("5" if flag.kind is int and word == SAMPLE else word)
                flag = None
            elif word.startswith("-") or re.fullmatch(r"[a-z]+\.[a-z]+", word):
                words.append(word)
                task = word if not word.startswith("-") else task
                found = CONTEXTS[task].flags.get(word) if task in CONTEXTS else None
                flag = found if found and found.takes_value and not found.optional else None
            else:
                break
            if raw != word and not flag:
                break
        if task:
            yield words


SAID = sorted(
    {
        (path.relative_to(ROOT).as_posix(), *words)
        for path in [*SOURCES, *DOCUMENTS]
        for text in (texts(path) if path.suffix == ".py" else [path.read_text("utf-8")])
        for words in commands(text)
    }
)


def test_there_are_commands_to_hold() -> None:
    assert len(SAID) > 100
    assert len({said[0] for said in SAID}) > 25


@pytest.mark.parametrize("said", SAID, ids=" ".join)
def test_a_command_that_is_told_parses(said: tuple[str, ...]) -> None:
    Parser(initial=CORE, contexts=CONTEXTS.values()).parse_argv(list(said[1:]))


@pytest.mark.parametrize("missing", [*status.PARTS[1:], "several"])
@pytest.mark.parametrize("number", ["0.7.0", "0.7.1", "1.0.0"])
def test_a_command_that_goes_on_parses(missing: str, number: str) -> None:
    names = status.PARTS[1:3] if missing == "several" else (missing,)
    for components in ((), ("web",)):
        parts = {name: status.Part("missing") for name in names}
        version = status.Version(Version.parse(number), "a" * 40, "", Version.parse(number), True, components, parts)
        Parser(initial=CORE, contexts=CONTEXTS.values()).parse_argv(status._next_task(version).split())
