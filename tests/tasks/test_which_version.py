"""Which version comes next, on which line, and on which commit its tag may sit: one rule for every path."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from conftest import FakeClock, again, open_context, printed
from history import advance, cut, trunk, write_commit
from outside import everything, git, peeled, remote_refs, writes
from typed import Type, typing_in

from release.call.context import Context
from release.call.flags import PickRequest
from release.errors import Blocked, Conflict, ReleaseError, Usage
from release.git.choice import named_commit
from release.sandbox import Sandbox
from release.tasks import lines, picks, pipelines

pytestmark = pytest.mark.usefixtures("doubles")

LINE_6, CUT_7 = "release-0.6-20260901", "release-0.7-20261122"
DOCS, NAMES = PickRequest(pr=("14",)), PickRequest(pr=("15",))


@pytest.fixture
def context(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Context:
    return open_context(sandbox, monkeypatch, clock=FakeClock())


@pytest.fixture
def typed(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Type:
    return typing_in(sandbox, monkeypatch, capsys)


@pytest.fixture
def unshipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """End each release at its tag, where nothing beyond it is looked at."""
    monkeypatch.setattr("release.tasks.pipelines.ship", lambda *_: None)


def head(sandbox: Sandbox, branch: str) -> str:
    return remote_refs(sandbox)[f"refs/heads/{branch}"]


def shallow(sandbox: Sandbox, context: Context) -> Context:
    """Return the call in a clone cut at depth 1."""
    folder = sandbox.folder / "shallow"
    git(sandbox.folder, "clone", "-q", "--depth=1", sandbox.bare.path.as_uri(), str(folder))
    git(folder, "remote", "set-url", "origin", sandbox.github.clone_url)
    return again(context, folder=folder)


def refused(context: Context, sandbox: Sandbox, call: Callable[[Context], object]) -> ReleaseError:
    """Make the call, dry and for real, and return its refusal: nothing is written before it."""
    before = everything(sandbox)
    with pytest.raises(ReleaseError) as dry:
        call(again(context, dry=True))
    with pytest.raises(ReleaseError) as error:
        call(again(context))
    assert everything(sandbox) == before
    assert dry.value.problem == error.value.problem
    return error.value


# --- where a release branch was cut ---


@pytest.mark.parametrize("clone", [lambda _, one: again(one), shallow], ids=["whole", "shallow"])
def test_f06_a_branch_is_the_one_cut_at_the_commit_and_not_any_that_contains_it(
    context: Context, sandbox: Sandbox, clone: Any
) -> None:
    older = git(sandbox.work, "rev-parse", "origin/main~1")
    at = cut(sandbox, CUT_7)
    there = clone(sandbox, context)
    error = refused(there, sandbox, lambda one: lines.branch(one, "0.7.0", ref=older))
    assert (error.code, f"was cut at {at[:9]}, not at {older[:9]}" in error.problem) == (3, True)
    advance(sandbox, CUT_7)
    advance(sandbox, "main")
    assert lines.branch(again(there), "0.7.0", ref=at).name == f"refs/heads/{CUT_7}"


@pytest.mark.parametrize("clone", [lambda _, one: again(one), shallow], ids=["whole", "shallow"])
@pytest.mark.parametrize("moved", [True, False])
def test_f27_a_branch_that_was_merged_back_is_the_one_that_was_cut(
    context: Context, sandbox: Sandbox, clone: Any, moved: bool
) -> None:
    at = cut(sandbox, CUT_7)
    advance(sandbox, CUT_7)

    def write(*parents: str, **date: str) -> str:
        named = [text for parent in parents for text in ("-p", parent)]
        return str(sandbox.bare.git("commit-tree", *named, "-m", "More", "refs/heads/main^{tree}", **date).strip())

    if moved:  # by what was begun long before the cut
        older = write(f"{at}~1", GIT_COMMITTER_DATE="2020-01-01T00:00:00Z")
        sandbox.bare.update_ref("refs/heads/main", write("refs/heads/main", older))
    merge = write("refs/heads/main", f"refs/heads/{CUT_7}")
    sandbox.bare.update_ref("refs/heads/main", merge)
    there = clone(sandbox, context)
    assert lines.branch(again(there), "0.7.0", ref=at).name == f"refs/heads/{CUT_7}"
    error = refused(there, sandbox, lambda one: lines.branch(one, "0.7.0", ref="main"))
    assert f"was cut at {at[:9]}, not at {merge[:9]}" in error.problem


def test_f27_a_branch_cut_again_off_the_trunk_is_there_though_it_moved(context: Context, sandbox: Sandbox) -> None:
    picked = advance(sandbox, LINE_6)
    sandbox.bare.git("update-ref", "-d", f"refs/heads/{LINE_6}")
    lines.branch(context, "0.6", ref=picked)
    name = next(name for name in remote_refs(sandbox) if "release-0.6-" in name).removeprefix("refs/heads/")
    moved, asked = advance(sandbox, name), writes(sandbox)
    assert lines.branch(again(context), "0.6", ref=picked).sha == moved
    assert writes(sandbox) == asked


# --- which version, on which commit ---


@pytest.mark.parametrize(("version", "skip"), [("0.5.2", False), ("0.5.9", True), ("0.7.0", False)])
def test_f29_a_tag_sits_on_a_branch_of_its_own_line(
    context: Context, sandbox: Sandbox, version: str, skip: bool
) -> None:
    error = refused(again(context, skip=skip), sandbox, lambda one: lines.tag(one, version, ref=LINE_6))
    assert error.code == 3
    assert f"{version} at {head(sandbox, LINE_6)[:9]}: that is not on" in error.problem


@pytest.mark.parametrize("shared", [True, False])
def test_f29_a_patch_does_not_go_back_behind_the_last(context: Context, sandbox: Sandbox, shared: bool) -> None:
    """Every commit of the trunk before the line was cut is in the history of its branch too."""
    for _ in range(2):
        advance(sandbox, LINE_6)
    sandbox.bare.update_ref("refs/tags/0.6.3", head(sandbox, LINE_6))
    at = (
        peeled(sandbox, "0.6.0")
        if shared
        else git(sandbox.work, "-C", str(sandbox.bare.path), "rev-parse", f"{LINE_6}~1")
    )
    error = refused(context, sandbox, lambda one: lines.tag(one, "0.6.4", ref=str(at), shared=shared))
    assert isinstance(error, Conflict)
    assert "0.6.3 is beyond that" in error.problem


def test_f29_a_minor_does_not_go_back_behind_another_line(context: Context, sandbox: Sandbox) -> None:
    cut(sandbox, CUT_7)
    old = peeled(sandbox, "0.5.0")
    error = refused(context, sandbox, lambda one: lines.tag(one, "0.7.0", ref=str(old), shared=True))
    assert "0.6.2 is beyond that" in error.problem


def test_f29_a_patch_is_not_tagged_on_the_trunk(context: Context, sandbox: Sandbox) -> None:
    assert isinstance(refused(context, sandbox, lambda one: lines.tag(one, "0.6.3", ref="main")), Conflict)


@pytest.mark.parametrize(
    "call",
    [
        lambda one: lines.check(one, "0.6.9"),
        lambda one: lines.branch(one, "0.6.9"),
        lambda one: lines.tag(one, "0.6.9"),
        lambda one: pipelines.patch(one, version="0.6.9", wanted=DOCS),
        lambda one: pipelines.patch(one, version="0.6.9", wanted=DOCS, checks=False),
    ],
    ids=["check", "branch", "tag", "patch", "at once"],
)
@pytest.mark.usefixtures("unshipped")
def test_f29_a_version_that_leaves_others_out_is_said_on_purpose(
    context: Context, sandbox: Sandbox, call: Callable[[Context], object]
) -> None:
    error = refused(context, sandbox, call)
    assert (error.code, error.hint) == (2, "did you mean 0.6.3? To leave it out all the same: --skip")
    advance(sandbox, LINE_6)
    on_purpose = again(context, skip=True)
    call(on_purpose)
    assert printed(on_purpose).count("0.6.9 leaves out what comes next, 0.6.3 (--skip)") == 1


@pytest.mark.usefixtures("unshipped")
def test_f29_a_version_of_another_line_is_refused_before_anything_is_picked(context: Context, sandbox: Sandbox) -> None:
    skipping = again(context, skip=True)
    error = refused(skipping, sandbox, lambda one: pipelines.patch(one, line="0.6", version="0.5.9", wanted=DOCS))
    assert (error.code, error.hint) == (2, "inv release.patch --line 0.5")


def test_f29_to_skip_is_no_way_back(context: Context, sandbox: Sandbox) -> None:
    advance(sandbox, LINE_6)
    sandbox.bare.update_ref("refs/tags/0.6.5", head(sandbox, LINE_6))
    advance(sandbox, LINE_6)
    skipping = again(context, skip=True)
    assert "not after 0.6.5" in refused(skipping, sandbox, lambda one: lines.tag(one, "0.6.3")).problem


@pytest.mark.usefixtures("unshipped")
def test_f29_a_pre_release_that_is_named_is_what_is_tagged(context: Context, sandbox: Sandbox) -> None:
    pipelines.patch(context, version="0.6.3-rc.1", wanted=DOCS, checks=False)
    assert peeled(sandbox, "0.6.3-rc.1") == head(sandbox, LINE_6)
    assert peeled(sandbox, "0.6.3") is None


def without_an_image(sandbox: Sandbox) -> None:
    """Take an image away that config.py names on every branch."""
    assert sandbox.cloud
    gone = [{"imageTag": "photon-py3.8-runner-0.6.2"}]
    sandbox.cloud.client("ecr").batch_delete_image(repositoryName="lepton", imageIds=gone)


@pytest.mark.parametrize(
    "call",
    [
        lambda one: pipelines.patch(one, line="0.6", wanted=DOCS, checks=False),
        lambda one: pipelines.minor(one, "0.7.0", image=False),
    ],
    ids=["at once", "minor"],
)
def test_f29_no_flag_goes_round_the_images_that_config_names(
    context: Context, sandbox: Sandbox, call: Callable[[Context], object]
) -> None:
    without_an_image(sandbox)
    before = remote_refs(sandbox)
    with pytest.raises(Blocked, match=r"names image 0\.6\.2"):
        call(context)
    assert remote_refs(sandbox) == before


def test_f29_no_second_version_on_a_commit_unless_it_is_shared(context: Context, sandbox: Sandbox) -> None:
    sha = head(sandbox, LINE_6)
    error = refused(context, sandbox, lambda one: lines.tag(one, "0.6.3"))
    assert (error.code, "is 0.6.2 already" in error.problem) == (2, True)
    assert f"inv release.tag --version 0.6.3 --ref {sha} --shared" in error.hint
    lines.tag(again(context), "0.6.3", ref=sha, shared=True)
    assert peeled(sandbox, "0.6.3") == peeled(sandbox, "0.6.2")


@pytest.mark.usefixtures("unshipped")
def test_f29_a_minor_on_the_commit_of_another_is_refused_before_its_branch_is_cut(
    context: Context, sandbox: Sandbox
) -> None:
    pipelines.minor(context, "0.7.0", image=False)
    error = refused(context, sandbox, lambda one: pipelines.minor(one, "0.8.0", image=False))
    assert "is 0.7.0 already" in error.problem


def test_a_pre_release_becomes_the_release_at_its_own_commit(context: Context, sandbox: Sandbox) -> None:
    cut(sandbox, CUT_7)
    lines.tag(context, "0.7.0-rc.1")
    lines.tag(again(context), "0.7.0")
    assert peeled(sandbox, "0.7.0") == peeled(sandbox, "0.7.0-rc.1")


# --- clones and names ---


@pytest.mark.usefixtures("unshipped")
def test_f10_a_minor_goes_on_from_a_clone_of_depth_1_though_the_trunk_moved(context: Context, sandbox: Sandbox) -> None:
    pipelines.minor(context, "0.7.0", image=False)
    advance(sandbox, "main")
    asked, there = writes(sandbox), shallow(sandbox, context)
    pipelines.minor(there, "0.7.0", image=False)
    assert "tag 0.7.0 at" in printed(there)
    assert writes(sandbox) == asked


@pytest.mark.usefixtures("unshipped")
def test_a_release_begun_without_an_image_says_so_when_it_is_typed_with_one(context: Context, sandbox: Sandbox) -> None:
    """11-3: "5 of 5 images missing", and no word of --no-image."""
    pipelines.minor(context, "0.7.0", image=False)
    error = refused(context, sandbox, lambda one: pipelines.minor(one, "0.7.0"))
    assert error.problem == "0.7.0 is there already, and names image 0.6.2, not 0.7.0"
    assert error.hint == "Release it with that image: inv release.minor --version 0.7.0 --no-image"


def test_a_branch_cut_before_its_image_is_told_before_anything_is_built(context: Context, sandbox: Sandbox) -> None:
    cut(sandbox, CUT_7)
    error = refused(context, sandbox, lambda one: pipelines.minor(one, "0.7.0"))
    assert (error.code, error.hint) == (
        3, "Release it with that image: inv release.minor --version 0.7.0 --no-image",
    )  # fmt: skip


def test_a_dry_minor_whose_image_is_missing_builds_it_from_the_branch(context: Context, sandbox: Sandbox) -> None:
    sha = write_commit(sandbox, CUT_7, "sdk/leptonai/config.py", "0.6.2", "0.7.0", "Use image 0.7.0")
    sandbox.bare.update_ref("refs/heads/main", sha)
    dry = again(context, dry=True)
    pipelines.minor(dry, "0.7.0")
    assert f"run photon-runner-docker-images.yaml on {CUT_7}" in printed(dry)
    assert not [each for each in sandbox.github.requests if "0" * 40 in each.path]


def test_f09_a_name_is_the_remotes_first(context: Context, sandbox: Sandbox) -> None:
    git(sandbox.work, "tag", "--force", "0.6.2", "HEAD~1")
    git(sandbox.work, "branch", "feature", "HEAD~1")
    other = cut(sandbox, "feature", "refs/tags/0.5.0")
    assert named_commit(context, "0.6.2") == named_commit(context, "refs/tags/0.6.2") == peeled(sandbox, "0.6.2")
    assert "on the remote; the tag here is" in printed(context)
    assert named_commit(context, "feature") == other
    assert named_commit(context, "HEAD~1") == git(sandbox.work, "rev-parse", "HEAD~1")


def test_f09_a_tag_of_this_clone_alone_is_no_ref(context: Context, sandbox: Sandbox) -> None:
    git(sandbox.work, "tag", "0.8.0", "HEAD~1")
    error = refused(context, sandbox, lambda one: lines.branch(one, "0.7.0", ref="0.8.0"))
    assert (error.code, "of this clone alone" in error.problem) == (2, True)


def test_f11_a_name_of_a_branch_and_a_tag_has_to_be_told_apart(context: Context, sandbox: Sandbox) -> None:
    other = cut(sandbox, "0.6.2", "refs/tags/0.5.0")
    with pytest.raises(Usage, match="a branch and a tag"):
        named_commit(context, "0.6.2")
    assert named_commit(context, "refs/heads/0.6.2") == other


# --- one version a call ---

CHAIN = ("release.branch", "release.tag", "sdk.release", "--yes")


def test_f27_one_version_is_that_of_a_chain_typed_again(sandbox: Sandbox, typed: Type) -> None:
    assert typed(*CHAIN).code == 0
    before = remote_refs(sandbox)
    assert peeled(sandbox, "0.7.0") == trunk(sandbox)
    for _ in range(2):
        done = typed(*CHAIN)
        assert (done.code, remote_refs(sandbox)) == (0, before), done.err
    branch = next(name for name in before if "release-0.7" in name).removeprefix("refs/heads/")
    advance(sandbox, branch)
    advance(sandbox, "main")
    before = remote_refs(sandbox)
    done = typed(*CHAIN)
    assert (done.code, remote_refs(sandbox)) == (0, before), done.err
    assert "0.7.0 is not finished: going on with it" in done.out


def test_one_version_named_by_any_task_is_that_of_all(sandbox: Sandbox, typed: Type) -> None:
    done = typed("--dry", "release.branch", "--version", "0.7.0", "release.tag", "sdk.release", "image.release")
    assert done.code == 0, done.err
    for said in ("release branch release-0.7-", "tag 0.7.0 at", "sdk-release.yaml on 0.7.0", "branch image-0.7.0"):
        assert said in done.out
    assert writes(sandbox) == []


@pytest.mark.parametrize("place", [1, 2, 3])
def test_one_version_may_be_a_line_of_any_task(sandbox: Sandbox, typed: Type, place: int) -> None:
    chain = list(CHAIN[:3])
    for _ in range(2):
        done = typed(*chain[:place], "--version", "0.7", *chain[place:], "--yes")
        assert (done.code, peeled(sandbox, "0.7.0")) == (0, trunk(sandbox)), done.err
        assert peeled(sandbox, "0.7.1") is None


def test_one_version_of_an_older_line_is_that_of_all(sandbox: Sandbox, typed: Type) -> None:
    at = advance(sandbox, LINE_6)
    done = typed("release.branch", "release.tag", "--version", "0.6", "--yes")
    assert (done.code, peeled(sandbox, "0.6.3")) == (0, at), done.err


@pytest.mark.parametrize("line", ["0.7", "0.6"])
def test_one_version_and_the_line_of_another_are_refused(sandbox: Sandbox, typed: Type, line: str) -> None:
    cut(sandbox, CUT_7)
    before = everything(sandbox)
    done = typed("release.tag", "--version", "0.8.0" if line == "0.7" else "0.7", "release.branch", "--version", line)
    assert (done.code, "one call has one version" in done.err, everything(sandbox)) == (2, True, before)


def test_what_is_left_out_on_purpose_is_said_once_a_call(sandbox: Sandbox, typed: Type) -> None:
    done = typed("release.branch", "--version", "0.9.0", "release.tag", "--skip", "--yes")
    assert (done.code, peeled(sandbox, "0.9.0")) == (0, trunk(sandbox)), done.err
    assert done.out.count("0.9.0 leaves out what comes next, 0.7.0") == 1


def test_a_tag_alone_is_of_the_line_that_just_begins(context: Context, sandbox: Sandbox) -> None:
    lines.branch(context)
    lines.tag(again(context))
    assert peeled(sandbox, "0.7.0") == trunk(sandbox)


def test_a_branch_alone_goes_on_with_the_line_that_was_cut(context: Context, sandbox: Sandbox) -> None:
    lines.branch(again(context, skip=True), "0.8.0")
    asked = writes(sandbox)
    assert "release-0.8-" in lines.branch(again(context, skip=True)).name
    assert writes(sandbox) == asked


# --- hints that are true when they are typed ---


@pytest.mark.usefixtures("unshipped")
@pytest.mark.parametrize("wanted", [PickRequest(), DOCS])
def test_f27_a_patch_is_gone_on_with_though_its_branch_moved(
    context: Context, sandbox: Sandbox, wanted: PickRequest
) -> None:
    pipelines.patch(context, line="0.6", wanted=DOCS)
    picks.pick(again(context), line="0.6", wanted=NAMES)
    before = remote_refs(sandbox)
    late = again(context)
    pipelines.patch(late, version="0.6.3", wanted=wanted)
    assert remote_refs(sandbox) == before
    assert "0.6.3 is tagged: going on with it" in printed(late)


@pytest.mark.usefixtures("unshipped")
def test_f29_a_version_that_is_tagged_takes_no_more_picks(context: Context, sandbox: Sandbox) -> None:
    pipelines.patch(context, line="0.6", wanted=DOCS)
    error = refused(context, sandbox, lambda one: pipelines.patch(one, version="0.6.3", wanted=NAMES))
    assert (error.code, "0.6.3 is tagged without" in error.problem) == (3, True)


@pytest.mark.usefixtures("unshipped")
def test_a_patch_without_picks_says_that_nothing_is_new(context: Context, sandbox: Sandbox) -> None:
    pipelines.patch(context, line="0.6")
    assert f"0.6.2 is tagged: going on with it; {LINE_6} has nothing beyond it" in printed(context)
    assert writes(sandbox) == []


def test_f29_the_next_of_a_line_is_one_that_may_come_next(context: Context) -> None:
    with pytest.raises(Usage, match="does not come next") as refused:
        lines.next_(context, line="0.9")
    assert "0.7.0" in refused.value.hint
