"""Individual releases: one component alone, gated, raced, killed, refused, accepted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import doubles as doubled
import pytest
from conftest import FakeClock, again, open_context, printed
from doubles import IMAGES, PLATFORM, SDK, Doubles
from gate import BREAK, FIT, FIX, OPENAPI, program, settings, tag
from outside import cloud_content, dispatches, everything, git, peeled, remote_refs, writes
from typed import Type, typing_in

from release.artifacts import component_release
from release.audit.expected import expected_state
from release.audit.receipt import proved_receipt
from release.call.context import Context, Facts
from release.errors import Blocked, Conflict, Failed, ReleaseError, Usage, Waiting
from release.git.repository import repository
from release.git.tags import tagged_release
from release.sandbox import Sandbox
from release.sandbox.demo.component import merge_into_trunk
from release.tasks import pipelines
from release.versions import parse

pytestmark = pytest.mark.usefixtures("doubles")

WHEEL = "s3:release/leptonai-0.6.3-py3-none-any.whl"
BACKEND = ("lepton-api-server", "lepton-deployment-operator")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """One whose exchanges nobody holds against GitHub's description: the same ones are, elsewhere."""
    with Sandbox() as made:
        yield made


@pytest.fixture
def context(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Context:
    merge_into_trunk(sandbox, "fix: take what is released", FIT)
    merge_into_trunk(sandbox, "fix: be polite", FIX)
    return open_context(sandbox, monkeypatch, settings=settings(program(tmp_path)), clock=FakeClock())


@pytest.fixture
def typed(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Type:
    merge_into_trunk(sandbox, "fix: take what is released", FIT)
    monkeypatch.setenv("INVOKE_RELEASE_OASDIFF", program(tmp_path))
    return typing_in(sandbox, monkeypatch, capsys)


def message(sandbox: Sandbox, version: str) -> str:
    return sandbox.bare.git("cat-file", "tag", f"refs/tags/{version}").partition("\n\n")[2]


def body(sandbox: Sandbox, version: str) -> str:
    (found,) = (each for each in sandbox.github.hub.releases.values() if each.tag == version)
    assert not found.draft
    return str(found.body)


def refused(context: Context, kind: type[ReleaseError], **flags: str) -> ReleaseError:
    with pytest.raises(kind) as raised:
        pipelines.component(context, **flags)
    return raised.value


# --- the sdk ---


def test_the_sdk_alone_is_tagged_at_the_trunks_head_and_released(
    context: Context, sandbox: Sandbox, doubles: Doubles
) -> None:
    before = set(cloud_content(sandbox))
    pipelines.component(context, "sdk")
    assert peeled(sandbox, "0.6.3") == remote_refs(sandbox)["refs/heads/main"]
    assert message(sandbox, "0.6.3").endswith("\nComponent: sdk\n")
    assert tagged_release(context, parse("0.6.3")).components == ("sdk",)  # type: ignore[union-attr]
    assert WHEEL in set(cloud_content(sandbox)) - before
    assert [run.asked.ref for run in doubles.runs_of(SDK)] == ["refs/tags/0.6.3"]
    assert "Only sdk is released here, not the other components of 0.6." in body(sandbox, "0.6.3")
    assert context.report.facts["tag"] == "0.6.3"


def test_f27_again_and_a_third_time_nothing_is_written(context: Context, sandbox: Sandbox) -> None:
    pipelines.component(context, "sdk")
    before, asked = everything(sandbox), writes(sandbox)
    for _ in range(2):
        second = again(context)
        pipelines.component(second, "sdk")
        assert "sdk 0.6.3 is released" in printed(second)
    assert everything(sandbox) == before
    assert writes(sandbox) == asked


def test_a_dry_run_shows_all_of_it_and_writes_nothing(context: Context, sandbox: Sandbox) -> None:
    for name, last in (
        ("sdk", "wheel s3://lepton-sdk/release/leptonai-0.6.3"),
        ("backend", "images lepton-api-server:0.6.3"),
    ):
        before = everything(sandbox)
        dry = again(context, dry=True)
        pipelines.component(dry, name)
        assert everything(sandbox) == before
        for each in (f"tag 0.6.3 at {peeled_head(sandbox)} for {name} alone", last, "GitHub Release 0.6.3 published"):
            assert f"○ {each}" in printed(dry)
    assert writes(sandbox) == []


def peeled_head(sandbox: Sandbox) -> str:
    return remote_refs(sandbox)["refs/heads/main"][:9]


@pytest.mark.slow
def test_it_is_proved_from_outside_as_what_it_is(context: Context) -> None:
    pipelines.component(context, "sdk")
    claimed = expected_state(again(context), parse("0.6.3"))
    assert (claimed.component, claimed.images, claimed.wheel) == ("sdk", (), True)
    subjects = proved_receipt(again(context), parse("0.6.3"))["subject"]
    wheel = "s3://lepton-sdk/release/leptonai-0.6.3-py3-none-any.whl"
    older = {f"lepton:photon-py{python}-runner-0.6.2" for python in ("3.7", "3.8", "3.9", "3.10", "3.11")}
    assert {each["name"] for each in subjects} == {wheel, *older}  # the images that its config.py names


# --- the gate ---


def test_incompatible_writes_nothing_and_names_the_coordinated_release(context: Context, sandbox: Sandbox) -> None:
    merge_into_trunk(sandbox, "feat: call it delete", BREAK)
    before = everything(sandbox)
    assert refused(context, Blocked, name="sdk").hint == "Make a coordinated release: inv release.minor --version 0.7.0"
    assert everything(sandbox) == before
    assert writes(sandbox) == []


@pytest.mark.slow
def test_an_accepted_reason_is_in_the_tag_and_in_the_github_release(context: Context, sandbox: Sandbox) -> None:
    merge_into_trunk(sandbox, "feat: call it delete", BREAK)
    pipelines.component(context, "sdk", accept="nobody called it:\n asked all teams")
    assert "\nComponent: sdk\nAccepted: nobody called it: asked all teams\n" in message(sandbox, "0.6.3")
    assert "incompatible" in message(sandbox, "0.6.3")
    assert "accepted: nobody called it: asked all teams" in body(sandbox, "0.6.3")
    pipelines.component(again(context), "sdk")  # what the tag says needs no second reason
    assert dispatches(sandbox, SDK) == 1


def test_a_missing_tool_blocks_until_somebody_answers_for_it(context: Context, sandbox: Sandbox) -> None:
    merge_into_trunk(sandbox, "docs: say more", (OPENAPI, "description: All photons.", "description: Each photon."))
    missing = again(context, settings=settings("no-such-oasdiff"))
    assert '--accept "REASON"' in refused(missing, Blocked, name="sdk").hint
    pipelines.component(again(missing), "sdk", accept="compared by hand")
    assert "could not tell" in message(sandbox, "0.6.3")


def test_a_reason_that_was_not_needed_is_not_recorded(context: Context, sandbox: Sandbox) -> None:
    pipelines.component(context, "sdk", accept="just in case")
    assert "Accepted" not in message(sandbox, "0.6.3")
    assert "was not needed" in printed(context)


def test_accept_without_a_reason_is_a_usage_error(sandbox: Sandbox, typed: Type) -> None:
    for flags in (
        ("--accept",),
        ("--accept", "--yes"),
        ("--accept", ""),
        ("--accept", " \t"),
        ("--accept", "--", "--yes"),
        ("--accept", "a\x1b[2J", "--yes"),
        ("--accept", "x" * 501),
    ):
        done = typed("release.component", "--name", "sdk", *flags)
        assert (done.code, "--accept" in done.err) == (2, True), (flags, done)
    assert typed("release.component").code == 2
    assert typed("release.component", "--name", "cli").code == 2
    assert writes(sandbox) == []


def test_a_line_without_tags_blocks(context: Context, sandbox: Sandbox) -> None:
    assert "nothing of 0.8 is released yet" in refused(context, Blocked, name="sdk", version="0.8.1").problem
    assert writes(sandbox) == []


# --- which tag ---


def test_what_is_released_with_everything_else_from_that_commit_is_not_released_again(
    context: Context, sandbox: Sandbox, doubles: Doubles
) -> None:
    tag(sandbox, "0.7.0")
    assert "is not there" in refused(context, Failed, name="sdk").problem
    doubles.put_wheel("0.7.0")
    told = again(context)
    pipelines.component(told, "sdk")
    assert "0.7.0 released sdk with everything else" in printed(told)
    assert writes(sandbox) == []


def test_f12_a_version_that_is_something_else_is_a_conflict(context: Context, sandbox: Sandbox) -> None:
    assert "0.6.2 released everything together" in refused(context, Conflict, name="sdk", version="0.6.2").problem
    tag(sandbox, "0.6.3", "Release web 0.6.3 alone\n\nComponent: web")
    assert "0.6.3 released web" in refused(again(context), Conflict, name="sdk", version="0.6.3").problem
    assert refused(again(context), Usage, name="sdk", version="0.6.0-rc.1").code == 2
    assert writes(sandbox) == []


def test_what_else_the_tag_builds_is_said_before_it_is_pushed(context: Context) -> None:
    """11-3: all three images of the platform, and nobody had said so."""
    said = "the tag's push builds lepton-api-server, lepton-deployment-operator too (a workflow of web's own is set by"
    trial = again(context, dry=True)
    pipelines.component(trial, "web")
    assert f"{said} release.components.web.workflow)" in printed(trial)
    trial = again(context, dry=True)
    pipelines.component(trial, "sdk")
    assert "push builds" not in printed(trial)


@pytest.mark.slow
def test_two_components_of_one_commit_have_a_version_each(context: Context, sandbox: Sandbox) -> None:
    pipelines.component(context, "sdk")
    # As in one call of both: inv release.component … release.component …
    second = again(context, facts=Facts(version=parse("0.6.3")))
    pipelines.component(second, "web")
    head = remote_refs(sandbox)["refs/heads/main"]
    assert [peeled(sandbox, version) for version in ("0.6.3", "0.6.4")] == [head, head]
    assert expected_state(again(context), parse("0.6.4")).images == ("lepton-web",)
    proved_receipt(again(context), parse("0.6.3"))


@pytest.mark.parametrize("stops", ["gate.tag", "dispatch", "run", "page"])
@pytest.mark.slow
def test_f27_killed_anywhere_it_goes_on_with_the_same_tag(
    context: Context, sandbox: Sandbox, doubles: Doubles, monkeypatch: pytest.MonkeyPatch, stops: str
) -> None:
    def killed(*_: Any, **__: Any) -> Any:
        raise SystemExit(137)

    with monkeypatch.context() as patch:
        place = {"gate.tag": "tasks.pipelines.release_component", "page": "audit.receipt.draft_release"}.get(stops)
        if place:
            patch.setattr(f"release.{place}", killed)
        elif stops == "dispatch":
            patch.setattr("release.github.follow.follow_runs", killed)
        else:
            patch.setattr("release.artifacts.s3.prove_wheel_run", killed)
        with pytest.raises(SystemExit):
            pipelines.component(context, "sdk")
    pipelines.component(again(context), "sdk")
    assert [name for name in remote_refs(sandbox) if name.startswith("refs/tags/0.6.")][-1] == "refs/tags/0.6.3"
    assert dispatches(sandbox, SDK) == 1
    assert body(sandbox, "0.6.3")


@pytest.mark.slow
def test_f27_a_trunk_that_moved_on_takes_a_new_tag_unless_the_old_one_is_named(
    context: Context, sandbox: Sandbox, doubles: Doubles
) -> None:
    doubles.hang = {SDK}
    refused(again(context, timeout=1), Waiting, name="sdk")
    merge_into_trunk(sandbox, "fix: politely", ("web/extra.txt", "", "more\n"))
    doubles.runs_of(SDK)[0].end()
    doubles.hang = set()
    pipelines.component(again(context), "sdk", version="0.6.3")
    pipelines.component(again(context), "sdk")
    assert peeled(sandbox, "0.6.4") == remote_refs(sandbox)["refs/heads/main"] != peeled(sandbox, "0.6.3")
    assert dispatches(sandbox, SDK) == 2


# --- races and leftovers ---


@pytest.mark.parametrize("other", ["sdk", "web"])
@pytest.mark.slow
def test_f06_f34_of_two_people_one_gets_the_number_and_the_other_exit_3_unless_both_meant_the_same(
    context: Context, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    pushed: Callable[..., None] = component_release.push_version_tag

    def too_late(*arguments: Any, **options: Any) -> None:
        tag(sandbox, "0.6.3", f"Release {other} 0.6.3 alone\n\nComponent: {other}")
        pushed(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(component_release, "push_version_tag", too_late)
        if other == "sdk":
            pipelines.component(context, "sdk")
        else:
            assert refused(context, Conflict, name="sdk").code == 3
    assert repository(context).local_tag("0.6.3") is None
    pipelines.component(again(context), "sdk")
    assert (peeled(sandbox, "0.6.4") is None) == (other == "sdk")


def test_a_number_that_went_to_another_component_meanwhile_is_a_conflict(
    context: Context, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = component_release.gate

    def slow(*arguments: Any) -> Any:
        tag(sandbox, "0.6.3", "Release web 0.6.3 alone\n\nComponent: web")
        return asked(*arguments)

    monkeypatch.setattr(component_release, "gate", slow)
    assert "somebody tagged 0.6.3 meanwhile: web" in refused(context, Conflict, name="sdk").problem


def test_f09_a_leftover_local_tag_is_named_and_left_alone(context: Context, sandbox: Sandbox) -> None:
    git(sandbox.work, "fetch", "-q", "origin", "main")
    git(sandbox.work, "tag", "-a", "-m", "Mine", "0.6.3", "FETCH_HEAD")
    assert "git tag -d 0.6.3" in refused(context, Conflict, name="sdk").hint
    assert git(sandbox.work, "tag", "--list", "0.6.3") == "0.6.3"
    assert peeled(sandbox, "0.6.3") is None


def test_f20_what_is_out_before_its_tag_is_a_conflict(context: Context, sandbox: Sandbox, doubles: Doubles) -> None:
    doubles.put_wheel("0.6.3")
    doubles.push("lepton-web", "0.6.3")
    assert "the wheel of 0.6.3 exists already" in refused(context, Conflict, name="sdk").problem
    assert "image lepton-web:0.6.3 exists already" in refused(again(context), Conflict, name="web").problem
    assert writes(sandbox) == []


def test_f14_the_workflows_own_token_may_release_the_sdk_but_no_images(
    context: Context, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    from release.sandbox.github.records import JOB_TOKEN

    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_TOKEN", JOB_TOKEN)
    refs = remote_refs(sandbox)
    assert "starts no workflow" in refused(again(context), Usage, name="backend").problem
    assert remote_refs(sandbox) == refs


# --- backend and web ---


def test_the_backends_images_are_proved_and_no_others(
    context: Context, sandbox: Sandbox, doubles: Doubles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doubled, "IMAGES", BACKEND)  # a repository whose tag builds these two alone
    pipelines.component(context, "backend")
    assert {f"{name}:0.6.3" for name in BACKEND} <= set(cloud_content(sandbox))
    assert "image lepton-web" not in printed(context)
    assert dispatches(sandbox) == 0
    assert len(doubles.runs_of(PLATFORM)) == 1
    before, asked = everything(sandbox), writes(sandbox)
    pipelines.component(again(context), "backend")
    assert (everything(sandbox), writes(sandbox)) == (before, asked)


def test_f21_a_green_run_that_pushed_nothing_is_a_failure(context: Context, doubles: Doubles) -> None:
    doubles.silent = {PLATFORM}
    problem = refused(context, Failed, name="web")
    assert "images of web 0.6.3 are missing: lepton-web" in problem.problem
    assert refused(again(context), Failed, name="web").code == 1


@pytest.mark.slow
def test_f26_every_job_counts_unless_the_settings_say_which(
    context: Context, sandbox: Sandbox, doubles: Doubles, tmp_path: Path
) -> None:
    doubles.fail = {"lepton-web"}
    assert "failed" in refused(context, Failed, name="backend").problem
    for name in BACKEND:
        doubles.push(name, "0.6.3")
    refused(again(context), Failed, name="backend")
    narrowed = settings(program(tmp_path), {"backend": {"roles": list(BACKEND)}})
    pipelines.component(again(context, settings=narrowed), "backend")
    assert body(sandbox, "0.6.3")
    missing = settings(program(tmp_path), {"web": {"roles": ["lepton-web"]}})
    assert "lepton-web" in refused(again(context, settings=missing), Failed, name="web").problem


def test_a_fourth_component_with_a_workflow_of_its_own_is_settings_alone(
    context: Context, sandbox: Sandbox, doubles: Doubles, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = "on: workflow_dispatch\njobs: {pages: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}}\n"
    merge_into_trunk(sandbox, "ci: pages", (".github/workflows/pages.yaml", "", text))
    monkeypatch.setitem(doubled.JOBS, "pages.yaml", lambda _: {"pages": "success"})
    monkeypatch.setitem(doubled.EFFECTS, "pages.yaml", lambda doubles, _: doubles.push("pages", "0.6.3"))
    sandbox.cloud.client("ecr").create_repository(repositoryName="pages")  # type: ignore[union-attr]
    pages = {"path": "web", "has_interface": False, "workflow": "pages.yaml", "images": ["pages"]}
    pipelines.component(again(context, settings=settings(program(tmp_path), {"pages": pages})), "pages")
    assert message(sandbox, "0.6.3").endswith("\nComponent: pages\n")
    assert (dispatches(sandbox, "pages.yaml"), dispatches(sandbox)) == (1, 1)
    assert len(IMAGES) == 3


def test_a_coordinated_release_may_follow_from_a_commit_that_components_were_released_from(
    context: Context, sandbox: Sandbox
) -> None:
    tag(sandbox, "0.6.3", "Release sdk 0.6.3 alone\n\nComponent: sdk")
    tag(sandbox, "0.7.0")
    assert expected_state(context, parse("0.7.0")).shared
    tag(sandbox, "0.8.0")
    assert not expected_state(again(context), parse("0.7.0")).shared


def test_f29_a_component_is_tagged_by_the_same_rule(context: Context, sandbox: Sandbox) -> None:
    before = remote_refs(sandbox)
    with pytest.raises(Usage, match=r"0\.6\.9 does not come next") as refused:
        pipelines.component(context, "sdk", version="0.6.9")
    assert "--skip" in refused.value.hint
    assert sandbox.cloud
    gone = [{"imageTag": "photon-py3.8-runner-0.6.2"}]
    sandbox.cloud.client("ecr").batch_delete_image(repositoryName="lepton", imageIds=gone)
    with pytest.raises(Blocked, match=r"names image 0\.6\.2"):
        pipelines.component(again(context), "sdk", version="0.6")
    assert remote_refs(sandbox) == before


@pytest.mark.parametrize("version", ["0.7.0", "1.0.0"])
def test_f29_a_component_takes_no_number_of_a_line_that_has_no_release(
    context: Context, sandbox: Sandbox, version: str
) -> None:
    before = remote_refs(sandbox)
    with pytest.raises(Blocked, match=r"nothing of .* is released yet") as refused:
        pipelines.component(context, "sdk", version=version, accept="we want it so")
    assert f"inv release.minor --version {version}" in refused.value.hint
    assert remote_refs(sandbox) == before
