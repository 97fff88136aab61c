"""The runner image: every tag there, no old one touched, its pull request merged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from conftest import FakeClock, again, open_context, printed
from doubles import IMAGE, PYTHONS, Doubles
from history import snapshot
from outside import cloud_content, dispatches, everything, git, remote_refs, writes

from release.artifacts.image_release import bump_apart, bump_line
from release.audit.expected import expected_state
from release.audit.proofs import image_origin_proofs
from release.call.context import Context
from release.call.flags import ImageRun
from release.errors import Blocked, Conflict, Failed, Unknown, Usage
from release.git.choice import chosen_version
from release.git.lines import needed_branch
from release.git.refs import RemoteRef
from release.git.repository import repository
from release.github.pulls import delete_branch, merged_branches
from release.sandbox import Sandbox
from release.settings import Image, Platform
from release.tasks import image, lines, platform
from release.versions import parse, parse_line

TAGS = [f"photon-py{python}-runner-0.7.0" for python in PYTHONS]
CONFIG = "sdk/leptonai/config.py"
NAMED = 'BASE_IMAGE_VERSION = "0.7.0"  # set by image.bump'


@pytest.fixture(autouse=True)
def doubles(sandbox: Sandbox) -> Doubles:
    return Doubles(sandbox, silent={"platform.yaml"})


@pytest.fixture
def context(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Context:
    return open_context(sandbox, monkeypatch, clock=FakeClock())


def images(sandbox: Sandbox, version: str = "0.7.0") -> dict[str, str]:
    return {name: digest for name, digest in cloud_content(sandbox).items() if name.endswith(f"runner-{version}")}


def on_branch(sandbox: Sandbox, name: str = "my-image") -> None:
    """Check out a clean, pushed branch of one's own."""
    git(sandbox.work, "switch", "-qc", name)
    git(sandbox.work, "push", "-q", str(sandbox.bare.path), name)


# --- right, twice, dry ---


def test_f21_every_image_is_there_and_every_old_one_the_same(sandbox: Sandbox, context: Context) -> None:
    old = cloud_content(sandbox)
    merged = image.release(context, "0.7.0")
    assert sorted(images(sandbox)) == sorted(f"lepton:{tag}" for tag in TAGS)
    assert {name: digest for name, digest in cloud_content(sandbox).items() if name in old} == old
    assert merged == remote_refs(sandbox)["refs/heads/main"]
    assert NAMED in (sandbox.bare.file("refs/heads/main", CONFIG) or "")
    assert context.report.facts["image_tags"].split() == TAGS


def test_the_second_time_nothing_is_written(sandbox: Sandbox, context: Context) -> None:
    image.release(context, "0.7.0")
    before, written = everything(sandbox), writes(sandbox)
    image.release(again(context), "0.7.0")
    assert (everything(sandbox), writes(sandbox)) == (before, written)


def test_what_is_out_is_looked_up_once_all_in_one_request(sandbox: Sandbox, context: Context) -> None:
    image.release(context, "0.7.0")
    assert sandbox.cloud
    asked = len(sandbox.cloud.requests)
    image.release(again(context), "0.7.0")
    assert len(sandbox.cloud.requests) == asked + 1


def test_a_dry_run_writes_nothing(sandbox: Sandbox, context: Context) -> None:
    before = everything(sandbox)
    dry = again(context, dry=True)
    image.release(dry, "0.7.0")
    assert everything(sandbox) == before
    assert writes(sandbox) == []
    for words in ("branch image-0.7.0 from main", f"run {IMAGE}", TAGS[0], "pull request image-0.7.0", "merge pull"):
        assert words in printed(dry)


def test_from_a_branch_of_ones_own_that_stays(sandbox: Sandbox, context: Context) -> None:
    on_branch(sandbox)
    image.release(context, "0.7.0")
    refs = remote_refs(sandbox)
    assert NAMED in (sandbox.bare.file("refs/heads/main", CONFIG) or "")
    assert "refs/heads/my-image" in refs, "only a branch that the tool made goes with its pull request"
    assert "refs/heads/image-0.7.0" not in refs


def test_f17_a_second_image_from_the_same_branch_has_its_own_pull_request(sandbox: Sandbox, context: Context) -> None:
    """10-17: the first one, merged at an older commit of the branch, was adopted, which ended in a conflict."""
    on_branch(sandbox)
    for version in ("0.7.0", "0.7.1"):
        image.release(again(context), version)
    assert [pull.head for pull in sandbox.github.hub.pulls.values()] == ["my-image"] * 2
    assert NAMED.replace("0.7.0", "0.7.1") in (sandbox.bare.file("refs/heads/main", CONFIG) or "")


def test_s06_config_py_is_changed_in_one_place_and_never_imported(sandbox: Sandbox, context: Context) -> None:
    path = sandbox.work / CONFIG
    path.write_text(path.read_text() + "raise SystemExit('imported')\n")
    on_branch(sandbox)
    git(sandbox.work, "commit", "-qam", "Make it dangerous")
    git(sandbox.work, "push", "-q", str(sandbox.bare.path), "my-image")
    image.bump(context, "0.7.0")
    assert git(sandbox.work, "diff", "--numstat", "HEAD~1").split() == ["1", "1", CONFIG]


# --- never overwritten ---


def test_f21_a_tag_that_exists_before_its_bump_is_a_conflict(
    sandbox: Sandbox, context: Context, doubles: Doubles
) -> None:
    doubles.push("lepton", TAGS[3])
    before = everything(sandbox)
    for task in (image.release, lambda *given: image.release(*given, flags=ImageRun(again=True))):
        with pytest.raises(Conflict, match=f"image lepton:{TAGS[3]} exists already") as caught:
            task(again(context), "0.7.0")
        assert caught.value.hint == "Images are never overwritten; choose the next version."
    assert everything(sandbox) == before
    on_branch(sandbox)
    with pytest.raises(Conflict, match="exists already"):
        image.bump(again(context), "0.7.0")
    assert "refs/heads/image-0.7.0" not in remote_refs(sandbox)


def test_f21_an_old_image_that_changed_meanwhile_is_named(sandbox: Sandbox, context: Context, doubles: Doubles) -> None:
    old = "photon-py3.9-runner-0.6.2"
    overwrite = lambda: doubles.push("lepton", old, "something else")  # noqa: E731
    sandbox.github.faults.add("POST", "/dispatches", call=overwrite)
    was = cloud_content(sandbox)[f"lepton:{old}"]
    with pytest.raises(Conflict, match="1 of 15 in lepton of ecr changed meanwhile") as caught:
        image.release(context, "0.7.0")
    assert f"{old}: was {was}, is {cloud_content(sandbox)[f'lepton:{old}']}" in caught.value.problem
    assert caught.value.code == 3
    assert sandbox.github.hub.pulls == {}, "nothing goes on"


@pytest.mark.slow
def test_f21_a_green_run_that_pushed_nothing_fails(sandbox: Sandbox, context: Context, doubles: Doubles) -> None:
    doubles.silent.add(IMAGE)
    with pytest.raises(Failed, match=r"5 of 5 images of 0\.7\.0 are missing") as caught:
        image.release(context, "0.7.0")
    assert caught.value.hint == "Build them: inv image.release --version 0.7.0 --again"
    doubles.silent.discard(IMAGE)
    image.release(again(context), "0.7.0", flags=ImageRun(again=True))
    assert dispatches(sandbox, IMAGE) == 2


def test_f21_one_missing_image_of_five_fails_and_a_new_run_is_refused(
    sandbox: Sandbox, context: Context, doubles: Doubles
) -> None:
    """A new run would push the four again; the failed jobs alone may run again."""
    doubles.silent.add(IMAGE)
    sandbox.github.faults.add("POST", "/dispatches", call=lambda: [doubles.push("lepton", tag) for tag in TAGS[:4]])
    with pytest.raises(Failed, match=r"1 of 5 images of 0\.7\.0 are missing"):
        image.release(context, "0.7.0")
    with pytest.raises(Conflict, match="a new run would push it again"):
        image.release(again(context), "0.7.0", flags=ImageRun(again=True))
    assert dispatches(sandbox, IMAGE) == 1


@pytest.mark.parametrize("purpose", [True, False], ids=["asked for", "not"])
@pytest.mark.parametrize("base", ["photon-py3.9-base", "py3.11.4-base"])
def test_base_images_may_change_only_on_purpose(
    sandbox: Sandbox, context: Context, doubles: Doubles, base: str, purpose: bool
) -> None:
    """The version of a Python is not the image's."""
    doubles.push("lepton", base, "old")
    push = lambda: doubles.push("lepton", base, "new")  # noqa: E731
    sandbox.github.faults.add("POST", "/dispatches", call=push)
    if purpose:
        image.release(context, "0.7.0", flags=ImageRun(build_base=True))
        assert sandbox.github.hub.pulls[1].state == "closed", "merged"
    else:
        with pytest.raises(Conflict, match=f"(?s)changed meanwhile:.*{base}: was"):
            image.release(context, "0.7.0")
        assert sandbox.github.hub.pulls == {}


def test_a_branch_that_had_the_trunk_merged_into_it_keeps_its_images(
    sandbox: Sandbox, context: Context, doubles: Doubles
) -> None:
    """The base wanted it up to date; the images were built one commit earlier."""
    doubles.hang.add(IMAGE)
    head = bump_apart(context, chosen_version(context, "0.7.0"))
    run, _ = image.dispatch(again(context), "0.7.0")
    doubles.runs_of(IMAGE)[0].end()
    sandbox.bare.update_ref(
        "refs/heads/image-0.7.0",
        sandbox.bare.git("commit-tree", f"{head.sha}^{{tree}}", "-p", head.sha, text="x").strip(),
    )
    late = again(context)
    image.release(late, "0.7.0")
    assert f"on image-0.7.0 ({head.sha[:9]}) with version=0.7.0, is_release=true (already)" in printed(late)
    assert late.report.facts["run_id"] == run.id
    assert dispatches(sandbox, IMAGE) == 1
    assert NAMED in (sandbox.bare.file("refs/heads/main", CONFIG) or "")


@pytest.mark.parametrize("ended", [False, True])
def test_a_run_of_an_earlier_commit_of_the_branch_counts_for_dispatch_watch_and_proof(
    sandbox: Sandbox, context: Context, doubles: Doubles, ended: bool
) -> None:
    """Defect 14: the watch knew no such run, and a dispatch while it went on started a second one."""
    doubles.hang.add(IMAGE)
    head = bump_apart(context, chosen_version(context, "0.7.0"))
    run, _ = image.dispatch(again(context), "0.7.0")
    grown = sandbox.bare.git("commit-tree", f"{head.sha}^{{tree}}", "-p", head.sha, text="x").strip()
    sandbox.bare.update_ref(head.name, grown)
    if ended:
        doubles.runs_of(IMAGE)[0].end()
    assert image.dispatch(again(context), "0.7.0")[0].id == run.id
    if not ended:
        doubles.runs_of(IMAGE)[0].end()
    assert image.watch(again(context), "0.7.0").id == run.id
    image.release(again(context), "0.7.0")
    lines.branch(again(context), "0.7.0")
    lines.tag(again(context), "0.7.0")
    proof = next(image_origin_proofs(again(context), expected_state(context, parse("0.7.0"))))
    assert (proof.name, proof.run.rpartition("/")[2]) == ("image run", str(run.id))
    assert dispatches(sandbox, IMAGE) == 1


def test_a_run_of_another_version_on_the_branch_does_not_count(
    sandbox: Sandbox, context: Context, doubles: Doubles
) -> None:
    """A release branch has the runs of all its images: the commit says which one is of which."""
    doubles.silent.add(IMAGE)
    head = bump_line(context, parse("0.6.3"), line_branch(context))
    first, _ = image.dispatch(again(context), "0.6.3", ref="release-0.6-20260901")
    bump_line(again(context), parse("0.6.4"), head)
    second, _ = image.dispatch(again(context), "0.6.4", ref="release-0.6-20260901")
    assert first.id < second.id
    assert second.head_sha != first.head_sha == head.sha


def line_branch(context: Context) -> RemoteRef:
    return needed_branch(context, parse_line("0.6"))


# --- the branch afterwards ---


def test_the_branch_goes_with_its_pull_request_while_it_is_ours(sandbox: Sandbox, context: Context) -> None:
    image.release(context, "0.7.0")
    assert "refs/heads/image-0.7.0" not in remote_refs(sandbox)
    assert "branch image-0.7.0 deleted" in printed(context)


def test_f33_a_branch_left_by_a_kill_after_the_merge_goes_with_the_next_call(
    sandbox: Sandbox, context: Context
) -> None:
    image.release(context, "0.7.0")
    (pull,) = sandbox.github.hub.pulls.values()
    sandbox.bare.update_ref("refs/heads/image-0.7.0", pull.head_sha)
    sandbox.bare.update_ref("refs/heads/image-0.6.2", str(sandbox.bare.sha("refs/tags/0.6.2")))  # never merged
    assert [each.name for each in merged_branches(again(context), "image-*")] == ["refs/heads/image-0.7.0"]
    image.release(again(context), "0.7.0")
    assert "refs/heads/image-0.7.0" not in remote_refs(sandbox)
    sandbox.bare.update_ref("refs/heads/image-0.7.0", str(sandbox.bare.sha("refs/heads/main")))
    before = everything(sandbox)
    image.release(again(context), "0.7.0")
    assert everything(sandbox) == before, "a branch that is elsewhere by now is somebody's own"


def test_a_branch_that_somebody_pushed_to_stays(sandbox: Sandbox, context: Context) -> None:
    other = str(sandbox.bare.sha("refs/tags/0.6.2"))
    head = bump_apart(context, chosen_version(context, "0.7.0"))
    sandbox.bare.update_ref(head.name, other)
    late = again(context)
    delete_branch(late, head)
    assert remote_refs(sandbox)["refs/heads/image-0.7.0"] == other
    assert f"has moved on to {other[:9]}: it stays" in printed(late)


@pytest.mark.parametrize("moment", ["before the push", "during the push"])
def test_a_branch_that_moves_in_the_last_moment_stays_too(sandbox: Sandbox, context: Context, moment: str) -> None:
    """The push that deletes it has a lease: the server compares."""
    head = bump_apart(context, chosen_version(context, "0.7.0"))
    other = str(sandbox.bare.sha("refs/tags/0.6.2"))
    if moment == "before the push":
        sandbox.bare.update_ref(head.name, other)
    else:
        move = lambda: sandbox.bare.update_ref(head.name, other)  # noqa: E731
        sandbox.github.faults.add("POST", "git-receive-pack", call=move)
    with pytest.raises((Conflict, Failed)):
        repository(context).delete_ref(head.name, head.sha)
    assert remote_refs(sandbox)[head.name] == other


def test_f18_a_release_branch_is_no_place_for_it(sandbox: Sandbox, context: Context) -> None:
    with pytest.raises(Usage, match=r"release-0\.6-20260901 is a release branch"):
        image.pr(context, "0.6.2", ref="release-0.6-20260901")
    assert writes(sandbox) == []


def test_the_merged_commit_must_name_the_version(sandbox: Sandbox, context: Context) -> None:
    """Whatever was merged: its config.py is read again."""
    tree = sandbox.bare.git("rev-parse", "refs/heads/main^{tree}").strip()

    def merge_something_else() -> None:
        hub, pull = sandbox.github.hub, sandbox.github.hub.pulls[1]
        main = str(hub.head("main"))
        sha = sandbox.bare.git("commit-tree", tree, "-p", main, "-p", pull.head_sha, text="Nothing").strip()
        sandbox.bare.update_ref("refs/heads/main", sha)
        from release.sandbox.github.events import notice_refs

        notice_refs(hub)

    sandbox.github.faults.add("PUT", "/merge", status=502, call=merge_something_else)
    with pytest.raises(Failed, match=r"was merged, but its sdk/leptonai/config\.py does not name 0\.7\.0"):
        image.release(context, "0.7.0")


# --- what a tag may name ---


def test_a_tag_whose_config_names_a_missing_image_is_blocked(
    sandbox: Sandbox, context: Context, doubles: Doubles
) -> None:
    assert sandbox.cloud
    gone = [{"imageTag": "photon-py3.8-runner-0.6.2"}]
    sandbox.cloud.client("ecr").batch_delete_image(repositoryName="lepton", imageIds=gone)
    lines.branch(context, "0.7.0")
    for late in (again(context, dry=True), again(context)):
        with pytest.raises(
            Blocked, match=r"names image 0\.6\.2, but photon-py3\.8-runner-0\.6\.2 is not in lepton"
        ) as caught:
            lines.tag(late, "0.7.0")
        assert caught.value.code == 6
        assert caught.value.hint == "Build it: inv image.release --version 0.6.2"
    assert "refs/tags/0.7.0" not in remote_refs(sandbox)


def test_a_tag_whose_config_names_an_older_image_is_fine_and_said(sandbox: Sandbox, context: Context) -> None:
    lines.branch(context, "0.7.0")
    lines.tag(context, "0.7.0")
    assert f"{CONFIG} names image 0.6.2, older than the release; it is in the registry" in printed(context)


def test_a_repository_without_an_image_sets_no_config_file(sandbox: Sandbox, context: Context) -> None:
    settings = replace(context.settings, image=replace(context.settings.image, config_file=""))
    context = again(context, settings=settings)
    lines.branch(context, "0.7.0")
    lines.tag(context, "0.7.0")
    assert "refs/tags/0.7.0" in remote_refs(sandbox)
    assert sandbox.cloud
    assert sandbox.cloud.requests == []


# --- a checkout is the user's ---


def kept(sandbox: Sandbox) -> dict[str, str]:
    """What a bump that failed must leave; the obstacle itself is in the config, and git-merge notes where it began."""
    return {path: found for path, found in snapshot(sandbox.work).items() if not path.endswith(("config", "ORIG_HEAD"))}


def _lock(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    (sandbox.work / ".git" / "index.lock").touch()


def _hook(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    hook = sandbox.work / ".git" / "hooks" / "commit-msg"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho not so >&2; exit 1\n")
    hook.chmod(0o755)


def _key(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"commit.gpgSign": "true", "gpg.format": "ssh", "user.signingKey": "/nowhere/key"}.items():
        git(sandbox.work, "config", name, value)


def _ctrl_c(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("release.git.repository.Repository.commit", stop)


def _cut(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox.github.faults.add("POST", "git-receive-pack", drop=True, times=None)


@pytest.mark.parametrize("obstacle", [_lock, _hook, _key, _ctrl_c, _cut])
def test_f25_f27_a_bump_that_fails_leaves_the_checkout_as_it_was(
    sandbox: Sandbox, context: Context, obstacle: Callable[[Sandbox, pytest.MonkeyPatch], None]
) -> None:
    """10-11: config.py stayed changed, and the next call refused its own leftover as uncommitted changes."""
    on_branch(sandbox)
    before = kept(sandbox)
    with pytest.MonkeyPatch.context() as patch:
        obstacle(sandbox, patch)
        with pytest.raises((Failed, Unknown, KeyboardInterrupt)):
            image.bump(again(context), "0.7.0")
    assert kept(sandbox) == before
    sandbox.github.faults.clear()
    (sandbox.work / ".git" / "hooks" / "commit-msg").unlink(missing_ok=True)
    git(sandbox.work, "config", "commit.gpgSign", "false")
    (sandbox.work / ".git" / "index.lock").unlink(missing_ok=True)
    image.bump(again(context), "0.7.0")
    assert NAMED in (sandbox.bare.file("refs/heads/my-image", CONFIG) or "")
    assert git(sandbox.work, "rev-parse", "HEAD") == remote_refs(sandbox)["refs/heads/my-image"]
    assert git(sandbox.work, "status", "--short") == ""
    asked = writes(sandbox)
    image.bump(again(context), "0.7.0")
    assert writes(sandbox) == asked


def test_f33_what_a_bump_left_that_was_killed_once_pushed_goes_with_the_next(
    sandbox: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its commit is on the remote, so the next makes no worktree, and looked at nothing that was left."""
    on_branch(sandbox)
    with monkeypatch.context() as patch:
        patch.setattr("release.git.scratch._remove", lambda *_: None)
        image.bump(again(context), "0.7.0")
    assert len(git(sandbox.work, "worktree", "list").splitlines()) == 2
    image.bump(again(context), "0.7.0")
    assert len(git(sandbox.work, "worktree", "list").splitlines()) == 1


def test_f21_no_images_are_no_proof(context: Context) -> None:
    """Nothing was printed, exit 0: it read as a proof."""
    settings = replace(context.settings, image=Image(pythons=()), platform=Platform(images=()))
    none = replace(context, settings=settings)
    image.check(none, version="0.6.2")
    platform.check(none, version="0.6.2")
    assert printed(none).count("to prove: the settings name none") == 2


def test_f21_base_images_stay_as_they_are_unless_they_are_asked_for(
    sandbox: Sandbox, context: Context, doubles: Doubles
) -> None:
    """A tag without a version is no image of any release: it too is the same after a run that was not to push it."""
    doubles.push("lepton", "photon-py3.11-base", "old")
    push = lambda: doubles.push("lepton", "photon-py3.11-base", "new")  # noqa: E731
    sandbox.github.faults.add("POST", "/dispatches", call=push)
    with pytest.raises(Conflict, match=r"photon-py3\.11-base"):
        image.release(context, "0.7.0")
