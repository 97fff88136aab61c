"""A sandbox as a whole: quick to have, complete, and gone without a trace."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from release.sandbox.cloud import BUCKET, Cloud
from release.sandbox.home import Sandbox

SLOW = """on: push
jobs:
  slow:
    runs-on: ubuntu-latest
    steps:
      - run: |
          echo $$ > "$PID_FILE"
          sleep 600
"""


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


def test_environment_is_all_that_git_and_aws_need() -> None:
    with Sandbox({"a.txt": "a\n"}) as sandbox:
        environment = {**os.environ, **sandbox.environment()}
        script = "import boto3; print(boto3.client('s3').list_buckets()['Buckets'][0]['Name'])"
        done = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == BUCKET
        git = ["git", "fetch", "--quiet", "origin"]
        subprocess.run(git, cwd=sandbox.work, env=environment, check=True)
        status = subprocess.run(
            ["git", "status", "-sb"], cwd=sandbox.work, env=environment, check=True, capture_output=True, text=True
        )
        assert status.stdout == "## main...origin/main\n"
        config = (sandbox.work / ".git" / "config").read_text()
        assert environment["GITHUB_TOKEN"] not in config
        assert "GITHUB_TOKEN" not in sandbox.job_environment()


def test_start_is_quick() -> None:
    with Sandbox({"a.txt": "a\n"}):
        pass  # imports once
    started = time.process_time()
    with Sandbox({"a.txt": "a\n"}):
        pass
    assert time.process_time() - started < 0.7


def test_end_leaves_no_thread_folder_port_or_process(tmp_path: Path) -> None:
    before = threading.active_count()
    sandbox = Sandbox({".github/workflows/slow.yaml": SLOW})
    with sandbox:
        pid_file = tmp_path / "pid"
        sandbox.github.hub.job_environment["PID_FILE"] = str(pid_file)
        git = ["git", "push", "--quiet", "origin", "HEAD:refs/heads/go"]
        subprocess.run(git, cwd=sandbox.work, env={**os.environ, **sandbox.environment()}, check=True)
        deadline = time.monotonic() + 20
        while not (pid_file.exists() and pid_file.read_text().strip()):
            assert time.monotonic() < deadline
            time.sleep(0.02)
    assert not sandbox.folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)
    assert sandbox.cloud is not None
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(sandbox.cloud.url, timeout=5)
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert threading.active_count() <= before
