"""The release branch and the tag: right, twice, dry, wrong, raced and refused."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from conftest import FakeClock, again, open_context, printed
from history import advance, cut, trunk
from outside import clone_content, everything, git, peeled, remote_refs, writes
from typed import Type, typing_in

import release
from release.call.context import Context
from release.errors import Conflict, Failed, ReleaseError, Unknown, Usage
from release.git.repository import repository
from release.sandbox import Sandbox
from release.sandbox.github.rules import reject_pushes
from release.tasks import lines

pytestmark = pytest.mark.usefixtures("doubles")

DAY = datetime(2026, 11, 22, 23, 59, tzinfo=timezone.utc).timestamp()
BRANCH = "refs/heads/release-0.7-20261122"
WRONG = {
    "v0.7.0": ("versions here have no v", "did you mean 0.7.0?"),
    "0.7": ("a version has 3 numbers", "did you mean 0.7.0?"),
    "0.07.0": ("a number has a leading zero", "did you mean 0.7.0?"),
    " 0.7.0": ("whitespace", "did you mean 0.7.0?"),
    "0.7.0\n": ("whitespace or a control character", "did you mean 0.7.0?"),
    "٠.٧.٠": ("only ASCII", "did you mean 0.7.0?"),
    "0.7.0-" + "a" * 60: ("at most 64", ""),
}


@pytest.fixture
def context(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Context:
    return open_context(sandbox, monkeypatch, clock=FakeClock(DAY))


@pytest.fixture
def typed(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Type:
    return typing_in(sandbox, monkeypatch, capsys)


# --- release.next and release.check ---


@pytest.mark.parametrize(
    ("bump", "line", "expected"),
    [
        ("", "", "0.7.0"),
        ("major", "", "1.0.0"),
        ("patch", "", "0.6.3"),
        ("", "0.5", "0.5.2"),
    ],
)
def test_next(context: Context, bump: str, line: str, expected: str) -> None:
    assert str(lines.next_(context, bump, line)) == expected
    assert printed(context) == f"{expected}\n"


def test_next_counts_over_gaps_and_past_what_is_no_version(context: Context, sandbox: Sandbox) -> None:
    for name in ("0.6.9", "v0.7.0", "0.7.0-rc.1", "nightly", "0.07.1"):
        sandbox.bare.update_ref(f"refs/tags/{name}", trunk(sandbox))
    assert str(lines.next_(context, "patch", "0.6")) == "0.6.10"
    assert str(lines.next_(again(context))) == "0.7.0"


def test_check_allows_the_next(context: Context) -> None:
    lines.check(context, "0.7.0")
    assert "0.7.0 is allowed" in printed(context)


@pytest.mark.parametrize(
    ("version", "nearest", "kind"),
    [("0.8.0", "0.7.0", Usage), ("0.6.1", "0.6.3", Conflict), ("2.0.0", "1.0.0", Usage)],
)
def test_check_names_the_nearest_right_version(
    context: Context, version: str, nearest: str, kind: type[ReleaseError]
) -> None:
    with pytest.raises(kind) as refused:
        lines.check(context, version)
    assert nearest in refused.value.hint


WRONG_FOR = [(task, version) for task in (lines.check, lines.branch, lines.tag) for version in WRONG]


# A line is enough for its branch, and its tag.
@pytest.mark.parametrize(
    ("task", "version"),
    [each for each in WRONG_FOR if each[0] is lines.check or each[1] != "0.7"],
    ids=lambda given: given if isinstance(given, str) else given.__name__,
)
def test_s07_a_wrong_version_is_refused_with_its_reason(
    context: Context, sandbox: Sandbox, task: Callable[..., object], version: str
) -> None:
    reason, hint = WRONG[version]
    with pytest.raises(Usage, match=reason) as refused:
        task(context, version=version)
    assert refused.value.code == 2
    assert refused.value.hint == hint
    assert writes(sandbox) == []


# --- the branch ---


def test_branch_is_cut_at_the_trunks_remote_head(context: Context, sandbox: Sandbox) -> None:
    head = advance(sandbox, "main")  # this clone does not have it yet
    found = lines.branch(context)
    assert (found.name, found.sha) == (BRANCH, head)
    assert remote_refs(sandbox)[BRANCH] == head
    assert context.report.facts == {"version": "0.7.0", "branch": "release-0.7-20261122", "sha": head}


def test_f27_branch_run_again_writes_nothing(context: Context, sandbox: Sandbox) -> None:
    lines.branch(context)
    before, asked = everything(sandbox), writes(sandbox)
    second = again(context)
    lines.branch(second)
    assert everything(sandbox) == before
    assert writes(sandbox) == asked
    assert printed(second).endswith("(already)\n")


def test_f23_the_date_is_utc_and_the_line_alone_names_the_branch(
    context: Context, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "XXX-13")  # the next day there
    time.tzset()
    try:
        lines.branch(context)
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()
    later = again(context, clock=FakeClock(DAY + 86_400))
    advance(sandbox, "main")
    assert lines.branch(later).name == BRANCH
    assert [name for name in remote_refs(sandbox) if "release-0.7" in name] == [BRANCH]


def test_f23_several_branches_of_one_line_are_a_conflict(context: Context, sandbox: Sandbox) -> None:
    for name in ("release-0.7-20261101", "release-0.7-20261102"):
        cut(sandbox, name)
    for task in (lines.branch, lines.tag):
        with pytest.raises(Conflict, match=r"release-0\.7-20261101, release-0\.7-20261102") as refused:
            task(again(context), version="0.7.0")
        assert "Delete the wrong one" in refused.value.hint
    assert writes(sandbox) == []


def test_f23_a_branch_that_only_looks_like_one_harms_nothing(context: Context, sandbox: Sandbox) -> None:
    for name in ("release-0.7-x", "release-0.7.0", "release-0.7-20269999", "old/release-0.7-20261101"):
        cut(sandbox, name)
    assert lines.branch(context).name == BRANCH


def test_branch_that_lacks_the_commit_asked_for_is_a_conflict(context: Context, sandbox: Sandbox) -> None:
    lines.branch(context)
    wanted = advance(sandbox, "main")
    git(sandbox.work, "fetch", "--quiet", "origin")
    with pytest.raises(Conflict, match=f"was cut at .*, not at {wanted[:9]}"):
        lines.branch(again(context), "0.7.0", ref=wanted)


def test_branch_of_a_line_whose_branch_is_gone_is_not_cut_from_the_trunk(context: Context, sandbox: Sandbox) -> None:
    sandbox.bare.git("update-ref", "-d", "refs/heads/release-0.6-20260901")
    with pytest.raises(Usage, match="has releases, but no branch") as refused:
        lines.branch(context, "0.6.3")
    sha = refused.value.hint.rpartition(" ")[2]
    assert sha == peeled(sandbox, "0.6.2")
    assert lines.branch(again(context), "0.6", ref=sha).sha == sha


def test_f10_branch_named_by_a_person_comes_from_the_remote(context: Context, sandbox: Sandbox) -> None:
    head = advance(sandbox, "main")
    assert lines.branch(context, "0.7.0", ref="main").sha == head


# --- the tag ---


def test_tag_of_the_branchs_head_is_annotated(context: Context, sandbox: Sandbox) -> None:
    lines.branch(context)
    head = advance(sandbox, "release-0.7-20261122")
    found = lines.tag(again(context), "0.7.0")
    assert found.sha == peeled(sandbox, "0.7.0") == head
    assert sandbox.bare.kind(remote_refs(sandbox)["refs/tags/0.7.0"]) == "tag"


@pytest.mark.parametrize("version", ["", "0.7.0"])
def test_f27_tag_run_again_writes_nothing(context: Context, sandbox: Sandbox, version: str) -> None:
    cut(sandbox, "release-0.7-20261122")
    lines.tag(context, "0.7.0")
    before, asked = everything(sandbox), writes(sandbox)
    second = again(context)
    lines.tag(second, version)
    assert everything(sandbox) == before
    assert writes(sandbox) == asked
    assert printed(second) == f"✔ tag 0.7.0 at {trunk(sandbox)[:9]} (already)\n"


def test_tag_without_a_version_is_the_checked_out_lines_next_patch(context: Context, sandbox: Sandbox) -> None:
    git(sandbox.work, "switch", "--quiet", "release-0.5-20260601")
    advance(sandbox, "release-0.5-20260601")
    lines.tag(context)
    assert peeled(sandbox, "0.5.2") == remote_refs(sandbox)["refs/heads/release-0.5-20260601"]
    git(sandbox.work, "switch", "--quiet", "main")
    advance(sandbox, "release-0.6-20260901")
    lines.tag(again(context))
    assert peeled(sandbox, "0.6.3") == remote_refs(sandbox)["refs/heads/release-0.6-20260901"]


def test_f12_a_tag_elsewhere_is_a_conflict_and_is_not_moved(context: Context, sandbox: Sandbox) -> None:
    cut(sandbox, "release-0.7-20261122")
    lines.tag(context, "0.7.0")
    advance(sandbox, "release-0.7-20261122")
    before = everything(sandbox)
    with pytest.raises(Conflict, match="never moved") as refused:
        lines.tag(again(context), "0.7.0")
    assert refused.value.code == 3
    assert refused.value.hint == "Take the next version: inv release.next --line 0.7"
    assert everything(sandbox) == before


@pytest.mark.parametrize(("version", "kind"), [("0.7.4", Usage), ("0.8.0", Usage), ("0.6.1", Conflict)])
def test_tag_that_cannot_come_next_is_refused_in_a_dry_run_too(
    context: Context, sandbox: Sandbox, version: str, kind: type[ReleaseError]
) -> None:
    cut(sandbox, "release-0.7-20261122")
    sha = trunk(sandbox)
    for dry in (True, False):
        with pytest.raises(kind):
            lines.tag(again(context, dry=dry), version, ref=sha)
    assert writes(sandbox) == []


def test_tag_without_a_branch_names_the_command(context: Context) -> None:
    with pytest.raises(Usage, match=r"line 0\.7 has no release branch") as refused:
        lines.tag(context, "0.7.0")
    assert refused.value.hint == "Did you mean 0.6? To cut it: inv release.branch --version 0.7"


def test_f09_a_stale_local_tag_is_reported_and_left_alone(context: Context, sandbox: Sandbox) -> None:
    cut(sandbox, "release-0.7-20261122")
    git(sandbox.work, "tag", "0.7.0", "HEAD~1")
    stale = git(sandbox.work, "rev-parse", "refs/tags/0.7.0")
    assert str(lines.next_(again(context))) == "0.7.0"
    with pytest.raises(Conflict, match=r"the local tag 0\.7\.0 is at") as refused:
        lines.tag(context, "0.7.0")
    assert "git tag -d 0.7.0" in refused.value.hint
    assert git(sandbox.work, "rev-parse", "refs/tags/0.7.0") == stale
    assert peeled(sandbox, "0.7.0") is None


def test_f09_a_local_tag_that_differs_from_the_remotes_is_not_read(context: Context, sandbox: Sandbox) -> None:
    git(sandbox.work, "tag", "--force", "0.6.2", "HEAD")
    local = clone_content(sandbox.work)
    assert lines.tag(context, "0.6.2").sha == peeled(sandbox, "0.6.2")
    assert clone_content(sandbox.work) == local


def test_f11_a_branch_and_a_tag_of_one_name_are_told_apart(context: Context, sandbox: Sandbox) -> None:
    other = cut(sandbox, "0.7.0", "refs/tags/0.5.0")
    cut(sandbox, "release-0.7-20261122")
    git(sandbox.work, "branch", "0.7.0", "HEAD~2")
    assert lines.tag(context, "0.7.0").sha == trunk(sandbox)
    assert lines.tag(again(context), "0.7.0").sha == trunk(sandbox)
    refs = remote_refs(sandbox)
    assert refs["refs/heads/0.7.0"] == other
    assert peeled(sandbox, "0.7.0") == trunk(sandbox)


def test_f11_a_tag_named_as_the_release_branch_changes_nothing(context: Context, sandbox: Sandbox) -> None:
    sandbox.bare.update_ref("refs/tags/release-0.7-20261122", peeled(sandbox, "0.5.0") or "")
    sandbox.bare.update_ref("refs/tags/main", peeled(sandbox, "0.5.0") or "")
    git(sandbox.work, "fetch", "--quiet", "--tags", "origin")
    assert lines.branch(context).sha == trunk(sandbox)
    assert lines.tag(again(context), "0.7.0").sha == trunk(sandbox)


# --- clones that lack something (F10) ---


def shallow(sandbox: Sandbox, where: Path) -> Path:
    git(sandbox.folder, "clone", "--quiet", "--depth=1", sandbox.github.clone_url, str(where))
    return where


def tagless(sandbox: Sandbox, where: Path) -> Path:
    git(sandbox.folder, "clone", "--quiet", "--no-tags", sandbox.github.clone_url, str(where))
    return where


def detached(sandbox: Sandbox, where: Path) -> Path:
    git(sandbox.folder, "clone", "--quiet", sandbox.github.clone_url, str(where))
    git(where, "checkout", "--quiet", "--detach", "HEAD~1")
    return where


def linked(sandbox: Sandbox, where: Path) -> Path:
    git(sandbox.work, "worktree", "add", "--quiet", "--detach", str(where), "HEAD~2")
    return where


@pytest.mark.parametrize("clone", [shallow, tagless, detached, linked], ids=lambda made: made.__name__)
def test_f10_every_kind_of_clone_gives_the_same_answer(
    context: Context, sandbox: Sandbox, clone: Callable[[Sandbox, Path], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    cut(sandbox, "release-0.6-20260901", "refs/heads/release-0.6-20260901")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "credential.helper")
    helper = "!f() { echo username=x-access-token; echo password=$GITHUB_TOKEN; }; f"
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", helper)
    folder = clone(sandbox, sandbox.folder / "other")
    advance(sandbox, "main")
    there = again(context, folder=folder)
    assert str(lines.next_(there)) == "0.7.0"
    assert str(lines.next_(again(there), line="0.6")) == "0.6.3"
    assert lines.branch(again(there)).sha == trunk(sandbox)
    assert lines.tag(again(there), "0.7.0").sha == trunk(sandbox)
    assert lines.tag(again(there), "0.7.0").sha == trunk(sandbox)
    assert peeled(sandbox, "0.7.0") == remote_refs(sandbox)[BRANCH] == trunk(sandbox)


# --- dry ---


def test_dry_branch_and_tag_write_nothing_anywhere(context: Context, sandbox: Sandbox) -> None:
    before = everything(sandbox)
    dry = again(context, dry=True, yes=False)
    assert lines.branch(dry).name == BRANCH
    assert lines.tag(dry, "0.7.0").sha == trunk(sandbox)
    assert everything(sandbox) == before
    assert writes(sandbox) == []
    assert printed(dry).splitlines() == [
        f"○ release branch release-0.7-20261122 at {trunk(sandbox)[:9]} (to do)",
        "· sdk/leptonai/config.py names image 0.6.2, older than the release; it is in the registry",
        f"○ tag 0.7.0 at {trunk(sandbox)[:9]} (to do)",
    ]


# --- races and refusals ---


@pytest.mark.parametrize("moment", [("GET", "service=git-receive-pack"), ("POST", "git-receive-pack")])
def test_f06_f34_of_two_people_at_once_exactly_one_gets_the_branch(
    context: Context, sandbox: Sandbox, moment: tuple[str, str]
) -> None:
    """The other one's older commit lands after this one looked: a plain push would fast-forward it silently."""
    other = sandbox.bare.sha("refs/heads/main~1") or ""
    sandbox.github.faults.add(*moment, call=lambda: sandbox.bare.update_ref(BRANCH, other))
    with pytest.raises(Conflict, match=f"was cut at {other[:9]}, not at {trunk(sandbox)[:9]}") as lost:
        lines.branch(context)
    assert "leave --ref out" in lost.value.hint
    assert remote_refs(sandbox)[BRANCH] == other


def test_f06_f34_of_two_people_at_once_exactly_one_gets_the_tag(context: Context, sandbox: Sandbox) -> None:
    cut(sandbox, "release-0.7-20261122")
    ends: list[str] = []
    start = threading.Barrier(2)

    def tag(one: Context) -> None:
        assert repository(one)
        start.wait()
        try:
            lines.tag(one, "0.7.0")
            ends.append("has it")
        except ReleaseError as error:
            ends.append(error.problem)

    folder = sandbox.folder / "theirs"
    git(sandbox.folder, "clone", "--quiet", str(sandbox.bare.path), str(folder))
    git(folder, "remote", "set-url", "origin", sandbox.github.clone_url)
    git(folder, "config", "user.name", "Somebody else")  # whose tag is another object
    threads = [threading.Thread(target=tag, args=(one,)) for one in (again(context), again(context, folder=folder))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ends == ["has it"] * 2, "it is at the commit that both meant"
    kept = [name for name in map(local_tags, (sandbox.work, folder)) if name]
    assert kept == [remote_refs(sandbox)["refs/tags/0.7.0"]], "one push alone was taken; who lost has no tag"
    assert peeled(sandbox, "0.7.0") == trunk(sandbox)
    for one in (again(context), again(context, folder=folder)):
        lines.tag(one, "0.7.0")
        assert "(already)" in printed(one)


def local_tags(clone: Path) -> str:
    return git(clone, "for-each-ref", "--format=%(objectname)", "refs/tags/0.7.0")


def test_a_lost_race_leaves_no_local_tag(context: Context, sandbox: Sandbox) -> None:
    cut(sandbox, "release-0.7-20261122")
    faster = peeled(sandbox, "0.6.2") or ""
    sandbox.github.faults.add(
        "POST", "git-receive-pack", call=lambda: sandbox.bare.update_ref("refs/tags/0.7.0", faster)
    )
    with pytest.raises(Conflict):
        lines.tag(context, "0.7.0")
    assert git(sandbox.work, "tag", "--list", "0.7.0") == ""
    with pytest.raises(Conflict, match="never moved"):
        lines.tag(again(context), "0.7.0")


def test_f33_a_tag_is_here_once_it_is_there(context: Context, sandbox: Sandbox) -> None:
    """Killed while it is pushed, it would be in the way: of another component's, of one at a trunk that moved on."""
    cut(sandbox, "release-0.7-20261122")
    here: list[str] = []
    sandbox.github.faults.add(
        "POST", "git-receive-pack", call=lambda: here.append(git(sandbox.work, "tag", "--list", "0.7.0"))
    )
    lines.tag(context, "0.7.0")
    assert here == [""]
    assert git(sandbox.work, "rev-parse", "0.7.0") == sandbox.bare.git("rev-parse", "0.7.0").strip()


@pytest.mark.parametrize(("include", "task"), [("refs/heads/release-*", lines.branch), ("refs/tags/*", lines.tag)])
def test_f13_a_rule_is_told_in_the_servers_own_words(
    context: Context, sandbox: Sandbox, include: str, task: Callable[..., object]
) -> None:
    if task is lines.tag:
        cut(sandbox, "release-0.7-20261122")
        git(sandbox.work, "fetch", "-q", "origin")  # Git keeps up with what a push saw
    before = clone_content(sandbox.work)
    reject_pushes(sandbox.github.hub, include, "Only the release team may do this.")
    with pytest.raises(Failed, match="Only the release team may do this") as refused:
        task(context, "0.7.0")
    assert refused.value.code == 1
    assert "meanwhile" not in refused.value.problem
    assert sum("receive-pack" in each for each in writes(sandbox)) == 1
    assert clone_content(sandbox.work) == before


def test_f08_a_push_whose_answer_is_lost_is_looked_up(context: Context, sandbox: Sandbox) -> None:
    sandbox.github.faults.add("POST", "git-receive-pack", status=502, after=True)
    assert lines.branch(context).sha == trunk(sandbox)
    assert remote_refs(sandbox)[BRANCH] == trunk(sandbox)


def test_f08_a_push_after_which_nobody_answers_is_unknown(context: Context, sandbox: Sandbox) -> None:
    def cut_the_line() -> None:
        sandbox.github.faults.add("*", ".", drop=True, times=None)

    sandbox.github.faults.add("POST", "git-receive-pack", status=502, after=True, call=cut_the_line)
    with pytest.raises(Unknown) as lost:
        lines.branch(context)
    assert lost.value.code == 5
    sandbox.github.faults.clear()
    lines.branch(again(context))
    assert remote_refs(sandbox)[BRANCH] == trunk(sandbox)


@pytest.mark.parametrize("task", [lines.next_, lines.branch, lines.tag], ids=lambda task: task.__name__)
def test_no_network_is_said_without_a_traceback(
    context: Context, sandbox: Sandbox, task: Callable[..., object]
) -> None:
    assert repository(context)
    sandbox.github.faults.add("*", ".", drop=True, times=None)
    with pytest.raises(Failed, match="the remote does not answer") as failed:
        task(context)
    assert "git remote -v" in failed.value.hint


def test_a_server_that_is_gone_is_said_without_a_traceback(sandbox: Sandbox, typed: Type) -> None:
    sandbox.github.stop()
    for call in (("release.next",), ("release.branch", "--yes"), ("platform.watch",)):
        done = typed(*call)
        assert done.code == 1
        assert "the remote does not answer" in done.err


def test_typed_on_another_branch_it_does_the_same(context: Context, sandbox: Sandbox) -> None:
    git(sandbox.work, "switch", "--quiet", "--create", "feature")
    (sandbox.work / "README.md").write_text("half done\n")
    before = clone_content(sandbox.work)["files"]
    assert lines.branch(context).sha == trunk(sandbox)
    assert lines.tag(again(context), "0.7.0").sha == trunk(sandbox)
    assert clone_content(sandbox.work)["files"] == before


# --- as typed ---


def test_chained_tasks_share_the_version(sandbox: Sandbox, typed: Type) -> None:
    done = typed("release.branch", "release.tag", "--yes")
    assert (done.code, done.err) == (0, "")
    assert peeled(sandbox, "0.7.0") == trunk(sandbox)


def test_chained_tasks_share_the_version_given_to_the_first(sandbox: Sandbox, typed: Type) -> None:
    cut(sandbox, "release-1.0-20261101")
    done = typed("release.check", "--version", "1.0.0", "release.tag", "--yes")
    assert (done.code, done.err) == (0, "")
    assert peeled(sandbox, "1.0.0") == trunk(sandbox)
    assert peeled(sandbox, "0.7.0") is None


def test_chained_tasks_in_a_dry_run_build_on_what_would_be_there(sandbox: Sandbox, typed: Type) -> None:
    before = everything(sandbox)
    done = typed("--dry", "release.branch", "release.tag", "sdk.release")
    assert done.code == 0, done.err
    planned = [line for line in done.out.splitlines() if not line.startswith("·")]
    assert [line.split(" ")[1] for line in planned] == ["release", "tag", "run", "wheel"]
    assert all(line.endswith("(to do)") for line in planned)
    assert everything(sandbox) == before
    assert writes(sandbox) == []
    assert typed("--dry", "release.tag", "--version", "0.7.0").code == 2, "nothing is planned here"


def test_nobody_to_ask_is_usage_and_writes_nothing(sandbox: Sandbox, typed: Type) -> None:
    before = everything(sandbox)
    done = typed("release.branch")
    assert done.code == 2
    assert "--yes" in done.err
    assert "CI=true" in done.err
    assert everything(sandbox) == before


def test_ci_answers(sandbox: Sandbox, typed: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    assert typed("release.branch").code == 0
    assert [name for name in remote_refs(sandbox) if "release-0.7" in name]


@pytest.mark.parametrize(("version", "code"), [("v0.7.0", 2), ("0.7", 2), ("0.07.0", 2), (" 0.7.0", 2), ("0.6.2", 3)])
def test_exit_codes_as_typed(typed: Type, version: str, code: int) -> None:
    done = typed("release.check", "--version", version)
    assert done.code == code
    assert 1 <= len(done.err.splitlines()) <= 2


def test_json_is_one_object_a_line(typed: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    done = typed("release.next", "--json", "--line", "0.6")
    assert json.loads(done.out) == {"version": "0.6.3", "bump": "patch", "line": "0.6"}
    monkeypatch.setenv("INVOKE_RELEASE_OUTPUT", "json")
    done = typed("release.branch", "--yes", "release.tag", "release.check", "--version", "v1")
    assert done.code == 2
    events = [json.loads(line) for line in done.out.splitlines()]
    assert [each["event"] for each in events] == ["error"], "one call has one version, read before anything is written"
    assert (events[-1]["code"], events[-1]["hint"]) == (2, "did you mean 1.0.0?")
    assert done.err == ""
    done = typed("release.branch", "--yes", "release.tag")
    assert {json.loads(line)["event"] for line in done.out.splitlines()} == {"step"}


@pytest.mark.parametrize(
    "call",
    [
        ["release.branch", "--version", "0.7.0", "release.tag", "--version", "0.8.0"],
        ["release.branch", "--version", "0.7", "release.tag", "--version", "0.8.0"],
        ["release.next", "release.branch", "release.tag", "--version", "0.8.0"],
    ],
)
def test_one_version_is_that_of_the_whole_call(sandbox: Sandbox, typed: Type, call: list[str]) -> None:
    before = everything(sandbox)
    done = typed(*call, "--yes")
    assert (done.code, "one call has one version" in done.err) == (2, True), done.err
    assert everything(sandbox) == before


def test_one_version_may_be_a_line_first_and_none_where_the_variable_was_empty(sandbox: Sandbox, typed: Type) -> None:
    done = typed("release.branch", "--version", "0.7", "release.tag", "--version", "0.7.0-rc.1", "--yes")
    assert (done.code, peeled(sandbox, "0.7.0-rc.1")) == (0, trunk(sandbox)), done.err
    done = typed("release.next", "--line", "0.7", "release.tag", "--version", "", "--yes")
    assert (done.code, peeled(sandbox, "0.7.0")) == (0, trunk(sandbox)), done.err


def test_the_images_that_a_dry_call_would_have_built_are_seen_by_its_later_tasks(typed: Type, sandbox: Sandbox) -> None:
    git(sandbox.work, "switch", "-qc", "image-0.7.0")
    git(sandbox.work, "push", "-q", "-u", "origin", "image-0.7.0")
    before = everything(sandbox)
    chain = ["image.bump", "image.dispatch", "image.watch", "image.check", "image.pr", "--merge"]
    done = typed("--dry", *chain, "--version", "0.7.0")
    assert (done.code, everything(sandbox)) == (0, before), done.err
    assert "○ images photon-py3.7-runner-0.7.0" in done.out


def test_a_task_keeps_its_flags_under_another_name(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (sandbox.work / "tasks.py").read_text()
    (sandbox.work / "tasks.py").write_text(f'{text}\nnamespace.add_task(namespace["release.next"], name="nxt")\n')
    environment = {**os.environ, **sandbox.environment()}
    command = [sys.executable, "-m", "invoke", "nxt", "--line", "0.6"]
    done = subprocess.run(command, cwd=sandbox.work, env=environment, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("0.6.3\n", "")


def test_what_a_dry_call_would_have_made_is_seen_by_its_later_tasks(typed: Type, sandbox: Sandbox) -> None:
    before = everything(sandbox)
    done = typed("--dry", "release.branch", "release.tag", "sdk.dispatch", "sdk.watch", "release.notes", "--publish")
    assert done.code == 0, done.err
    for said in (
        "release branch release-0.7-",
        "tag 0.7.0 at",
        "run sdk-release.yaml on 0.7.0",
        "GitHub Release 0.7.0 p",
    ):
        assert f"○ {said}" in done.out
    assert "is not there" not in done.out
    assert everything(sandbox) == before


def test_one_call_has_one_version(typed: Type, sandbox: Sandbox) -> None:
    before = remote_refs(sandbox)
    done = typed("release.branch", "--version", "0.7.0", "release.tag", "--version", "0.7.1", "--yes")
    assert (done.code, "not 0.7.0 and 0.7.1" in done.err, remote_refs(sandbox)) == (2, True, before)
    done = typed("release.branch", "release.tag", "--yes", "release.check", "--version", "0.8.0")
    assert "0.8.0" in done.err, "whichever task names it, all have it"
    assert done.code == 2
    assert remote_refs(sandbox) == before


def test_outputs_in_actions(sandbox: Sandbox, typed: Type, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    done = typed("release.branch", "--yes", "release.tag")
    assert done.code == 0, done.err
    lines = (tmp_path / "output").read_text().splitlines()
    written = {lines[n].partition("<<")[0]: lines[n + 1] for n in range(0, len(lines), 3)}
    branch = next(name for name in remote_refs(sandbox) if "release-0.7" in name).removeprefix("refs/heads/")
    assert written == {"version": "0.7.0", "branch": branch, "tag": "0.7.0", "sha": trunk(sandbox)}
    assert "tag 0.7.0" in (tmp_path / "summary").read_text()
    assert [line for line in done.out.splitlines() if line.startswith("::")] == [
        "::group::release.branch",
        "::endgroup::",
        "::group::release.tag",
        "::endgroup::",
    ]


def at_a_terminal(sandbox: Sandbox, answer: str, *arguments: str) -> tuple[int, str]:
    """Type the call at a terminal, answer every question, and return the exit code and what was seen."""
    terminal, end = pty.openpty()
    environment = {**os.environ, **sandbox.environment(), "TERM": "dumb", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "invoke", *arguments]
    with subprocess.Popen(command, cwd=sandbox.work, env=environment, stdin=end, stdout=end, stderr=end) as process:
        os.close(end)
        seen, answered = "", 0
        while chunk := _read(terminal):
            seen += chunk
            if seen.count("[y/N]") > answered:
                answered += 1
                os.write(terminal, f"{answer}\n".encode())
    os.close(terminal)
    return process.returncode, seen


def _read(terminal: int) -> str:
    try:
        return os.read(terminal, 65536).decode()
    except OSError:  # the other end is closed
        return ""


def test_a_person_who_says_no_is_shown_the_plan_and_nothing_is_written(sandbox: Sandbox) -> None:
    before = everything(sandbox)
    code, seen = at_a_terminal(sandbox, "n", "release.branch", "release.tag")
    assert code == 2
    assert "○ release branch release-0.7-" in seen
    assert "nothing was written" in seen
    assert seen.count("[y/N]") == 1
    assert everything(sandbox) == before


def test_a_person_who_says_yes_is_asked_once_for_chained_tasks(sandbox: Sandbox) -> None:
    code, seen = at_a_terminal(sandbox, "y", "release.branch", "release.tag")
    assert code == 0, seen
    assert seen.count("[y/N]") == 1
    assert peeled(sandbox, "0.7.0") == trunk(sandbox)
    assert [sha for name, sha in remote_refs(sandbox).items() if "release-0.7-" in name] == [trunk(sandbox)]


def test_what_a_person_agreed_to_is_planned_anew_when_the_remote_was_read_before(sandbox: Sandbox) -> None:
    code, seen = at_a_terminal(sandbox, "y", "release.next", "release.branch")
    assert code == 0, seen
    assert seen.index("○ release branch") < seen.index("[y/N]") < seen.index("✔ release branch")
    assert [sha for name, sha in remote_refs(sandbox).items() if "release-0.7-" in name] == [trunk(sandbox)]


def test_f06_a_head_that_moves_before_its_tag_is_pushed_is_refused(
    sandbox: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut(sandbox, "release-0.7-20261122")
    look = release.artifacts.next_release.check_image_in_config

    def _slow_look(*given: Any) -> None:
        advance(sandbox, "release-0.7-20261122")
        look(*given)

    monkeypatch.setattr(release.artifacts.next_release, "check_image_in_config", _slow_look)
    with pytest.raises(Conflict, match="somebody pushed meanwhile"):
        lines.tag(context, "0.7.0")
    assert peeled(sandbox, "0.7.0") is None
    assert repository(context).local_tag("0.7.0") is None


def test_f06_a_head_that_moves_between_two_tasks_of_a_call_is_refused(sandbox: Sandbox, typed: Type) -> None:
    cut(sandbox, "release-0.7-20261122")
    sandbox.github.faults.add("GET", "/repos/", call=lambda: advance(sandbox, "release-0.7-20261122"))
    done = typed("release.status", "release.tag", "--version", "0.7.0", "--yes")
    assert (done.code, "somebody pushed meanwhile" in done.err) == (3, True), done.err
    assert peeled(sandbox, "0.7.0") is None


def test_a_person_is_asked_before_the_first_write_not_before_what_is_done(sandbox: Sandbox) -> None:
    cut(sandbox, "release-0.7-20261122")
    code, seen = at_a_terminal(sandbox, "n", "release.branch", "--version", "0.7.0", "release.tag")
    assert code == 2, seen
    assert seen.index("(already)") < seen.index("○ tag 0.7.0") < seen.index("[y/N]")
    assert peeled(sandbox, "0.7.0") is None
