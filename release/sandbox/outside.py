"""What is out there after the demo, as the servers themselves say: none of the release's own code is asked."""

from __future__ import annotations

import hashlib
import json
import urllib.request
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from release.sandbox.home import Sandbox


def outside(sandbox: Sandbox, version: str) -> list[tuple[str, str, str]]:
    """Return kind, place and proof of everything that is out of a version."""
    refs = sandbox.bare.git(
        "for-each-ref", "--format=%(refname) %(objectname:short=9) %(*objectname:short=9)"
    ).splitlines()
    wanted = [
        line.split(" ")
        for line in refs
        if line.startswith((f"refs/tags/{version}", f"refs/heads/release-{version[:3]}-"))
    ]
    rows = [(name.split("/")[1].rstrip("s"), name, peeled or sha) for name, sha, peeled in wanted]
    rows += [("wheel", f"s3://{key}", f"sha256:{digest}") for key, digest in _wheels(sandbox, version)]
    rows += [("image", name, digest[:19]) for name, digest in _images(sandbox, version)]
    pulls = _asked(sandbox, "pulls?state=closed")
    rows += [("pull request", f"#{p['number']} {p['title']}", f"merged as {p['merge_commit_sha'][:9]}") for p in pulls]
    release = _asked(sandbox, f"releases/tags/{version}")
    return [*rows, ("GitHub Release", release["name"], f"published {release['published_at']}")]


def _wheels(sandbox: Sandbox, version: str) -> list[tuple[str, str]]:
    client = _client(sandbox, "s3")
    keys = [
        entry["Key"] for entry in client.list_objects_v2(Bucket="lepton-sdk", Prefix="release/").get("Contents", [])
    ]
    digests = {key: client.get_object(Bucket="lepton-sdk", Key=key)["Body"].read() for key in keys if version in key}
    return [(f"lepton-sdk/{key}", hashlib.sha256(content).hexdigest()) for key, content in digests.items()]


def _images(sandbox: Sandbox, version: str) -> list[tuple[str, str]]:
    client = _client(sandbox, "ecr")
    found = []
    for repository in sorted(each["repositoryName"] for each in client.describe_repositories()["repositories"]):
        for image in client.list_images(repositoryName=repository)["imageIds"]:
            if image["imageTag"].endswith(version):
                found.append((f"{repository}:{image['imageTag']}", image["imageDigest"]))
    return sorted(found)


def _client(sandbox: Sandbox, service: Literal["s3", "ecr"]) -> Any:
    import boto3

    given: Mapping[str, str] = sandbox.environment()
    return boto3.client(
        service,
        endpoint_url=given["AWS_ENDPOINT_URL"],
        region_name=given["AWS_REGION"],
        aws_access_key_id=given["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=given["AWS_SECRET_ACCESS_KEY"],
    )


def _asked(sandbox: Sandbox, path: str) -> Any:
    given = sandbox.environment()
    url = f"{given['GITHUB_API_URL']}/repos/{given['GITHUB_REPOSITORY']}/{path}"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {given['GITHUB_TOKEN']}"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return json.load(answer)
