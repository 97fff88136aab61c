"""Workflows: found, started by a push or a dispatch, or refused."""

from __future__ import annotations

import time
from typing import Any

import pytest
from conformance import Conformance
from sandbox_client import DISPATCH, FILES, Client

from release.sandbox import Sandbox
from release.sandbox.github.records import JOB_TOKEN


def test_tag_push_starts_the_workflow_a_branch_push_or_a_job_token_does_not(client: Client) -> None:
    sha = client.commit("topic")
    client.git("push", "-q", "origin", "HEAD:refs/tags/0.7.0-rc.1", "HEAD:refs/tags/v1")
    assert client.hub.runs == {}
    client.git("push", "-q", "origin", "HEAD:refs/tags/0.6.0", GITHUB_TOKEN=JOB_TOKEN)
    assert client.hub.runs == {}
    client.git("tag", "-am", "Release", "0.7.0")
    client.git("push", "-q", "origin", "refs/tags/0.7.0")
    found = client.get("actions/runs", event="push", head_sha=sha, branch="0.7.0")
    assert found["total_count"] == 1
    assert client.get("actions/runs", branch="main")["total_count"] == 0


def test_dispatch_answers_the_run_and_older_servers_do_not(client: Client) -> None:
    run = client.dispatch(inputs={"publish": "true"})
    described = client.get(f"actions/runs/{run['workflow_run_id']}")
    assert (described["head_sha"], described["event"]) == (client.sandbox.bare.sha("main"), "workflow_dispatch")
    assert client.hub.runs[described["id"]].start.inputs == {"publish": True, "level": "low", "note": ""}
    client.send("POST", DISPATCH, 204, {"ref": "main", "inputs": {"publish": "true"}})
    client.hub.settings.dispatch_answer = "none"
    client.dispatch(204, inputs={"publish": "true"})
    client.hub.settings.dispatch_answer = "reject"
    client.dispatch(422, inputs={"publish": "true"})
    assert client.get("actions/workflows/build.yaml/runs")["total_count"] == 3


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"inputs": {"publish": "true", "a": "1", "b": "2"}}, 'Unexpected inputs provided: ["a", "b"]'),
        ({"inputs": {}}, "Required input 'publish' not provided"),
        ({"inputs": {"publish": "yes"}}, "Provided value 'yes' for input 'publish' not in the list of allowed values"),
        ({"inputs": {"publish": "true", "level": "x"}}, "Provided value 'x' for input 'level' not in the list"),
        ({"ref": "nowhere"}, "No ref found for: nowhere"),
        ({"inputs": {f"i{n}": "" for n in range(26)}}, "No more than 25 properties are allowed"),
    ],
)
def test_dispatch_refuses_as_github_does(client: Client, body: dict[str, Any], message: str) -> None:
    assert message in client.send("POST", DISPATCH, 422, {"ref": "main", **body})["message"]
    assert client.hub.runs == {}


def test_dispatch_of_what_is_not_there(client: Client) -> None:
    client.send("POST", "actions/workflows/none.yaml/dispatches", 404, {"ref": "main"})
    answer = client.send("POST", "actions/workflows/quiet.yaml/dispatches", 422, {"ref": "main"})
    assert "does not have 'workflow_dispatch' trigger" in answer["message"]
    sha = client.sandbox.bare.git("commit-tree", "4b825dc642cb6eb9a060e54bf8d69288fbee4904", text="empty").strip()
    client.sandbox.bare.update_ref("refs/heads/bare", sha)
    client.send("POST", DISPATCH, 404, {"ref": "bare"})


def test_workflows_are_listed_and_found_by_number_and_file_name(client: Client) -> None:
    listed = client.get("actions/workflows")["workflows"]
    assert [each["name"] for each in listed] == ["Build", ".github/workflows/quiet.yaml"]
    assert client.get(f"actions/workflows/{listed[0]['id']}") == client.get("actions/workflows/build.yaml")
    client.get("actions/workflows/none.yaml", 404)


def test_unreadable_workflow_shows_as_a_run_that_never_started(client: Client) -> None:
    client.commit("broken", ".github/workflows/broken.yaml", "on: push\njobs: {a: {nonsense: 1}}\n")
    [run] = client.get("actions/runs")["workflow_runs"]
    assert (run["conclusion"], client.get(f"actions/runs/{run['id']}/jobs")["jobs"]) == ("startup_failure", [])


def test_steps_of_a_dispatched_run_really_run() -> None:
    with Sandbox(FILES, cloud=False) as sandbox:
        client = Client(sandbox)
        number = client.dispatch(inputs={"publish": "true", "level": "high"})["workflow_run_id"]
        deadline = time.monotonic() + 20
        while (run := client.get(f"actions/runs/{number}"))["status"] != "completed":
            assert time.monotonic() < deadline
            time.sleep(0.02)
        [job] = client.get(f"actions/runs/{number}/jobs")["jobs"]
        place = client.ask("GET", f"actions/jobs/{job['id']}/logs", 302).headers["Location"]
        assert run["conclusion"] == "success"
        assert "level high" in client.session.get(place, timeout=5).text
        Conformance.load().check_all(client.recording.exchanges)


def test_f31_a_push_that_touches_other_paths_starts_nothing(client: Client) -> None:
    head = "on: {push: {branches: [topic], %s}, pull_request: {%s}}\njobs: {a: {runs-on: x, steps: [{run: 'true'}]}}\n"
    (client.sandbox.work / "docs").mkdir()
    topic = client.commit("topic", "docs/one.md")
    for name, filters in (("docs", "paths: ['docs/**', '!docs/*.txt']"), ("code", "paths-ignore: ['docs/**']")):
        topic = client.commit("topic", f".github/workflows/{name}.yaml", head % (filters, filters), topic)

    def started() -> set[str]:
        """Name the workflows that ran since the last look."""
        names = {run.start.path.rpartition("/")[2] for run in client.hub.runs.values()}
        client.hub.runs.clear()
        return names

    started()
    for path, expected in (("docs/a.md", "docs.yaml"), ("a.py", "code.yaml"), ("docs/a.txt", None)):
        topic = client.commit("topic", path, "text\n", topic)
        assert started() == ({expected} if expected else set()), path
    client.commit("only-docs", "docs/b.md", "text\n", topic)
    client.pull("only-docs", base="topic")
    assert started() == {"docs.yaml"}
