"""A commit's checks: what has to end well, what stands in for what cannot be seen, and when absence means something."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import semver
from conftest import FakeClock, again, open_context, printed
from outside import git, remote_refs
from scripted_run import ScriptedRun

from release.call.context import Context
from release.errors import Blocked, Failed, Unknown, Usage, Waiting
from release.git.refs import RemoteRef
from release.git.repository import repository
from release.github.commits import branch_checks, follow_checks
from release.github.dispatch import EVENT
from release.github.events import check_starts, needed_runs, platform_workflows, started_runs
from release.sandbox import Sandbox
from release.sandbox.github.events import start_run
from release.sandbox.github.records import JOB_TOKEN, TOKEN
from release.sandbox.github.rules import protect
from release.sandbox.github.state import add_check, add_status

BRANCH = "release-0.7-20261122"
HEAD, TAG = f"refs/heads/{BRANCH}", "refs/tags/0.7.0"
JOBS = "\njobs: {build: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}}\n"
LISTENS = "on: {push: {branches: ['release-**'], tags: ['0.*']}, workflow_dispatch: }" + JOBS
BY_PATH = "on: {push: {branches: ['release-**'], paths: [docs/**]}}" + JOBS
KEPT_OUT = "on: {push: {branches: ['**', '!release-**'], tags: ['docs-*']}, workflow_dispatch: }" + JOBS


class World:
    """A commit with workflows of the test's own, and a clock by which things happen there."""

    def __init__(self, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, ref: str, **workflows: str) -> None:
        self.sandbox, self.hub, self.ref = sandbox, sandbox.github.hub, ref
        folder = sandbox.work / ".github/workflows"
        for old in folder.iterdir():
            old.unlink()
        for name, text in workflows.items():
            (folder / f"{name}.yaml").write_text(text)
        git(sandbox.work, "add", "-A")
        git(sandbox.work, "-c", "user.name=P", "-c", "user.email=p@example.com", "commit", "-qm", "Own workflows")
        git(sandbox.work, "push", "-q", str(sandbox.bare.path), f"HEAD:{ref}")
        self.hub.known_refs = sandbox.bare.refs("refs/heads", "refs/tags")
        self.sha = remote_refs(sandbox)[ref]
        self.clock = Events()
        self.context = open_context(sandbox, monkeypatch, clock=self.clock, timeout=600)

    def begin(self, name: str, became: str = "success", event: str = "push") -> None:
        """Have GitHub show a run of the workflow, which has ended."""
        path = f".github/workflows/{name}.yaml"
        text = str(self.hub.bare.file(self.sha, path))
        self.hub.runner = lambda *_: ScriptedRun({f"job of {name}": became})
        start_run(self.hub, path, text, sha=self.sha, ref=self.ref, event=event, actor="me", inputs={})

    def at(self, seconds: float, happens: Callable[..., object], *arguments: Any) -> None:
        """Have something happen so many seconds from now."""
        self.clock.events.append((self.clock.time + seconds, lambda: happens(*arguments)))

    def follow(self) -> float:
        """Follow the branch's checks to their end, and return how long that took."""
        begin = self.clock.time
        follow_checks(self.context, branch_checks(self.context, self.sha, BRANCH))
        return self.clock.time - begin

    def hide_checks(self) -> None:
        """Refuse what a fine-grained token may not read."""
        body = {"message": "Resource not accessible by personal access token"}
        self.sandbox.github.faults.add("GET", "/check-runs", status=403, body=body, times=None)

    def tag(self) -> RemoteRef:
        return RemoteRef(TAG, self.sha, self.sha)


class Events(FakeClock):
    """Time that has something happen at given moments."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[tuple[float, Callable[[], object]]] = []

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        for event in [each for each in self.events if each[0] <= self.time]:
            self.events.remove(event)
            event[1]()


Make = Callable[..., World]


@pytest.fixture
def world(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Make:
    return lambda ref=HEAD, **workflows: World(sandbox, monkeypatch, ref, **workflows)


# --- a branch ---


def test_f31_f37_an_instant_status_is_not_all_where_a_workflow_listens(world: Make) -> None:
    there = world(ci=LISTENS)
    add_status(there.hub, there.sha, "success", "instant")
    there.at(20, there.begin, "ci", "failure")
    with pytest.raises(Failed, match="job of ci: failure"):
        there.follow()


def test_f31_every_workflow_that_listens_is_followed(world: Make) -> None:
    there = world(ci=LISTENS, more=LISTENS)
    there.begin("ci")
    there.at(20, there.begin, "more", "failure")
    with pytest.raises(Failed, match="job of more: failure"):
        there.follow()


@pytest.mark.parametrize("newest", ["success", "failure"])
def test_f31_of_several_runs_of_one_workflow_the_newest_tells(world: Make, newest: str) -> None:
    """As GitHub's own rule for required checks: the branch was deleted, and pushed again at the same commit."""
    there = world(ci=LISTENS)
    there.begin("ci", "success" if newest == "failure" else "cancelled")
    there.begin("ci", newest)
    if newest == "success":
        assert there.follow() < 60
        return
    with pytest.raises(Failed, match="job of ci: failure"):
        there.follow()


@pytest.mark.parametrize("event", ["workflow_dispatch", "pull_request"])
def test_f31_a_run_of_another_event_is_not_the_one_that_the_push_starts(world: Make, event: str) -> None:
    there = world(ci=LISTENS)
    there.begin("ci", event=event)
    with pytest.raises(Waiting, match=r"workflow ci\.yaml listens to the push of release-0\.7-20261122"):
        there.follow()


def test_f37_a_workflow_that_never_shows_is_named_and_not_passed(world: Make) -> None:
    there = world(ci=LISTENS, more=LISTENS)
    there.begin("ci")
    with pytest.raises(Waiting, match=r"workflow more\.yaml listens .* no run of it showed within 60 s") as caught:
        there.follow()
    assert "--no-checks" in caught.value.hint


def test_f37_a_path_filter_may_leave_a_workflow_out_but_not_before_it_had_time_to_show(world: Make) -> None:
    there = world(docs=BY_PATH)
    add_status(there.hub, there.sha, "success", "instant")
    assert 60 <= there.follow() < 90
    again_there = again(there.context)
    there.context = again_there
    there.at(20, there.begin, "docs", "failure")
    with pytest.raises(Failed, match="job of docs: failure"):
        there.follow()


def test_f31_a_workflow_that_is_kept_out_of_the_branch_is_not_waited_for(world: Make) -> None:
    there = world(ci=LISTENS, other=KEPT_OUT)
    there.begin("ci")
    assert there.follow() == 0


def test_f37_a_disabled_workflow_is_said_and_not_waited_for(world: Make) -> None:
    there = world(ci=LISTENS, off=LISTENS)
    there.begin("ci")

    def disable(body: Any) -> Any:
        listed = [{**each, "path": each["path"]} for each in body["workflows"]]
        off = {**listed[0], "path": ".github/workflows/off.yaml", "state": "disabled_manually"}
        return {"total_count": len(listed) + 1, "workflows": [*listed, off]}

    there.sandbox.github.faults.add("GET", r"/actions/workflows\?", change=disable, times=None)
    assert there.follow() == 0
    assert printed(there.context).count("workflow off.yaml is disabled: no push starts it") == 1


def test_what_failed_is_listed_with_its_place_and_the_way_round_is_the_pull_request_s(world: Make) -> None:
    there = world(ci=LISTENS)
    there.begin("ci", "failure")
    with pytest.raises(Failed) as caught:
        follow_checks(there.context, branch_checks(there.context, there.sha, BRANCH, "main", "https://x/pull/1"))
    (run,), runs = there.hub.runs.values(), f"{there.hub.html}/actions/runs"
    head, workflow, job = caught.value.problem.splitlines()
    assert head == f"checks of {BRANCH} at {there.sha[:9]} failed:"
    assert workflow == f"  workflow ci.yaml: failure  {runs}/{run.id}"
    assert job.startswith(f"  job of ci: failure  {runs}/{run.id}/job/")
    way = "Run them again there, or mend what fails; then run the same again"
    assert caught.value.hint == f"{way}: https://x/pull/1"
    with pytest.raises(Failed) as caught:
        there.follow()
    assert caught.value.hint == f"{way}; or leave them out: --no-checks"


def test_a_check_that_waits_for_somebody_is_said_with_its_place(world: Make) -> None:
    there = world()
    check = add_check(there.hub, there.sha, "deploy", "action_required")
    with pytest.raises(Waiting) as caught:
        there.follow()
    url = f"{there.hub.html}/runs/{check.id}"
    assert caught.value.problem == f"CI check 'deploy' waits for somebody: {url}"
    assert caught.value.hint == "Then run the same again."


def test_what_goes_on_when_time_is_up_is_named(world: Make) -> None:
    there = world()
    protect(there.hub, HEAD, required_status_checks={"required_status_checks": [{"context": "cla"}]})
    add_check(there.hub, there.sha, "long", status="in_progress")
    with pytest.raises(Waiting) as caught:
        there.follow()
    going = "long (in progress), cla (expected)"
    assert caught.value.problem == f"the checks of {BRANCH} did not end within 600 s: {going}"
    assert caught.value.hint == "Run the same again to go on waiting."


def test_f37_where_nothing_is_named_others_have_their_time_to_show(world: Make) -> None:
    there = world()
    there.at(40, add_status, there.hub, there.sha, "failure", "jenkins")
    with pytest.raises(Failed, match="jenkins: failure"):
        there.follow()


def test_f31_what_the_branch_requires_is_waited_for_too(world: Make) -> None:
    there = world(ci=LISTENS)
    checks = [{"context": name} for name in ("job of ci", "cla")]
    protect(there.hub, HEAD, required_status_checks={"required_status_checks": checks[:1]})
    protect(there.hub, HEAD, required_status_checks={"required_status_checks": checks[1:]})
    there.begin("ci")
    there.at(200, add_check, there.hub, there.sha, "cla", "success")
    assert there.follow() >= 200
    assert "cla is expected, never reported" in printed(there.context)


# --- a token that runs out meanwhile ---


def rotate(there: World, monkeypatch: pytest.MonkeyPatch, newer: str) -> None:
    """Have GitHub take another token alone; the environment gets it where it is named."""
    there.hub.tokens["ghp_newer"] = there.hub.tokens.pop(TOKEN)
    if newer:
        monkeypatch.setenv("GITHUB_TOKEN", newer)


def test_a_token_that_runs_out_during_a_wait_is_asked_for_anew(world: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    there = world(ci=LISTENS)
    there.at(20, rotate, there, monkeypatch, "ghp_newer")
    there.at(40, there.begin, "ci")
    assert there.follow() >= 40
    git_ref = repository(there.context).git("ls-remote", "origin", HEAD)
    assert git_ref.startswith(there.sha), "Git has the new one too"


def test_a_token_that_cannot_be_renewed_is_said_and_the_same_command_goes_on(
    world: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = world(ci=LISTENS)
    there.at(20, rotate, there, monkeypatch, "")
    with pytest.raises(Waiting, match="the GitHub token has run out") as caught:
        there.follow()
    assert "Set GITHUB_TOKEN to a new one, then run the same again" in caught.value.hint
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_newer")
    there.begin("ci")
    there.context = again(there.context)
    assert there.follow() == 0


# --- what the token may not read ---


@pytest.mark.parametrize("became", ["success", "failure"])
def test_f31_without_check_runs_the_jobs_of_the_runs_stand_in(world: Make, became: str) -> None:
    there = world(ci=LISTENS)
    protect(there.hub, HEAD, required_status_checks={"required_status_checks": [{"context": "job of ci"}]})
    there.hide_checks()
    there.begin("ci", became)
    if became == "failure":
        with pytest.raises(Failed, match="job of ci: failure"):
            there.follow()
    else:
        there.follow()
        assert "CI check 'job of ci' passed" in printed(there.context)
        assert "this token may not read check runs" in printed(there.context)


def test_f31_without_check_runs_no_run_stands_in_that_is_not_the_branch_s(world: Make) -> None:
    there = world(ci=LISTENS)
    there.hide_checks()
    there.begin("ci", "failure", event=EVENT)
    there.at(20, there.begin, "ci")
    assert there.follow() >= 20


def test_f31_a_required_check_that_cannot_be_seen_is_named_and_never_taken_as_passed(world: Make) -> None:
    there = world(ci=LISTENS)
    checks = [{"context": name} for name in ("job of ci", "jenkins", "cla")]
    protect(there.hub, HEAD, required_status_checks={"required_status_checks": checks})
    there.hide_checks()
    there.begin("ci")
    add_status(there.hub, there.sha, "success", "jenkins")
    add_check(there.hub, there.sha, "cla", "success")
    with pytest.raises(Blocked, match=f"could not tell whether cla passed on {BRANCH}: .* check runs") as caught:
        there.follow()
    assert caught.value.code == 6


# --- a tag ---


def test_f37_the_tags_runs_are_all_followed_though_one_shows_late(world: Make) -> None:
    there = world(TAG, platform=LISTENS, more=LISTENS, docs=KEPT_OUT)
    there.begin("platform")
    there.at(20, there.begin, "more")
    assert sorted(started_runs(there.context, there.tag())) == ["more.yaml", "platform.yaml"]
    begin = there.clock.time
    assert sorted(needed_runs(again(there.context), there.tag())) == ["more.yaml", "platform.yaml"]
    assert there.clock.time == begin


def test_f37_a_workflow_of_the_tag_that_never_shows_is_named(world: Make) -> None:
    there = world(TAG, platform=LISTENS, more=LISTENS)
    there.begin("platform")
    with pytest.raises(Waiting, match=r"more\.yaml listens to the push of refs/tags/0\.7\.0, and no run of it"):
        needed_runs(there.context, there.tag())


def test_f37_a_tag_whose_push_started_nothing_is_unknown(world: Make) -> None:
    there = world(TAG, platform=LISTENS)
    with pytest.raises(Unknown) as caught:
        started_runs(there.context, there.tag())
    assert caught.value.problem == f"the push of {TAG} started no run within 60 s"
    pushed = "Was the tag pushed with a token that starts workflows?"
    assert caught.value.hint == f"Does a workflow run on tags? {pushed} Does its commit say [skip ci]?"


def test_f14_the_job_s_own_token_may_tag_where_what_it_starts_can_be_asked_for(
    world: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = world(TAG, platform=LISTENS)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_TOKEN", JOB_TOKEN)
    able, unable = again(there.context), again(there.context)
    check_starts(able, semver.Version(0, 7), there.sha)
    assert "a push with this token starts no workflow: platform.yaml will be asked for" in printed(able)
    with pytest.raises(Usage, match="a tag that it pushes starts no workflow"):
        check_starts(unable, semver.Version(0, 7), str(there.hub.head("release-0.6-20260901")))


def test_f14_f37_what_the_tag_does_not_start_is_neither_asked_for_nor_waited_for(
    world: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = world(TAG, platform=LISTENS, docs=KEPT_OUT)
    there.begin("docs", event="workflow_dispatch")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_TOKEN", JOB_TOKEN)
    context: Context = again(there.context)
    assert platform_workflows(context, TAG, there.sha) == ["platform.yaml"]
    assert list(needed_runs(context, there.tag())) == ["platform.yaml"]
    asked = [run.start.path for run in there.hub.runs.values() if run.start.event == "workflow_dispatch"]
    assert [path.rpartition("/")[2] for path in asked] == ["docs.yaml", "platform.yaml"]


def test_f37_a_run_that_somebodys_push_started_a_moment_ago_is_not_asked_for_once_more(
    world: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = world(TAG, platform=LISTENS)
    there.at(10, there.begin, "platform")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_TOKEN", JOB_TOKEN)
    assert list(needed_runs(again(there.context), there.tag())) == ["platform.yaml"]
    assert [run.start.event for run in there.hub.runs.values()] == ["push"]
