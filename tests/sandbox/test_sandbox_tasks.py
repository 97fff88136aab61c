"""The main job, as a newcomer types it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Inv

from release.sandbox import Sandbox

ROOT = Path(__file__).parents[2]


def test_the_demo_releases_twice_and_shows_it_from_outside(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path), "INVOKE_RELEASE_POLL": "0.2"}
    done = subprocess.run(
        [sys.executable, "-m", "invoke", "sandbox.demo"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    shown = done.stdout[done.stdout.index("What is out there now") :]
    for expected in (
        r"tag +refs/tags/0\.7\.0 +[0-9a-f]{9}",
        r"wheel +s3://lepton-sdk/release/leptonai-0\.7\.0-py3-none-any\.whl +sha256:[0-9a-f]{64}",
        r"image +lepton:photon-py3\.11-runner-0\.7\.0",
        r"image +lepton-web:0\.7\.0",
        r"pull request +#1 Use image 0\.7\.0 +merged as [0-9a-f]{9}",
        r"GitHub Release +0\.7\.0 +published",
    ):
        assert re.search(expected, shown), expected
    assert list(tmp_path.iterdir()) == []


def test_a_rehearsal_leaves_the_repository_as_it_is(sandbox: Sandbox, inv: Inv) -> None:
    before = sandbox.bare.git("for-each-ref")
    done = inv("sandbox.rehearse", "--task", "release.next")
    assert done.stdout.count("\n0.7.0\n") == 1, "what only reads is typed once"
    assert sandbox.bare.git("for-each-ref") == before
    assert not [asked for asked in sandbox.github.requests if asked.method not in ("GET", "POST")]
    failed = inv("sandbox.rehearse", "--task", "release.tag --version v1", code=None)
    assert failed.returncode == 1
    assert "versions here have no v" in failed.stderr


def test_a_rehearsal_takes_the_task_file_and_settings_that_are_not_pushed_yet(sandbox: Sandbox, inv: Inv) -> None:
    for name in ("tasks.py", "invoke.yaml"):
        (sandbox.work / name).unlink(missing_ok=True)
    (sandbox.work / "tasks.py").write_text("from release import namespace\n\n__all__ = ['namespace']\n# mine\n")
    (sandbox.work / "invoke.yaml").write_text("release: {output: json}\n")
    done = inv("sandbox.rehearse", "--task", "release.next")
    assert '"version": "0.7.0"' in done.stdout


def test_a_repository_that_git_cannot_copy_is_said_in_a_line(sandbox: Sandbox, inv: Inv) -> None:
    (sandbox.work / ".git" / "packed-refs").write_text("garbage\n")
    done = inv("sandbox.rehearse", "--task", "release.next", code=None)
    assert done.returncode in (1, 2)
    assert len(done.stderr.strip().splitlines()) <= 2


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_served_sandbox_ends_when_told(tmp_path: Path, stop: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "invoke", "sandbox.serve"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    for line in iter(process.stdout.readline, ""):
        if found := re.fullmatch(r"  source (.*)\n", line):
            file = Path(found[1])
        if line.startswith("Then"):
            break
    said = subprocess.run(
        ["sh", "-c", f". {file} && echo $GITHUB_API_URL && pwd"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert said[0].startswith("http://127.0.0.1:")
    assert said[1].startswith(str(tmp_path.resolve()))
    assert file.stat().st_mode & 0o077 == 0
    process.send_signal(stop)
    assert process.wait(30) == 0
    assert list(tmp_path.iterdir()) == []


def test_a_shell_in_the_sandbox_sees_it_and_leaves_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "invoke", "sandbox.shell"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path), "SHELL": "/bin/sh"},
        input="git remote get-url origin; inv release.next\n",
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "http://127.0.0.1:" in done.stdout
    assert "0.7.0" in done.stdout
    assert list(tmp_path.iterdir()) == []
