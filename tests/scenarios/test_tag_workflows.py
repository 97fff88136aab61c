"""In Actions: what the workflow's own token cannot start is asked for, or refused before anything is written (F14)."""

from __future__ import annotations

from functools import partial

import pytest
from conftest import FakeClock, again, open_context, printed
from doubles import PLATFORM, Doubles
from gate import CLIENT, tag
from history import advance, cut, edit, write_commit
from outside import dispatches, everything, git, remote_refs, writes

from release.call.context import Context
from release.call.flags import PickRequest
from release.errors import Usage
from release.sandbox import Sandbox
from release.sandbox.github.records import JOB_TOKEN
from release.tasks import lines, pipelines, platform

TRIGGER = ('on:\n  push:\n    tags: ["[0-9]', 'on:\n  workflow_dispatch:\n  push:\n    tags: ["[0-9]')


def in_actions(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Context:
    context = open_context(sandbox, monkeypatch, clock=FakeClock())
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_TOKEN", JOB_TOKEN)
    return context


def test_f14_a_plan_that_relies_on_the_tags_push_fails_before_anything_is_written(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, doubles: Doubles
) -> None:
    context = in_actions(sandbox, monkeypatch)
    before = everything(sandbox)
    with pytest.raises(Usage, match="a tag that it pushes starts no workflow") as caught:
        pipelines.minor(context, "0.7.0")
    assert "actions/create-github-app-token" in caught.value.hint
    assert everything(sandbox) == before


def test_f14_a_workflow_of_other_tags_cannot_stand_in(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, doubles: Doubles
) -> None:
    edit(sandbox, PLATFORM, (TRIGGER[0], TRIGGER[1].replace('tags: ["', 'tags: ["docs-')))
    world = in_actions(sandbox, monkeypatch)
    before = everything(sandbox)
    with pytest.raises(Usage, match="a tag that it pushes starts no workflow"):
        pipelines.minor(world, "0.7.0")
    assert everything(sandbox) == before


def test_f14_one_that_can_be_asked_for_is_half_of_what_the_tags_push_starts(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, doubles: Doubles
) -> None:
    text = (sandbox.work / ".github/workflows" / PLATFORM).read_text()
    (sandbox.work / ".github/workflows/other.yaml").write_text(text)
    git(sandbox.work, "add", ".")
    edit(sandbox, PLATFORM, TRIGGER)
    world = in_actions(sandbox, monkeypatch)
    before = everything(sandbox)
    with pytest.raises(Usage, match="a tag that it pushes starts no workflow"):
        pipelines.minor(world, "0.7.0")
    assert everything(sandbox) == before


@pytest.mark.slow
def test_f14_a_platform_workflow_that_can_be_asked_for_is_asked_for_once(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, doubles: Doubles
) -> None:
    edit(sandbox, PLATFORM, TRIGGER)
    context = in_actions(sandbox, monkeypatch)
    pipelines.minor(context, "0.7.0")
    assert f"a push with this token starts no workflow: {PLATFORM} will be asked for" in printed(context)
    runs = [run for run in sandbox.github.hub.runs.values() if run.start.path.endswith(PLATFORM)]
    assert [(run.start.event, run.start.ref) for run in runs] == [("workflow_dispatch", "refs/tags/0.7.0")]
    assert "refs/tags/0.7.0" in remote_refs(sandbox)
    platform.watch(again(context), "0.7.0")
    written = [each for each in writes(sandbox) if "graphql" not in each]
    pipelines.minor(again(context), "0.7.0")
    assert [each for each in writes(sandbox) if "graphql" not in each] == written
    assert dispatches(sandbox, PLATFORM) == 1


def test_f14_a_dry_run_with_the_workflows_own_token_plans_to_ask_for_it(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, doubles: Doubles
) -> None:
    edit(sandbox, PLATFORM, TRIGGER)
    context = again(in_actions(sandbox, monkeypatch), dry=True)
    before = everything(sandbox)
    pipelines.minor(context, "0.7.0")
    assert f"run {PLATFORM} on 0.7.0" in printed(context)
    assert everything(sandbox) == before


@pytest.mark.slow
def test_f14_a_persons_token_leaves_it_to_the_push(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, doubles: Doubles
) -> None:
    edit(sandbox, PLATFORM, TRIGGER)
    context = open_context(sandbox, monkeypatch, clock=FakeClock())
    pipelines.minor(context, "0.7.0")
    runs = [run.start.event for run in sandbox.github.hub.runs.values() if run.start.path.endswith(PLATFORM)]
    assert runs == ["push"]
    assert dispatches(sandbox, PLATFORM) == 0


# --- a commit that says [skip ci] ---


@pytest.mark.parametrize("alone", [True, False], ids=["tag", "minor"])
def test_f14_a_commit_whose_tag_starts_nothing_is_not_tagged(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, doubles: Doubles, alone: bool
) -> None:
    """A tag is never moved: its version would be lost."""
    sha = advance(sandbox, "main", "fix: a word\n\n[skip ci]")
    if alone:
        cut(sandbox, "release-0.7-20261122")
    context, before = open_context(sandbox, monkeypatch, clock=FakeClock()), everything(sandbox)
    release = lines.tag if alone else partial(pipelines.minor, image=False)
    with pytest.raises(Usage, match=rf"{sha[:9]} says \[skip ci\]: the push of a tag there starts no") as caught:
        release(context, version="0.7.0")
    assert "--allow-empty" in caught.value.hint
    assert everything(sandbox) == before
    advance(sandbox, "release-0.7-20261122" if alone else "main")
    release(again(context), version="0.7.0")
    assert "refs/tags/0.7.0" in remote_refs(sandbox)


def test_f14_what_no_workflow_listens_to_may_be_tagged(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, doubles: Doubles
) -> None:
    edit(sandbox, PLATFORM, (TRIGGER[0], TRIGGER[1].replace('tags: ["', 'tags: ["docs-')))
    advance(sandbox, "main", "fix: a word [no ci]")
    cut(sandbox, "release-0.7-20261122")
    lines.tag(open_context(sandbox, monkeypatch, clock=FakeClock()), "0.7.0")
    assert "refs/tags/0.7.0" in remote_refs(sandbox)


def test_f14_a_picked_commit_whose_tag_starts_nothing_is_not_tagged(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, doubles: Doubles
) -> None:
    sha = write_commit(sandbox, "main", CLIENT, "workspace.", "workspace, politely.", "fix: a word [skip actions]")
    git(sandbox.work, "fetch", "-q", str(sandbox.bare.path), "main")
    context = open_context(sandbox, monkeypatch, clock=FakeClock())
    with pytest.raises(Usage, match=r"says \[skip actions\]"):
        pipelines.patch(context, line="0.6", wanted=PickRequest(commit=(sha,)), checks=False)
    assert "refs/tags/0.6.3" not in remote_refs(sandbox)


@pytest.mark.slow
def test_f14_what_such_a_commit_keeps_from_starting_is_asked_for_once(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, doubles: Doubles
) -> None:
    edit(sandbox, PLATFORM, TRIGGER)
    sha = advance(sandbox, "main", "fix: a word\n\n\nskip-checks: true")
    context = open_context(sandbox, monkeypatch, clock=FakeClock())
    pipelines.minor(context, "0.7.0", image=False)
    assert f"a push of {sha[:9]} starts no workflow: {PLATFORM} will be asked for" in printed(context)
    pipelines.minor(again(context), "0.7.0", image=False)
    assert dispatches(sandbox, PLATFORM) == 1
    runs = [run for run in sandbox.github.hub.runs.values() if run.start.path.endswith(PLATFORM)]
    assert [(run.start.event, run.start.ref) for run in runs] == [("workflow_dispatch", "refs/tags/0.7.0")]


def test_f14_a_tag_that_started_nothing_is_told_as_that(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, doubles: Doubles
) -> None:
    """Somebody tagged by hand."""
    advance(sandbox, "main", "fix: a word [skip ci]")
    cut(sandbox, "release-0.7-20261122")
    tag(sandbox, "0.7.0", "Release 0.7.0")
    with pytest.raises(Usage, match=r"says \[skip ci\]"):
        pipelines.minor(open_context(sandbox, monkeypatch, clock=FakeClock()), "0.7.0", image=False)


def test_the_sdks_workflow_is_judged_before_anything_is_written(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, doubles: Doubles
) -> None:
    """A tag is never moved: a workflow that cannot release it has to show before there is one."""
    edit(sandbox, "sdk-release.yaml", ("      is_release:", "      released:"))
    before = everything(sandbox)
    with pytest.raises(Usage, match=r"at main, sdk-release\.yaml does not know the input is_release"):
        pipelines.minor(open_context(sandbox, monkeypatch, clock=FakeClock()), "0.7.0")
    assert everything(sandbox) == before
