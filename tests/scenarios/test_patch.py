"""Whole patch releases: picks, checks, tag, and everything after it, interrupted, raced, protected, in Actions."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from typing import Any

import pytest
from conftest import FakeClock, again, open_context, printed
from doubles import CHECKS, IMAGE, IMAGES, PLATFORM, PYTHONS, Doubles
from outside import cloud_content, dispatches, everything, git, peeled, remote_refs, writes

from release.call.context import Context
from release.call.flags import PickRequest, Resume
from release.config_py import constant
from release.errors import Conflict, Failed, ReleaseError, Unknown, Usage, Waiting
from release.git.repository import repository
from release.picks.worktree import pick_worktrees
from release.sandbox import Sandbox
from release.sandbox.github.rules import protect
from release.sandbox.github.state import add_check, add_review, add_status
from release.tasks import lines, picks, pipelines

pytestmark = pytest.mark.usefixtures("doubles")

REF = "refs/heads/release-0.6-20260901"
LINE = "0.6"
DOCS, NAMES = PickRequest(pr=("14",)), PickRequest(pr=("15", "14"))


@pytest.fixture
def context(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Context:
    return open_context(sandbox, monkeypatch, clock=FakeClock())


def released(sandbox: Sandbox, version: str, *, image: bool = False) -> None:
    """Hold what is out against what a patch release has to leave."""
    sha = peeled(sandbox, version)
    assert sha is not None
    assert remote_refs(sandbox)[REF] == sha
    expected = {f"s3:release/leptonai-{version}-py3-none-any.whl", *(f"{name}:{version}" for name in IMAGES)}
    expected |= {f"lepton:photon-py{python}-runner-{version}" for python in PYTHONS if image}
    assert {each for each in cloud_content(sandbox) if version in each} == expected
    (found,) = (each for each in sandbox.github.hub.releases.values() if each.tag == version)
    assert not found.draft


def line_titles(sandbox: Sandbox) -> list[str]:
    return sandbox.bare.git("log", "--reverse", "--format=%s", f"refs/tags/0.6.2..{REF}").splitlines()


def move_line(sandbox: Sandbox) -> str:
    """Push a commit onto the release branch, as somebody else does."""
    tree = sandbox.bare.git("rev-parse", f"{REF}^{{tree}}").strip()
    sha = sandbox.bare.git("commit-tree", "-p", REF, "-m", "Theirs", tree).strip()
    sandbox.bare.update_ref(REF, sha)
    sandbox.github.hub.known_refs = sandbox.bare.refs("refs/heads", "refs/tags")
    return sha


def test_f27_a_patch_releases_and_a_second_run_writes_nothing(context: Context, sandbox: Sandbox) -> None:
    pipelines.patch(context, line=LINE, wanted=NAMES)
    released(sandbox, "0.6.3")
    assert line_titles(sandbox) == ["docs: say how to run a photon (#14)", "fix: show names apart from models (#15)"]
    assert "CI check 'checks' passed" in printed(context)
    before, asked = everything(sandbox), writes(sandbox)
    for wanted in (NAMES, PickRequest()):
        second = again(context)
        pipelines.patch(second, line=LINE, wanted=wanted)
        assert everything(sandbox) == before
        assert writes(sandbox) == asked
        assert "(to do)" not in printed(second)
        assert str(second.version) == "0.6.3"
    assert dispatches(sandbox) == 1


def test_the_checks_come_before_the_tag(context: Context, sandbox: Sandbox, doubles: Doubles) -> None:
    doubles.fail = {"checks"}
    with pytest.raises(Failed, match="checks: failure") as failed:
        pipelines.patch(context, line=LINE, wanted=DOCS)
    assert "--no-checks" in failed.value.hint
    assert peeled(sandbox, "0.6.3") is None
    doubles.fail = set()
    doubles.runs_of(CHECKS)[0].rerun()
    pipelines.patch(again(context), line=LINE, wanted=DOCS)
    released(sandbox, "0.6.3")


def test_a_wait_for_checks_times_out_and_is_taken_up(context: Context, sandbox: Sandbox, doubles: Doubles) -> None:
    doubles.hang = {CHECKS}
    with pytest.raises(Waiting, match=r"did not end within 5 s: .*checks") as waiting:
        pipelines.patch(again(context, timeout=5), line=LINE, wanted=DOCS)
    assert waiting.value.code == 4
    doubles.runs_of(CHECKS)[0].end()
    pipelines.patch(again(context), line=LINE, wanted=DOCS)
    released(sandbox, "0.6.3")


def test_every_page_of_checks_is_read_and_each_is_named(context: Context, sandbox: Sandbox) -> None:
    picks.pick(context, line=LINE, wanted=DOCS)
    sha = remote_refs(sandbox)[REF]
    for number in range(150):
        add_check(sandbox.github.hub, sha, f"matrix {number}", "success")
    add_check(sandbox.github.hub, sha, "left out by a path filter", "skipped")
    add_check(sandbox.github.hub, sha, "says nothing", "neutral")
    add_status(sandbox.github.hub, sha, "success", "jenkins")
    first = add_check(sandbox.github.hub, sha, "first", "cancelled")
    with pytest.raises(Failed, match="first: cancelled"):
        pipelines.patch(again(context), line=LINE)
    first.conclusion = "success"
    last = again(context)
    pipelines.patch(last, line=LINE)
    shown = printed(last)
    for text in (
        "'left out by a path filter' is skipped",
        "'says nothing' is neutral",
        "'jenkins' passed",
        "'matrix 149' passed",
    ):
        assert f"CI check {text}" in shown


def test_a_status_that_failed_counts(context: Context, sandbox: Sandbox) -> None:
    picks.pick(context, line=LINE, wanted=DOCS)
    add_status(sandbox.github.hub, remote_refs(sandbox)[REF], "error", "jenkins")
    with pytest.raises(Failed, match="jenkins: error"):
        pipelines.patch(again(context), line=LINE)


def test_no_checks_configured_is_said(context: Context, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("release.github.commits.workflows_started", lambda *_: {})
    monkeypatch.setattr(sandbox.github.hub, "runs", {})
    monkeypatch.setattr("release.sandbox.github.events.start_run", lambda *_, **__: None)
    with pytest.raises(Unknown, match=r"the push of refs/tags/0\.6\.3 started no run"):  # nor does the tag's
        pipelines.patch(context, line=LINE, wanted=DOCS)
    assert "none reported, none listens to the push" in printed(context)
    assert peeled(sandbox, "0.6.3")


def test_checks_that_do_not_start_are_waited_for(
    context: Context, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("release.sandbox.github.events.start_run", lambda *_, **__: None)
    with pytest.raises(Waiting, match=r"checks\.yaml listens"):
        pipelines.patch(context, line=LINE, wanted=DOCS)
    assert peeled(sandbox, "0.6.3") is None


def test_f05_no_checks_pushes_branch_and_tag_at_once(context: Context, sandbox: Sandbox, doubles: Doubles) -> None:
    doubles.fail = {"checks"}
    pipelines.patch(context, line=LINE, wanted=DOCS, checks=False)
    released(sandbox, "0.6.3")
    pushes = [each for each in writes(sandbox) if each.endswith("git-receive-pack")]
    assert len(pushes) == 3, "the picks with their tag; a lease on the dispatch, and its end"
    asked = writes(sandbox)
    pipelines.patch(again(context), line=LINE, wanted=DOCS, checks=False)
    assert writes(sandbox) == asked


def test_f05_neither_lands_when_the_tag_is_refused(context: Context, sandbox: Sandbox) -> None:
    head = remote_refs(sandbox)[REF]
    protect(sandbox.github.hub, "refs/tags/*", creation={})
    with pytest.raises(Failed, match="creations being restricted"):
        pipelines.patch(context, line=LINE, wanted=DOCS, checks=False)
    assert remote_refs(sandbox)[REF] == head
    assert "0.6.3" not in git(sandbox.work, "tag")


@pytest.mark.slow
def test_the_image_is_built_from_the_release_branch(context: Context, sandbox: Sandbox, doubles: Doubles) -> None:
    pipelines.patch(context, line=LINE, wanted=DOCS, image=True)
    released(sandbox, "0.6.3", image=True)
    assert line_titles(sandbox) == ["docs: say how to run a photon (#14)", "Use image 0.6.3"]
    text = sandbox.bare.git("show", f"{REF}:sdk/leptonai/config.py")
    assert constant(text.encode(), "BASE_IMAGE_VERSION", "config.py") == "0.6.3"
    (run,) = doubles.runs_of(IMAGE)
    assert (run.asked.sha, run.asked.ref) == (peeled(sandbox, "0.6.3"), REF)
    asked = writes(sandbox)
    pipelines.patch(again(context), line=LINE, wanted=DOCS, image=True)
    assert writes(sandbox) == asked


def test_f10_gaps_and_individual_releases_count(context: Context, sandbox: Sandbox) -> None:
    sandbox.bare.git("update-ref", "refs/tags/0.6.9", "refs/heads/main")
    pipelines.patch(context, line=LINE, wanted=DOCS)
    released(sandbox, "0.6.10")


def test_f09_only_the_remotes_tags_count(context: Context, sandbox: Sandbox) -> None:
    git(sandbox.work, "tag", "0.6.7")
    pipelines.patch(context, line=LINE, wanted=DOCS)
    released(sandbox, "0.6.3")


def test_two_people_at_once_exactly_one_gets_the_number(
    context: Context, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    push = type(repository(context)).push

    def late(self: Any, pushes: Sequence[Any]) -> None:
        if any(each.ref == "refs/tags/0.6.3" for each in pushes):
            sandbox.bare.git("update-ref", "refs/tags/0.6.3", "refs/heads/main")
        push(self, pushes)

    with monkeypatch.context() as raced:
        raced.setattr(type(repository(context)), "push", late)
        with pytest.raises(Conflict) as lost:
            pipelines.patch(context, line=LINE, wanted=DOCS)
    assert lost.value.code == 3
    pipelines.patch(again(context), line=LINE, wanted=DOCS)
    released(sandbox, "0.6.4")


@pytest.mark.parametrize(("version", "kind"), [("0.5.9", Usage), ("0.9.9", Usage), ("0.6.1", Conflict)])
@pytest.mark.parametrize("checks", [True, False])
def test_f29_a_version_that_does_not_come_next_on_the_line_is_refused_before_anything_is_written(
    context: Context, sandbox: Sandbox, version: str, kind: type[ReleaseError], checks: bool
) -> None:
    before = everything(sandbox)
    with pytest.raises(kind, match=version.replace(".", r"\.")):
        pipelines.patch(context, line=LINE, version=version, wanted=DOCS, checks=checks)
    assert everything(sandbox) == before


def test_the_branch_moved_while_checks_ran(context: Context, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    picks.pick(context, line=LINE, wanted=DOCS)

    def moved(waiting: Context, *_: object) -> None:
        move_line(sandbox)
        waiting.look_anew()  # as every wait ends

    monkeypatch.setattr("release.github.commits.follow_checks", moved)
    with pytest.raises(Conflict, match="moved to"):
        pipelines.patch(again(context), line=LINE)
    assert peeled(sandbox, "0.6.3") is None


def test_dry_writes_nothing_and_names_everything(context: Context, sandbox: Sandbox) -> None:
    before = everything(sandbox)
    dry = again(context, dry=True, yes=False)
    pipelines.patch(dry, line=LINE, wanted=NAMES, image=True)
    assert everything(sandbox) == before
    assert writes(sandbox) == []
    shown = printed(dry)
    for exact in (
        "docs: say how to run a photon (#14) (to do)",
        "release-0.6-20260901 at a new commit",
        "checks of release-0.6-20260901 succeed",
        "BASE_IMAGE_VERSION = 0.6.3 on release-0.6-20260901",
        "tag 0.6.3 at a new commit",
        "run sdk-release.yaml on 0.6.3",
        "GitHub Release 0.6.3",
    ):
        assert exact in shown, shown


def test_a_conflict_ends_it_and_after_it_is_continued_the_same_command_goes_on(
    context: Context, sandbox: Sandbox
) -> None:
    sha = _conflicting(sandbox)
    with pytest.raises(Failed, match="conflicts on") as stopped:
        pipelines.patch(context, line=LINE, wanted=PickRequest(commit=(sha,)))
    assert "inv release.pick --continue" in stopped.value.hint
    (tree,) = pick_worktrees(repository(context))
    (tree.path / "NOTES.md").write_text("first\n")
    git(tree.path, "add", "NOTES.md")
    picks.pick(again(context), resume=Resume(continue_=True))
    pipelines.patch(again(context), line=LINE, wanted=PickRequest(commit=(sha,)))
    released(sandbox, "0.6.3")


def _conflicting(sandbox: Sandbox) -> str:
    """Grow the trunk by two commits, of which the second needs the first; return that."""
    clone = sandbox.folder / "author"
    git(sandbox.folder, "clone", "-q", str(sandbox.bare.path), "author")
    for text in ("zero\n", "first\n"):
        (clone / "NOTES.md").write_text(text)
        git(clone, "add", "NOTES.md")
        git(clone, "commit", "-qm", f"Note {text.strip()}")
    git(clone, "push", "-q", "origin", "HEAD:refs/heads/main")
    sandbox.github.hub.known_refs = sandbox.bare.refs("refs/heads", "refs/tags")
    return git(clone, "rev-parse", "HEAD")


# --- by a pull request ---


def protected(sandbox: Sandbox, **review: Any) -> None:
    rules = {"required_status_checks": {"required_status_checks": [{"context": "checks"}]}}
    protect(sandbox.github.hub, "refs/heads/release-*", pull_request=review, **rules)


@pytest.mark.parametrize(
    "method", ["merge", *(pytest.param(each, marks=pytest.mark.slow) for each in ("squash", "rebase"))]
)
def test_f15_f18_a_protected_line_goes_by_pull_request(
    context: Context, sandbox: Sandbox, doubles: Doubles, method: str
) -> None:
    protected(sandbox)
    settings = sandbox.github.hub.settings
    settings.delete_branch_on_merge = True
    settings.allow_merge_commit, settings.allow_squash_merge = method == "merge", method == "squash"
    with pytest.raises(Failed, match="is protected") as refused:
        pipelines.patch(context, line=LINE, wanted=NAMES)
    assert "--via-pr" in refused.value.hint
    wanted = PickRequest(pr=NAMES.pr, via_pr=True)
    pipelines.patch(again(context), line=LINE, wanted=wanted)
    released(sandbox, "0.6.3")
    (pull,) = sandbox.github.hub.pulls.values()
    assert pull.head.startswith("backport/0.6/")
    assert (pull.base, pull.title) == ("release-0.6-20260901", "Backport 2 commits to 0.6")
    assert "say how to run a photon (#14)" in pull.body
    (merge,) = (each for each in sandbox.github.requests if each.path.endswith("/merge") and each.method == "PUT")
    assert merge.body["sha"] == pull.head_sha
    assert not [name for name in remote_refs(sandbox) if "backport" in name]
    before, asked = everything(sandbox), writes(sandbox)
    pipelines.patch(again(context), line=LINE, wanted=wanted)
    assert (everything(sandbox), writes(sandbox)) == (before, asked)


@pytest.mark.slow
def test_f27_a_backport_that_waits_for_approval_goes_on(context: Context, sandbox: Sandbox) -> None:
    protected(sandbox, required_approving_review_count=1)
    wanted = PickRequest(pr=("14",), via_pr=True)
    for _ in range(2):
        with pytest.raises(Waiting):
            pipelines.patch(again(context), line=LINE, wanted=wanted)
    (pull,) = sandbox.github.hub.pulls.values()
    add_review(sandbox.github.hub, pull)
    pipelines.patch(again(context), line=LINE, wanted=wanted)
    released(sandbox, "0.6.3")
    assert len(sandbox.github.hub.pulls) == 1


@pytest.mark.slow
def test_a_backport_that_conflicts_is_continued_by_pull_request(context: Context, sandbox: Sandbox) -> None:
    protected(sandbox)
    sha = _conflicting(sandbox)
    wanted = PickRequest(commit=(sha,), via_pr=True)
    with pytest.raises(Failed) as stopped:
        pipelines.patch(context, line=LINE, wanted=wanted)
    assert "--continue --line 0.6 --via-pr" in stopped.value.hint
    (tree,) = pick_worktrees(repository(context))
    (tree.path / "NOTES.md").write_text("first\n")
    git(tree.path, "add", "NOTES.md")
    picks.pick(again(context), wanted=PickRequest(via_pr=True), resume=Resume(continue_=True))
    assert pick_worktrees(repository(context)) == []
    pipelines.patch(again(context), line=LINE, wanted=wanted)
    released(sandbox, "0.6.3")
    assert len(sandbox.github.hub.pulls) == 1


def test_a_backport_whose_checks_fail_is_not_merged(context: Context, sandbox: Sandbox, doubles: Doubles) -> None:
    protected(sandbox)
    doubles.fail = {"checks"}
    with pytest.raises(Failed, match="checks: failure"):
        pipelines.patch(context, line=LINE, wanted=PickRequest(pr=("14",), via_pr=True))
    (pull,) = sandbox.github.hub.pulls.values()
    assert pull.merged_at is None


# --- interrupted (F27) ---

STEPS = {
    "the picks": ("POST", "git-receive-pack", 0),
    "the checks": ("GET", r"/actions/runs\?", 0),  # a 403 to check runs alone has a stand-in
    "the tag": ("POST", "git-receive-pack", 1),
}


@pytest.mark.parametrize("done", [False, True], ids=["refused", "answer lost"])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.slow
def test_f27_interrupted_at_any_step_it_goes_on(context: Context, sandbox: Sandbox, step: str, done: bool) -> None:
    method, path, later = STEPS[step]
    if later:
        sandbox.github.faults.add(method, path, times=later)
    if done:
        sandbox.github.faults.add(method, path, status=502, after=True, times=4 if method == "GET" else 1)
    else:
        sandbox.github.faults.add(method, path, status=403, times=4, body={"message": "Not now."})
    if done:
        with contextlib.suppress(ReleaseError):
            pipelines.patch(context, line=LINE, wanted=DOCS)
    else:
        with pytest.raises(ReleaseError) as refused:
            pipelines.patch(context, line=LINE, wanted=DOCS)
        assert refused.value.code == 1
    sandbox.github.faults.clear()
    pipelines.patch(again(context), line=LINE, wanted=DOCS)
    released(sandbox, "0.6.3")
    assert line_titles(sandbox) == ["docs: say how to run a photon (#14)"]
    asked = writes(sandbox)
    pipelines.patch(again(context), line=LINE, wanted=DOCS)
    assert writes(sandbox) == asked


# --- in Actions (F14) ---


def test_f14_the_workflows_own_token_is_refused_before_anything_is_written(
    context: Context, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    from release.sandbox.github.records import JOB_TOKEN

    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_TOKEN", JOB_TOKEN)
    before = remote_refs(sandbox)
    for task in (lambda one: pipelines.patch(one, line=LINE, wanted=DOCS), pipelines.minor):
        with pytest.raises(Usage, match="starts no workflow") as refused:
            task(again(context))
        assert "GitHub App's token" in refused.value.hint
    assert remote_refs(sandbox) == before
    assert [each for each in writes(sandbox) if not each.endswith("/graphql")] == []


def test_f14_another_token_in_actions_is_fine(
    context: Context, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    pipelines.patch(context, line=LINE, wanted=DOCS)
    released(sandbox, "0.6.3")


def test_pick_and_tag_are_one_release_in_one_call(context: Context, sandbox: Sandbox) -> None:
    picks.pick(context, line="0.5", wanted=PickRequest(pr=("14",)))
    assert str(context.version) == "0.5.2"
    lines.tag(context)
    assert peeled(sandbox, "0.5.2") == sandbox.bare.sha("refs/heads/release-0.5-20260601")


@pytest.mark.slow
def test_platform_jobs_of_the_tag_are_no_checks_of_the_branch(
    context: Context, sandbox: Sandbox, doubles: Doubles
) -> None:
    """Once tagged, the same commit has the platform's failed jobs among its check runs."""
    doubles.fail = {"lepton-web"}
    with pytest.raises(Failed, match=PLATFORM):
        pipelines.patch(context, line=LINE, wanted=DOCS)
    doubles.fail = set()
    doubles.runs_of(PLATFORM)[0].rerun_failed()
    pipelines.patch(again(context), line=LINE, wanted=DOCS)
    released(sandbox, "0.6.3")


@pytest.mark.slow
def test_the_next_patch_is_said_by_the_tag(context: Context) -> None:
    pipelines.patch(context, line=LINE, wanted=DOCS)
    assert re.search(r"tag 0\.6\.3 at [0-9a-f]{9}", printed(context))
