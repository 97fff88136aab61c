"""Runs of workflows that a test writes, over a small repository."""

from __future__ import annotations

import os
import subprocess
import textwrap
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from release.sandbox.runner import Gates, parse_workflow, run_job
from release.sandbox.runner.job import Job
from release.sandbox.runner.run import WorkflowRun

HEAD = """
name: Sample
on:
  workflow_dispatch:
    inputs:
      version: {type: string, required: true}
      publish: {type: boolean, default: false}
      count: {type: number, default: 3}
env: {LEVEL: workflow, TOP: "1"}
"""
Started = Callable[..., WorkflowRun]


def git(folder: Path, *arguments: str) -> str:
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    who = ["-c", "user.name=T", "-c", "user.email=t@example.org"]
    return subprocess.run(
        ["git", *who, *arguments], cwd=folder, env=env, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bare repository with a few commits and tags."""
    folder = tmp_path_factory.mktemp("origin")
    work = folder / "work"
    work.mkdir()
    git(work, "init", "--quiet", "-b", "main")
    for number in (1, 2):
        (work / "file.txt").write_text(f"{number}\n")
        git(work, "add", ".")
        git(work, "commit", "--quiet", "-m", f"commit {number}")
        git(work, "tag", "-a", "-m", "tag", f"0.{number}.0")
    git(work, "clone", "--quiet", "--bare", str(work), str(folder / "bare.git"))
    return folder / "bare.git"


@pytest.fixture
def start(bare: Path, tmp_path: Path) -> Started:
    """`start(jobs, ...)` makes a run of these jobs at a ref, over when it returns."""

    def begin(
        jobs: str,
        ref: str = "refs/heads/main",
        wait: bool = True,
        run_steps: Any = run_job,
        env: Mapping[str, str] | None = None,
        gates: Gates | None = None,
        top: str = "",
        **given: Any,
    ) -> WorkflowRun:
        text = HEAD + top + "jobs:\n" + textwrap.indent(textwrap.dedent(jobs), "  ")
        context = {
            "github": {
                "repository": "lepton/platform",
                "actor": "me",
                "run_id": "7",
                "server_url": "http://127.0.0.1:1",
            },
            "vars": {"BUCKET": "b"},
            "secrets": {"TOKEN": "hush-hush"},
        }
        run = WorkflowRun(
            parse_workflow(text, ".github/workflows/sample.yaml"),
            bare,
            git(bare, "rev-parse", ref + "^{commit}"),
            ref,
            "workflow_dispatch",
            {"version": "0.7.0", **given},
            {"AWS_REGION": "us-east-1", **(env or {})},
            tmp_path / "run",
            context,
            run_steps=run_steps,
            gates=gates or Gates(),
        )
        run.start()
        if wait:
            assert run.wait(60)
        return run

    return begin


def repository(folder: Path, files: dict[str, str]) -> Path:
    """A bare repository of one commit, tagged 0.1.0."""
    work = folder / "work"
    for path, text in files.items():
        place = work / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(textwrap.dedent(text))
    git(work, "init", "--quiet", "-b", "main")
    git(work, "add", ".")
    git(work, "commit", "--quiet", "-m", "files")
    git(work, "tag", "0.1.0")
    git(work, "clone", "--quiet", "--bare", str(work), str(folder / "bare.git"))
    return folder / "bare.git"


def named(run: WorkflowRun, name: str) -> Job:
    return next(job for job in run.jobs if job.name == name)


def shown(run: WorkflowRun) -> dict[str, str | None]:
    return {job.name: job.conclusion for job in run.jobs}


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        # One that has ended may still wait for its new parent to take notice.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except FileNotFoundError:
        return not Path("/proc/self").exists()
