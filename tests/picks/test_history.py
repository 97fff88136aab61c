"""What a line's history tells of picks, and what a backport says of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from history import LINES, changed, commit, git

from release.git.repository import Repository
from release.picks.history import backported_commits, pick_sources
from release.picks.push import _title_and_body
from release.picks.request import Pick
from release.versions import Line


@pytest.fixture
def work(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "-b", "main")
    for name, value in {"user.name": "A", "user.email": "a@example.com", "remote.origin.url": "x"}.items():
        git(tmp_path, "config", name, value)
    commit(tmp_path, "begin", {"a.txt": LINES, "b.txt": LINES})
    git(tmp_path, "branch", "line")
    return tmp_path


def test_each_commit_is_on_the_line_by_the_pick_that_says_so_or_by_its_patch(work: Path) -> None:
    said = commit(work, "said", {"a.txt": changed(LINES, 3, "said")})
    alike = commit(work, "alike", {"b.txt": changed(LINES, 9, "alike")})
    commit(work, "neither", {"c.txt": "neither\n"})
    git(work, "checkout", "-q", "line")
    git(work, "cherry-pick", "-x", said)
    pick = git(work, "rev-parse", "HEAD")
    git(work, "cherry-pick", alike)
    repo = Repository(work)
    assert backported_commits(repo, repo.head(), git(work, "rev-parse", "main")) == {said: pick, alike: ""}
    assert pick_sources(repo, "main..line") == {said: pick}
    git(work, "revert", "--no-edit", pick)
    assert backported_commits(repo, repo.head(), git(work, "rev-parse", "main")) == {alike: ""}
    git(work, "cherry-pick", "-x", said)
    assert backported_commits(repo, repo.head(), git(work, "rev-parse", "main")) == {said: repo.head(), alike: ""}


def test_a_backport_names_each_commit_as_a_squash_of_it_has_to() -> None:
    picks = [Pick("a" * 40, "fix: a"), Pick("b" * 40, "fix: b")]
    for some in (picks, picks[:1]):
        title, body = _title_and_body(Line(0, 7), "release-0.7-20261122", some)
        assert title
        for pick in some:
            assert f"- {pick.sha} {pick.title}" in body.splitlines()
            assert f"(cherry picked from commit {pick.sha})" in body.splitlines()
