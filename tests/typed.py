"""Tasks as they are typed, run in this process: much faster than an `inv` of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from invoke.program import Program

from release.sandbox import Sandbox


@dataclass(frozen=True)
class Typed:
    """What one call came to."""

    code: int
    out: str
    err: str


Type = Callable[..., Typed]


def typing_in(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Type:
    """Return `typed("release.branch", "--yes")`: the call in the sandbox's clone, nobody at the terminal."""
    for name, value in {**sandbox.environment(), "INVOKE_RELEASE_POLL": "0.05"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(sandbox.work)

    def typed(*arguments: str) -> Typed:
        from release import namespace

        monkeypatch.setattr("sys.argv", ["inv", *arguments])
        capsys.readouterr()
        code = 0
        try:
            Program(namespace=namespace).run(["inv", *arguments])
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return Typed(code, captured.out, captured.err)

    return typed
