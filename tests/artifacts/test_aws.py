"""S3 and ECR: missing only when they say so, created once, never mistaken for something else."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from botocore.exceptions import (
    BotoCoreError,
    CredentialRetrievalError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

from release.artifacts.aws import Bucket, Ecr
from release.errors import Conflict, Failed, ReleaseError, Unknown, Usage, Waiting
from release.sandbox import Sandbox
from release.sandbox.cloud import BUCKET, Cloud

KEY = "release/some.whl"
JSON = "application/x-amz-json-1.1"
ACCESS = b'<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Not for you</Message></Error>'


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> object:
    made = Cloud()
    for name, value in made.environment().items():
        monkeypatch.setenv(name, value)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let botocore's pauses take no time."""
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None, time=time.time))


@pytest.fixture
def bucket(cloud: Cloud) -> Bucket:
    return Bucket(BUCKET)


@pytest.mark.parametrize(
    ("given", "region"),
    [
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "us-west-2"}, "eu-west-1"),
        ({"AWS_REGION": "", "AWS_DEFAULT_REGION": "us-west-2"}, "us-west-2"),
        ({"AWS_REGION": "eu-west-1"}, "eu-west-1"),
        ({}, "ap-south-1"),
    ],
)
def test_the_region_is_aws_region_then_aws_default_region_then_the_profiles(
    cloud: Cloud, given: dict[str, str], region: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As the hint of a missing one says, for both services."""
    (tmp_path / "config").write_text("[default]\nregion = ap-south-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)  # it keeps the file that it has read
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    signed, answer = [], cloud.front.application
    cloud.front.application = lambda told, start: signed.append(told["HTTP_AUTHORIZATION"]) or answer(told, start)
    with contextlib.suppress(Failed):  # the repository is of another region
        Ecr().image_digest("lepton", "x")
    Bucket(BUCKET).object(KEY)
    scopes = [re.search(r"Credential=\w+/\d+/([^/]+)/(\w+)/", each) for each in signed]
    assert {found.groups() for found in scopes if found} == {(region, "ecr"), (region, "s3")}


# --- S3 ---


def test_f20_a_key_is_created_once_with_its_checksum(cloud: Cloud, bucket: Bucket) -> None:
    bucket.create_object(KEY, b"first")
    put = next(each for each in cloud.requests if each.method == "PUT")
    assert put.headers["if-none-match"] == "*"
    found = bucket.object(KEY)
    assert found
    assert found.sha256 == hashlib.sha256(b"first").hexdigest()
    with pytest.raises(Conflict, match="exists already") as caught:
        bucket.create_object(KEY, b"second")
    assert caught.value.hint == "A released file is never overwritten."
    assert bucket.read(KEY) == (found, b"first")


@pytest.mark.parametrize("status", [403, 400, 503])
def test_f20_missing_is_404_alone(cloud: Cloud, bucket: Bucket, status: int) -> None:
    assert bucket.object(KEY) is None
    assert bucket.read(KEY) is None
    cloud.faults.add("*", KEY, status=status, body=ACCESS, times=None)
    for read in (bucket.object, bucket.read):
        with pytest.raises(Failed) as caught:
            read(KEY)
        assert BUCKET in caught.value.problem


def test_f20_a_cut_connection_leaves_the_outcome_open(cloud: Cloud, bucket: Bucket) -> None:
    """The client's own retries carry the same condition: they cannot overwrite either."""
    cloud.faults.add("PUT", KEY, drop=True, times=None)
    with pytest.raises(Unknown, match=BUCKET) as caught:
        bucket.create_object(KEY, b"first")
    assert caught.value.hint == "Run the same again: it looks first."
    puts = [each for each in cloud.requests if each.method == "PUT"]
    assert {each.headers["if-none-match"] for each in puts} == {"*"}


def test_s06_a_checksum_of_parts_is_not_the_objects(cloud: Cloud, bucket: Bucket) -> None:
    body = b""
    parts = base64.b64encode(hashlib.sha256(b"parts").digest()).decode()
    headers = {"ETag": '"x-2"', "Last-Modified": "Sun, 22 Nov 2026 10:00:00 GMT"}
    kinds = (
        {"x-amz-checksum-sha256": f"{parts}-2"},
        {"x-amz-checksum-sha256": parts, "x-amz-checksum-type": "COMPOSITE"},
    )
    for kind in kinds:
        cloud.faults.add("HEAD", KEY, status=200, body=body, headers={**headers, **kind})
        found = bucket.object(KEY)
        assert found
        assert found.sha256 == ""
    cloud.faults.add("GET", KEY, status=200, body=body, headers={**headers, **kinds[0]})
    there = bucket.read(KEY)
    assert there
    assert there[0].sha256 == ""


def test_f20_the_bytes_come_with_what_s3_stored_of_them(cloud: Cloud, bucket: Bucket) -> None:
    bucket.create_object(KEY, b"first")
    asked = len(cloud.requests)
    there = bucket.read(KEY)
    assert len(cloud.requests) == asked + 1
    assert there == (bucket.object(KEY), b"first")
    assert there[0].sha256 == hashlib.sha256(b"first").hexdigest()


def test_s06_more_than_a_wheel_may_have_is_not_read(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket.create_object(KEY, b"first")
    monkeypatch.setattr("release.artifacts.wheel.MAX_WHEEL", 4)
    with pytest.raises(Failed, match="is larger than"):
        bucket.read(KEY)


@pytest.mark.slow
def test_all_pages_of_keys(cloud: Cloud, bucket: Bucket) -> None:
    client = cloud.client("s3")
    for number in range(1005):
        client.put_object(Bucket=BUCKET, Key=f"release/{number:04}", Body=b"")
    client.put_object(Bucket=BUCKET, Key="outside", Body=b"")
    assert len(list(bucket.objects("release/"))) == 1005


def test_what_protects_a_bucket(cloud: Cloud, bucket: Bucket) -> None:
    assert bucket.protections() == {"versioning": False, "object lock": False, "create-only policy": False}
    client = cloud.client("s3")
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{BUCKET}/release/*",
        "Condition": {"Null": {"s3:if-none-match": "true"}},
    }
    client.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    assert bucket.protections() == {"versioning": True, "object lock": False, "create-only policy": True}


def test_a_bucket_that_does_not_answer_fails_without_a_traceback(cloud: Cloud, bucket: Bucket) -> None:
    cloud.faults.add("GET", "/", drop=True, times=None)
    with pytest.raises(Failed, match=f"s3: {BUCKET}: ") as caught:
        bucket.protections()
    assert "Check the network" in caught.value.hint


def test_nobody_signed_in_is_told_where_to(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, bucket: Bucket) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "nowhere")
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)  # it keeps the credentials it once found
    with pytest.raises(Usage, match="Unable to locate credentials") as caught:
        Bucket(BUCKET).object(KEY)
    assert "aws sso login" in caught.value.hint
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    with pytest.raises(Usage) as caught:
        Bucket(BUCKET).object(KEY)
    assert "id-token: write" in caught.value.hint


@pytest.mark.parametrize("status", [200, 404])
@pytest.mark.parametrize("body", [b"<html><body>Sign in to our network</body></html>", b"<html><p>not closed"])
def test_a_web_page_is_nothing_that_s3_says(cloud: Cloud, bucket: Bucket, body: bytes, status: int) -> None:
    page = {"Content-Type": "text/html", "Content-Length": str(len(body))}
    cloud.faults.add("*", "/", status=status, body=body, headers=page, times=None)
    reads = (bucket.read, lambda _: list(bucket.objects("release/")), bucket.object)
    for read in reads if status == 200 else reads[:1]:  # a HEAD has no page to see
        with pytest.raises(Failed, match=r"127\.0\.0\.1.* text/html that is not the service's"):
            read(KEY)  # type: ignore[operator]
    with pytest.raises(Unknown, match="not the service's"):
        bucket.create_object(KEY, b"first")


REFUSALS: dict[str, tuple[int, str, type[ReleaseError], str]] = {
    "expired": (400, "ExpiredToken", Waiting, "Sign in to AWS"),
    "throttled": (400, "ThrottlingException", Waiting, "limits the rate"),
    "slow down": (503, "SlowDown", Waiting, "limits the rate"),
    "trouble": (500, "InternalError", Failed, "it looks first"),
    "forbidden": (403, "AccessDenied", Failed, "May these credentials do that?"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_f19_each_refusal_says_what_to_do(cloud: Cloud, bucket: Bucket, name: str, patient: None) -> None:
    """A limit and a token that ran out were told as if the credentials lacked a right."""
    status, code, kind, hint = REFUSALS[name]
    body = f"<Error><Code>{code}</Code><Message>No</Message></Error>".encode()
    cloud.faults.add("GET", KEY, status=status, body=body, headers={"Content-Type": "application/xml"}, times=None)
    with pytest.raises(kind, match=code) as caught:
        bucket.read(KEY)
    assert hint in caught.value.hint
    told = json.dumps({"__type": code, "message": "No"}).encode()
    cloud.faults.add("POST", "/", status=status, body=told, headers={"Content-Type": JSON}, times=None)
    with pytest.raises(kind, match=code) as caught:
        Ecr().image_digest("lepton", "x")
    assert hint in caught.value.hint


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_f01_a_put_that_always_met_an_error_of_the_servers_is_unknown(
    cloud: Cloud, bucket: Bucket, after: bool, patient: None
) -> None:
    """It was told as a refusal for want of a right."""
    cloud.faults.add("PUT", KEY, status=500, body=b"<Error><Code>InternalError</Code></Error>", after=after, times=None)
    with pytest.raises(Unknown) as caught:
        bucket.create_object(KEY, b"first")
    assert caught.value.hint == "Run the same again: it looks first."
    assert bool(bucket.object(KEY)) is after


def test_f20_a_key_that_somebody_writes_at_this_moment_is_not_there_yet(cloud: Cloud, bucket: Bucket) -> None:
    """409 is no 412: nothing is there of which to say that it exists."""
    busy = b"<Error><Code>ConditionalRequestConflict</Code><Message>Conflicting operation</Message></Error>"
    cloud.faults.add("PUT", KEY, status=409, body=busy)
    with pytest.raises(Failed, match="Conflicting operation") as caught:
        bucket.create_object(KEY, b"first")
    assert caught.value.hint == "Run the same again: it looks first."
    bucket.create_object(KEY, b"first")


@pytest.mark.parametrize(
    "error",
    [
        UnauthorizedSSOTokenError(),
        TokenRetrievalError(provider="sso", error_msg="Token has expired and refresh failed"),
        CredentialRetrievalError(provider="custom-process", error_msg="not signed in"),
    ],
    ids=["sso", "token", "process"],
)
def test_a_profile_that_is_signed_out_says_how_to_sign_in(cloud: Cloud, bucket: Bucket, error: BotoCoreError) -> None:
    """Nothing was sent: it was told as a network that is down."""

    def _sign(**_: object) -> None:
        raise error

    bucket._client.meta.events.register_first("before-sign.s3", _sign)
    with pytest.raises(Usage) as caught:
        bucket.object(KEY)
    assert "aws sso login" in caught.value.hint


# --- ECR ---


@pytest.mark.parametrize("kind", ["text/html", "text/plain"])
def test_a_web_page_is_nothing_that_ecr_says(cloud: Cloud, kind: str) -> None:
    cloud.faults.add("POST", "/", status=200, body=b"<p>Sign in", headers={"Content-Type": kind}, times=None)
    registry = Ecr()
    reads = (lambda: registry.image_digest("lepton", "x"), lambda: registry.image_digests("lepton"))
    for read in (*reads, lambda: registry.is_immutable("lepton")):
        with pytest.raises(Failed, match=f"answered {kind} that is not the service's"):
            read()


def test_f21_digests_one_by_one_and_all_at_once(cloud: Cloud) -> None:
    digests = {f"tag-{number}": cloud.push_image("lepton", f"tag-{number}") for number in range(12)}
    assert Ecr().image_digests("lepton") == digests
    assert Ecr().image_digest("lepton", "tag-3") == digests["tag-3"]
    assert Ecr().image_digest("lepton", "tag-99") is None


def test_f21_digests_of_several_at_once_unless_one_is_missing(cloud: Cloud) -> None:
    digests = {f"tag-{number}": cloud.push_image("lepton", f"tag-{number}") for number in range(101)}
    assert Ecr().digests_of("lepton", [*digests]) == digests
    assert [len(each.body["imageIds"]) for each in cloud.requests] == [100, 1], "ECR takes no more in one request"
    assert Ecr().digests_of("lepton", ["tag-3", "tag-999"]) == {"tag-3": digests["tag-3"], "tag-999": None}


def test_f21_a_missing_repository_is_no_missing_image(cloud: Cloud) -> None:
    with pytest.raises(Failed, match="RepositoryNotFoundException"):
        Ecr().image_digest("nowhere", "tag")
    with pytest.raises(Failed, match="RepositoryNotFoundException"):
        Ecr().image_digests("nowhere")


def test_f21_all_pages_of_image_tags(cloud: Cloud) -> None:
    pages = [
        {"imageIds": [{"imageTag": f"{page}-{n}", "imageDigest": f"sha256:{page}"} for n in range(1000)]}
        for page in range(10)
    ]
    for number, page in enumerate(pages):
        body = page if number == 9 else {**page, "nextToken": str(number)}
        cloud.faults.add("POST", "/", status=200, body=body, headers={"Content-Type": "application/x-amz-json-1.1"})
    found = Ecr().image_digests("lepton")
    assert len(found) == 10_000
    assert len(cloud.requests) == 10


def test_whether_tags_can_change(cloud: Cloud) -> None:
    assert not Ecr().is_immutable("lepton")
    client = cloud.client("ecr")
    client.put_image_tag_mutability(repositoryName="lepton", imageTagMutability="IMMUTABLE")
    assert Ecr().is_immutable("lepton")


def test_the_sandboxs_past_has_its_images(sandbox: Sandbox) -> None:
    assert sandbox.cloud
    found = sandbox.cloud.client("ecr").list_images(repositoryName="lepton")["imageIds"]
    assert len({each["imageTag"] for each in found}) == 15
