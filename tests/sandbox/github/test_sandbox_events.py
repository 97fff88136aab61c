"""What starts a workflow, and which dispatches GitHub refuses."""

from __future__ import annotations

from typing import Any

import pytest
from sandbox_client import Client

from release.sandbox.github.events import InvalidInputs, check_dispatch, starts
from release.sandbox.github.records import JOB_TOKEN
from release.sandbox.runner import Workflow, input_values, parse_workflow

JOBS = "\njobs: {a: {runs-on: x, steps: [{run: x}]}}\n"
DISPATCH = """
on:
  workflow_dispatch:
    inputs:
      version: {type: string, required: true}
      publish: {type: boolean, default: true}
      level: {type: choice, options: [low, high], default: low}
      count: {type: number, default: 3}
      words: {default: yes}
"""


def workflow(on: str) -> Workflow:
    return parse_workflow(on + JOBS)


@pytest.mark.parametrize(
    ("on", "event", "ref", "value"),
    [
        ("on: push", "push", "refs/heads/x", True),
        ("on: push", "push", "refs/tags/1", True),
        ("on: [push, pull_request]", "pull_request", "refs/heads/main", True),
        ("on: push", "pull_request", "refs/heads/main", False),
        ("on: {push: {branches: [main]}}", "push", "refs/heads/main", True),
        ("on: {push: {branches: [main]}}", "push", "refs/tags/main", False),
        ("on: {push: {tags: ['1.*']}}", "push", "refs/tags/1.2", True),
        ("on: {push: {tags: ['1.*']}}", "push", "refs/heads/1.2", False),
        ("on: {push: {branches: ['**', '!main']}}", "push", "refs/heads/main", False),
        ("on: {push: {branches: ['**', '!a/**', 'a/b']}}", "push", "refs/heads/a/b", True),
        ("on: {push: {branches-ignore: [main]}}", "push", "refs/heads/x", True),
        ("on: {push: {branches-ignore: [main]}}", "push", "refs/heads/main", False),
        ("on: {push: {branches-ignore: [main]}}", "push", "refs/tags/x", False),
        ("on: {pull_request: {branches: [main]}}", "pull_request", "refs/heads/x", False),
    ],
)
def test_starts(on: str, event: str, ref: str, value: bool) -> None:
    assert starts(workflow(on), event, ref) is value


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "Required input 'version' not provided"),
        ({"version": ""}, "Required input 'version' not provided"),
        ({"version": "1", "verison": "2", "b": "c"}, 'Unexpected inputs provided: ["verison", "b"]'),
        ({"version": "1", "level": "mid"}, "Provided value 'mid' for input 'level' not in the list of allowed values"),
        ({"version": "1", "publish": "maybe"}, "Provided value 'maybe' for input 'publish'"),
    ],
)
def test_a_dispatch_that_github_refuses(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInputs) as caught:
        check_dispatch(workflow(DISPATCH), given)
    assert said in str(caught.value)


def test_a_dispatch_without_its_trigger() -> None:
    with pytest.raises(InvalidInputs, match="does not have 'workflow_dispatch' trigger"):
        check_dispatch(workflow("on: push"), {})


def test_inputs_have_their_types_and_defaults() -> None:
    found = workflow(DISPATCH)
    check_dispatch(found, {"version": "0.7.0", "publish": "false"})
    assert input_values(found, {"version": "0.7.0", "publish": "false", "count": "4"}) == {
        "version": "0.7.0",
        "publish": False,
        "level": "low",
        "count": 4,
        "words": "yes",
    }
    assert input_values(found, {"publish": True})["publish"] is True


@pytest.mark.parametrize(("path", "events"), [("a.txt", ["pull_request", "push"]), ("[skip ci]", [])])
def test_a_commit_that_says_so_starts_nothing(client: Client, path: str, events: list[str]) -> None:
    """`commit` names the path in its message."""
    client.commit("topic", ".github/workflows/all.yaml", "on: [push, pull_request]" + JOBS)
    sha = client.commit("topic", path, start="topic")
    client.pull()
    assert sorted(run.start.event for run in client.hub.runs.values() if run.start.sha == sha) == events


def started(client: Client, *events: str) -> list[tuple[str, str, str]]:
    """Tell of each run of these events what happened, and at which ref."""
    runs = [run.start for run in client.hub.runs.values() if run.start.event in events]
    return sorted((start.event, start.payload.get("action", ""), start.ref) for start in runs)


def listen(client: Client, on: str) -> None:
    path = ".github/workflows/listen.yaml"
    client.git("checkout", "-q", "-B", "main", "origin/main")
    (client.sandbox.work / path).write_text(f"on: {on}{JOBS}")
    client.git("add", "-A")
    client.git("commit", "-qm", "Listen")
    client.git("push", "-q", "origin", "main")


def test_releases_start_what_listens_to_their_activities(client: Client) -> None:
    listen(client, "{release: {types: [published, released, prereleased]}}")
    draft = client.send("POST", "releases", 201, {"tag_name": "1.0.0", "draft": True})
    assert started(client, "release") == []
    client.send("PATCH", f"releases/{draft['id']}", 200, {"draft": False})
    ref = "refs/tags/1.0.0"
    assert started(client, "release") == [("release", "published", ref), ("release", "released", ref)]
    client.hub.runs.clear()
    client.send("POST", "releases", 201, {"tag_name": "1.1.0-rc.1", "prerelease": True})
    assert [action for _, action, _ in started(client, "release")] == ["prereleased", "published"]
    client.hub.runs.clear()
    client.token = JOB_TOKEN
    client.send("POST", "releases", 201, {"tag_name": "1.2.0"})
    assert started(client, "release") == [], "a workflow's own token starts nothing"


def test_refs_that_come_and_go_start_what_listens(client: Client) -> None:
    listen(client, "[create, delete]")
    client.git("push", "-q", "origin", "HEAD:refs/heads/new")
    assert started(client, "create", "delete") == [("create", "", "refs/heads/new")]
    client.git("push", "-q", "origin", ":refs/heads/new")
    assert started(client, "delete") == [("delete", "", "refs/heads/main")]


def test_a_pull_request_starts_what_listens_to_its_activity_and_tells_its_sides(client: Client) -> None:
    listen(client, "{pull_request: {types: [synchronize]}}")
    client.commit("topic")
    client.pull()
    assert started(client, "pull_request") == []
    client.commit("topic", text="other\n", start="topic")
    (run,) = [run for run in client.hub.runs.values() if run.start.event == "pull_request"]
    github = client.hub.run_context(run.start)["github"]
    assert (github["base_ref"], github["head_ref"]) == ("main", "topic")
