"""A release, typed and killed at the worst moments; the same command goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from doubles import IMAGE, SDK, Doubles
from outside import cloud_content, dispatches, git, peeled, remote_refs, writes
from typed import typing_in

from release.sandbox import Sandbox

PATIENCE = 90.0  # seconds until a moment has to have come


def kill_at(sandbox: Sandbox, moment: Callable[[], bool]) -> None:
    """Type the release and kill it, and all that it started, as soon as the moment has come."""
    environment = {**os.environ, **sandbox.environment(), "INVOKE_RELEASE_POLL": "0.2"}
    process = subprocess.Popen(
        [sys.executable, "-m", "invoke", "release.minor", "--yes"],
        cwd=sandbox.work,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + PATIENCE
    while not moment():
        assert process.poll() is None, f"it ended by itself: exit {process.returncode}"
        assert time.monotonic() < deadline, "the moment never came"
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


@pytest.mark.slow
def test_f01_f27_killed_while_waiting_after_the_branch_and_after_the_dispatch(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    doubles = Doubles(sandbox, hang={IMAGE, SDK})

    def waiting() -> bool:
        looks = sum(each.path.endswith("/jobs") for each in list(sandbox.github.requests))
        return bool(doubles.runs_of(IMAGE)) and looks > 0

    def branch_pushed() -> bool:
        return any("release-0.7-" in name for name in remote_refs(sandbox))

    def dispatched() -> bool:
        return any(run.start.path.endswith(SDK) for run in list(sandbox.github.hub.runs.values()))

    kill_at(sandbox, waiting)
    assert not branch_pushed()
    doubles.runs_of(IMAGE)[0].end()
    kill_at(sandbox, branch_pushed)
    assert peeled(sandbox, "0.7.0") is None
    kill_at(sandbox, dispatched)
    assert sandbox.github.hub.releases == {}
    doubles.runs_of(SDK)[0].end()
    typed = typing_in(sandbox, monkeypatch, capsys)
    assert typed("release.minor", "--yes").code == 0
    assert (dispatches(sandbox, IMAGE), dispatches(sandbox, SDK)) == (1, 1)
    names = [name for name in remote_refs(sandbox) if "0.7" in name and "image" not in name]
    assert len(names) == 2
    assert [release.draft for release in sandbox.github.hub.releases.values()] == [False]
    assert sum("0.7.0" in each for each in cloud_content(sandbox)) == 9
    assert git(sandbox.work, "status", "--short") == ""
    assert sandbox.bare.refs("refs/release") == {}, "the lease of a killed call is taken away"
    asked = writes(sandbox)
    assert typed("release.minor", "--yes").code == 0
    assert writes(sandbox) == asked
