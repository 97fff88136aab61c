"""The demo in the sandbox's clone: tasks typed as a person would, and what is out there afterwards."""

from __future__ import annotations

import hashlib
import json
import shlex
import sys
import urllib.request
from typing import TYPE_CHECKING, Any

from release.errors import Failed
from release.sandbox.child import run_command

if TYPE_CHECKING:
    from release.call.context import Context
    from release.sandbox.cloud import Cloud
    from release.sandbox.world import Sandbox

POLL = "0.5"  # seconds


def type_task(context: Context, sandbox: Sandbox, *arguments: str, code: int = 0) -> None:
    """Show the command and run it, agreed to, its output going where this one's goes.

    Raises Failed for another exit code.
    """
    context.report.line()
    context.report.line(f"$ inv {shlex.join(arguments)}")
    command = [sys.executable, "-m", "invoke", *arguments]
    # Jobs end within seconds here: looks as far apart as GitHub's would be most of the time that the demo takes.
    ended = run_command(sandbox, command, INVOKE_RELEASE_YES="1", INVOKE_RELEASE_POLL=POLL)
    if ended != code:
        raise Failed(f"inv {shlex.join(arguments)} exited {ended}, not {code}")
    if code:
        context.report.line(f"(exit {code})")


def release_evidence(sandbox: Sandbox, version: str) -> list[tuple[str, str, str]]:
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
    if sandbox.cloud:
        wheels, images = _wheels(sandbox.cloud, version), _images(sandbox.cloud, version)
        rows += [("wheel", f"s3://{key}", f"sha256:{digest}") for key, digest in wheels]
        rows += [("image", name, digest[:19]) for name, digest in images]
    pulls = _get(sandbox, "pulls?state=closed")
    rows += [("pull request", f"#{p['number']} {p['title']}", f"merged as {p['merge_commit_sha'][:9]}") for p in pulls]
    release = _get(sandbox, f"releases/tags/{version}")
    return [*rows, ("GitHub Release", release["name"], f"published {release['published_at']}")]


def _wheels(cloud: Cloud, version: str) -> list[tuple[str, str]]:
    from release.sandbox.cloud import BUCKET

    client = cloud.client("s3")
    keys = [entry["Key"] for entry in client.list_objects_v2(Bucket=BUCKET, Prefix="release/").get("Contents", [])]
    digests = {key: client.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys if version in key}
    return [(f"{BUCKET}/{key}", hashlib.sha256(content).hexdigest()) for key, content in digests.items()]


def _images(cloud: Cloud, version: str) -> list[tuple[str, str]]:
    client = cloud.client("ecr")
    found = []
    for repository in sorted(each["repositoryName"] for each in client.describe_repositories()["repositories"]):
        for image in client.list_images(repositoryName=repository)["imageIds"]:
            if image["imageTag"].endswith(version):
                found.append((f"{repository}:{image['imageTag']}", image["imageDigest"]))
    return sorted(found)


def _get(sandbox: Sandbox, path: str) -> Any:
    given = sandbox.environment()
    url = f"{given['GITHUB_API_URL']}/repos/{given['GITHUB_REPOSITORY']}/{path}"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {given['GITHUB_TOKEN']}"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  # nosec B310
        return json.load(answer)
