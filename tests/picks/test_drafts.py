"""A conflict put to a person as a draft: opened once, waited for, and merged when it is really resolved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from conftest import Context, FakeClock, again, open_context, printed
from history import BRANCH, FILES, LINES, REF, Author, changed, git, snapshot
from outside import everything, writes

from release.call.flags import PickRequest
from release.errors import Failed, Usage, Waiting
from release.sandbox import Sandbox
from release.sandbox.github.records import Pull
from release.tasks import picks


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(FILES, cloud=False) as made:
        yield made


@pytest.fixture
def context(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Context:
    return open_context(sandbox, monkeypatch, clock=FakeClock())


@pytest.fixture
def author(sandbox: Sandbox, context: Context) -> Author:
    made = Author(sandbox)
    made.cut()
    made.commit("feat: rename", a_txt=changed(LINES, 3, "renamed"))
    return made


def do(context: Context, *commits: str, **options: Any) -> Context:
    one = again(context, dry=options.pop("dry", False))
    picks.pick(one, line="0.7", wanted=PickRequest(commit=commits, via_pr=True, draft=True, **options))
    return one


def draft(sandbox: Sandbox) -> Pull:
    (found,) = sandbox.github.hub.pulls.values()
    return found


def resolve(author: Author, pull: Pull, text: str, *rest: str) -> None:
    """Do what the draft says, as a person."""
    name = pull.head
    git(author.path, "fetch", "-q", "origin", name)
    git(author.path, "checkout", "-q", "-B", name, "FETCH_HEAD")
    (author.path / "a.txt").write_text(text)
    git(author.path, "add", "--all")
    git(author.path, "commit", "-q", "--amend", "--no-edit")
    for sha in rest:
        git(author.path, "cherry-pick", "-x", sha)
    git(author.path, "push", "-q", "--force", "origin", f"HEAD:refs/heads/{name}")
    author.noticed()
    pull.head_sha = git(author.path, "rev-parse", "HEAD")


def test_a_conflict_becomes_a_draft_that_is_waited_for_and_then_merged(
    sandbox: Sandbox, context: Context, author: Author
) -> None:
    first = author.commit("fix: far away", b_txt=changed(LINES, 9, "mended"))
    fix = author.commit("fix: the renamed", a_txt=changed(LINES, 3, "renamed and mended"))
    last = author.commit("fix: another", b_txt=changed(changed(LINES, 9, "mended"), 1, "first"))
    base, before = sandbox.bare.sha(REF), snapshot(sandbox.work)
    with pytest.raises(Waiting, match="draft #1 waits for a person") as waiting:
        do(context, first, fix, last)
    assert waiting.value.hint == "It says how. Mark it ready, then run the same again."
    opened = draft(sandbox)
    assert (opened.draft, opened.base, opened.labels) == (True, BRANCH, ["backport-0.7"])
    assert opened.title == "Backport to 0.7, in conflict: fix: the renamed"
    assert f"{fix[:9]} fix: the renamed, by " in opened.body
    assert "- `a.txt` (changed by both)" in opened.body
    assert f"git cherry-pick -x {last}" in opened.body
    assert "<<<<<<<" in sandbox.bare.git("show", f"refs/heads/{opened.head}:a.txt")
    assert (sandbox.bare.sha(REF), snapshot(sandbox.work)) == (base, before)
    sent = writes(sandbox)
    with pytest.raises(Waiting, match="draft #1"):
        do(context, first, fix, last)
    assert writes(sandbox) == sent, "the same again opens no second one"
    opened.draft = False
    with pytest.raises(Failed, match=r"conflict markers are left in a\.txt"):
        do(context, first, fix, last)
    resolve(author, opened, changed(LINES, 3, "mended"), last)
    do(context, first, fix, last)
    assert opened.merged_at
    assert sandbox.bare.git("show", f"{REF}:a.txt") == changed(LINES, 3, "mended")
    assert "first" in sandbox.bare.git("show", f"{REF}:b.txt")
    assert printed(do(context, first, fix, last)).count("(already)") == 3


def test_a_dry_run_shows_the_draft_and_writes_nothing(sandbox: Sandbox, context: Context, author: Author) -> None:
    fix = author.commit("fix: the renamed", a_txt=changed(LINES, 3, "renamed and mended"))
    before, sent = everything(sandbox), writes(sandbox)
    told = printed(do(context, fix, dry=True))
    assert f"branch backport/0.7/{fix[:9]} with the conflict of {fix[:9]} fix: the renamed (to do)" in told
    assert f"draft pull request backport/0.7/{fix[:9]} → {BRANCH}" in told
    assert "label backport-0.7 (to do)" in told
    assert (everything(sandbox), writes(sandbox)) == (before, sent)


def test_without_a_conflict_it_is_no_draft(sandbox: Sandbox, context: Context, author: Author) -> None:
    fix = author.commit("fix: far away", b_txt=changed(LINES, 9, "mended"))
    do(context, fix)
    assert draft(sandbox).merged_at
    assert not draft(sandbox).draft


def test_a_draft_is_for_a_pull_request(context: Context, author: Author) -> None:
    with pytest.raises(Usage, match="--draft is for picks that go by a pull request"):
        picks.pick(again(context), line="0.7", wanted=PickRequest(commit=("main",), draft=True))
