"""The doctor, at a world that is well and at one broken in each way it knows."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import FakeClock, again, open_world, printed

from release import doctor
from release.errors import Failed
from release.ref_filters import starts_on_tag
from release.report import Report
from release.sandbox import rules
from release.sandbox.github import JOB_TOKEN, TOKEN
from release.sandbox.home import Sandbox
from release.sandbox.hub import Token
from release.settings import Image, Release, Sdk, Settings
from release.world import World

Break = Callable[[Sandbox, World, pytest.MonkeyPatch], World]
QUICK = Release(poll=0.1)


@pytest.fixture(scope="module")
def well() -> Iterator[Sandbox]:
    with Sandbox() as made:
        yield made


@pytest.fixture
def world(well: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    config = (well.work / ".git" / "config").read_bytes()
    gitconfig = well.git_config.read_bytes()
    main = well.bare.sha("refs/heads/main") or ""
    yield open_world(well, monkeypatch)
    (well.work / ".git" / "config").write_bytes(config)
    well.git_config.write_bytes(gitconfig)
    well.bare.git("update-ref", "refs/heads/main", main)
    well.github.hub.tokens[TOKEN] = Token()
    well.github.hub.used = 0
    rules.unprotect(well.github.hub)


def git(where: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=where, check=True, capture_output=True)


def no_identity(well: Sandbox, world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    well.git_config.write_text("")
    return world


def signing_without_a_key(well: Sandbox, world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    git(well.work, "config", "gpg.format", "ssh")
    git(well.work, "config", "tag.gpgSign", "true")
    return world


def no_remote(well: Sandbox, world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    git(well.work, "remote", "set-url", "origin", "http://127.0.0.1:1/acme/platform.git")
    return world


def password_in_the_url(well: Sandbox, world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    git(well.work, "remote", "set-url", "origin", world.repo.remote_url().replace("://", "://user:hunter2@"))
    return again(world)


def refused_token(well: Sandbox, world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("GITHUB_TOKEN", "wrong")
    return world


def no_token(well: Sandbox, world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.delenv("GITHUB_TOKEN")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    return world


def scope_missing(well: Sandbox, world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    well.github.hub.tokens[TOKEN] = Token(scopes="repo")
    return world


def no_push(well: Sandbox, world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    well.github.hub.tokens[TOKEN] = Token(push=False)
    return world


def clock_off(well: Sandbox, world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    return replace(world, clock=FakeClock(1_000_000_000.0))


def limit_used_up(well: Sandbox, world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    well.github.hub.used = 4_900
    return world


def no_workflow(well: Sandbox, world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    return replace(world, settings=Settings(release=QUICK, sdk=Sdk(workflow="none.yaml")))


def nothing_starts_on_tags(well: Sandbox, world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    head = well.bare.sha("refs/heads/main") or ""
    with world.repo.worktree(head) as tree:
        (tree / ".github" / "workflows" / "platform.yaml").unlink()
        git(tree, "commit", "-qam", "Remove the platform's workflow")
        git(tree, "push", "-q", "origin", "HEAD:refs/heads/main")
    return again(world)


def no_bucket(well: Sandbox, world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    return replace(world, settings=Settings(release=QUICK, sdk=Sdk(bucket="no-such-bucket")))


def no_repository(well: Sandbox, world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    return replace(world, settings=Settings(release=QUICK, image=Image(repository="nothing")))


def f14_the_workflows_own_token(well: Sandbox, world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Run in Actions with the token whose pushes start no workflow."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_TOKEN", JOB_TOKEN)
    return world


BROKEN: dict[Break, tuple[str, str]] = {
    no_identity: ("identity", "git config --global user.name"),
    signing_without_a_key: ("signing", "user.signingKey"),
    no_remote: ("remote", "git remote -v"),
    password_in_the_url: ("remote", "git remote set-url"),
    refused_token: ("token", "GITHUB_TOKEN"),
    no_token: ("token", "gh auth login"),
    scope_missing: ("token", "gh auth refresh"),
    no_push: ("permission", "administrator"),
    clock_off: ("clock", "timedatectl"),
    limit_used_up: ("rate limit", "Wait"),
    no_workflow: ("workflows", "none.yaml"),
    nothing_starts_on_tags: ("workflows", "inv release.init"),
    no_bucket: ("bucket", "aws sts"),
    no_repository: ("registry", "aws sts"),
    f14_the_workflows_own_token: ("token", "create-github-app-token"),
}


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.__name__)
def test_each_broken_set_up_is_named_with_its_fix(
    well: Sandbox, world: World, monkeypatch: pytest.MonkeyPatch, broken: Break
) -> None:
    name, fix = BROKEN[broken]
    hurt = broken(well, world, monkeypatch)
    with pytest.raises(Failed) as caught:
        doctor.doctor(hurt)
    shown = printed(hurt)
    named = [line for line in shown.splitlines() if line.startswith(f"✘ {name}")]
    assert named, shown
    assert fix in shown
    assert caught.value.code == 1
    assert "hunter2" not in shown + str(caught.value.message)


def test_a_world_that_is_well(well: Sandbox, world: World) -> None:
    before = len(well.github.requests)
    found = doctor.doctor(world)
    assert {each.level for each in found} == {"good", "advice"}
    assert {each.name for each in found} >= {
        "git", "identity", "signing", "remote", "token", "permission", "clock", "rate limit",
        "tag rules", "branch rules", "workflows", "bucket", "registry", "setting",
    }  # fmt: skip
    assert all(each.fix for each in found if each.level == "advice")
    asked = [each for each in well.github.requests[before:] if each.path.startswith("/api/")]
    assert {each.method for each in asked} == {"GET"}


def test_rules_that_are_there_are_good(well: Sandbox, world: World) -> None:
    rules.protect(well.github.hub, "refs/tags/*", update={}, deletion={})
    rules.protect(well.github.hub, "refs/heads/release-*", deletion={})
    found = {each.name: each.level for each in doctor.doctor(world)}
    assert (found["tag rules"], found["branch rules"]) == ("good", "good")


def test_f16_a_merge_queue_and_reviews_are_said_beforehand(well: Sandbox, world: World) -> None:
    rules.protect(
        well.github.hub, "refs/heads/main", merge_queue={}, pull_request={"required_approving_review_count": 2}
    )
    says = [each.says for each in doctor.doctor(world) if each.name == "trunk rules"]
    assert len(says) == 2
    assert "merge queue" in says[0]
    assert "2 approvals" in says[1]


def test_settings_say_where_they_come_from(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVOKE_RELEASE_POLL", "0.1")
    mine = replace(world, settings=Settings(release=QUICK, sdk=Sdk(prefix="other/")))
    says = [each.says for each in doctor.doctor(mine) if each.name == "setting"]
    assert says == ["release.poll = 0.1 (environment, INVOKE_RELEASE_POLL)", "sdk.prefix = 'other/' (invoke.yaml)"]


def test_json_is_one_object_a_finding(world: World) -> None:
    stream = io.StringIO()
    found = doctor.doctor(again(world, report=Report("json", stream)))
    objects = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(each["check"], each["level"]) for each in objects] == [(each.name, each.level) for each in found]


@pytest.mark.parametrize(
    ("trigger", "starts"),
    [
        ("push", True),
        ("[push, pull_request]", True),
        ("{push: {tags: ['[0-9]+.[0-9]+.[0-9]+']}}", True),
        ("{push: {tags: ['v*']}}", False),
        ("{push: {tags: ['*', '!9*']}}", False),
        ("{push: {tags-ignore: ['v*']}}", True),
        ("{push: {branches: [main]}}", False),
        ("{push: }", True),
        ("{pull_request: }", False),
    ],
)
def test_which_workflow_a_tag_starts(trigger: str, starts: bool) -> None:
    assert starts_on_tag(f"on: {trigger}\njobs: {{}}\n".encode(), "99.99.99") is starts
