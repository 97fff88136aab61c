"""Which interpreters count: those that really run."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from release.sandbox.runner.actions.python import installed_versions, interpreter, running_version


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    interpreter.cache_clear()
    yield
    interpreter.cache_clear()


def put(folder: Path, name: str, says: str) -> str:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{says}\n")
    path.chmod(0o755)
    return str(path)


def test_the_running_interpreter_is_itself() -> None:
    assert interpreter(running_version()) == sys.executable
    assert interpreter(".".join(map(str, sys.version_info[:3]))) == sys.executable


def test_only_what_runs_and_is_that_version_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = put(tmp_path, "python3.99", "echo '3.99.1 (main)'")
    put(tmp_path, "python3.98", "echo 'python3.98: command not found' >&2; exit 127")
    put(tmp_path, "python3.9", "echo '3.97.0 (main)'")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PYENV_ROOT", raising=False)
    assert interpreter("3.99") == found
    assert interpreter("3.99.1") == found
    assert interpreter("3.99.10") is None
    assert installed_versions(["3.9", "3.98", "3.99", "2.7", "3.x", "../3.9", running_version()]) == [
        "3.99",
        running_version(),
    ]


def test_one_from_pyenv_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "versions/3.99.4/bin").mkdir(parents=True)
    found = put(tmp_path / "versions/3.99.4/bin", "python3.99", "echo '3.99.4 (main)'")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert interpreter("3.99") == found
