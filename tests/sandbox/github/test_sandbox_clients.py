"""What clients of other projects ask for: files by commits, Git objects, labels, comments, checks, logs, dispatches."""

from __future__ import annotations

import base64
import io
import zipfile
from typing import Any

import pytest
from outside import git
from sandbox_client import FILES, Client
from scripted_run import scripted

from release.sandbox import Sandbox
from release.sandbox.github.rules import protect

LISTENS = "on: {repository_dispatch: {types: [nightly]}}\njobs: {build: {runs-on: x, steps: [{run: %s}]}}\n"


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_a_file_is_written_and_deleted_by_commits(client: Client) -> None:
    made = client.send("PUT", "contents/a/b.txt", 201, {"message": "Make", "content": coded("one")})
    assert client.hub.head("main") == made["commit"]["sha"]
    client.send("PUT", "contents/a/b.txt", 422, {"message": "Change", "content": coded("two")})
    seen = {"message": "Change", "sha": made["content"]["sha"]}
    changed = client.send("PUT", "contents/a/b.txt", 200, {**seen, "content": coded("two")})
    client.send("DELETE", "contents/a/b.txt", 409, seen)
    assert client.sandbox.bare.file("main", "a/b.txt") == "two"
    client.send("DELETE", "contents/a/b.txt", 200, {**seen, "sha": changed["content"]["sha"]})
    assert client.sandbox.bare.file("main", "a/b.txt") is None
    assert sorted(each["path"] for each in client.get("contents/.github")) == [".github/workflows"]


def test_nobody_commits_where_the_rules_want_a_pull_request(client: Client) -> None:
    protect(client.hub, "refs/heads/main", pull_request={})
    before, other = client.hub.head("main"), client.commit("other")
    client.send("PUT", "contents/new", 409, {"message": "Make", "content": ""})
    client.send("POST", "merges", 409, {"base": "main", "head": "other"})
    assert client.hub.head("main") == before != other


def test_objects_are_made_and_a_ref_moved_to_them(client: Client) -> None:
    main = client.hub.head("main") or ""
    blob = client.send("POST", "git/blobs", 201, {"content": "/w==", "encoding": "base64"})["sha"]
    entry = {"path": "b.bin", "mode": "100644", "type": "blob", "sha": blob}
    tree = client.send("POST", "git/trees", 201, {"base_tree": main, "tree": [entry]})
    assert "README.md" in {each["path"] for each in tree["tree"]}
    commit = client.send("POST", "git/commits", 201, {"message": "More", "tree": tree["sha"], "parents": [main]})["sha"]
    client.send("PATCH", "git/refs/heads/main", 200, {"sha": commit})
    client.send("PATCH", "git/refs/heads/main", 422, {"sha": main})
    assert client.hub.head("main") == commit
    assert client.sandbox.bare.output("cat-file", "blob", "main:b.bin") == b"\xff"
    asked = {"tag": "1.0.0", "message": "words", "object": commit, "type": "commit"}
    tag = client.send("POST", "git/tags", 201, asked)["sha"]
    client.send("POST", "git/refs", 201, {"ref": "refs/tags/1.0.0", "sha": tag})
    assert client.get("tags")[0]["commit"]["sha"] == commit
    assert git(client.sandbox.bare.path, "cat-file", "-t", "1.0.0") == "tag"


def test_labels_and_comments_of_a_pull_request() -> None:
    with Sandbox(FILES, cloud=False) as sandbox:  # GitHub takes a list of labels alone; its description has none
        client = Client(sandbox)
        client.commit("topic")
        client.pull()
        client.send("POST", "issues/1/labels", 200, ["backport", "urgent"])
        client.send("DELETE", "issues/1/labels/urgent", 200)
        client.send("PATCH", "labels/backport", 200, {"new_name": "port", "color": "ff0000"})
        assert [(each["name"], each["color"]) for each in client.get("issues/1/labels")] == [("port", "ff0000")]
        client.send("POST", "issues/1/comments", 201, {"body": "Words"})
        assert [each["body"] for each in client.get("issues/1/comments")] == ["Words"]
        assert client.get("pulls/1")["comments"] == 1


def test_a_check_that_was_reported_changes_and_a_job_does_not(client: Client) -> None:
    sha = client.hub.head("main")
    client.dispatch(inputs={"publish": "true"})
    check = client.send("POST", "check-runs", 201, {"head_sha": sha, "name": "lint", "status": "in_progress"})
    assert (check["status"], check["conclusion"]) == ("in_progress", None)
    client.send("PATCH", f"check-runs/{check['id']}", 200, {"conclusion": "failure"})
    found = {each["name"]: each for each in client.get("commits/main/check-runs")["check_runs"]}
    assert (found["lint"]["status"], found["lint"]["conclusion"]) == ("completed", "failure")
    client.send("PATCH", f"check-runs/{found['build']['id']}", 403, {"conclusion": "failure"})


def test_the_logs_of_a_run_are_an_archive(client: Client) -> None:
    client.sandbox.github.use_runner(scripted(build="success", test="failure"))
    run = client.dispatch(inputs={"publish": "true"})["workflow_run_id"]
    place = client.ask("GET", f"actions/runs/{run}/logs", 302).headers["Location"]
    content = client.session.get(place, timeout=30).content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.read("1_test.txt") == b"test: failure\n"
    client.ask("DELETE", f"actions/runs/{run}", 204)
    client.get(f"actions/runs/{run}", 404)


def test_a_branch_is_brought_up_to_its_base(client: Client) -> None:
    client.commit("topic")
    client.pull()
    base = client.commit("main", "later.txt")
    client.send("PUT", "pulls/1/update-branch", 202, {})
    assert client.sandbox.bare.is_ancestor(base, client.hub.head("topic") or "")
    client.send("PUT", "pulls/1/update-branch", 422, {})


@pytest.mark.parametrize(("event", "runs"), [("nightly", 1), ("other", 0)])
def test_a_repository_dispatch_starts_what_listens_to_its_type(event: str, runs: int) -> None:
    echo = '"echo $SAID"'.replace("$SAID", "${{ github.event.client_payload.version }}")
    with Sandbox({**FILES, ".github/workflows/nightly.yaml": LISTENS % echo}, cloud=False) as sandbox:
        client = Client(sandbox)
        client.send("POST", "dispatches", 204, {"event_type": event, "client_payload": {"version": "1.2.3"}})
        found = client.get("actions/runs")["workflow_runs"]
        assert len(found) == runs
        for each in sandbox.github.hub.runs.values():
            each.work.wait(60)  # type: ignore[attr-defined] # the runner's own
            assert "echo 1.2.3" in each.work.jobs[0].log


def asked_of_graphql(client: Client, query: str, **variables: Any) -> Any:
    root = client.sandbox.github.api_url.replace("/v3", "/graphql")
    return client.ask("POST", root, json={"query": query, "variables": variables}).json()


def test_gh_opens_and_merges_pull_requests_by_mutations() -> None:
    with Sandbox(FILES, cloud=False) as sandbox:
        client, payload = Client(sandbox), "{ pullRequest { id number state } }"
        client.commit("topic")
        create = f"mutation($input: CreatePullRequestInput!) {{ createPullRequest(input: $input) {payload} }}"
        asked = {"repositoryId": "R", "baseRefName": "main", "headRefName": "topic", "title": "Topic"}
        made = asked_of_graphql(client, create, input=asked)["data"]["createPullRequest"]["pullRequest"]
        assert "already exists" in asked_of_graphql(client, create, input=asked)["errors"][0]["message"]
        listed = "{ repository(owner: %s, name: %s) { pullRequests(states: [OPEN]) { nodes { number } } } }"
        listed %= ('"acme"', '"platform"')
        assert asked_of_graphql(client, listed)["data"]["repository"]["pullRequests"]["nodes"] == [{"number": 1}]
        merge = f"mutation($input: MergePullRequestInput!) {{ mergePullRequest(input: $input) {payload} }}"
        merged = asked_of_graphql(client, merge, input={"pullRequestId": made["id"], "mergeMethod": "SQUASH"})
        assert merged["data"]["mergePullRequest"]["pullRequest"]["state"] == "MERGED"
        assert client.sandbox.bare.file("main", "new.txt") == "new\n"
