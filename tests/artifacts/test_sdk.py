"""The SDK's release: one chain of SHA-256, nothing else touched."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import requests
from conftest import FakeClock, again, open_context, printed
from doubles import SDK, Doubles, wheel
from outside import cloud_content, dispatches, everything, remote_refs, writes

from release.artifacts.aws import S3Object
from release.artifacts.component_release import component_plan, tag_component
from release.artifacts.s3 import prove_wheel_run, released_wheel, stored_wheel
from release.audit.expected import expected_state
from release.audit.proofs import sdk_run_proofs
from release.call.context import Context, Facts
from release.call.flags import SdkRun
from release.errors import Conflict, Failed, Usage
from release.git.refs import RemoteRef
from release.git.tags import needed_tag
from release.github.api import github
from release.github.runs import Run
from release.sandbox import Sandbox
from release.sandbox.cloud import BUCKET
from release.sandbox.github.records import TOKEN
from release.settings import Sdk
from release.tasks import lines, pipelines, sdk
from release.versions import parse

KEY = "release/leptonai-0.7.0-py3-none-any.whl"
NAME = KEY.rpartition("/")[2]


@pytest.fixture(autouse=True)
def doubles(sandbox: Sandbox) -> Doubles:
    return Doubles(sandbox, silent={"platform.yaml"})


@pytest.fixture
def context(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Context:
    """A world in which 0.7.0 is tagged."""
    context = open_context(sandbox, monkeypatch, clock=FakeClock())
    lines.branch(context, "0.7.0")
    lines.tag(context, "0.7.0")
    return again(context)


def archive(tmp_path: Path, files: dict[str, bytes]) -> Path:
    packed = tmp_path / "artifact.zip"
    with zipfile.ZipFile(packed, "w") as opened:
        for name, content in files.items():
            opened.writestr(name, content)
    return packed


def keep(doubles: Doubles, path: Path, name: str = "wheel") -> None:
    """Have the SDK's last run keep an artifact."""
    doubles.runs_of(SDK)[-1].artifacts = {name: path}


def released(context: Context) -> Context:
    sdk.release(context, "0.7.0")
    return again(context)


def s3_content(doubles: Doubles, key: str = KEY) -> bytes:
    return bytes(doubles.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())


# --- right, twice, dry ---


def test_the_wheel_is_released_and_the_second_time_nothing_is_written(
    sandbox: Sandbox, context: Context, doubles: Doubles, tmp_path: Path
) -> None:
    sdk.release(context, "0.7.0")
    digest = hashlib.sha256(s3_content(doubles)).hexdigest()
    assert f"wheel s3://lepton-sdk/{KEY}  sha256:{digest}" in printed(context)
    assert context.report.facts["wheel_key"] == KEY
    assert context.report.facts["wheel_sha256"] == digest
    before, written = everything(sandbox), writes(sandbox)
    keep(doubles, archive(tmp_path, {NAME: wheel("0.7.0")}))
    second = released(again(context))
    assert (everything(sandbox), writes(sandbox)) == (before, written)
    assert second.report.facts == {}


def test_a_dry_run_writes_nothing_and_names_the_key(sandbox: Sandbox, context: Context) -> None:
    before = everything(sandbox)
    dry = again(context, dry=True)
    sdk.release(dry, "0.7.0")
    assert f"wheel s3://lepton-sdk/{KEY} (to do)" in printed(dry)
    assert everything(sandbox) == before


# --- the chain ---


def test_s06_the_wheel_that_is_out_is_the_one_the_run_built(context: Context, doubles: Doubles, tmp_path: Path) -> None:
    context = released(context)
    keep(doubles, archive(tmp_path, {f"dist/{NAME}": wheel("0.7.0")}))
    found = sdk.wheel(context, "0.7.0", download=str(tmp_path / "got"))
    assert hashlib.sha256((tmp_path / "got" / NAME).read_bytes()).hexdigest() == found.sha256
    assert "cannot be compared" not in printed(context)
    assert f"saved {tmp_path / 'got' / NAME}  sha256:{found.sha256}" in printed(context)


def test_s06_what_is_saved_is_what_was_proved(
    sandbox: Sandbox, context: Context, doubles: Doubles, tmp_path: Path
) -> None:
    """Its bytes are fetched once: others that come meanwhile are not saved."""
    doubles.put_wheel("0.7.0")
    (tmp_path / NAME).write_bytes(b"a build of one's own")
    assert sandbox.cloud
    start = len(sandbox.cloud.requests)
    found = sdk.wheel(context, "0.7.0", download=str(tmp_path))
    assert hashlib.sha256((tmp_path / NAME).read_bytes()).hexdigest() == found.sha256
    asked = [each for each in sandbox.cloud.requests[start:] if each.path.endswith(NAME)]
    assert [each.method for each in asked] == ["GET"]


def test_f20_another_wheel_than_the_run_built_is_a_conflict(context: Context, doubles: Doubles, tmp_path: Path) -> None:
    context = released(context)
    keep(doubles, archive(tmp_path, {NAME: wheel("0.7.0") + b"!"}))
    with pytest.raises(Conflict, match=r"the wheel that is out is sha256:\w{12}, but run \d+ built sha256:\w{12}"):
        sdk.wheel(context, "0.7.0")


UNREADABLE: dict[str, Any] = {
    "gone": ({"method": "GET", "path": "/zip", "status": 410, "body": {"message": "Artifact has expired"}}, "expired"),
    "refused": ({"method": "GET", "path": "/artifacts", "status": 403, "body": {"message": "no access"}}, "no access"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_an_artifact_that_cannot_be_read_is_said_to_be(
    sandbox: Sandbox, context: Context, doubles: Doubles, tmp_path: Path, case: str
) -> None:
    fault, words = UNREADABLE[case]
    context = released(context)
    keep(doubles, archive(tmp_path, {NAME: wheel("0.7.0")}))
    sandbox.github.faults.add(fault["method"], fault["path"], status=fault["status"], body=fault["body"], times=None)
    sdk.wheel(context, "0.7.0")
    assert "what the run built cannot be compared" in printed(context)
    assert words in printed(context)
    sandbox.github.faults.clear()


def test_an_artifact_that_is_no_archive_is_not_believed(context: Context, doubles: Doubles, tmp_path: Path) -> None:
    context = released(context)
    (tmp_path / "none.zip").write_bytes(b"nonsense")
    keep(doubles, tmp_path / "none.zip")
    sdk.wheel(context, "0.7.0")
    assert "what the run built cannot be compared: wheel: File is not a zip file" in printed(context)


def test_f20_an_artifact_of_other_bytes_than_github_has_of_it_is_not_believed(
    sandbox: Sandbox, context: Context, doubles: Doubles, tmp_path: Path
) -> None:
    context = released(context)
    keep(doubles, archive(tmp_path, {NAME: wheel("0.7.0")}))

    def _other(body: Any) -> Any:
        return {**body, "artifacts": [{**each, "digest": f"sha256:{'0' * 64}"} for each in body["artifacts"]]}

    sandbox.github.faults.add("GET", r"/artifacts\?", change=_other)
    sdk.wheel(context, "0.7.0")
    assert "cannot be compared: wheel: its bytes are sha256:" in printed(context)


def test_s02_artifacts_come_without_the_token(
    sandbox: Sandbox, context: Context, doubles: Doubles, tmp_path: Path
) -> None:
    context = released(context)
    keep(doubles, archive(tmp_path, {NAME: wheel("0.7.0")}))
    sdk.wheel(context, "0.7.0")
    assert any(each.path.startswith("/_blobs/") for each in sandbox.github.requests)
    assert sandbox.github.hub.leaks == []


# --- not what it has to be ---


def test_f20_a_wheel_of_other_bytes_than_s3_stored_is_none(context: Context) -> None:
    stored = S3Object(KEY, "etag", datetime.now(timezone.utc), hashlib.sha256(b"other bytes").hexdigest())
    with pytest.raises(Failed, match=r"its bytes are sha256:\w{12}, S3 stored sha256:\w{12}"):
        stored_wheel(context, stored, wheel("0.7.0"), parse("0.7.0"))


def test_f20_a_key_that_has_other_bytes_is_not_published_over(
    context: Context, doubles: Doubles, tmp_path: Path
) -> None:
    """Another build of the same version is another file: what is out stays, and the call says so."""
    other = wheel("0.7.0", command="lep2")
    doubles.s3.put_object(Bucket=BUCKET, Key=KEY, Body=other)
    (tmp_path / NAME).write_bytes(wheel("0.7.0"))
    with pytest.raises(Conflict, match="exists with other bytes") as refused:
        sdk.publish(context, str(tmp_path / NAME))
    assert "never overwritten" in refused.value.hint
    assert s3_content(doubles) == other


def wrong_wheels() -> dict[str, tuple[bytes, str]]:
    return {
        "another version": (wheel("0.6.9"), "0.6.9"),
        "another package": (wheel("0.7.0", "other"), "other"),
        "broken": (wheel("0.7.0")[:-30], "the wheel"),
        "no wheel": (b"hello", "it does not begin as a zip archive"),
    }


@pytest.mark.parametrize("case", wrong_wheels())
def test_f20_a_key_that_holds_something_else_is_a_conflict_before_a_dispatch(
    sandbox: Sandbox, context: Context, doubles: Doubles, case: str
) -> None:
    content, words = wrong_wheels()[case]
    doubles.s3.put_object(Bucket=BUCKET, Key=KEY, Body=content)
    for task in (sdk.release, sdk.dispatch):
        with pytest.raises(Conflict, match="take the next version") as caught:
            task(again(context), "0.7.0")
        assert words in caught.value.problem
    assert dispatches(sandbox) == 0
    assert s3_content(doubles) == content


@pytest.mark.slow
def test_the_wheel_must_have_the_command_that_the_settings_name(context: Context) -> None:
    context = released(context)
    settings = replace(context.settings, sdk=Sdk(command="lepton"))
    with pytest.raises(Conflict, match="has no command lepton"):
        sdk.wheel(again(context, settings=settings), "0.7.0")


def test_two_wheels_of_one_version_are_a_conflict(context: Context, doubles: Doubles) -> None:
    doubles.put_wheel("0.7.0")
    doubles.s3.put_object(Bucket=BUCKET, Key=KEY.replace("0.7.0-", "0.7.0-1-"), Body=b"x")
    with pytest.raises(Conflict, match=r"2 wheels of 0\.7\.0 are out"):
        sdk.release(context, "0.7.0")


@pytest.mark.parametrize(("package", "stored"), [("Acme", "acme"), ("a.b", "a_b"), ("a.b", "a.b"), ("Acme", "Acme")])
def test_f20_a_wheel_is_found_under_either_spelling(
    context: Context, doubles: Doubles, package: str, stored: str
) -> None:
    key = f"release/{stored}-0.7.0-py3-none-any.whl"
    doubles.s3.put_object(Bucket=BUCKET, Key=key, Body=wheel("0.7.0", package))
    context = again(context, settings=replace(context.settings, sdk=Sdk(package=package, command="")))
    found, where = released_wheel(context, parse("0.7.0"))
    assert (found and found.name, where) == (package, key)


def test_a_green_run_that_published_nothing_fails(context: Context, doubles: Doubles) -> None:
    doubles.silent.add(SDK)
    with pytest.raises(Failed, match=f"s3://lepton-sdk/{KEY} is not there") as caught:
        sdk.release(context, "0.7.0")
    assert "inv sdk.release --version 0.7.0 --again" in caught.value.hint
    doubles.silent.clear()
    sdk.release(again(context), "0.7.0", flags=SdkRun(again=True))


def test_a_wheel_older_than_its_run_is_a_conflict(sandbox: Sandbox, context: Context, doubles: Doubles) -> None:
    """Somebody put it there in between: the run's own clock tells."""
    doubles.hang.add(SDK)
    run, request = sdk.dispatch(context, "0.7.0")
    doubles.put_wheel("0.7.0")
    doubles.runs_of(SDK)[0].doubles = replace(doubles, silent={SDK})
    doubles.runs_of(SDK)[0].end()
    late = replace(run, status="completed", conclusion="success", created_at="2099-01-01T00:00:00Z")
    with pytest.raises(Conflict, match=f"older than run {run.id}"):
        prove_wheel_run(context, parse("0.7.0"), late, request)


def test_f20_other_released_keys_must_stay_as_they_are(sandbox: Sandbox, context: Context, doubles: Doubles) -> None:
    doubles.put_wheel("0.6.1")
    doubles.put_wheel("0.6.2")
    doubles.hang.add(SDK)
    run, request = sdk.dispatch(context, "0.7.0")
    doubles.s3.put_object(Bucket=BUCKET, Key=KEY.replace("0.7.0", "0.6.1"), Body=b"other")
    doubles.s3.delete_object(Bucket=BUCKET, Key=KEY.replace("0.7.0", "0.6.2"))
    doubles.put_wheel("0.5.9")
    doubles.runs_of(SDK)[0].end()
    finished = replace(run, status="completed", conclusion="success")
    with pytest.raises(Conflict, match="2 of 2 in s3://lepton-sdk/release/ changed meanwhile") as caught:
        prove_wheel_run(context, parse("0.7.0"), finished, request)
    assert "leptonai-0.6.1-py3-none-any.whl: was " in caught.value.problem
    assert "leptonai-0.6.2-py3-none-any.whl: was " in caught.value.problem
    assert ", is gone" in caught.value.problem
    assert "0.5.9" not in caught.value.problem


# --- more than S3 ---


@pytest.mark.slow
def test_what_was_released_to_s3_alone_can_go_to_pypi_later(
    sandbox: Sandbox, context: Context, doubles: Doubles
) -> None:
    sdk.release(context, "0.7.0")
    before = cloud_content(sandbox)
    doubles.silent.add(SDK)  # the key is there: a publisher that never overwrites leaves it alone
    sdk.release(again(context), "0.7.0", flags=SdkRun(publish_pypi=True))
    assert dispatches(sandbox, SDK) == 2
    sdk.release(again(context), "0.7.0", flags=SdkRun(publish_pypi=True))
    assert dispatches(sandbox, SDK) == 2
    assert cloud_content(sandbox) == before


def test_f27_pypi_in_the_settings_is_made_up_for_when_s3_has_the_wheel(
    sandbox: Sandbox, context: Context, doubles: Doubles
) -> None:
    """The job for PyPI failed after the one for S3: a call that ends well has published to both."""
    inputs = {**context.settings.sdk.inputs, "publish_pypi": True}
    context = again(context, settings=replace(context.settings, sdk=Sdk(inputs=inputs)))
    doubles.fail.add("publish-pypi")
    sandbox.github.faults.add("POST", "/dispatches", call=lambda: doubles.put_wheel("0.7.0"))
    for _ in range(2):
        with pytest.raises(Failed, match=r"run \d+ of .* (failed|ended)"):
            sdk.release(again(context), "0.7.0")
    doubles.silent.add(SDK)  # the key is there: a publisher that never overwrites leaves it alone
    doubles.fail.clear()
    sdk.release(again(context), "0.7.0", flags=SdkRun(again=True))
    sdk.release(again(context), "0.7.0")
    assert dispatches(sandbox, SDK) == 2


# --- which run counts, for the dispatch, the watch and the proof alike ---


def ask(sandbox: Sandbox, **inputs: bool) -> int:
    """Ask for a run as somebody else would; return its id."""
    body = {"ref": "0.7.0", "inputs": {name: str(value).lower() for name, value in inputs.items()}}
    url = f"{sandbox.github.api_url}/repos/acme/platform/actions/workflows/{SDK}/dispatches"
    requests.post(url, json=body, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30).raise_for_status()
    return max(sandbox.github.hub.runs)


def test_f27_what_is_asked_for_beside_the_wheel_runs_though_the_wheel_is_out(
    sandbox: Sandbox, context: Context, doubles: Doubles
) -> None:
    """Defect 14: `--run-e2e` after a run without it said (already), and nothing had been tested."""
    sdk.release(context, "0.7.0")
    doubles.silent.add(SDK)  # the key is there: a publisher that never overwrites leaves it alone
    for _ in range(2):
        sdk.release(again(context), "0.7.0", flags=SdkRun(run_e2e=True))
        assert dispatches(sandbox, SDK) == 2
    ran = [job for job in doubles.runs_of(SDK)[-1].jobs if job.name == "run-e2e"]
    assert [job.conclusion for job in ran] == ["success"]
    sdk.release(again(context), "0.7.0")
    assert dispatches(sandbox, SDK) == 2


def test_f26_a_run_that_went_on_without_what_is_asked_for_is_not_enough(
    sandbox: Sandbox, context: Context, doubles: Doubles
) -> None:
    doubles.hang.add(SDK)
    ask(sandbox, publish_s3=True, is_release=True)
    run, request = sdk.dispatch(context, "0.7.0", flags=SdkRun(run_e2e=True))
    doubles.runs_of(SDK)[0].end()
    ended = Run.parse(github(context).get(f"actions/runs/{run.id}"))
    with pytest.raises(Failed, match="job run-e2e was skipped"):
        prove_wheel_run(again(context), parse("0.7.0"), ended, request)


def test_the_run_that_counts_is_the_same_for_dispatch_watch_and_proof(
    sandbox: Sandbox, context: Context, doubles: Doubles
) -> None:
    """Defect 14: the proof took the oldest green run, which was asked for without the boxes ticked."""
    ask(sandbox, publish_s3=False, is_release=False)
    with pytest.raises(Usage, match="there is no run"):
        sdk.watch(again(context), "0.7.0")
    sdk.release(again(context), "0.7.0")
    right = max(sandbox.github.hub.runs)
    ask(sandbox, publish_s3=False, is_release=False)
    assert sdk.dispatch(again(context), "0.7.0")[0].id == right
    assert sdk.watch(again(context), "0.7.0").id == right
    (proof,) = sdk_run_proofs(context, expected_state(context, parse("0.7.0")))
    assert (proof.holds, proof.run.rpartition("/")[2]) == (True, str(right))
    doubles.silent.add(SDK)
    ask(sandbox, publish_s3=True, is_release=True, run_e2e=True)
    sandbox.github.hub.runs[max(sandbox.github.hub.runs)].created_at += timedelta(
        seconds=5
    )  # GitHub tells no parts of one
    (proof,) = sdk_run_proofs(again(context), expected_state(context, parse("0.7.0")))
    assert proof.holds, "a later run that found the wheel there makes the one that built it no worse"


def test_f20_a_wheel_that_no_run_of_its_tag_made_is_a_conflict(
    sandbox: Sandbox, context: Context, doubles: Doubles
) -> None:
    """Defect 14: a wheel that was out was taken for the release's own, whatever made it."""
    doubles.put_wheel("0.7.0")
    for act in (sdk.release, sdk.dispatch, lambda one, version: pipelines.ship(one, parse(version), tagged(one))):
        with pytest.raises(Conflict, match=f"no run of {SDK} at its tag made it"):
            act(again(context), "0.7.0")
    assert dispatches(sandbox, SDK) == 0


def tagged(context: Context) -> RemoteRef:
    return needed_tag(context, parse("0.7.0"))


def test_f27_a_wheel_whose_run_failed_afterwards_does_not_end_well(
    sandbox: Sandbox, context: Context, doubles: Doubles
) -> None:
    doubles.fail.add("test-package (3.11)")
    ask(sandbox, publish_s3=True, is_release=True)
    doubles.put_wheel("0.7.0")
    with pytest.raises(Failed, match="ended: failure"):
        sdk.release(context, "0.7.0")
    assert dispatches(sandbox, SDK) == 1


def test_f20_an_input_beyond_the_wheel_does_not_hide_one_that_is_out_untagged(
    sandbox: Sandbox, context: Context, doubles: Doubles
) -> None:
    inputs = {**context.settings.sdk.inputs, "run_lint": True}
    context = again(context, settings=replace(context.settings, sdk=Sdk(inputs=inputs)))
    doubles.put_wheel("0.7.1")
    with pytest.raises(Conflict, match=r"the wheel of 0\.7\.1 exists already, and 0\.7\.1 is not tagged"):
        tag_component(context, component_plan(context, "sdk", None, "0.7.1"))
    assert "refs/tags/0.7.1" not in remote_refs(sandbox)


def test_a_wheel_of_another_version_than_the_calls_is_not_uploaded(
    context: Context, sandbox: Sandbox, tmp_path: Path
) -> None:
    """One call has one version: `inv sdk.publish --version 0.7.1` means that very wheel."""
    file = tmp_path / NAME
    file.write_bytes(wheel("0.7.0"))
    before = cloud_content(sandbox)
    for version in ("0.7.1", "0.7.0"):
        told = again(context, facts=Facts(version=parse(version), named=True))
        if version == "0.7.0":
            sdk.publish(told, str(file))
        else:
            with pytest.raises(Failed, match=r"not leptonai 0\.7\.1"):
                sdk.publish(told, str(file))
            assert cloud_content(sandbox) == before
    assert f"s3:{KEY}" in cloud_content(sandbox)
