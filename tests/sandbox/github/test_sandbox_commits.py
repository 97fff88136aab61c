"""Refs, commits, comparisons and checks."""

from __future__ import annotations

from sandbox_client import Client
from scripted_run import scripted

from release.sandbox.github.state import add_check, add_status


def test_refs_are_read_created_and_deleted(client: Client) -> None:
    sha = client.commit("release-0.7-20261122")
    client.git("tag", "-am", "Words", "0.7.0")
    client.git("push", "-q", "origin", "0.7.0")
    tag = client.get("git/ref/tags/0.7.0")["object"]
    assert tag["type"] == "tag"
    assert client.get(f"git/tags/{tag['sha']}")["object"]["sha"] == sha
    assert (
        client.get("git/ref/heads/release-0.7-20261122")["object"]
        == client.get("git/matching-refs/heads/rel")[0]["object"]
    )
    client.get("git/ref/heads/release", 404)
    client.send("POST", "git/refs", 201, {"ref": "refs/heads/a/b", "sha": sha})
    client.send("POST", "git/refs", 422, {"ref": "refs/heads/a/b", "sha": sha})
    assert client.get("branches/a/b")["commit"]["sha"] == client.get("branches/a%2Fb")["commit"]["sha"] == sha
    client.ask("DELETE", "git/refs/heads/a/b", 204)
    client.get("branches/a/b", 404)
    client.get("branches/main/protection", 404)
    assert len(client.get("branches")) == 2


def test_commits_and_comparisons(client: Client) -> None:
    sha = client.commit("topic", "README.md", "one\n2\nthree\nfour\n")
    assert client.get("commits/topic")["files"][0]["additions"] == 2
    assert client.get(f"git/commits/{sha}")["message"] == "Change README.md"
    assert [each["sha"] for each in client.get("commits", sha="topic", per_page=1)] == [sha]
    ahead = client.get("compare/main...topic")
    assert (ahead["status"], ahead["ahead_by"], ahead["files"][0]["filename"]) == ("ahead", 1, "README.md")
    assert client.get("compare/topic...main")["status"] == "behind"
    assert client.get("compare/main...main")["status"] == "identical"
    client.get("compare/main...none", 404)
    client.get("commits/none", 422)
    assert client.get("contents/README.md", ref="topic")["size"] == len("one\n2\nthree\nfour\n")


def test_jobs_and_other_checks_are_check_runs_of_the_commit(client: Client) -> None:
    sha = client.sandbox.bare.sha("main") or ""
    client.sandbox.github.use_runner(scripted(build="success", test="failure"))
    client.dispatch(inputs={"publish": "true"})
    add_check(client.hub, sha, "lint", "neutral")
    add_status(client.hub, sha, "pending", "deploy")
    found = client.get("commits/main/check-runs", per_page=2)
    assert (found["total_count"], len(found["check_runs"])) == (3, 2)
    assert client.get(f"commits/{sha}/check-runs", check_name="test")["check_runs"][0]["conclusion"] == "failure"
    assert client.get("commits/main/check-suites")["total_count"] == 1
    assert client.get("commits/main/status")["state"] == "pending"
