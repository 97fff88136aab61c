"""The embedded default: a whole release on this machine, beyond which nothing is reached."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from release.errors import Failed, Usage

if TYPE_CHECKING:
    from release.sandbox.home import Sandbox
    from release.world import World


def demo(world: World, version: str = "0.7.0") -> None:
    """Release a small monorepo on this machine alone, twice.

    Example: inv sandbox.demo
    """
    started = time.monotonic()
    with _sandbox() as sandbox:
        world.report.line(f"A remote, a GitHub, an S3 and an ECR on this machine alone, and a clone in {sandbox.work}")
        _run(world, sandbox, "release.next")
        _run(world, sandbox, "--dry", "release.minor", "--yes")
        _run(world, sandbox, "release.minor", "--yes")
        world.report.line()
        world.report.line("The same again: everything is there already.")
        _run(world, sandbox, "release.minor", "--yes")
        world.report.line()
        world.report.line("What is out there now, asked of Git, GitHub, S3 and ECR themselves:")
        world.report.rows(("what", "where", "proof"), _outside(sandbox, version))
    world.report.line(f"Done in {time.monotonic() - started:.0f} s; nothing is left running.")


def serve(world: World) -> None:
    """Keep the demo's world up for another terminal.

    Example: inv sandbox.serve
    """
    with _sandbox() as sandbox:
        world.report.line("In another terminal:")
        world.report.line(f"  cd {sandbox.work}")
        for name, value in sandbox.environment().items():
            shown = f'"{Path(sys.executable).parent}:$PATH"' if name == "PATH" else f"'{value}'"
            world.report.line(f"  export {name}={shown}")
        world.report.line("Then, for one: inv release.minor.  Ctrl-C here ends it all.")
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            world.report.line("Ended.")


def rehearse(world: World, task: str = "release.minor") -> None:
    """Try a release of this very repository in a sandbox.

    Its branches and tags are copied as this clone last saw them, its workflows' steps run on this machine,
    and nothing leaves it. Raises Failed when the rehearsed task does not exit 0.

    Example: inv sandbox.rehearse --task "release.minor --version 0.7.0"
    """
    history = {"source": world.repo.root, "remote": world.settings.release.remote, "trunk": world.trunk}
    with _sandbox(**history) as sandbox:
        world.report.line(f"A copy of {world.repo.root.name} with a GitHub, an S3 and an ECR on this machine alone")
        _run(world, sandbox, *shlex.split(task), "--yes")
        world.report.line()
        _run(world, sandbox, *shlex.split(task), "--yes")


def _sandbox(**history: Any) -> Sandbox:
    try:
        from release.sandbox.home import Sandbox
        from release.sandbox.repositories import History
    except ImportError as error:
        raise Usage(f"the sandbox needs {error.name}", "pip install 'release-tasks[sandbox]'") from error
    return Sandbox(history=History(**history) if history else None)


def _run(world: World, sandbox: Sandbox, *arguments: str) -> None:
    """Type the command in the clone, its output going where this one's goes; raise Failed unless it exits 0."""
    world.report.line()
    world.report.line(f"$ inv {' '.join(arguments)}")
    command = [sys.executable, "-m", "invoke", *arguments]
    environment = {**os.environ, **sandbox.environment()}
    code = subprocess.run(command, cwd=sandbox.work, env=environment, check=False).returncode
    if code:
        raise Failed(f"inv {' '.join(arguments)} exited {code}")


def _outside(sandbox: Sandbox, version: str) -> list[tuple[str, str, str]]:
    """Return what the servers themselves say is out: none of the release's own code is asked."""
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
    import hashlib

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
