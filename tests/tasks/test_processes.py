"""How many processes of Git and how many requests to it a task costs, whatever the number of tags."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from bench.counting import CountingGit
from conftest import Inv
from outside import git

from release.sandbox import Sandbox

MANY = 1_100  # tags on the remote and in the clone: more than one listing is thought short for

TASKS = {
    "next": ("release.next --line 0.6", 4),
    "branch": ("release.branch --version 0.7.0", 6),
    "tag": ("release.tag --version 0.6.3", 8),
    "bump": ("image.bump --version 0.7.0", 9),
}


@pytest.fixture(params=["few", pytest.param("many", marks=pytest.mark.slow)])
def tagged(request: pytest.FixtureRequest, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """A sandbox whose branch `mine` is checked out, and whose line 0.6 has a commit that is not released."""
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    git(sandbox.work, "fetch", "--quiet", "origin")
    line = git(sandbox.work, "for-each-ref", "--format=%(refname:lstrip=3)", "refs/remotes/origin/release-0.6-*")
    git(sandbox.work, "switch", "--quiet", "--create", "fix", f"origin/{line}")
    git(sandbox.work, "commit", "--quiet", "--allow-empty", "--message", "Fix it")
    git(sandbox.work, "push", "--quiet", "origin", f"HEAD:{line}")
    git(sandbox.work, "switch", "--quiet", "--create", "mine", "origin/main")
    git(sandbox.work, "push", "--quiet", "origin", "mine")
    if request.param == "many":
        first = git(sandbox.work, "rev-list", "--max-parents=0", "HEAD")
        lines = "".join(f"{first} refs/tags/0.1.{number}\n" for number in range(MANY))
        for folder in (sandbox.bare.path, sandbox.work / ".git"):
            git(folder, "pack-refs", "--all")
            (folder / "packed-refs").write_text(f"{(folder / 'packed-refs').read_text().replace(' sorted', '')}{lines}")
    return sandbox


@pytest.mark.parametrize("task", TASKS)
def test_a_task_costs_so_many_processes_and_requests(tagged: Sandbox, inv: Inv, tmp_path: Path, task: str) -> None:
    (words, most), counting = TASKS[task], CountingGit(tmp_path)
    before = len(tagged.github.requests)
    inv(*words.split(), CI="true", **counting.environment(os.environ["PATH"]))
    started, _ = counting.take()
    asked = [each.path for each in tagged.github.requests[before:] if ".git/" in each.path]
    assert len(started) <= most, started
    assert len(asked) <= 6, asked
    assert len([each for each in asked if each.endswith("/git-receive-pack")]) <= 1, "exactly one push"
