"""A whole release of a monorepo as teams have it, rehearsed: simulated and executed, with a bad day, and told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import rehearsal_sample
from outside import git
from test_rehearsal_copy import digests
from typed import Typed, typing_in

from release.sandbox import Sandbox

Capture = pytest.CaptureFixture[str]
LIMIT = 60.0  # seconds of the processor, its children too: what else the machine does is not its fault


def rehearse(
    monkeypatch: pytest.MonkeyPatch, capfd: Capture, tmp_path: Path, files: dict[str, str], *flags: str
) -> Typed:
    """Rehearse a minor release in a clone of a repository of these files: all of that clone stays as it is."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with Sandbox(files, cloud=False) as sandbox:  # a process has one cloud, which the rehearsal's is
        typed = typing_in(sandbox, monkeypatch, capfd)
        for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
            monkeypatch.setenv(name, "/dev/null")
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        before, home = digests(sandbox.work), digests(sandbox.home)
        left = {each.name for each in tmp_path.iterdir()}
        done = typed("sandbox.rehearse", *flags)
        assert digests(sandbox.work) == before
        assert digests(sandbox.home) == home
        assert sandbox.github.writes() == []
        assert {each.name for each in tmp_path.iterdir()} == left
    return done


@pytest.mark.slow
def test_a_job_that_fails_is_shown_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch, capfd: Capture, tmp_path: Path
) -> None:
    began = sum(os.times()[:4])
    plan = tmp_path / "plans" / "plan.json"
    plan.parent.mkdir()
    flags = ("--fail", "test-package", "--plan", str(plan))
    done = rehearse(monkeypatch, capfd, tmp_path, rehearsal_sample.files(), *flags)
    assert done.code == 0, done.out + done.err
    assert '"urn:release-tasks:plan:v1"' in plan.read_text()
    assert sum(os.times()[:4]) - began < LIMIT
    assert done.out.count("$ inv release.minor") == 3
    assert done.out.count("$ inv --dry release.minor --plan ") == 1
    assert "Failed on purpose: --fail test-package" in done.out
    assert "$ inv release.minor --rerun-failed --plan " in done.out
    assert "--rerun-failed" in done.err, "as the message of the call that stopped says"
    told = done.out.split("typed again it changed nothing")[1]
    for what in (
        "tag 0.1.0 at",
        "run of sdk-release.yaml on 0.1.0 with",
        "key s3://lepton-sdk/release/leptonai-0.1.0-py3-none-any.whl",
        "image lepton:photon-py3.11-runner-0.1.0",
        "GitHub Release 0.1.0 published",
    ):
        assert what in told
    assert ".github/workflows/sdk-release.yaml:" in told
    assert "not taken over: keys: s3:" in done.out


@pytest.mark.slow
def test_a_workflow_that_would_not_deliver_fails_it_with_the_line(
    monkeypatch: pytest.MonkeyPatch, capfd: Capture, tmp_path: Path
) -> None:
    files = rehearsal_sample.files()
    path = ".github/workflows/sdk-release.yaml"
    assert "lepton-sdk/release/" in files[path]
    files[path] = files[path].replace("lepton-sdk/release/", "lepton-sdk/elsewhere/")
    done = rehearse(
        monkeypatch, capfd, tmp_path, files, "--offline", "--task", "release.branch release.tag sdk.release"
    )
    assert done.code == 1
    assert "a workflow does not deliver what the release needs" in done.err
    assert f"{path}:" in done.err


@pytest.mark.slow
def test_executed_it_ends_with_a_finished_release(
    monkeypatch: pytest.MonkeyPatch, capfd: Capture, tmp_path: Path
) -> None:
    done = rehearse(monkeypatch, capfd, tmp_path, rehearsal_sample.files(), "--execute", "--lag", "2")
    assert done.code == 0, done.out + done.err
    assert "typed again it changed nothing" in done.out


@pytest.mark.slow
@pytest.mark.parametrize("options", [("--depth=1", "--no-single-branch"), ("--filter=blob:none",)])
def test_a_shallow_or_partial_clone_is_released_from(
    monkeypatch: pytest.MonkeyPatch, capfd: Capture, tmp_path: Path, options: tuple[str, ...]
) -> None:
    with Sandbox(rehearsal_sample.files(), cloud=False) as sandbox:
        git(sandbox.bare.path, "config", "uploadpack.allowFilter", "true")
        git(tmp_path, "clone", "-q", *options, f"file://{sandbox.bare.path}", "clone")
        git(tmp_path / "clone", "remote", "set-url", "origin", f"file://{sandbox.bare.path}-is-gone")
        typed = typing_in(sandbox, monkeypatch, capfd)
        monkeypatch.chdir(tmp_path / "clone")
        before = digests(tmp_path / "clone")
        done = typed("sandbox.rehearse", "--offline")
        assert done.code == 0, done.out + done.err
        assert "✔ typed again it changed nothing" in done.out
        assert digests(tmp_path / "clone") == before
