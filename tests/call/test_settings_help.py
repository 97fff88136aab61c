"""The adopters' page against the code, and completion as a shell asks for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from settings_table import MEANINGS, all_settings, settings_table

from release import namespace

ROOT = Path(__file__).parents[2]


def test_every_setting_has_its_meaning_and_nothing_else_has() -> None:
    assert list(MEANINGS) == list(all_settings())


def test_the_adopters_page_has_the_table_of_the_code() -> None:
    page = (ROOT / "docs" / "adopters.md").read_text(encoding="utf-8")
    assert settings_table() in page, f"docs/adopters.md needs this table:\n{settings_table()}"


def inv(*arguments: str) -> str:
    command = [sys.executable, "-m", "invoke", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True).stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_has_a_script_for_each_shell(shell: str) -> None:
    assert "inv" in inv(f"--print-completion-script={shell}")


def test_completion_knows_tasks_and_flags() -> None:
    tasks = inv("--complete", "--", "inv release.").split()
    assert {"release.minor", "release.verify", "sdk.release", "image.release"} <= set(tasks)
    assert {"--version", "--receipt", "--json"} <= set(inv("--complete", "--", "inv release.verify --").split())


def test_every_tasks_help_has_an_example() -> None:
    names = sorted(namespace.task_names)
    assert len(names) > 30
    for name in names:
        assert f"Example: inv {name}" in (namespace[name].__doc__ or ""), name
