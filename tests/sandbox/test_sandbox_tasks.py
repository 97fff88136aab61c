"""The sandbox's own tasks: what the demo proves, a rehearsal, and the served world's end."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Inv, printed
from doubles import released_sandbox
from typed import typing_in

from release.call.context import Context, Options
from release.call.report import Report
from release.errors import Failed
from release.sandbox import Sandbox
from release.settings import Settings
from release.tasks.sandbox import _show_evidence

ROOT = Path(__file__).parents[2]
SERVE = """
import signal
from invoke.program import Program
from release import namespace, sandbox
from release.sandbox.world import Sandbox

signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background begins without it
sandbox.Sandbox = lambda history: Sandbox({"a.txt": "a"}, cloud=False)
Program(namespace=namespace).run(["inv", "sandbox.serve"])
"""


def test_the_demo_shows_everything_that_is_out_or_fails(tmp_path: Path) -> None:
    context = Context(Settings(), Report(stream=io.StringIO()), Options(), folder=tmp_path)
    with released_sandbox() as world:
        _show_evidence(context, world, "0.7.0")
        for expected in (
            r"tag +refs/tags/0\.7\.0 +[0-9a-f]{9}",
            r"wheel +s3://lepton-sdk/release/leptonai-0\.7\.0-py3-none-any\.whl +sha256:[0-9a-f]{64}",
            r"image +lepton:photon-py3\.11-runner-0\.7\.0",
            r"image +lepton-web:0\.7\.0",
            r"pull request +#1 Use image 0\.7\.0 +merged as [0-9a-f]{9}",
            r"GitHub Release +0\.7\.0 +published",
        ):
            assert re.search(expected, printed(context)), expected
        asked = {"repositoryName": "lepton-web", "imageIds": [{"imageTag": "0.7.0"}]}
        world.cloud.client("ecr").batch_delete_image(**asked)  # type: ignore[union-attr]
        with pytest.raises(Failed, match=r"not out of 0\.7\.0: 1 of 8 image"):
            _show_evidence(context, world, "0.7.0")


def test_a_rehearsal_leaves_the_repository_as_it_is(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with Sandbox(cloud=False) as sandbox:
        typed = typing_in(sandbox, monkeypatch, capfd)
        before = sandbox.bare.git("for-each-ref")
        done = typed("sandbox.rehearse", "--task", "release.next")
        assert done.code == 0, done.err
        assert done.out.count("\n0.7.0\n") == 1, "what only reads is typed once"
        assert sandbox.bare.git("for-each-ref") == before
        assert not [asked for asked in sandbox.github.requests if asked.method not in ("GET", "POST")]
        failed = typed("sandbox.rehearse", "--task", "release.tag --version v1")
        assert failed.code == 1
        assert "versions here have no v" in failed.err


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
        [sys.executable, "-c", SERVE],
        cwd=tmp_path,
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
