"""The sample monorepo: its history, its wheel, its images, its workflows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from release.config_py import constant
from release.sandbox import sample
from release.sandbox.cloud import BUCKET, Cloud
from release.sandbox.github.events import starts
from release.sandbox.runner import parse_workflow
from release.sandbox.runner.actions.python import installed_versions
from release.sandbox.runner.run import WorkflowRun
from release.versions import parse, parse_branch

ROOT = Path(__file__).parents[2]
PYTHONS = installed_versions(["3.10", "3.11"])
WORKFLOWS = [
    ".github/workflows/" + name for name in ("checks", "photon-runner-docker-images", "platform", "sdk-release")
]


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "bare.git"
    git(folder.parent, "init", "--quiet", "--bare", folder.name)
    sample.replay(folder, PYTHONS)
    return folder


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    made = Cloud()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def started(bare: Path, cloud: Cloud, tmp_path: Path) -> Callable[..., WorkflowRun]:
    def start(name: str, ref: str, **inputs: Any) -> WorkflowRun:
        path = f".github/workflows/{name}.yaml"
        workflow = parse_workflow(git(bare, "show", f"{ref}:{path}"), path)
        offline = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PYTHONPATH": str(ROOT)}
        env = {**offline, **cloud.environment()}
        event = "workflow_dispatch" if inputs else "push"
        sha = git(bare, "rev-parse", f"{ref}^{{commit}}")
        run = WorkflowRun(workflow, bare, sha, ref, event, inputs, env, tmp_path / name, {"vars": {"RELEASE_ROLE": ""}})
        run.start()
        assert run.wait(120)
        return run

    return start


def keys(cloud: Cloud) -> list[str]:
    return [found["Key"] for found in cloud.client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def images(cloud: Cloud, repository: str) -> dict[str, str]:
    found = cloud.client("ecr").list_images(repositoryName=repository)["imageIds"]
    return {image["imageTag"]: image["imageDigest"] for image in found}


def failures(run: WorkflowRun) -> str:
    return "\n".join(job.log for job in run.jobs if job.conclusion not in ("success", "skipped"))


@pytest.mark.slow
def test_f21_images_are_pushed_only_for_a_release_and_never_again(
    started: Callable[..., WorkflowRun], cloud: Cloud
) -> None:
    name, ref = "photon-runner-docker-images", "refs/heads/main"
    assert started(name, ref, version="0.7.0").conclusion == "success"
    assert images(cloud, "lepton") == {}
    run = started(name, ref, version="0.7.0", is_release=True)
    assert run.conclusion == "success", failures(run)
    pushed = images(cloud, "lepton")
    assert sorted(pushed) == sorted(f"photon-py3.{minor}-runner-0.7.0" for minor in range(7, 12))
    assert len(set(pushed.values())) == 5
    again = started(name, ref, version="0.7.0", is_release=True)
    assert again.conclusion == "failure"
    assert "images are never overwritten" in again.jobs[0].log
    assert images(cloud, "lepton") == pushed


def test_the_platform_s_images_carry_the_tag(started: Callable[..., WorkflowRun], cloud: Cloud) -> None:
    run = started("platform", "refs/tags/0.6.2")
    assert run.conclusion == "success", failures(run)
    names = ["lepton-api-server", "lepton-deployment-operator", "lepton-web"]
    assert [job.name for job in run.jobs] == names
    assert [list(images(cloud, name)) for name in names] == [["0.6.2"]] * 3


@pytest.mark.slow
def test_the_sdk_s_workflow_builds_tests_and_publishes(started: Callable[..., WorkflowRun], cloud: Cloud) -> None:
    run = started("sdk-release", "refs/tags/0.6.2", publish_s3=True, run_e2e=True)
    assert run.conclusion == "success", failures(run)
    jobs = {job.name: job.conclusion for job in run.jobs}
    assert jobs == {
        "build-package": "success",
        **{f"test-package ({version})": "success" for version in PYTHONS},
        "run-e2e": "success",
        "publish-s3": "success",
        "publish-pypi": "skipped",
    }
    # Without is_release it goes to the bucket's root.
    assert keys(cloud) == ["leptonai-0.6.2-py3-none-any.whl"]


def test_the_history_has_two_lines_and_a_trunk_ahead(bare: Path) -> None:
    assert git(bare, "tag").splitlines() == ["0.5.0", "0.5.1", "0.6.0", "0.6.1", "0.6.2"]
    branches = git(bare, "for-each-ref", "--format=%(refname:short)", "refs/heads").splitlines()
    assert branches == ["main", "release-0.5-20260601", "release-0.6-20260901"]
    assert all(parse_branch(name) for name in branches[1:])
    assert git(bare, "symbolic-ref", "HEAD") == "refs/heads/main"
    assert git(bare, "rev-parse", "0.6.2^{commit}") == git(bare, "rev-parse", "release-0.6-20260901")
    assert git(bare, "merge-base", "main", "release-0.6-20260901") == git(bare, "rev-parse", "0.6.0")
    assert git(bare, "cat-file", "-t", "0.6.1") == "tag"
    ahead = git(bare, "log", "--format=%s", "--cherry-pick", "--right-only", "release-0.6-20260901...main").splitlines()
    assert [title.partition(":")[0] for title in ahead] == ["fix", "docs", "fix", "feat"]
    assert all(re.search(r" \(#\d+\)$", title) for title in ahead)
    assert git(bare, "fsck", "--strict") == ""


def test_every_tag_names_the_image_it_was_released_with(bare: Path) -> None:
    for tag, image in (("0.5.0", "0.5.0"), ("0.6.0", "0.6.0"), ("0.6.2", "0.6.2"), ("main", "0.6.2")):
        source = git(bare, "show", f"{tag}:sdk/leptonai/config.py").encode()
        assert constant(source, "BASE_IMAGE_VERSION") == image
    assert all(str(parse(tag)) == tag for tag in git(bare, "tag").splitlines())


def test_the_trunk_is_what_files_says(bare: Path) -> None:
    found = sample.files(PYTHONS)
    assert sorted(found) == sorted(git(bare, "ls-tree", "-r", "--name-only", "main").splitlines())
    assert all(git(bare, "show", f"main:{path}") == text.strip() for path, text in found.items())
    assert all(text.endswith("\n") and "@PYTHON" not in text for text in found.values())


def test_the_wheel_is_built_without_a_network_and_carries_the_tag(bare: Path, tmp_path: Path) -> None:
    version = "0.6.2"
    git(tmp_path, "clone", "--quiet", "--branch", version, bare.as_uri(), "work")
    env = {**os.environ, "PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", "dist", "./sdk"]
    subprocess.run(command, cwd=tmp_path / "work", env=env, check=True)
    (wheel,) = (tmp_path / "work" / "dist").iterdir()
    assert wheel.name == f"leptonai-{version}-py3-none-any.whl"
    target = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    run = [sys.executable, "-m", "leptonai.cli", "--version"]
    printed = subprocess.run(run, cwd=target, check=True, capture_output=True, text=True).stdout
    assert printed == f"lep, version {version}\n"


def test_s09_workflows_ask_for_little_and_pin_what_they_use() -> None:
    found = sample.files()
    assert sorted(path for path in found if path.startswith(".github/")) == [f"{path}.yaml" for path in WORKFLOWS]
    for path in WORKFLOWS:
        text = found[f"{path}.yaml"]
        workflow = parse_workflow(text, path)
        assert workflow.permissions == {"contents": "read"}
        assert all(re.fullmatch(r"\S+@[0-9a-f]{40} # v\d+\.\d+\.\d+", used) for used in re.findall(r"uses: (.+)", text))
        for job in workflow.jobs.values():
            assert not set(job.get("permissions", {}).items()) - {("contents", "read"), ("id-token", "write")}
            assert "timeout-minutes" in job
            for step in job["steps"]:
                assert "${{" not in step.get("run", "")
                assert (
                    not step.get("uses", "").startswith("actions/checkout") or not step["with"]["persist-credentials"]
                )


def test_what_starts_the_workflows() -> None:
    found = sample.files()
    platform, checks = (parse_workflow(found[f".github/workflows/{name}.yaml"]) for name in ("platform", "checks"))
    assert starts(platform, "push", "refs/tags/0.7.0")
    assert starts(platform, "push", "refs/tags/10.20.30")
    assert not starts(platform, "push", "refs/tags/v0.7.0")
    assert not starts(platform, "push", "refs/tags/0.7")
    assert not starts(platform, "push", "refs/heads/0.7.0")
    assert starts(checks, "push", "refs/heads/release-0.7-20261122")
    assert not starts(checks, "push", "refs/heads/main")
    assert starts(checks, "pull_request", "refs/heads/main")
