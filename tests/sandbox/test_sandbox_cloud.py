"""S3 and ECR as the sandbox has them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from release.sandbox.cloud import BUCKET, Cloud


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    made = Cloud()
    made.start()
    yield made
    made.stop()


def test_f20_bucket_honours_create_only_and_keeps_checksums(cloud: Cloud) -> None:
    s3 = cloud.client("s3")
    made = s3.put_object(Bucket=BUCKET, Key="release/a", Body=b"x", IfNoneMatch="*", ChecksumAlgorithm="SHA256")
    with pytest.raises(ClientError) as refused:
        s3.put_object(Bucket=BUCKET, Key="release/a", Body=b"y", IfNoneMatch="*")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412
    head = s3.head_object(Bucket=BUCKET, Key="release/a", ChecksumMode="ENABLED")
    assert head["ChecksumSHA256"] == made["ChecksumSHA256"]
    assert s3.get_object(Bucket=BUCKET, Key="release/a")["Body"].read() == b"x"


def test_images_have_the_digest_of_their_manifest_and_every_sandbox_starts_empty(cloud: Cloud) -> None:
    ecr = cloud.client("ecr")
    one, other = cloud.push_image("lepton", "a", "one"), cloud.push_image("lepton", "b", "other")
    assert one != other
    [image] = ecr.batch_get_image(repositoryName="lepton", imageIds=[{"imageTag": "a"}])["images"]
    assert f"sha256:{hashlib.sha256(image['imageManifest'].encode()).hexdigest()}" == one
    moved = cloud.push_image("lepton", "a", "other")
    found = {each["imageTag"]: each["imageDigest"] for each in ecr.list_images(repositoryName="lepton")["imageIds"]}
    assert found == {"a": moved, "b": other}
    again = Cloud()
    again.start()
    assert again.client("ecr").list_images(repositoryName="lepton")["imageIds"] == []
    again.stop()


def test_cloud_misbehaves_on_purpose(cloud: Cloud) -> None:
    s3 = cloud.client("s3")
    cloud.faults.add("PUT", "/release/a", status=503, after=True)
    s3.put_object(Bucket=BUCKET, Key="release/a", Body=b"x")  # boto3 tries again
    assert [request.method for request in cloud.requests] == ["PUT", "PUT"]


def test_f36_the_cloud_asks_nobody_and_writes_nothing_for_a_step(
    cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step reaches it from within its namespaces, and it is outside of them."""
    monkeypatch.chdir(tmp_path)
    asks = {"sns": "list_topics", "lambda": "list_functions", "events": "list_event_buses", "iam": "list_users"}
    for service, ask in asks.items():
        call = getattr(cloud.client(service), ask)
        with pytest.raises((ClientError, ResponseParserError), match="and no "):
            call()
    for path in ("/moto-api/recorder/start-recording", "/moto-api/reset", "/moto-api/proxy/passthrough"):
        with pytest.raises(HTTPError, match="404"):
            urlopen(Request(f"{cloud.url}{path}", b"{}", method="POST"))
    assert list(tmp_path.iterdir()) == []
    assert cloud.client("sts").get_caller_identity()["Account"] == "123456789012"
