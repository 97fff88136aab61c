"""What a server's way to refuse a push is told as: which of the operator's things to look at next."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from faults.calls import Call, Calls, answered
from faults.pushes import DENIED, LOST, not_atomic

from release.errors import Failed, Unknown, Usage
from release.git.refs import Push
from release.git.repository import Repository
from release.sandbox import Sandbox

BRANCH = "refs/heads/release-0.7-20261122"
LOOK = Call("github", "GET", "/acme/platform.git/info/refs")
SEND = Call("github", "POST", "/acme/platform.git/git-receive-pack")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[Calls]:
    with Sandbox({"a.txt": "one\n"}, cloud=False) as made:
        for name, value in made.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(made.work)
        calls = Calls(made)
        yield calls
        assert calls.struck
        assert made.bare.sha(BRANCH) is None


def push() -> None:
    repo = Repository(Path.cwd())
    repo.push([Push(BRANCH, repo.head())])


def test_f05_a_server_that_takes_no_atomic_push_is_no_broken_connection(calls: Calls) -> None:
    calls.strike(LOOK, not_atomic, onwards=True)
    with pytest.raises(Failed, match="does not support --atomic") as caught:
        push()
    assert "receive.advertiseAtomic" in caught.value.hint


def test_a_token_that_is_refused_at_what_is_sent_is_a_token_that_is_refused(calls: Calls) -> None:
    calls.strike(SEND, LOST, onwards=True)
    with pytest.raises(Usage, match="does not accept these credentials"):
        push()


def test_f13_a_refusal_by_status_is_told_by_that_status(calls: Calls) -> None:
    calls.strike(SEND, DENIED)
    with pytest.raises(Failed, match=r"does not take this push: .*403"):
        push()


def test_f08_a_server_that_fails_leaves_the_outcome_open(calls: Calls) -> None:
    calls.strike(SEND, answered(502, b""))
    with pytest.raises(Unknown, match="broke during the push"):
        push()
