"""Runs: judged before they are asked for, asked for once, bound to their commit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import requests
from conftest import FakeClock, again, open_context, printed
from doubles import IMAGE, SDK, Doubles
from history import edit, write_release
from outside import dispatches, peeled, writes

from release.call.context import Context
from release.call.flags import ImageRun, SdkRun
from release.errors import Conflict, Failed, Unknown, Usage
from release.git.remotes import api_url, sign_in
from release.github.api import github
from release.sandbox import Sandbox
from release.sandbox.github.records import TOKEN, Token
from release.settings import Image, Release, Sdk, Settings
from release.tasks import image, lines, sdk

INPUTS = {"publish_s3": "true", "is_release": "true"}
OTHER = "another-token"
POLL = Release(poll=2.0)


@pytest.fixture(autouse=True)
def doubles(sandbox: Sandbox) -> Doubles:
    return Doubles(sandbox, silent={"platform.yaml"})


@pytest.fixture
def context(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Context:
    """A world in which 0.7.0 is tagged."""
    write_release(sandbox)
    return open_context(sandbox, monkeypatch, clock=FakeClock(), settings=Settings(release=POLL))


def tagged(context: Context) -> Context:
    lines.branch(context, "0.7.0")
    lines.tag(context, "0.7.0")
    return again(context)


def dispatch(sandbox: Sandbox, ref: str = "0.7.0", token: str = TOKEN, **inputs: str) -> int:
    """Ask for a run as somebody else would; return its id."""
    url = f"{sandbox.github.api_url}/repos/acme/platform/actions/workflows/{SDK}/dispatches"
    body = {"ref": ref, "inputs": inputs or INPUTS, "return_run_details": True}
    answer = requests.post(url, json=body, headers={"Authorization": f"Bearer {token}"}, timeout=30)
    answer.raise_for_status()
    return max(sandbox.github.hub.runs)


def sdk_runs(sandbox: Sandbox) -> list[Any]:
    return [run for run in sandbox.github.hub.runs.values() if run.start.path.endswith(SDK)]


# --- asked for once ---


@pytest.mark.parametrize("answer", ["details", "none", "reject"])
def test_f03_every_way_a_server_answers_a_dispatch(sandbox: Sandbox, context: Context, answer: str) -> None:
    sandbox.github.hub.settings.dispatch_answer = answer
    run, request = sdk.dispatch(context, "0.7.0")
    assert [run.id] == [each.id for each in sdk_runs(sandbox)]
    assert run.head_sha == peeled(sandbox, "0.7.0") == request.sha
    asked = [each for each in sandbox.github.requests if each.path.endswith("/dispatches")]
    assert [bool(each.body.get("return_run_details")) for each in asked] == [True, False][: len(asked)]
    assert len(asked) == (2 if answer == "reject" else 1)
    assert {each.headers["x-github-api-version"] for each in asked} == {"2022-11-28"}
    assert context.report.facts["run_id"] == run.id


def test_f03_without_an_id_it_is_the_run_of_ours_among_new_ones(sandbox: Sandbox, context: Context) -> None:
    """Somebody else asked for the same in the same moment: theirs is not taken for ours, which is the later (F1)."""
    hub = sandbox.github.hub
    hub.tokens[OTHER] = Token("somebody")
    hub.settings.dispatch_answer = "none"
    sandbox.github.faults.add("POST", "/dispatches", call=lambda: dispatch(sandbox, token=OTHER))
    run, _ = sdk.dispatch(context, "0.7.0")
    theirs, ours = sdk_runs(sandbox)
    assert (run.id, run.actor) == (theirs.id, "somebody")
    assert f"run {ours.id} is cancelled: run {theirs.id} was asked for before it" in printed(context)


def test_f03_the_run_of_ours_is_found_where_nobody_tells_who_we_are(sandbox: Sandbox, context: Context) -> None:
    """An app's token may not ask who it is: the one new run is ours then."""
    sandbox.github.hub.settings.dispatch_answer = "none"
    body = {"message": "Resource not accessible by integration"}
    sandbox.github.faults.add("GET", r"^(/api/v3)?/user\?", status=403, body=body, times=None)
    run, _ = sdk.dispatch(context, "0.7.0")
    assert [run.id] == [each.id for each in sdk_runs(sandbox)]
    assert any(each.path.endswith("/user") for each in sandbox.github.requests)


def test_f01_f02_a_run_behind_a_lost_answer_is_adopted(sandbox: Sandbox, context: Context) -> None:
    sandbox.github.faults.add("POST", "/dispatches", status=502, after=True)
    run, _ = sdk.dispatch(context, "0.7.0")
    assert [run.id] == [each.id for each in sdk_runs(sandbox)]
    assert dispatches(sandbox, SDK) == 1


def test_f01_f02_a_cut_connection_is_looked_into_too(sandbox: Sandbox, context: Context) -> None:
    sandbox.github.faults.add("POST", "/dispatches", drop=True)
    with pytest.raises(Unknown):
        sdk.dispatch(context, "0.7.0")
    assert dispatches(sandbox, SDK) == 1


def test_f02_no_run_behind_a_lost_answer_is_unknown(sandbox: Sandbox, context: Context) -> None:
    """Nothing is asked again blindly; what to look at is said, and the same command goes on from what it finds."""
    sandbox.github.faults.add("POST", "/dispatches", status=502)
    with pytest.raises(Unknown) as caught:
        sdk.dispatch(context, "0.7.0")
    assert caught.value.code == 5
    where = f"{sandbox.github.url}/acme/platform/actions/workflows/{SDK}"
    then = "The same command takes it when it is there, and asks again when it is not."
    assert caught.value.hint == f"Look for one: {where}\n{then}"
    assert caught.value.problem.endswith(f"; no run of {SDK} at {str(peeled(sandbox, '0.7.0'))[:9]} shows")
    assert (dispatches(sandbox, SDK), sdk_runs(sandbox)) == (1, [])
    assert sum(context.clock.slept) >= 60
    sdk.dispatch(again(context), "0.7.0")
    assert (dispatches(sandbox, SDK), len(sdk_runs(sandbox))) == (2, 1)


def test_f02_two_runs_behind_a_lost_answer_are_refused(sandbox: Sandbox, context: Context) -> None:
    sandbox.github.faults.add("POST", "/dispatches", status=502, after=True, call=lambda: dispatch(sandbox))
    with pytest.raises(Conflict) as caught:
        sdk.dispatch(context, "0.7.0")
    for run in sdk_runs(sandbox):
        assert f"{run.id}  success  {sandbox.github.hub.html}/actions/runs/{run.id}" in caught.value.problem
    assert "Choose one, such as: inv sdk.release --version 0.7.0 --run 10" in caught.value.hint


def test_f01_a_refused_dispatch_is_not_repeated(sandbox: Sandbox, context: Context) -> None:
    sandbox.github.faults.add("POST", "/dispatches", status=403, body={"message": "Must have admin rights"})
    with pytest.raises(Failed, match="Must have admin rights"):
        sdk.dispatch(context, "0.7.0")
    assert dispatches(sandbox, SDK) == 1


@pytest.mark.parametrize("answer", [{"status": 403}, {"status": 200, "body": b'{"jobs": ['}, {"drop": True}])
def test_f01_jobs_that_cannot_be_read_start_no_second_run(
    sandbox: Sandbox, context: Context, answer: dict[str, Any]
) -> None:
    """They were taken for a wrong run's, and a green release was asked for again."""
    run, _ = sdk.dispatch(context, "0.7.0")
    sandbox.github.faults.add("GET", "/jobs", times=None, **answer)
    with pytest.raises(Failed) as caught:
        sdk.dispatch(again(context), "0.7.0")
    assert caught.value.hint
    assert dispatches(sandbox, SDK) == 1
    sandbox.github.faults.clear()
    assert sdk.dispatch(again(context), "0.7.0")[0].id == run.id


def test_a_run_that_github_shows_late_is_waited_for(sandbox: Sandbox, context: Context) -> None:
    sandbox.github.faults.add("GET", r"/actions/runs/[0-9]+\?", status=404, times=3, body={"message": "Not Found"})
    run, _ = sdk.dispatch(context, "0.7.0")
    assert [run.id] == [each.id for each in sdk_runs(sandbox)]


# --- bound to its commit ---


def test_f04_a_run_of_another_commit_fails_the_release(sandbox: Sandbox, context: Context) -> None:
    other = sandbox.bare.sha("refs/tags/0.6.2")
    move = lambda: sandbox.bare.update_ref("refs/tags/0.7.0", str(other))  # noqa: E731
    sandbox.github.faults.add("POST", "/dispatches", call=move)
    with pytest.raises(Failed, match=f"builds {str(other)[:9]}, not {str(peeled(sandbox, '0.7.0'))[:9]}: 0.7.0 moved"):
        sdk.dispatch(context, "0.7.0")


def test_a_run_that_goes_on_is_attached_to(sandbox: Sandbox, context: Context, doubles: Doubles) -> None:
    doubles.hang.add(SDK)
    first, _ = sdk.dispatch(context, "0.7.0")
    second, _ = sdk.dispatch(again(context), "0.7.0")
    assert (first.id, dispatches(sandbox, SDK)) == (second.id, 1)


def test_a_run_that_succeeded_is_taken_until_a_new_one_is_wanted(sandbox: Sandbox, context: Context) -> None:
    first, _ = sdk.dispatch(context, "0.7.0")
    assert sdk.dispatch(again(context), "0.7.0")[0].id == first.id
    newer, _ = sdk.dispatch(again(context), "0.7.0", flags=SdkRun(again=True))
    assert newer.id > first.id
    assert dispatches(sandbox, SDK) == 2
    assert sdk.dispatch(again(context), "0.7.0")[0].id == newer.id


def test_a_green_run_with_other_boxes_ticked_is_not_the_one(sandbox: Sandbox, context: Context) -> None:
    useless = dispatch(sandbox, publish_s3="false", is_release="true")
    run, _ = sdk.dispatch(context, "0.7.0")
    assert run.id > useless


def test_a_failed_run_offers_both_ways_on(sandbox: Sandbox, context: Context, doubles: Doubles) -> None:
    doubles.fail.add("test-package (3.11)")
    failed, _ = sdk.dispatch(context, "0.7.0")
    with pytest.raises(Failed, match="ended: failure") as caught:
        sdk.dispatch(again(context), "0.7.0")
    assert "inv sdk.release --version 0.7.0 --rerun-failed" in caught.value.hint
    assert "inv sdk.release --version 0.7.0 --again" in caught.value.hint
    assert dispatches(sandbox, SDK) == 1
    assert sdk.dispatch(again(context, rerun_failed=True), "0.7.0")[0].id == failed.id
    assert sdk.dispatch(again(context), "0.7.0", flags=SdkRun(again=True))[0].id > failed.id


def test_several_runs_are_refused_and_one_is_chosen(sandbox: Sandbox, context: Context, doubles: Doubles) -> None:
    doubles.hang.add(SDK)
    runs = [dispatch(sandbox), dispatch(sandbox)]
    with pytest.raises(Conflict, match=r"2 runs of sdk-release\.yaml") as caught:
        sdk.dispatch(context, "0.7.0")
    assert all(f"{run}  in_progress  {sandbox.github.hub.html}/actions/runs/{run}" in str(caught.value) for run in runs)
    assert sdk.dispatch(again(context), "0.7.0", flags=SdkRun(run=str(runs[0])))[0].id == runs[0]
    assert dispatches(sandbox, SDK) == 2


def test_a_chosen_run_must_be_of_the_workflow_and_the_commit(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    context = tagged(open_context(sandbox, monkeypatch, clock=FakeClock(), settings=Settings(release=POLL)))
    platform = next(run.id for run in sandbox.github.hub.runs.values() if run.start.path.endswith("platform.yaml"))
    with pytest.raises(Usage, match=f"run {platform} is of platform.yaml, not of {SDK}"):
        sdk.dispatch(context, "0.7.0", flags=SdkRun(run=str(platform)))
    older = dispatch(sandbox, "0.6.2")
    with pytest.raises(Failed, match=f"run {older} builds"):
        sdk.dispatch(again(context), "0.7.0", flags=SdkRun(run=str(older)))
    with pytest.raises(Usage, match="--run ١٢ is no run's id"):
        sdk.dispatch(again(context), "0.7.0", flags=SdkRun(run="١٢"))
    with pytest.raises(Failed, match="404"):
        sdk.dispatch(again(context), "0.7.0", flags=SdkRun(run="99999"))


def test_a_dry_run_judges_and_shows_and_asks_for_nothing(sandbox: Sandbox, context: Context) -> None:
    before = writes(sandbox)
    dry = again(context, dry=True)
    sdk.dispatch(dry, "0.7.0")
    assert "run sdk-release.yaml on 0.7.0" in printed(dry)
    assert "publish_s3=true, is_release=true (to do)" in printed(dry)
    assert (writes(sandbox), sdk_runs(sandbox)) == (before, [])


def test_what_was_never_asked_for_is_not_there_to_watch(sandbox: Sandbox, context: Context) -> None:
    with pytest.raises(Usage) as caught:
        sdk.watch(context, "0.7.0")
    sha = str(peeled(sandbox, "0.7.0"))
    assert caught.value.problem == f"there is no run of {SDK} on 0.7.0 at {sha[:9]}"
    assert caught.value.hint == "Start it: inv sdk.release --version 0.7.0"


def test_github_is_the_remote_s_where_nothing_else_names_it(
    sandbox: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_REPOSITORY")
    assert github(again(context)).repository == "acme/platform"
    monkeypatch.setenv("GITHUB_REPOSITORY", "another/one")
    assert github(again(context)).repository == "another/one"
    monkeypatch.delenv("GITHUB_API_URL")
    monkeypatch.setenv("GH_ENTERPRISE_TOKEN", TOKEN)
    here = github(again(context))
    assert (here.repository, here.api_url) == ("another/one", api_url(sandbox.github.url.removeprefix("http://")))
    monkeypatch.delenv("GH_ENTERPRISE_TOKEN")
    with pytest.raises(Usage, match=r"no GitHub token for 127\.0\.0\.1") as caught:
        github(again(context))
    assert caught.value.hint == sign_in(here.api_url)


# --- judged before ---

WRONG = {
    "no trigger": ((("workflow_dispatch:", "workflow_call:"),), Failed, "has no workflow_dispatch"),
    "no input": ((("      is_release:", "      released:"),), Usage, "does not know the input is_release"),
    "no job": ((("  build-package:\n", "  make-package:\n"),), Failed, "needs build-package, which is not there"),
    "needs nothing": ((("needs: build-package", "needs: package"),), Failed, "needs package, which is not there"),
    "off": ((("if: inputs.publish_s3\n", "if: inputs.run_e2e\n"),), Usage, "would skip job publish-s3"),
    "broken": ((("jobs:\n", "jobs:\n  - [\n"),), Failed, "is no valid YAML"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_workflow_that_cannot_do_it_is_not_asked(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    edits, kind, words = WRONG[case]
    edit(sandbox, SDK, *edits)
    context = tagged(open_context(sandbox, monkeypatch, clock=FakeClock()))
    with pytest.raises(kind) as caught:
        sdk.dispatch(context, "0.7.0")
    assert f"at 0.7.0, {SDK} " in caught.value.problem
    assert words in caught.value.problem
    assert dispatches(sandbox) == 0


def test_a_missing_workflow_is_said_to_be(sandbox: Sandbox, context: Context) -> None:
    settings = replace(context.settings, sdk=Sdk(workflow="gone.yaml"))
    # GitHub too knows no such workflow; the file is asked first.
    sandbox.github.hub.workflow_ids[".github/workflows/gone.yaml"] = 7
    with pytest.raises(Failed, match=r"at 0\.7\.0, gone\.yaml does not exist"):
        sdk.dispatch(again(context, settings=settings), "0.7.0")


def test_a_useless_run_is_not_asked_for(sandbox: Sandbox, context: Context) -> None:
    wrong = replace(context.settings, sdk=Sdk(inputs={"publish_s3": True, "is_release": False}))
    with pytest.raises(Usage, match=r"is_release off: nothing is published under release/") as caught:
        sdk.dispatch(again(context, settings=wrong), "0.7.0")
    assert caught.value.hint == "set sdk.inputs.is_release to true"
    wrong = replace(context.settings, image=Image(inputs={}))
    with pytest.raises(Usage, match="is_release off, as it is unless sent: the run is green and pushes nothing"):
        image.release(again(context, settings=wrong), "0.7.0")
    wrong = replace(context.settings, image=Image(inputs={"is_release": True, "build_base": True}))
    with pytest.raises(Usage, match="it pushes unversioned images again") as caught:
        image.release(again(context, settings=wrong), "0.7.0")
    assert "--build-base" in caught.value.hint
    assert dispatches(sandbox) == 0


def test_what_cannot_be_judged_is_said_and_done(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(sandbox, SDK, ("    if: inputs.publish_s3\n", "    if: inputs.publish_s3 && vars.OPEN == 'yes'\n"))
    context = tagged(open_context(sandbox, monkeypatch, clock=FakeClock()))
    sdk.dispatch(context, "0.7.0")
    assert f"at 0.7.0, {SDK} cannot be judged: whether job publish-s3 runs" in printed(context)
    assert dispatches(sandbox, SDK) == 1


def test_f11_a_branch_named_like_the_tag_is_refused(sandbox: Sandbox, context: Context) -> None:
    sandbox.bare.update_ref("refs/heads/0.7.0", str(sandbox.bare.sha("refs/tags/0.6.2")))
    with pytest.raises(Conflict, match=r"0\.7\.0 is a branch and a tag"):
        sdk.dispatch(context, "0.7.0")
    assert dispatches(sandbox) == 0


def test_base_images_are_pushed_again_on_purpose_alone(sandbox: Sandbox, context: Context) -> None:
    image.release(context, "0.7.0", flags=ImageRun(build_base=True))
    asked = next(each for each in sandbox.github.requests if each.path.endswith(f"{IMAGE}/dispatches"))
    assert asked.body["inputs"] == {"version": "0.7.0", "is_release": "true", "build_base": "true"}
