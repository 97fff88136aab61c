"""What is out there, asked of the sandbox's servers and of the clone themselves."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from release.sandbox import Sandbox
from release.sandbox.cloud import BUCKET, REPOSITORIES

READS = ("GET", "HEAD")


def git(folder: Path, *arguments: str) -> str:
    """Run Git as a person would, and return what it prints."""
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def remote_refs(sandbox: Sandbox) -> dict[str, str]:
    """The remote's branches and tags, tags as their objects."""
    return sandbox.bare.refs("refs/heads", "refs/tags")


def peeled(sandbox: Sandbox, tag: str) -> str | None:
    """The commit of the remote's tag."""
    return sandbox.bare.sha(f"refs/tags/{tag}")


def cloud_content(sandbox: Sandbox) -> dict[str, str]:
    """Every S3 key with its ETag, every image tag with its digest; asked without clients, which cost more than that."""
    if sandbox.cloud is None:
        return {}
    listed = ElementTree.fromstring(sandbox.cloud._ask("s3", "GET", f"/{BUCKET}?list-type=2"))
    found = {f"s3:{each.findtext('{*}Key')}": str(each.findtext("{*}ETag")) for each in listed.iterfind("{*}Contents")}
    for repository in REPOSITORIES:
        for image in sandbox.cloud._ecr("ListImages", repositoryName=repository)["imageIds"]:
            found[f"{repository}:{image['imageTag']}"] = image["imageDigest"]
    return found


def clone_content(folder: Path) -> dict[str, Any]:
    """What is checked out, its branches and tags, its index and its files."""
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if _is_ours(path)}
    return {
        "refs": git(folder, "for-each-ref"),
        "head": git(folder, "rev-parse", "HEAD", "--symbolic-full-name", "HEAD"),
        "worktrees": git(folder, "worktree", "list"),
        "files": files,
    }


def _is_ours(path: Path) -> bool:
    return path.is_file() and (".git" not in path.parts or path.name == "index")


def everything(sandbox: Sandbox) -> dict[str, Any]:
    """All that a task could have written, anywhere."""
    hub = sandbox.github.hub
    return {
        "remote": remote_refs(sandbox),
        "runs": {number: (run.work.status, run.work.attempt) for number, run in hub.runs.items()},
        "pulls": {number: (pull.state, pull.head_sha) for number, pull in hub.pulls.items()},
        "releases": {number: release.draft for number, release in hub.releases.items()},
        "cloud": cloud_content(sandbox),
        "clone": clone_content(sandbox.work),
    }


def writes(sandbox: Sandbox) -> list[str]:
    """Every request that GitHub got and that is no reading, pushes among them."""
    asked = [each for each in sandbox.github.requests if each.method not in READS]
    return [f"{each.method} {each.path}" for each in asked if not each.path.endswith(("upload-pack", "generate-notes"))]


def dispatches(sandbox: Sandbox, workflow: str = "") -> int:
    """How often a run of the workflow was asked for."""
    return sum(each.endswith(f"{workflow}/dispatches") for each in writes(sandbox))
