"""Clones as their owners set them up: hooks that say no, pushes of something else, a folder of another user's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from outside import git

from release.errors import Failed, Usage
from release.git.refs import Push
from release.git.repository import Repository
from release.sandbox import Sandbox

BRANCH = "refs/heads/release-0.7-20261122"
WORDS = "no tag on a Friday"


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    with Sandbox({"a.txt": "one\n"}, cloud=False) as made:
        for name, value in made.environment().items():
            monkeypatch.setenv(name, value)
        yield made


@pytest.fixture
def repo(sandbox: Sandbox) -> Repository:
    return Repository(sandbox.work)


def say_no(sandbox: Sandbox, hook: str) -> None:
    """Have a hook of the clone refuse, in words of its own."""
    file = sandbox.work / ".git" / "hooks" / hook
    file.parent.mkdir(exist_ok=True)
    file.write_text(f'#!/bin/sh\necho "{WORDS}" >&2\nexit 1\n')
    file.chmod(0o755)


@pytest.mark.parametrize("value", ["only", "on-demand", "check"])
def test_f08_a_push_is_of_this_repository_whatever_its_submodules(
    sandbox: Sandbox, repo: Repository, value: str
) -> None:
    """Measured: `only` pushes none of the refs asked for, and ends with 0."""
    git(sandbox.work, "config", "push.recurseSubmodules", value)
    repo.push([Push(BRANCH, repo.head())])
    assert sandbox.bare.sha(BRANCH) == repo.head()
    repo.delete_ref(BRANCH, repo.head())
    assert sandbox.bare.sha(BRANCH) is None


def test_f13_a_hook_of_the_clone_that_stops_a_push_is_told_in_its_own_words(sandbox: Sandbox, repo: Repository) -> None:
    say_no(sandbox, "pre-push")
    with pytest.raises(Failed) as caught:
        repo.push([Push(BRANCH, repo.head())])
    assert caught.value.problem == f"this clone stops the push: {WORDS}"
    assert "pre-push hook" in caught.value.hint
    assert sandbox.bare.sha(BRANCH) is None


def test_f13_a_hook_of_the_clone_that_stops_a_ref_is_told_in_its_own_words(sandbox: Sandbox, repo: Repository) -> None:
    say_no(sandbox, "reference-transaction")
    with pytest.raises(Failed, match=rf"(?s)^git tag: {WORDS}.*aborted by hook"):
        repo.make_tag("0.7.0", repo.head(), "Release 0.7.0")


def test_a_clone_of_another_users_is_told_with_what_would_trust_it(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(Usage, match="ownership") as caught:
        assert Repository(sandbox.work).remote_url
    assert f"git config --global --add safe.directory {sandbox.work}" in caught.value.hint
    git(sandbox.folder, "config", "--global", "--add", "safe.directory", str(sandbox.work))
    assert Repository(sandbox.work).remote_url == sandbox.github.clone_url
