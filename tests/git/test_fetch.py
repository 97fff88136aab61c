"""Looks at a line's refs and objects brought here, through a repository aside."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from outside import git

from release.call.context import Activity, View
from release.git.fetch import remote_refs
from release.git.refs import RemoteRef
from release.git.repository import Repository
from release.git.snapshot import FEW, Look, Remote
from release.sandbox import Sandbox

PARTS = ["refs/tags/0.7.", "refs/heads/release-0.7-"]


@pytest.fixture
def repo(monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    with Sandbox({"a.txt": "one\n"}, cloud=False) as made:
        for name, value in made.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("BARE", str(made.bare.path))
        yield Repository(made.work)


def push_line(repo: Repository) -> list[RemoteRef]:
    """Have a line on the remote, an annotated tag and a later branch, that this clone knows nothing of."""
    git(repo.root, "tag", "-am", "annotated", "0.7.0")
    tagged = RemoteRef("refs/tags/0.7.0", repo.head(), git(repo.root, "rev-parse", "refs/tags/0.7.0"))
    git(repo.root, "commit", "-q", "--allow-empty", "-m", "later")
    git(repo.root, "push", "-q", "origin", "refs/tags/0.7.0", "HEAD:refs/heads/release-0.7-20261124")
    git(repo.root, "push", "-q", "origin", "HEAD:refs/tags/0.70.0")
    found = [RemoteRef("refs/heads/release-0.7-20261124", repo.head(), repo.head()), tagged]
    git(repo.root, "tag", "-d", "0.7.0")
    git(repo.root, "reset", "-q", "--hard", "HEAD~1")
    git(repo.root, "update-ref", "-d", "refs/remotes/origin/release-0.7-20261124")
    git(repo.root, "reflog", "expire", "--expire=now", "--all")
    git(repo.root, "gc", "-q", "--prune=now")
    return found


def test_f09_a_look_tells_the_remotes_refs_and_leaves_objects_alone(repo: Repository) -> None:
    there, before = push_line(repo), git(repo.root, "for-each-ref")
    git(repo.root, "tag", "0.7.1")  # of this clone alone
    known = repo.refs("refs/tags/", "refs/remotes/origin/")
    assert remote_refs(repo, PARTS, known) == there
    assert remote_refs(repo, PARTS, there) == there
    assert remote_refs(repo, PARTS, []) == there
    git(repo.root, "tag", "-d", "0.7.1")
    assert git(repo.root, "for-each-ref") == before
    assert [path.name for path in repo.common.glob("*") if path.name.startswith(("release-", "FETCH", "shallow"))] == []


def test_what_is_known_and_is_not_here_is_fetched(repo: Repository) -> None:
    there = push_line(repo)
    gone = [RemoteRef(name, sha, sha) for name, sha in (("refs/tags/0.7.9", "f" * 40), ("refs/tags/0.7.8", "e" * 40))]
    assert remote_refs(repo, PARTS, [*gone, *there]) == there
    assert git(repo.root, "log", "-1", "--format=%s", there[0].sha) == "later"


@pytest.mark.parametrize("name", ["with space", 'qu"ote', "back\\slash", "ünï", "hash#tag;x", os.fsdecode(b"caf\xe9")])
def test_a_clone_in_a_folder_of_any_name_is_looked_from(repo: Repository, tmp_path: Path, name: str) -> None:
    there = push_line(repo)
    moved = tmp_path / name
    repo.root.rename(moved)
    try:
        assert remote_refs(Repository(moved), PARTS, []) == there
    finally:
        moved.rename(repo.root)


def test_objects_of_another_format_are_looked_at_too(tmp_path: Path) -> None:
    remote, work = tmp_path / "remote.git", tmp_path / "work"
    git(tmp_path, "init", "-q", "--bare", "--object-format=sha256", str(remote))
    git(tmp_path, "init", "-q", "--object-format=sha256", str(work))
    git(work, "remote", "add", "origin", str(remote))
    for key, value in (("user.name", "A"), ("user.email", "a@example.com")):
        git(work, "config", key, value)
    git(work, "commit", "-q", "--allow-empty", "-m", "one")
    git(work, "push", "-q", "origin", "HEAD:refs/tags/0.7.0")
    sha = git(work, "rev-parse", "HEAD")
    assert len(sha) == 64
    assert remote_refs(Repository(work), PARTS, []) == [RemoteRef("refs/tags/0.7.0", sha, sha)]


def test_a_submodule_is_looked_from_too(repo: Repository, tmp_path: Path) -> None:
    there, outer = push_line(repo), tmp_path / "outer"
    git(tmp_path, "init", "-q", str(outer))
    git(outer, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(repo.root), "inner")
    inner = Repository(outer / "inner")
    git(inner.root, "remote", "set-url", "origin", repo.remote_url)
    for name, value in (line.split("=", 1) for line in git(repo.root, "config", "--list").splitlines()):
        if name.startswith(("credential.", "http.")):
            git(inner.root, "config", name, value)
    assert remote_refs(inner, PARTS, []) == there


def test_after_a_long_listing_the_next_look_is_at_the_line_alone(repo: Repository) -> None:
    def bytes_of(remote: Remote, activity: Activity) -> int:
        activity.changes += 1
        trace = repo.common / "packets"
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("GIT_TRACE_PACKET", str(trace))
            assert len(remote.tags("0.7.")) == 1
        size = trace.stat().st_size
        trace.unlink()
        return size

    push_line(repo)
    activity = Activity()
    remote = Remote(Look(repo, activity), View())
    remote.look_at_all()
    few = bytes_of(remote, activity)
    sha = repo.head()
    packed = Path(os.environ["BARE"]) / "packed-refs"
    packed.write_text("".join(f"{sha} refs/tags/0.1.{number}\n" for number in range(FEW)))
    activity.changes += 1
    remote.look_at_all()
    assert bytes_of(remote, activity) < 2 * few


def test_settings_of_a_worktree_or_a_branch_alone_hold_for_a_look(repo: Repository, tmp_path: Path) -> None:
    there, address = push_line(repo), repo.remote_url
    git(repo.root, "config", "extensions.worktreeConfig", "true")
    git(repo.root, "worktree", "add", "-q", str(tmp_path / "linked"))
    git(repo.root, "config", "remote.origin.url", "team:platform")
    git(tmp_path / "linked", "config", "--worktree", f"url.{address}.insteadOf", "team:platform")
    assert remote_refs(Repository(tmp_path / "linked"), PARTS, []) == there
    (tmp_path / "of a branch").write_text(f'[url "{address}"]\n\tinsteadOf = team:platform\n')
    git(repo.root, "config", "includeIf.onbranch:release-*.path", str(tmp_path / "of a branch"))
    git(repo.root, "checkout", "-q", "-b", "release-0.7-20261124")  # what is looked at, too
    assert remote_refs(repo, PARTS, []) == there


def test_a_look_tells_no_hook_of_the_clone_and_writes_no_graph(repo: Repository, tmp_path: Path) -> None:
    there, hook = push_line(repo), tmp_path / "reference-transaction"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    git(repo.root, "config", "core.hooksPath", str(tmp_path))
    git(repo.root, "config", "fetch.writeCommitGraph", "true")
    assert remote_refs(repo, PARTS, []) == there
    assert not (repo.common / "objects" / "info" / "commit-graphs").exists()


def test_a_branch_whose_name_is_no_text_is_told(repo: Repository) -> None:
    (repo.common / "HEAD").write_bytes(b"ref: refs/heads/caf\xe9\n")
    assert repo.branch() == "caf\udce9"
    (repo.common / "HEAD").write_text("ref: refs/heads/main\n")


def test_what_is_written_while_a_listing_is_read_is_looked_for_again(repo: Repository) -> None:
    class Writing(Repository):
        def git(self, *arguments: str, **options: Any) -> str:
            listed = super().git(*arguments, **options)
            if "ls-remote" in arguments:
                git(self.root, "push", "-q", "origin", "HEAD:refs/tags/0.7.0")
                activity.changes += 1
            return listed

    activity = Activity()
    remote = Remote(Look(Writing(repo.root), activity), View())
    assert remote.tags() == []
    assert [tag.name for tag in remote.tags()] == ["refs/tags/0.7.0"]
