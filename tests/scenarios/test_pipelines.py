"""Whole releases: in order, interrupted at every step, failed, too slow, dry."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from typing import Any

import pytest
from conftest import FakeClock, again, open_context, printed
from doubles import CHECKS, IMAGE, IMAGES, PLATFORM, PYTHONS, SDK, Doubles
from history import write_commit
from outside import cloud_content, dispatches, everything, peeled, remote_refs, writes

from release.call.context import Context
from release.config_py import constant
from release.errors import Conflict, Failed, ReleaseError, Unknown, Usage, Waiting
from release.github.api import github
from release.sandbox import Sandbox
from release.tasks import pipelines

pytestmark = pytest.mark.usefixtures("doubles")

DAY = datetime(2026, 11, 22, 12, tzinfo=timezone.utc).timestamp()
BRANCH = "refs/heads/release-0.7-20261122"
RUNNERS = [f"lepton:photon-py{python}-runner-0.7.0" for python in PYTHONS]
WHEEL = "s3:release/leptonai-0.7.0-py3-none-any.whl"
LOOKS = 14  # at the remote's refs, each a connection that people wait for
OUT = {*RUNNERS, WHEEL, *(f"{name}:0.7.0" for name in IMAGES)}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """One whose exchanges nobody holds against GitHub's description: the same ones are, where real jobs run."""
    with Sandbox() as made:
        yield made


@pytest.fixture
def context(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Context:
    return open_context(sandbox, monkeypatch, clock=FakeClock(DAY))


def named_image(sandbox: Sandbox, sha: str) -> str:
    text = sandbox.bare.git("show", f"{sha}:sdk/leptonai/config.py")
    return constant(text.encode(), "BASE_IMAGE_VERSION", "config.py")


def advance_trunk(sandbox: Sandbox) -> str:
    tree = sandbox.bare.git("rev-parse", "refs/heads/main^{tree}").strip()
    sha = sandbox.bare.git("commit-tree", "-p", "refs/heads/main", "-m", "More", tree).strip()
    sandbox.bare.update_ref("refs/heads/main", sha)
    return sha


def check_released(sandbox: Sandbox, version: str = "0.7.0", branch: str = BRANCH, image: bool = True) -> None:
    """Hold what is out against what a coordinated release has to leave."""
    refs, hub = remote_refs(sandbox), sandbox.github.hub
    sha = peeled(sandbox, version)
    assert sha is not None
    assert refs[branch] == sha
    assert sandbox.bare.is_ancestor(sha, refs["refs/heads/main"])
    expected = {each.replace("0.7.0", version) for each in OUT if image or each not in RUNNERS}
    assert {each for each in cloud_content(sandbox) if version in each} == expected
    if image:
        (pull,) = (pull for pull in hub.pulls.values() if pull.head == f"image-{version}")
        assert pull.merge_sha == sha
        assert named_image(sandbox, sha) == version
    (found,) = (each for each in hub.releases.values() if each.tag == version)
    assert not found.draft


# --- right, twice, and its order ---


def test_f27_minor_releases_and_a_second_run_writes_nothing(context: Context, sandbox: Sandbox) -> None:
    pipelines.minor(context)
    looks = sum("service=git-upload-pack" in each.query for each in sandbox.github.requests)
    assert looks <= LOOKS
    check_released(sandbox)
    before, asked = everything(sandbox), writes(sandbox)
    second = again(context)
    pipelines.minor(second)
    assert everything(sandbox) == before
    assert writes(sandbox) == asked
    assert "(to do)" not in printed(second)
    assert (dispatches(sandbox, SDK), dispatches(sandbox, IMAGE)) == (1, 1)
    assert "0.7.0 is released" in printed(second)


def test_a_plan_does_not_say_that_anything_is_released(context: Context, sandbox: Sandbox) -> None:
    """Neither where all is to do, nor where the draft alone is left to publish."""
    plan = again(context, dry=True)
    pipelines.minor(plan)
    assert "is released" not in printed(plan)
    pipelines.minor(again(context))
    (found,) = sandbox.github.hub.releases.values()
    found.draft = True
    plan = again(context, dry=True)
    pipelines.minor(plan)
    assert "○ GitHub Release 0.7.0 published" in printed(plan)
    assert "is released" not in printed(plan)


@pytest.mark.slow
def test_each_image_that_is_out_is_looked_up_once(context: Context, sandbox: Sandbox) -> None:
    pipelines.minor(context)
    assert sandbox.cloud
    start = len(sandbox.cloud.requests)
    pipelines.minor(again(context))
    found = [each.body for each in sandbox.cloud.requests[start:] if "DescribeImages" in str(each.headers)]
    asked = Counter(f"{body['repositoryName']}:{each['imageTag']}" for body in found for each in body["imageIds"])
    assert (len(asked), set(asked.values())) == (8, {1})


@pytest.mark.slow
def test_the_image_comes_first_and_the_tag_after_its_merge(context: Context, sandbox: Sandbox) -> None:
    pipelines.minor(context)
    order = [
        r"^POST .*git-receive-pack",  # branch image-0.7.0
        r"^POST .*git-receive-pack",  # the lease on the dispatch
        rf"^POST .*{IMAGE}/dispatches",
        r"^POST .*git-receive-pack",  # it is let go
        r"^POST .*/pulls$",
        r"^PUT .*/pulls/1/merge",
        r"^POST .*git-receive-pack",  # the image's branch goes
        r"^POST .*git-receive-pack",  # the release branch
        r"^POST .*git-receive-pack",  # the tag
        r"^POST .*git-receive-pack",  # the lease on the dispatch
        rf"^POST .*{SDK}/dispatches",
        r"^POST .*git-receive-pack",  # it is let go
        r"^POST .*/releases$",
        r"^PATCH .*/releases/",
    ]
    asked = [each for each in writes(sandbox) if "/assets" not in each]
    assert len(asked) == len(order), "\n".join(asked)
    for pattern, request in zip(order, asked, strict=True):
        assert re.search(pattern, request), (pattern, request)


@pytest.mark.slow
def test_f15_the_merge_sends_the_head_that_was_built(context: Context, sandbox: Sandbox, doubles: Doubles) -> None:
    pipelines.minor(context)
    (merge,) = (each for each in sandbox.github.requests if each.path.endswith("/merge"))
    (run,) = doubles.runs_of(IMAGE)
    assert merge.body["sha"] == run.asked.sha


@pytest.mark.slow
def test_f04_every_run_built_the_commit_that_was_meant(context: Context, sandbox: Sandbox, doubles: Doubles) -> None:
    pipelines.minor(context)
    (sdk,), (platform,) = doubles.runs_of(SDK), doubles.runs_of(PLATFORM)
    assert sdk.asked.sha == platform.asked.sha == peeled(sandbox, "0.7.0")
    assert (sdk.asked.ref, sdk.asked.inputs["is_release"]) == ("refs/tags/0.7.0", True)


@pytest.mark.slow
def test_major(context: Context, sandbox: Sandbox) -> None:
    pipelines.major(context)
    check_released(sandbox, "1.0.0", "refs/heads/release-1.0-20261122")
    asked = writes(sandbox)
    pipelines.major(again(context))
    assert writes(sandbox) == asked


@pytest.mark.slow
def test_no_image_leaves_the_image_out(context: Context, sandbox: Sandbox) -> None:
    pipelines.minor(context, image=False)
    check_released(sandbox, image=False)
    assert dispatches(sandbox, IMAGE) == 0
    assert sandbox.github.hub.pulls == {}
    asked = writes(sandbox)
    pipelines.minor(again(context), image=False)
    assert writes(sandbox) == asked


@pytest.mark.parametrize(
    ("task", "version", "hint"),
    [
        (pipelines.minor, "0.8.0", "did you mean 0.7.0? To leave it out all the same: --skip"),
        (pipelines.minor, "0.6.3", "inv release.patch --line 0.6"),
        (pipelines.major, "0.7.0", "inv release.minor --version 0.7.0"),
        (pipelines.minor, "v0.7.0", "did you mean 0.7.0?"),
        (pipelines.major, "0.7", "inv release.minor --version 0.7.0"),
    ],
)
def test_a_wrong_version_is_refused_before_anything_is_made(
    context: Context, sandbox: Sandbox, task: Any, version: str, hint: str
) -> None:
    with pytest.raises(Usage) as refused:
        task(context, version)
    assert refused.value.hint == hint
    assert writes(sandbox) == []


# --- dry ---


def test_dry_minor_writes_nothing_and_names_everything(context: Context, sandbox: Sandbox) -> None:
    before = everything(sandbox)
    dry = again(context, dry=True, yes=False)
    pipelines.minor(dry)
    assert everything(sandbox) == before
    assert writes(sandbox) == []
    shown = printed(dry)
    for exact in (
        "branch image-0.7.0",
        "run photon-runner-docker-images.yaml on image-0.7.0",
        "version=0.7.0, is_release=true",
        "photon-py3.7-runner-0.7.0",
        "pull request image-0.7.0 → main",
        "release-0.7-20261122",
        "tag 0.7.0",
        "lepton-web:0.7.0",
        "run sdk-release.yaml on 0.7.0",
        "publish_s3=true, is_release=true",
        "s3://lepton-sdk/release/leptonai-0.7.0-py3-none-any.whl",
        "GitHub Release 0.7.0",
    ):
        assert exact in shown


@pytest.mark.slow
def test_dry_minor_in_the_middle_of_a_release_shows_what_is_done(
    context: Context, sandbox: Sandbox, doubles: Doubles
) -> None:
    doubles.hang = {SDK, PLATFORM}
    with pytest.raises(Waiting):
        pipelines.minor(again(context, timeout=1))
    before, asked = everything(sandbox), writes(sandbox)
    dry = again(context, dry=True, yes=False)
    pipelines.minor(dry)
    assert everything(sandbox) == before
    assert writes(sandbox) == asked
    states = {line.split(" ")[0] for line in printed(dry).splitlines() if "tag 0.7.0" in line}
    assert states == {"✔"}
    assert "(to do)" in printed(dry)


# --- interrupted at every step (F27) ---

STEPS = {
    "the image's branch": ("POST", "git-receive-pack"),
    "the image's dispatch": ("POST", f"{IMAGE}/dispatches"),
    "the image's run": ("GET", r"actions/runs/\d+/jobs"),
    "the pull request": ("POST", "/pulls\\?"),
    "the merge": ("PUT", "/merge"),
    "the branch's end": ("POST", "git-receive-pack"),
    "the release branch": ("POST", "git-receive-pack"),
    "the tag": ("POST", "git-receive-pack"),
    "the platform's run": ("GET", r"actions/runs\?"),
    "the SDK's dispatch": ("POST", f"{SDK}/dispatches"),
    "the draft": ("POST", "/releases\\?"),
    "the publication": ("PATCH", "/releases/"),
}
LATER = {"the branch's end": 3, "the release branch": 4, "the tag": 5}  # pushes before it, a lease's two too
LOST = ("the image's dispatch", "the merge", "the tag", "the SDK's dispatch", "the publication")


def interrupt(sandbox: Sandbox, step: str, **fault: Any) -> None:
    """Have the step fail: the request of its kind, after the earlier ones of the same kind."""
    method, path = STEPS[step]
    if step in LATER:
        sandbox.github.faults.add(method, path, times=LATER[step])
    sandbox.github.faults.add(method, path, **fault)


def check_goes_on(context: Context, sandbox: Sandbox) -> None:
    """Hold that the same call goes on to the end, that the next one writes nothing, and nothing was run twice."""
    sandbox.github.faults.clear()
    pipelines.minor(again(context))
    check_released(sandbox)
    asked = writes(sandbox)
    pipelines.minor(again(context))
    assert writes(sandbox) == asked
    dispatched = [run for run in sandbox.github.hub.runs.values() if run.start.event == "workflow_dispatch"]
    assert len(dispatched) == 2


QUICK = ("the SDK's dispatch",)


def corners(steps: Iterable[str]) -> list[Any]:
    """Return the steps, marking for CI alone those that are not quick."""
    return [step if step in QUICK else pytest.param(step, marks=pytest.mark.slow) for step in steps]


@pytest.mark.parametrize("step", corners(STEPS))
def test_f27_refused_at_any_step_it_goes_on_from_there(context: Context, sandbox: Sandbox, step: str) -> None:
    interrupt(sandbox, step, status=403, times=None, body={"message": "Not now."})
    with pytest.raises(Failed) as failed:
        pipelines.minor(context)
    assert failed.value.code == 1
    check_goes_on(context, sandbox)


@pytest.mark.parametrize("step", corners(LOST))
def test_f02_an_answer_lost_at_any_write_is_looked_up(context: Context, sandbox: Sandbox, step: str) -> None:
    interrupt(sandbox, step, status=502, after=True)
    pipelines.minor(context)
    check_goes_on(context, sandbox)


@pytest.mark.parametrize("step", corners(["the SDK's dispatch", "the merge"]))
def test_f01_a_write_that_never_arrived_is_unknown_and_sent_once(context: Context, sandbox: Sandbox, step: str) -> None:
    interrupt(sandbox, step, drop=True)
    with pytest.raises(Unknown) as unknown:
        pipelines.minor(context)
    assert unknown.value.code == 5
    assert sum(bool(re.search(STEPS[step][1], each)) for each in writes(sandbox)) == 1
    check_goes_on(context, sandbox)


# --- failed, silent, too slow ---


@pytest.mark.parametrize(
    ("job", "workflow"),
    [
        ("publish-s3", SDK),
        pytest.param("photon-runner (3.9)", IMAGE, marks=pytest.mark.slow),
        pytest.param("test-package (3.11)", SDK, marks=pytest.mark.slow),
        pytest.param("lepton-web", PLATFORM, marks=pytest.mark.slow),
    ],
)
def test_a_failed_job_is_shown_with_the_tail_of_its_log_and_goes_on_once_it_is_mended(
    context: Context, sandbox: Sandbox, doubles: Doubles, job: str, workflow: str
) -> None:
    doubles.fail = {job}
    with pytest.raises(Failed, match=workflow) as failed:
        pipelines.minor(context)
    assert failed.value.code == 1
    shown = printed(context)
    assert f"job {job} failed in step Run the job" in shown
    assert f"  | {job} says failure" in shown
    assert "| line 30" in shown
    assert "| line 1\n" not in shown
    doubles.fail = set()
    (run,) = doubles.runs_of(workflow)
    run.rerun_failed()  # as somebody does on GitHub
    pipelines.minor(again(context))
    check_released(sandbox)
    assert len(doubles.runs_of(workflow)) == 1


@pytest.mark.slow
def test_a_failed_run_is_not_started_again_by_itself(context: Context, sandbox: Sandbox, doubles: Doubles) -> None:
    doubles.fail = {"publish-s3"}
    for one in (context, again(context)):
        with pytest.raises(Failed):
            pipelines.minor(one)
    assert dispatches(sandbox, SDK) == 1
    assert sandbox.github.hub.releases == {}


def test_f21_a_green_image_run_that_pushed_nothing_fails(context: Context, sandbox: Sandbox, doubles: Doubles) -> None:
    doubles.silent = {IMAGE}
    with pytest.raises(Failed, match=r"images of 0\.7\.0 are missing"):
        pipelines.minor(context)
    assert peeled(sandbox, "0.7.0") is None
    assert [pull for pull in sandbox.github.hub.pulls.values() if pull.merged_at] == []


def test_f21_an_image_that_somebody_else_pushed_is_not_overwritten(
    context: Context, sandbox: Sandbox, doubles: Doubles
) -> None:
    doubles.push("lepton", "photon-py3.9-runner-0.7.0", "theirs")
    before = cloud_content(sandbox)
    with pytest.raises(Conflict, match="exists already"):
        pipelines.minor(context)
    assert cloud_content(sandbox) == before
    assert dispatches(sandbox) == 0


@pytest.mark.parametrize("workflow", [SDK, PLATFORM])
@pytest.mark.slow
def test_a_green_run_that_left_nothing_fails(context: Context, doubles: Doubles, workflow: str) -> None:
    doubles.silent = {workflow}
    with pytest.raises(Failed):
        pipelines.minor(context)


@pytest.mark.parametrize("workflow", [SDK, *(pytest.param(each, marks=pytest.mark.slow) for each in (IMAGE, PLATFORM))])
@pytest.mark.slow
def test_a_wait_that_times_out_is_taken_up_again(
    context: Context, sandbox: Sandbox, doubles: Doubles, workflow: str
) -> None:
    doubles.hang = {workflow}
    for one in (context, again(context)):
        one.timeout = 1
        with pytest.raises(Waiting, match=r"the runs? go(es)? on") as waiting:
            pipelines.minor(one)
        assert waiting.value.code == 4
        assert "same" in waiting.value.hint
    (run,) = doubles.runs_of(workflow)
    run.end()
    pipelines.minor(again(context))
    check_released(sandbox)
    assert (dispatches(sandbox, SDK), dispatches(sandbox, IMAGE)) == (1, 1)


# --- the world moves meanwhile ---


@pytest.mark.parametrize(
    "stop", ["the tag is pushed", pytest.param("the release branch is cut", marks=pytest.mark.slow)]
)
@pytest.mark.slow
def test_f27_an_unfinished_release_goes_on_though_the_trunk_moved(
    context: Context, sandbox: Sandbox, doubles: Doubles, stop: str
) -> None:
    if stop == "the tag is pushed":
        doubles.hang = {SDK}
        with pytest.raises(Waiting):
            pipelines.minor(again(context, timeout=1))
        doubles.runs_of(SDK)[0].end()
    else:
        sandbox.github.faults.add("POST", "git-receive-pack", times=5)  # the image's branch and lease, the line's
        sandbox.github.faults.add("POST", "git-receive-pack", status=403, times=1)
        with pytest.raises(ReleaseError):
            pipelines.minor(again(context))
        assert BRANCH in remote_refs(sandbox)
    assert (peeled(sandbox, "0.7.0") is not None) == (stop == "the tag is pushed")
    advance_trunk(sandbox)
    last = again(context, clock=FakeClock(DAY + 86_400))
    pipelines.minor(last)
    assert str(last.version) == "0.7.0"
    check_released(sandbox)


@pytest.mark.slow
def test_a_finished_release_and_a_trunk_that_moved_are_the_next_minor(context: Context, sandbox: Sandbox) -> None:
    pipelines.minor(context)
    advance_trunk(sandbox)
    pipelines.minor(again(context))
    check_released(sandbox)
    check_released(sandbox, "0.8.0", "refs/heads/release-0.8-20261122")


@pytest.mark.slow
def test_f18_the_images_branch_may_be_deleted_by_the_merge(context: Context, sandbox: Sandbox) -> None:
    sandbox.github.hub.settings.delete_branch_on_merge = True
    pipelines.minor(context)
    asked = writes(sandbox)
    pipelines.minor(again(context))
    check_released(sandbox)
    assert writes(sandbox) == asked


@pytest.mark.slow
def test_f17_the_pull_request_that_somebody_opened_is_taken(
    context: Context, sandbox: Sandbox, doubles: Doubles
) -> None:
    doubles.hang = {IMAGE}
    with pytest.raises(Waiting):
        pipelines.minor(again(context, timeout=1))
    (run,) = doubles.runs_of(IMAGE)
    run.end()
    body = {"title": "By hand", "head": "image-0.7.0", "base": "main", "body": ""}
    theirs = github(context).send("POST", "pulls", body)
    pipelines.minor(again(context))
    check_released(sandbox)
    assert sandbox.github.hub.pulls[theirs["number"]].merged_at


@pytest.mark.slow
def test_checks_of_the_release_branch_do_not_count_as_the_platform(
    context: Context, sandbox: Sandbox, doubles: Doubles
) -> None:
    doubles.fail = {"checks"}
    pipelines.minor(context)
    check_released(sandbox)
    assert doubles.runs_of(CHECKS)


@pytest.mark.parametrize("image", [True, False])
def test_f27_an_image_that_nobody_can_prove_stops_a_release_before_it_begins(
    context: Context, sandbox: Sandbox, doubles: Doubles, image: bool
) -> None:
    """Made before this tool, and named on the trunk: all was built, and the GitHub Release stayed a draft for good."""
    write_commit(sandbox, "main", "sdk/leptonai/config.py", "0.6.2", "0.7.0")
    for python in PYTHONS:
        doubles.push("lepton", f"photon-py{python}-runner-0.7.0")
    before = everything(sandbox)
    with pytest.raises(Conflict, match=r"image 0\.7\.0 is out") as refused:
        pipelines.minor(again(context), version="0.7.0", image=image)
    assert "--version 0.8.0 --skip" in refused.value.hint
    assert everything(sandbox) == before
    plan = again(context, dry=True, skip=True)
    pipelines.minor(plan, version="0.8.0")
    assert "○ tag 0.8.0" in printed(plan)
