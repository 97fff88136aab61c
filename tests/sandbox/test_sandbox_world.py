"""A sandbox as a whole: complete, alone, and gone without a trace."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest
from sandbox_client import FILES

from release.errors import Usage
from release.sandbox import Sandbox, world
from release.sandbox.cloud import BUCKET
from release.sandbox.git import Bare

SLOW = """on: push
jobs:
  slow:
    runs-on: ubuntu-latest
    steps:
      - run: |
          echo $$ > "$PID_FILE"
          sleep 600
"""


@pytest.mark.parametrize(("version", "fits"), [("2.31.0", False), ("2.37.9", False), ("2.38.0", True), ("3.0", True)])
def test_a_git_that_cannot_merge_here_is_named_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, fits: bool
) -> None:
    """Measured with Git 2.31: every pull request conflicted."""
    program = tmp_path / "git"
    program.write_text(f'#!/bin/sh\n[ "$*" != version ] && PATH="{os.environ["PATH"]}" exec git "$@"\n')
    with program.open("a") as script:
        script.write(f"echo git version {version}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    world._check_git.cache_clear()
    try:
        if fits:
            Sandbox({"a.txt": "a\n"}, cloud=False).close()
        else:
            with pytest.raises(Usage, match=r"the sandbox needs Git 2\.38"):
                Sandbox({"a.txt": "a\n"}, cloud=False)
    finally:
        world._check_git.cache_clear()


def test_environment_is_all_that_git_and_aws_need() -> None:
    with Sandbox({"a.txt": "a\n"}) as sandbox:
        environment = {**os.environ, **sandbox.environment()}
        script = "import boto3; print(boto3.client('s3').list_buckets()['Buckets'][0]['Name'])"
        done = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == BUCKET
        git = ["git", "fetch", "--quiet", "origin"]
        subprocess.run(git, cwd=sandbox.work, env=environment, check=True)
        status = subprocess.run(
            ["git", "status", "-sb"], cwd=sandbox.work, env=environment, check=True, capture_output=True, text=True
        )
        assert status.stdout == "## main...origin/main\n"
        config = (sandbox.work / ".git" / "config").read_text()
        assert environment["GITHUB_TOKEN"] not in config
        assert "GITHUB_TOKEN" not in sandbox.job_environment()


def test_end_leaves_no_thread_folder_port_or_process(tmp_path: Path) -> None:
    before = threading.active_count()
    sandbox = Sandbox({".github/workflows/slow.yaml": SLOW})
    with sandbox:
        pid_file = tmp_path / "pid"
        sandbox.github.hub.job_environment["PID_FILE"] = str(pid_file)
        git = ["git", "push", "--quiet", "origin", "HEAD:refs/heads/go"]
        subprocess.run(git, cwd=sandbox.work, env={**os.environ, **sandbox.environment()}, check=True)
        deadline = time.monotonic() + 20
        while not (pid_file.exists() and pid_file.read_text().strip()):
            assert time.monotonic() < deadline
            time.sleep(0.02)
    assert not sandbox.folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)
    assert sandbox.cloud is not None
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(sandbox.cloud.url, timeout=5)
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert threading.active_count() <= before


def test_two_sandboxes_at_once_do_not_meet() -> None:
    with Sandbox(FILES, cloud=False) as one, Sandbox(FILES, cloud=False) as other:
        one.bare.update_ref("refs/heads/mine", one.bare.sha("main") or "")
        assert other.bare.sha("mine") is None
        assert one.github.url != other.github.url
        assert Bare(one.work).sha("refs/remotes/origin/main") == one.bare.sha("main")


def test_f33_what_a_killed_sandbox_left_is_taken_away_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Sandbox(cloud=False) as alive:
        killed, new, other = (tmp_path / f"release-sandbox-{name * 8}" for name in "abc")
        for each in (killed, new, other):
            each.mkdir()
            (each / "lock").touch()
        (other / "lock").unlink()  # of an older version, which may be alive
        (tmp_path / "release-sandbox-dddddddd").symlink_to(tmp_path)
        for each in (killed, other, alive.folder):
            os.utime(each, (0, 0))
        with Sandbox(cloud=False):
            pass
        assert [each.exists() for each in (alive.folder, killed, new, other)] == [True, False, True, True]
        assert alive.bare.sha("refs/heads/main")
    assert not alive.folder.exists()
