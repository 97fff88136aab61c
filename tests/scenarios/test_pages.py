"""Every command that a page of the documentation shows, typed in its order."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from doubles import Doubles
from gate import program
from typed import Type, typing_in

from release.sandbox import Sandbox

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("laptop", "bad-day", "ci")
COMMAND = re.compile(r"\$ (?P<variables>(?:[A-Z_]+=\S+ )*)inv (?P<words>.*?)(?:  # exit (?P<code>\d))?")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as made:
        yield made


@pytest.fixture
def typed(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Type:
    Doubles(sandbox)
    monkeypatch.setenv("INVOKE_RELEASE_OASDIFF", program(tmp_path))
    monkeypatch.setattr("release.github.http.WRITE_PAUSE", 0)
    return typing_in(sandbox, monkeypatch, capsys)


def commands(page: str) -> list[tuple[re.Match[str], list[str]]]:
    """The commands of a page's console blocks, each with what is shown below it."""
    found: list[tuple[re.Match[str], list[str]]] = []
    for block in re.findall(r"```console\n(.*?)```", (DOCS / f"{page}.md").read_text(encoding="utf-8"), re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                command = COMMAND.fullmatch(line)
                assert command, line
                found.append((command, []))
            else:
                found[-1][1].append(line)
    return found


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_does_what_it_says(typed: Type, page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for command, shown in commands(page):
        with monkeypatch.context() as patch:
            for variable in command["variables"].split():
                patch.setenv(*variable.split("="))
            done = typed(*shlex.split(command["words"]))
        assert done.code == int(command["code"] or 0), f"{command[0]}\n{done.out}{done.err}"
        assert [line for line in shown if line not in done.out] == [], command[0]
