"""The doctor, at a world that is well and at one broken in each way it knows."""

from __future__ import annotations

import io
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import FakeClock, again, open_context, printed

from release.audit import checkup
from release.call.context import Context
from release.call.report import Report
from release.errors import Failed
from release.git.repository import repository
from release.git.scratch import worktree
from release.sandbox import Sandbox
from release.sandbox.github import rules
from release.sandbox.github.records import JOB_TOKEN, TOKEN, Token
from release.settings import Image, Platform, Release, Sdk, Settings
from release.tasks import setup
from release.workflows import starts_on_push

Break = Callable[[Sandbox, Context, pytest.MonkeyPatch], Context]
QUICK = Release(poll=0.1)


@pytest.fixture(scope="module")
def well() -> Iterator[Sandbox]:
    with Sandbox() as made:
        yield made


@pytest.fixture
def context(well: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Context]:
    config = (well.work / ".git" / "config").read_bytes()
    gitconfig = well.git_config.read_bytes()
    main = well.bare.sha("refs/heads/main") or ""
    yield open_context(well, monkeypatch)
    (well.work / ".git" / "config").write_bytes(config)
    well.git_config.write_bytes(gitconfig)
    well.bare.git("update-ref", "refs/heads/main", main)
    well.github.hub.tokens[TOKEN] = Token()
    well.github.hub.used = 0
    rules.unprotect(well.github.hub)


def git(where: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=where, check=True, capture_output=True)


def no_identity(well: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch) -> Context:
    well.git_config.write_text("")
    return context


def signing_without_a_key(well: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch) -> Context:
    git(well.work, "config", "gpg.format", "ssh")
    git(well.work, "config", "tag.gpgSign", "true")
    return context


def no_remote(well: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch) -> Context:
    git(well.work, "remote", "set-url", "origin", "http://127.0.0.1:1/acme/platform.git")
    return context


def password_in_the_url(well: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch) -> Context:
    git(well.work, "remote", "set-url", "origin", repository(context).remote_url.replace("://", "://user:hunter2@"))
    return again(context)


def refused_token(well: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch) -> Context:
    monkeypatch.setenv("GITHUB_TOKEN", "wrong")
    return context


def no_token(well: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch) -> Context:
    monkeypatch.delenv("GITHUB_TOKEN")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    return context


def scope_missing(well: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch) -> Context:
    well.github.hub.tokens[TOKEN] = Token(scopes="repo")
    return context


def no_push(well: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch) -> Context:
    well.github.hub.tokens[TOKEN] = Token(push=False)
    return context


def clock_off(well: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch) -> Context:
    return again(context, clock=FakeClock(1_000_000_000.0))


def limit_used_up(well: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch) -> Context:
    well.github.hub.used = 4_900
    return context


def no_workflow(well: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch) -> Context:
    return again(context, settings=Settings(release=QUICK, sdk=Sdk(workflow="none.yaml")))


def a_workflow_that_was_never_written(well: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch) -> Context:
    return again(context, settings=Settings(release=QUICK, image=Image(workflow="none.yaml")))


def nothing_starts_on_tags(well: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch) -> Context:
    head = well.bare.sha("refs/heads/main") or ""
    with worktree(repository(context), head) as tree:
        (tree / ".github" / "workflows" / "platform.yaml").unlink()
        git(tree, "commit", "-qam", "Remove the platform's workflow")
        git(tree, "push", "-q", "origin", "HEAD:refs/heads/main")
    return again(context)


def no_bucket(well: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch) -> Context:
    return again(context, settings=Settings(release=QUICK, sdk=Sdk(bucket="no-such-bucket")))


def no_repository(well: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch) -> Context:
    return again(context, settings=Settings(release=QUICK, image=Image(repository="nothing")))


def a_path_that_is_not_there(well: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch) -> Context:
    return again(context, settings=Settings(release=QUICK, sdk=Sdk(path="python")))


def a_component_that_is_not_there(well: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch) -> Context:
    release = replace(QUICK, components={"api": {"path": "api"}})
    return again(context, settings=Settings(release=release))


def another_variable(well: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch) -> Context:
    return again(context, settings=Settings(release=QUICK, image=Image(config_variable="RUNNER_VERSION")))


def no_name_to_import(well: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch) -> Context:
    return again(context, settings=Settings(release=QUICK, sdk=Sdk(package="lepton-ai")))


def another_package(well: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch) -> Context:
    return again(context, settings=Settings(release=QUICK, sdk=Sdk(package="acme")))


def another_wheel(well: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch) -> Context:
    return again(context, settings=Settings(release=QUICK, sdk=Sdk(distribution="acme")))


def a_prefix_without_a_slash(well: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch) -> Context:
    return again(context, settings=Settings(release=QUICK, sdk=Sdk(prefix="wheels")))


def another_registry(well: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch) -> Context:
    settings = Settings(release=QUICK, image=Image(registry="https://registry.acme.example"))
    return again(context, settings=settings)


def a_version_that_a_file_fixes(well: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch) -> Context:
    head = well.bare.sha("refs/heads/main") or ""
    with worktree(repository(context), head) as tree:
        (tree / "sdk" / "pyproject.toml").write_text('[project]\nname = "leptonai"\nversion = "0.6.2"\n')
        git(tree, "commit", "-qam", "Fix the version")
        git(tree, "push", "-q", "origin", "HEAD:refs/heads/main")
    return again(context)


def another_bucket(well: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch) -> Context:
    head = well.bare.sha("refs/heads/main") or ""
    with worktree(repository(context), head) as tree:
        with (tree / ".github" / "workflows" / "sdk-release.yaml").open("a") as workflow:
            workflow.write("# aws s3 cp dist/*.whl s3://acme-wheels/release/\n")
        git(tree, "commit", "-qam", "Upload elsewhere")
        git(tree, "push", "-q", "origin", "HEAD:refs/heads/main")
    return again(context)


def f14_the_workflows_own_token(well: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch) -> Context:
    """Run in Actions with the token whose pushes start no workflow."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_TOKEN", JOB_TOKEN)
    return context


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
    a_workflow_that_was_never_written: ("workflows", "does not exist\n  Write it: inv release.init"),
    nothing_starts_on_tags: ("workflows", "inv release.init"),
    no_bucket: ("bucket", "aws sts"),
    no_repository: ("registry", "aws sts"),
    a_path_that_is_not_there: ("settings     sdk.path: python is not on main", "Set sdk.path"),
    a_component_that_is_not_there: ("settings", "Set release.components.api.path in invoke.yaml"),
    another_variable: ("settings", "set image.config_variable"),
    no_name_to_import: ("settings", "Set sdk.package: lepton_ai"),
    another_package: ("settings", "Set sdk.package to what is imported"),
    another_wheel: ("settings", "Set sdk.distribution: leptonai"),
    a_prefix_without_a_slash: ("settings", "Set sdk.prefix: wheels/"),
    another_registry: ("settings", "inv release.init --force"),
    another_bucket: ("settings", "Set sdk.bucket in invoke.yaml"),
    a_version_that_a_file_fixes: ("settings", "Set sdk.version_file: sdk/pyproject.toml"),
    f14_the_workflows_own_token: ("token", "create-github-app-token"),
}


# Of a registry that does not answer, all that is tried is waited for.
BREAKS = [pytest.param(each, marks=pytest.mark.slow) if each is another_registry else each for each in BROKEN]


@pytest.mark.parametrize("broken", BREAKS, ids=lambda broken: broken.__name__)
def test_each_broken_set_up_is_named_with_its_fix(
    well: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch, broken: Break
) -> None:
    name, fix = BROKEN[broken]
    hurt = broken(well, context, monkeypatch)
    with pytest.raises(Failed) as caught:
        setup.doctor(hurt)
    shown = printed(hurt)
    named = [line for line in shown.splitlines() if line.startswith(f"✘ {name}")]
    assert named, shown
    assert fix in shown
    assert caught.value.code == 1
    assert fix in caught.value.hint, "each fix below its line, at the end too"
    assert "hunter2" not in shown + str(caught.value.message)


def test_a_remote_that_is_a_folder_is_called_one(well: Sandbox, context: Context) -> None:
    git(well.work, "remote", "set-url", "origin", str(well.bare.path))
    (found,) = checkup.remote_findings(again(context))
    assert found.says.startswith(f"{well.bare.path} answers (a folder); main is at ")


def test_a_world_that_is_well(well: Sandbox, context: Context) -> None:
    before = len(well.github.requests)
    found = setup.doctor(context)
    assert {each.level for each in found} == {"good", "advice"}
    assert {each.name for each in found} >= {
        "git", "identity", "signing", "remote", "token", "permission", "clock", "rate limit",
        "tag rules", "branch rules", "workflows", "bucket", "registry", "setting",
    }  # fmt: skip
    assert all(each.fix for each in found if each.level == "advice")
    assert any("create-only policy" in each.says for each in found if each.name == "bucket")
    asked = [each for each in well.github.requests[before:] if each.path.startswith("/api/")]
    assert {each.method for each in asked} == {"GET"}
    once = [each.path.partition("/api/v3")[2] for each in asked]
    assert (once.count("/rate_limit"), once.count("/repos/acme/platform")) == (1, 1)


def test_a_clone_behind_its_remote_is_asked_about_the_remotes_own_commit(
    well: Sandbox, context: Context, tmp_path: Path
) -> None:
    """10-20: a commit that was never fetched was read here: `git ls-tree: fatal: not a tree object`."""
    git(tmp_path, "clone", "-q", str(well.bare.path), "other")
    git(tmp_path / "other", "commit", "-q", "--allow-empty", "-m", "Go on elsewhere")
    git(tmp_path / "other", "push", "-q", "origin", "HEAD:refs/heads/main")
    found = setup.doctor(context)
    assert {each.level for each in found} == {"good", "advice"}
    assert [each.level for each in found if each.name == "workflows"] == ["good"] * 3


def test_f33_what_a_killed_call_left_is_named_and_stays(well: Sandbox, context: Context) -> None:
    kept = well.work / ".git" / "release-aside-0123"
    kept.mkdir()
    for _ in range(2):
        (left,) = (each for each in setup.doctor(again(context)) if each.name == "leftovers")
        assert (left.level, left.says) == ("advice", f"a call that was killed left {kept}")
    assert kept.exists()


def test_rules_that_are_there_are_good(well: Sandbox, context: Context) -> None:
    rules.protect(well.github.hub, "refs/tags/*", update={}, deletion={})
    rules.protect(well.github.hub, "refs/heads/release-*", deletion={})
    found = {each.name: each.level for each in setup.doctor(context)}
    assert (found["tag rules"], found["branch rules"]) == ("good", "good")


def test_f16_a_merge_queue_and_reviews_are_said_beforehand(well: Sandbox, context: Context) -> None:
    rules.protect(
        well.github.hub, "refs/heads/main", merge_queue={}, pull_request={"required_approving_review_count": 2}
    )
    says = [each.says for each in setup.doctor(context) if each.name == "trunk rules"]
    assert len(says) == 2
    assert "merge queue" in says[0]
    assert "2 approvals" in says[1]


def test_f16_of_several_rules_the_one_that_wants_most_approvals_counts(well: Sandbox, context: Context) -> None:
    for count in (2, 0):
        rules.protect(well.github.hub, "refs/heads/main", pull_request={"required_approving_review_count": count})
    assert [each.says for each in setup.doctor(context) if "2 approvals" in each.says]


def test_a_team_without_images_needs_no_registry_and_no_workflow_for_them(context: Context) -> None:
    none = Settings(release=QUICK, image=Image(config_file="", workflow="no.yaml"), platform=Platform(images=[]))
    found = setup.doctor(again(context, settings=replace(none, release=replace(QUICK, components={}))))
    assert "registry" not in {each.name for each in found}
    assert "no.yaml" not in " ".join(each.says for each in found if each.name == "workflows")


def test_settings_say_where_they_come_from(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVOKE_RELEASE_POLL", "0.1")
    mine = again(context, settings=Settings(release=QUICK, sdk=Sdk(prefix="other/")))
    says = [each.says for each in setup.doctor(mine) if each.name == "setting" and "smoke" not in each.says]
    assert says == ["release.poll = 0.1 (environment, INVOKE_RELEASE_POLL)", "sdk.prefix = 'other/' (invoke.yaml)"]


@pytest.mark.parametrize(("text", "level"), [("yes", "good"), ("1", "good"), ("off", "advice")])
def test_git_says_what_is_true(well: Sandbox, context: Context, text: str, level: str) -> None:
    git(well.work, "config", "tag.gpgSign", text)
    assert [each.level for each in setup.doctor(context) if each.name == "signing"] == [level]


def test_json_is_one_object_a_finding(context: Context) -> None:
    stream = io.StringIO()
    found = setup.doctor(again(context, report=Report("json", stream)))
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
    assert starts_on_push(f"on: {trigger}\njobs: {{}}\n".encode(), "refs/tags/99.99.99") is starts


@pytest.mark.parametrize(
    ("version", "git", "signing"), [("2.30.9", "bad", "bad"), ("2.31.0", "good", "bad"), ("2.34.0", "good", "good")]
)
def test_a_git_that_is_too_old_is_named(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, git: str, signing: str
) -> None:
    """Measured with Git 2.31: every pipeline but one that signs with SSH comes to its end."""
    for name, value in {"gpg.format": "ssh", "user.signingKey": "key", "tag.gpgSign": "true"}.items():
        repository(context).git("config", name, value)
    program = tmp_path / "git"
    other = f'[ "$*" = version ] || PATH="{os.environ["PATH"]}" exec git "$@"'
    program.write_text(f"#!/bin/sh\n{other}\necho git version {version}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    found = [next(checkup.git_findings(again(context))), *checkup.signing_findings(again(context))]
    assert [each.level for each in found] == [git, signing]
    assert git == "good" or found[0].fix == "Install Git 2.31 or newer."
