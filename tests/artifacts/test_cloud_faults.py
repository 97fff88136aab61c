"""S3 and ECR that refuse, limit, stall or lie: each task's word, its exit code, and the same command afterwards."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import FakeClock, again, open_context
from doubles import wheel
from faults.http_faults import SIGN, no_time_lost
from outside import everything

from release.call.context import Context
from release.errors import Conflict, Failed, ReleaseError, Unknown, Usage, Waiting
from release.sandbox import Sandbox
from release.sandbox.cloud import BUCKET
from release.sandbox.serving import Faults
from release.tasks import image, pipelines, platform, proofs, sdk

KEY = "release/leptonai-0.7.1-py3-none-any.whl"
XML, JSON = {"Content-Type": "application/xml"}, {"Content-Type": "application/x-amz-json-1.1"}
READS: dict[str, Callable[[Context], object]] = {
    "sdk.wheel": lambda context: sdk.wheel(context, "0.7.0"),
    "image.check": lambda context: image.check(context, "0.7.0"),
    "platform.check": lambda context: platform.check(context, "0.7.0"),
    "release.verify": lambda context: proofs.verify(context, "0.7.0"),
}


@pytest.fixture(autouse=True)
def _no_time_lost() -> Iterator[None]:
    with no_time_lost():
        yield


@pytest.fixture
def faults(released: Sandbox) -> Iterator[Faults]:
    assert released.cloud
    yield released.cloud.faults
    released.cloud.faults.clear()


@pytest.fixture
def context(released: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Context:
    """A call in the world in which 0.7.0 was released."""
    return open_context(released, monkeypatch, clock=FakeClock())


def refuse(faults: Faults, status: int, code: str, method: str = "*") -> None:
    """Have both services refuse everything, each in its form."""
    xml = b"" if method == "HEAD" else f"<Error><Code>{code}</Code><Message>No</Message></Error>".encode()
    faults.add(method, f"/{BUCKET}", status=status, body=xml, headers=XML, times=None)
    told = json.dumps({"__type": code, "message": "No"}).encode()
    faults.add("POST", r"^/\?", status=status, body=told, headers=JSON, times=None)


FAULTS: dict[str, tuple[Callable[[Faults], object], type[ReleaseError], str]] = {
    "forbidden": (lambda faults: refuse(faults, 403, "AccessDenied"), Failed, "May these credentials do that?"),
    "expired": (lambda faults: refuse(faults, 400, "ExpiredToken"), Waiting, "aws sso login"),
    "throttled": (lambda faults: refuse(faults, 400, "ThrottlingException"), Waiting, "limits the rate"),
    "trouble": (lambda faults: refuse(faults, 503, "ServiceUnavailable"), Failed, "Run the same again"),
    "slow": (
        lambda faults: faults.add("*", "/", status=200, headers={SIGN: "read"}, times=None), Failed, "Check the network"
    ),
}  # fmt: skip


@pytest.mark.parametrize("task", READS)
def test_f20_f21_what_cannot_be_read_is_neither_there_nor_missing(context: Context, faults: Faults, task: str) -> None:
    for name, (strike, kind, hint) in FAULTS.items():
        strike(faults)
        with pytest.raises(Failed if task == "release.verify" else kind) as caught:
            READS[task](again(context))
        assert (name, hint in caught.value.hint) == (name, True), caught.value.hint
        assert "missing" not in caught.value.problem
        assert "is not there" not in caught.value.problem
        faults.clear()
    READS[task](again(context))


@pytest.mark.parametrize("task", READS)
def test_f19_what_passes_is_waited_out(context: Context, faults: Faults, task: str) -> None:
    """One limit, one answer that never came, one 503: botocore asks again."""
    for fault in ({"status": 503}, {"status": 200, "headers": {SIGN: "read"}}, {"drop": True}):
        faults.add("GET", f"/{BUCKET}", **fault)
        faults.add("POST", r"^/\?", **fault)
    READS[task](again(context))


def test_a_region_that_is_nowhere_is_asked_for(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 at an endpoint of its own needs none."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", "nowhere")
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    for task in ("image.check", "platform.check"):
        with pytest.raises(Usage, match="region") as caught:
            READS[task](again(context))
        assert "AWS_REGION" in caught.value.hint
    READS["sdk.wheel"](again(context))


def test_s06_bytes_that_are_not_what_s3_stored_are_not_taken(context: Context, faults: Faults) -> None:
    other = base64.b64encode(bytes(32)).decode()
    faults.add("GET", r"\.whl", headers={"x-amz-checksum-sha256": other}, times=None)
    with pytest.raises(Conflict, match="S3 stored sha256:000000000000"):
        READS["sdk.wheel"](again(context))
    with pytest.raises(Failed, match=r"1 of .* do not hold: wheel"):
        READS["release.verify"](again(context))


# --- sdk.publish ---


@pytest.fixture
def built(tmp_path: Path, released: Sandbox) -> Iterator[Path]:
    path = tmp_path / KEY.rpartition("/")[2]
    path.write_bytes(wheel("0.7.1"))
    yield path
    assert released.cloud
    released.cloud.faults.clear()
    released.cloud.client("s3").delete_object(Bucket=BUCKET, Key=KEY)


def stored(sandbox: Sandbox) -> bytes | None:
    assert sandbox.cloud
    found = sandbox.cloud.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=KEY).get("Contents")
    return sandbox.cloud.client("s3").get_object(Bucket=BUCKET, Key=KEY)["Body"].read() if found else None


def error(status: int, code: str) -> dict[str, Any]:
    return {"status": status, "body": f"<Error><Code>{code}</Code></Error>".encode(), "headers": XML, "times": None}


PUTS: dict[str, tuple[dict[str, Any], type[ReleaseError], str]] = {
    "forbidden": (error(403, "AccessDenied"), Failed, "May these credentials do that?"),
    "expired": (error(400, "ExpiredToken"), Waiting, "aws sso login"),
    "throttled": (error(503, "SlowDown"), Waiting, "limits the rate"),
    "busy": (error(409, "ConditionalRequestConflict"), Failed, "it looks first"),
    "digest": (error(400, "BadDigest"), Failed, "May these credentials do that?"),
    "slow": ({"status": 200, "headers": {SIGN: "read"}, "times": None}, Unknown, "it looks first"),
    "trouble": (error(500, "InternalError"), Unknown, "it looks first"),
}


@pytest.mark.parametrize("name", PUTS)
def test_f20_a_put_that_fails_is_told_and_made_by_the_same_command(
    released: Sandbox, context: Context, faults: Faults, built: Path, name: str
) -> None:
    fault, kind, hint = PUTS[name]
    faults.add("PUT", KEY, **fault)
    with pytest.raises(kind) as caught:
        sdk.publish(context, str(built))
    assert hint in caught.value.hint
    assert stored(released) is None
    faults.clear()
    sdk.publish(again(context), str(built))
    assert stored(released) == built.read_bytes()


@pytest.mark.parametrize("lost", [{"status": 500}, {"drop": True}, {"status": 200, "headers": {SIGN: "read"}}])
def test_f34_a_put_that_botocore_sent_again_met_its_own(
    released: Sandbox, context: Context, faults: Faults, built: Path, lost: dict[str, Any]
) -> None:
    faults.add("PUT", KEY, after=True, **lost)
    sdk.publish(context, str(built))
    assert stored(released) == built.read_bytes()


def test_f20_other_bytes_are_a_conflict_at_once_and_in_the_last_moment(
    released: Sandbox, context: Context, faults: Faults, built: Path
) -> None:
    assert released.cloud
    client = released.cloud.client("s3")
    faults.add("PUT", rf"{KEY}(\?|$)", call=lambda: client.put_object(Bucket=BUCKET, Key=KEY, Body=b"other"))
    for _ in range(2):
        with pytest.raises(Conflict, match="other bytes"):
            sdk.publish(again(context), str(built))
        assert stored(released) == b"other"


# --- release.minor ---


def test_f21_a_registry_that_does_not_answer_stops_a_release_before_it_wrote_anything(
    context: Context, released: Sandbox, faults: Faults
) -> None:
    before = everything(released)
    for strike, kind, hint in FAULTS.values():
        strike(faults)
        with pytest.raises(kind) as caught:
            pipelines.minor(again(context), "0.8.0")
        assert hint in caught.value.hint
        faults.clear()
    assert everything(released) == before
