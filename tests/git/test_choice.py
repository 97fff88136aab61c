"""Which version, line and commit a call means, and what there is on a line."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import semver
from conftest import again, open_context, printed
from outside import git

from release.call.context import Context, Facts
from release.errors import Conflict, Usage
from release.git import choice, lines
from release.git.refs import NEW, RemoteRef, branch_ref, brief, short_name, tag_ref
from release.git.repository import repository
from release.git.snapshot import remote
from release.sandbox import Sandbox
from release.settings import Release, Settings
from release.versions import Line

SEVEN, EIGHT = Line(0, 7), Line(0, 8)
BRANCH = "release-0.7-20261122"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox({"a.txt": "one\n"}, cloud=False) as made:
        yield made


@pytest.fixture
def context(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Context:
    """A world with 0.6.0, and 0.7.0 and 0.7.1-rc.1 on a branch; the clone has a later commit on the trunk."""
    context = open_context(sandbox, monkeypatch)
    first = head(context)
    git(sandbox.work, "commit", "-q", "--allow-empty", "-m", "later")
    git(sandbox.work, "push", "-q", "origin", "HEAD:refs/heads/main")
    for ref in ("refs/tags/0.6.0", "refs/tags/0.7.0", "refs/tags/0.7.1-rc.1", f"refs/heads/{BRANCH}"):
        sandbox.bare.update_ref(ref, first)
    return again(context)


def head(context: Context, at: str = "HEAD") -> str:
    return git(context.folder, "rev-parse", at)


def version(context: Context, text: str) -> None:
    context.settle(semver.Version.parse(text))


# --- a line ---


def test_the_line_is_the_flag_s_the_call_s_the_checked_out_branch_s_or_the_newest(
    sandbox: Sandbox, context: Context
) -> None:
    sandbox.bare.update_ref("refs/heads/release-0.8-20261201", head(context))
    assert choice.chosen_line(context, "") == SEVEN
    assert choice.chosen_line(context, "", begun=True) == EIGHT, "cut, and nothing is released on it"
    git(sandbox.work, "checkout", "-q", "-b", "release-0.6-20260901")
    assert choice.chosen_line(context, "") == choice.chosen_line(context, "", begun=True) == Line(0, 6)
    named = again(context, facts=Facts(line=Line(0, 5)))
    assert choice.chosen_line(named, "") == Line(0, 5)
    settled = again(context)
    version(settled, "0.4.2")
    assert choice.chosen_line(settled, "") == Line(0, 4)
    assert choice.chosen_line(settled, "0.3") == choice.chosen_line(settled, "0.3.7") == Line(0, 3)


def test_a_line_just_begins_where_it_is_cut_above_all_that_is_released(sandbox: Sandbox, context: Context) -> None:
    assert lines.begun_line(context) is None
    sandbox.bare.update_ref("refs/heads/release-0.8-20261201", head(context))
    assert lines.begun_line(again(context)) == EIGHT
    sandbox.bare.update_ref("refs/tags/0.8.0", head(context))
    assert lines.begun_line(again(context)) is None
    for name in ("0.6.0", "0.7.0", "0.8.0"):
        sandbox.bare.git("update-ref", "-d", f"refs/tags/{name}")
    assert lines.begun_line(again(context)) == EIGHT
    with pytest.raises(Usage) as caught:
        lines.newest_line(again(context))
    assert caught.value.problem == "nothing is released yet"
    assert caught.value.hint == "Give --version, such as --version 0.1.0"


def test_f23_a_line_has_one_branch_or_it_is_said_what_is_wrong(sandbox: Sandbox, context: Context) -> None:
    assert short_name(lines.needed_branch(context, SEVEN)) == BRANCH
    assert {line: short_name(ref) for line, ref in lines.release_branches(context).items()} == {SEVEN: BRANCH}
    with pytest.raises(Usage) as caught:
        lines.needed_branch(context, EIGHT)
    assert caught.value.problem == "line 0.8 has no release branch"
    assert caught.value.hint == "Did you mean 0.7? To cut it: inv release.branch --version 0.8"
    with pytest.raises(Usage) as caught:
        lines.needed_branch(context, Line(2, 5))
    assert caught.value.hint == "What there is: inv release.status", "there is no way to 2.5 from here"
    sandbox.bare.update_ref("refs/heads/release-0.7-20261123", head(context))
    both = again(context)
    assert short_name(lines.release_branches(both, SEVEN)[SEVEN]) == "release-0.7-20261123"
    with pytest.raises(Conflict) as caught_both:
        lines.line_branch(both, SEVEN)
    assert caught_both.value.problem == f"line 0.7 has 2 release branches: {BRANCH}, release-0.7-20261123"
    assert caught_both.value.hint == "Delete the wrong one, then run the same again."


def test_a_line_whose_branch_is_gone_is_not_the_trunk_s(sandbox: Sandbox, context: Context) -> None:
    lines.check_not_gone(context, SEVEN)
    lines.check_not_gone(context, EIGHT)
    sandbox.bare.git("update-ref", "-d", f"refs/heads/{BRANCH}")
    late = again(context)
    for ask in (lines.check_not_gone, lines.needed_branch):
        with pytest.raises(Usage) as caught:
            ask(late, SEVEN)
        assert caught.value.problem == "line 0.7 has releases, but no branch: it is gone, or they were made without one"
        again_ = f"inv release.branch --version 0.7 --ref {head(context, 'HEAD~1')}"
        assert caught.value.hint == f"Cut it where 0.7.1-rc.1 is: {again_}"


# --- a version ---


def test_the_version_is_the_one_given_the_call_s_or_made_of_a_line(context: Context) -> None:
    made: list[Line | None] = []

    def of_line(line: Line | None) -> semver.Version:
        made.append(line)
        return semver.Version(0, 7, 9)

    assert choice.chosen_version(again(context), "0.7.3", of_line) == semver.Version(0, 7, 3)
    settled = again(context)
    assert choice.chosen_version(settled, "0.7", of_line) == semver.Version(0, 7, 9) == settled.version
    assert choice.chosen_version(settled, "", of_line) == choice.chosen_version(settled, "0.7") == settled.version
    assert made == [SEVEN]
    assert choice.chosen_version(again(context), "", of_line) == semver.Version(0, 7, 9)
    assert made == [SEVEN, None]
    with pytest.raises(Usage) as caught:
        choice.chosen_version(again(context), "")
    assert (caught.value.problem, caught.value.hint) == ("which version?", "Give --version, such as --version 0.7.0")
    with pytest.raises(Usage, match=r"0\.7"):
        choice.chosen_version(again(context), "0.7")


def test_f27_what_comes_next_on_a_line_and_what_its_head_is_already(sandbox: Sandbox, context: Context) -> None:
    assert choice.tagged_version(again(context), "") == semver.Version(0, 7, 1, "rc.1")
    assert choice.tagged_version(again(context), "0.6") == semver.Version(0, 6)
    assert choice.version_to_tag(again(context), "") == semver.Version(0, 7), "its head is tagged"
    sandbox.bare.update_ref(f"refs/heads/{BRANCH}", head(context))
    assert choice.version_to_tag(again(context), "") == semver.Version(0, 7, 1)
    assert choice.version_to_tag(again(context), "0.7") == semver.Version(0, 7, 1)
    with pytest.raises(Usage, match=r"line 0\.6 has releases, but no branch"):
        choice.version_to_tag(again(context), "0.6")


def test_f35_a_burned_version_is_taken_and_not_tried_again(sandbox: Sandbox, context: Context) -> None:
    sandbox.bare.update_ref("refs/release/burned/0.7.1", head(context))
    late = again(context)
    assert lines.next_patch(late, SEVEN, head(context)) == semver.Version(0, 7, 2)
    with pytest.raises(Conflict) as caught:
        lines.check_next(late, semver.Version(0, 7, 1))
    name = "an immutable release had that name and is gone; GitHub gives it to no other"
    assert caught.value.problem == f"0.7.1 is burned: {name}"
    then = "Take the next version: inv release.next --line 0.7"
    assert caught.value.hint == f"{then}\nShould GitHub take it after all: git push origin :refs/release/burned/0.7.1"
    skips = again(context, skip=True)
    for _ in range(2):
        lines.check_next(skips, semver.Version(0, 7, 4))
    assert printed(skips).count("0.7.4 leaves out what comes next, 0.7.2 (--skip)") == 1
    lines.check_next(late, semver.Version(0, 7, 2))
    assert printed(late) == ""


# --- a commit ---


def test_a_commit_is_named_by_the_remote_s_names_before_the_clone_s(sandbox: Sandbox, context: Context) -> None:
    first, later = head(context, "HEAD~1"), head(context)
    git(sandbox.work, "commit", "-q", "--allow-empty", "-m", "not pushed")
    for name in (BRANCH, f"refs/heads/{BRANCH}", "0.7.0", "refs/tags/0.7.0", first, first[:9], "HEAD~2"):
        assert choice.named_commit(context, name) == first, name
    assert choice.named_commit(context, "main") == later != head(context)
    with pytest.raises(Usage, match="nothing-like-it is not a commit"):
        choice.named_commit(context, "nothing-like-it")


def test_f09_f11_a_name_that_means_two_things_is_refused_or_said(sandbox: Sandbox, context: Context) -> None:
    first, later = head(context, "HEAD~1"), head(context)
    git(sandbox.work, "tag", "0.7.9", later)
    with pytest.raises(Usage) as caught:
        choice.named_commit(context, "0.7.9")
    assert caught.value.problem == "the tag 0.7.9 is of this clone alone"
    assert caught.value.hint == f"Name its commit, if you mean that: --ref {later}"
    git(sandbox.work, "tag", "0.7.0", later)
    assert choice.named_commit(context, "0.7.0") == first
    assert f"0.7.0 is {first[:9]} on the remote; the tag here is {later[:9]}" in printed(context)
    sandbox.bare.update_ref("refs/heads/0.7.0", later)
    with pytest.raises(Usage) as caught:
        choice.named_commit(again(context), "0.7.0")
    assert caught.value.problem == "0.7.0 is a branch and a tag"
    assert caught.value.hint == "Say which: refs/heads/0.7.0 or refs/tags/0.7.0"
    assert choice.named_commit(again(context), "refs/heads/0.7.0") == later


def test_a_commit_that_is_not_here_is_fetched_and_a_planned_one_is_not(sandbox: Sandbox, context: Context) -> None:
    sha = sandbox.bare.git("commit-tree", "refs/heads/main^{tree}", "-p", "refs/heads/main", text="Elsewhere").strip()
    sandbox.bare.update_ref("refs/heads/elsewhere", sha)
    assert not repository(context).has_commit(sha)
    assert choice.named_commit(context, "elsewhere") == sha
    assert repository(context).has_commit(sha)
    context.view.add("refs/heads/planned", branch_ref("planned", NEW))
    assert choice.named_commit(context, "planned") == NEW


def test_a_trunk_is_the_setting_s_or_what_head_names(sandbox: Sandbox, context: Context) -> None:
    from release.git.tags import trunk_ref, trunk_sha

    assert trunk_ref(context) == branch_ref("main", head(context))
    gone = again(context, settings=Settings(release=Release(trunk="gone")))
    with pytest.raises(Usage) as caught:
        trunk_sha(gone)
    assert caught.value.problem == "the remote has no branch gone"
    assert caught.value.hint == "Set release.trunk in invoke.yaml."
    sandbox.bare.git("update-ref", "--no-deref", "HEAD", head(context))
    with pytest.raises(Usage) as caught:
        remote(again(context)).trunk()
    assert caught.value.problem == "the HEAD of the remote names no branch"
    assert caught.value.hint == "Set release.trunk in invoke.yaml."


def test_refs_as_people_read_them() -> None:
    assert [brief(sha) for sha in ("", NEW, "0123456789" * 4)] == ["a new commit", "a new commit", "012345678"]
    assert branch_ref("main", "f") == RemoteRef("refs/heads/main", "f", "f")
    assert tag_ref(semver.Version(0, 7), "f") == RemoteRef("refs/tags/0.7.0", "f", "f")
    assert [short_name(ref) for ref in (branch_ref("a/b", "f"), tag_ref("0.7.0", "f"))] == ["a/b", "0.7.0"]
