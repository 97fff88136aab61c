"""What a call keeps in the clone for a moment, and what one that was killed leaves there."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from outside import git

from release.call.context import Activity, View
from release.errors import Failed
from release.git.repository import LOCAL, Repository
from release.git.scratch import scratch, worktree
from release.git.snapshot import Look, Remote
from release.sandbox import Sandbox

# A call of this tool in another process, in the middle of a pick and of a look at the remote.
AT_WORK = """
import sys
from pathlib import Path
from release.git.repository import LOCAL, Repository
from release.git.scratch import folder, worktree

repo = Repository(Path(sys.argv[1]))
with worktree(repo, repo.head()) as tree, folder(repo) as aside:
    print(tree, aside, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def repo(monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    with Sandbox({"a.txt": "one\n"}, cloud=False) as made:
        for name, value in made.environment().items():
            monkeypatch.setenv(name, value)
        yield Repository(made.work)


@contextmanager
def call_at_work(repo: Repository) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    process = subprocess.Popen(
        [sys.executable, "-c", AT_WORK, str(repo.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    yield process, process.stdout.readline().split()
    process.kill()
    process.wait()


def leftovers(repo: Repository) -> list[str]:
    with scratch(repo, clear=False) as found:
        return found


def look(repo: Repository) -> None:
    """Look at a line of the remote, as nearly every task does."""
    assert Remote(Look(repo, Activity()), View()).tags("0.7.") == []


def test_f33_what_a_killed_call_left_in_the_clone_goes_with_the_next(repo: Repository, tmp_path: Path) -> None:
    mine = tmp_path / "release-mine"
    git(repo.root, "worktree", "add", "-q", "--detach", str(mine))
    before = git(repo.root, "for-each-ref"), git(repo.root, "worktree", "list")
    with call_at_work(repo) as (process, kept):
        process.kill()
        process.wait()
    assert leftovers(repo) == kept
    assert [path for path in kept if not Path(path).exists()] == []
    look(repo)
    assert leftovers(repo) == []
    assert [path for path in kept if Path(path).exists()] == []
    assert (git(repo.root, "for-each-ref"), git(repo.root, "worktree", "list")) == before
    assert (mine / "a.txt").exists()


def test_f33_what_belongs_to_a_call_that_is_alive_stays(repo: Repository) -> None:
    with call_at_work(repo) as (process, (tree, aside)):
        look(repo)
        with worktree(repo, repo.head()):
            assert leftovers(repo) == []
        assert (Path(tree) / "a.txt").exists()
        assert Path(aside).exists()
        assert process.poll() is None


def test_f33_a_worktree_whose_folder_is_gone_is_taken_away_too(repo: Repository) -> None:
    with call_at_work(repo) as (process, (tree, _)):
        process.kill()
        process.wait()
    subprocess.run(["rm", "-r", tree], check=True)
    look(repo)
    assert len(git(repo.root, "worktree", "list").splitlines()) == 1


def test_a_clone_that_nobody_may_write_to_is_told(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "mkdtemp", refuse)  # root may write anywhere
    with pytest.raises(Failed, match="takes no folder: Permission denied"):
        look(repo)


def test_f22_a_worktree_of_a_person_is_no_leftover_whatever_it_is_called(repo: Repository, tmp_path: Path) -> None:
    detached, on_branch = tmp_path / "release-tasks-scratch-20261124b", tmp_path / "release-tasks-scratch-20261124"
    git(repo.root, "worktree", "add", "-q", "--detach", str(detached))
    git(repo.root, "worktree", "add", "-q", "-b", "mine", str(on_branch))
    (on_branch / "precious.txt").write_text("not committed\n")
    look(repo)
    assert (on_branch / "precious.txt").exists()
    assert (detached / "a.txt").exists()


def test_f22_a_worktree_has_all_files_and_runs_no_hook_of_a_persons_checkout(repo: Repository) -> None:
    git(repo.root, "sparse-checkout", "set", "--no-cone", "/nothing")
    hook = repo.common / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    with worktree(repo, repo.head()) as tree:
        assert (tree / "a.txt").exists(), "a bump reads it, and a pick merges into it"
        (tree / "a.txt").write_text("two\n")
        repo.commit("Two", ["a.txt"], tree)
    assert not (repo.root / "a.txt").exists()
    assert git(repo.root, "sparse-checkout", "list") == "/nothing"


def test_f22_started_by_a_hook_or_an_alias_the_checkout_stays_as_it_is(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Git tells such a child its own folder and index: a commit in a worktree would land on the person's branch."""
    before = git(repo.root, "for-each-ref"), (repo.common / "index").read_bytes()
    monkeypatch.setenv("GIT_DIR", str(repo.common))
    monkeypatch.setenv("GIT_INDEX_FILE", str(repo.common / "index"))
    again = Repository(repo.root)
    with worktree(again, again.head()) as tree:
        (tree / "a.txt").write_text("two\n")
        sha = again.commit("Two", ["a.txt"], tree)
    for name in LOCAL:
        monkeypatch.delenv(name, raising=False)
    assert again.file(sha, "a.txt") == b"two\n"
    assert (git(repo.root, "for-each-ref"), (repo.common / "index").read_bytes()) == before
