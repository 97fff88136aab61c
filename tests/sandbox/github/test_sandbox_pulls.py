"""Pull requests: opened, judged, merged and searched."""

from __future__ import annotations

import pytest
from sandbox_client import Client

from release.sandbox.github import rules
from release.sandbox.github.state import add_review


def test_an_unknown_commit_has_no_pull_requests_whether_there_are_any_or_not(client: Client) -> None:
    unknown = "commits/" + "1" * 40 + "/pulls"
    assert client.get(unknown, 422)["message"] == "No commit found for SHA: " + "1" * 40
    client.commit("topic")
    client.pull()
    client.get(unknown, 422)


def test_f17_pull_request_is_opened_once(client: Client) -> None:
    client.git("push", "-q", "origin", "HEAD:refs/heads/same")
    answer = client.send("POST", "pulls", 422, {"title": "x", "head": "same", "base": "main"})
    assert answer["errors"][0]["message"] == "No commits between main and same"
    client.commit("topic")
    number = client.pull()["number"]
    again = client.send("POST", "pulls", 422, {"title": "x", "head": "topic", "base": "main"})
    assert again["errors"][0]["message"] == "A pull request already exists for acme:topic."
    assert [each["number"] for each in client.get("pulls", head="acme:topic", base="main", state="open")] == [number]
    assert client.get("pulls", head="acme:other") == []
    client.send("POST", "pulls", 422, {"title": "x", "head": "none", "base": "main"})


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_pull_request_is_really_merged(client: Client, method: str) -> None:
    head = client.commit("topic")
    before = client.commit("main", "other.txt")
    number = client.pull()["number"]
    assert [client.get(f"pulls/{number}")["mergeable"] for _ in range(2)] == [None, True]
    assert client.get(f"pulls/{number}")["mergeable_state"] == "clean"
    client.get(f"pulls/{number}/merge", 404)
    merged = client.send("PUT", f"pulls/{number}/merge", 200, {"sha": head, "merge_method": method})
    bare = client.sandbox.bare
    assert bare.sha("main") == merged["sha"]
    assert bare.file("main", "new.txt") == bare.file("main", "other.txt") == "new\n"
    assert bare.commit(merged["sha"]).parents == ([before, head] if method == "merge" else [before])
    described = client.get(f"pulls/{number}")
    assert (described["merged"], described["merge_commit_sha"], described["state"]) == (True, merged["sha"], "closed")
    client.ask("GET", f"pulls/{number}/merge", 204)
    assert [each["number"] for each in client.get(f"commits/{merged['sha']}/pulls")] == [number]
    assert [each["sha"] for each in client.get(f"pulls/{number}/commits")] == [head]
    assert [each["filename"] for each in client.get(f"pulls/{number}/files")] == ["new.txt"]
    assert not list((bare.path / "worktrees").glob("*"))


def test_f15_merge_wants_the_head_that_was_seen(client: Client) -> None:
    old = client.commit("topic")
    number = client.pull()["number"]
    new = client.commit("topic", "more.txt", start="topic")
    answer = client.send("PUT", f"pulls/{number}/merge", 409, {"sha": old})
    assert answer["message"] == "Head branch was modified. Review and try the merge again."
    client.send("PUT", f"pulls/{number}/merge", 200, {"sha": new})
    client.send("PUT", f"pulls/{number}/merge", 405, {"sha": new})


def test_conflict_draft_and_method_are_told_apart(client: Client) -> None:
    client.commit("topic", "README.md", "mine\n")
    client.commit("main", "README.md", "theirs\n")
    number = client.pull()["number"]
    client.get(f"pulls/{number}")
    assert client.get(f"pulls/{number}")["mergeable_state"] == "dirty"
    assert "not mergeable" in client.send("PUT", f"pulls/{number}/merge", 405, {})["message"]
    client.commit("other", "b.txt", start="main")
    draft = client.pull("other", draft=True)["number"]
    client.get(f"pulls/{draft}")
    assert client.get(f"pulls/{draft}")["mergeable_state"] == "draft"
    assert "still a draft" in client.send("PUT", f"pulls/{draft}/merge", 405, {})["message"]
    client.commit("third", "c.txt", start="main")
    third = client.pull("third")["number"]
    client.hub.settings.allow_squash_merge = False
    assert client.get("")["allow_squash_merge"] is False
    answer = client.send("PUT", f"pulls/{third}/merge", 405, {"merge_method": "squash"})
    assert answer["message"] == "Squash merges are not allowed on this repository."


def test_rules_stand_against_merging_until_they_are_met(client: Client) -> None:
    sha = client.commit("topic")
    number = client.pull()["number"]
    required = {"required_status_checks": [{"context": "ci"}], "strict_required_status_checks_policy": False}
    review = {"required_approving_review_count": 1}
    rules.protect(client.hub, "refs/heads/main", pull_request=review, required_status_checks=required)
    client.get(f"pulls/{number}")
    assert client.get(f"pulls/{number}")["mergeable_state"] == "blocked"
    words = client.send("PUT", f"pulls/{number}/merge", 405, {})["message"]
    assert "approving review is required" in words
    assert 'Required status check "ci" is expected.' in words
    client.send("POST", f"pulls/{number}/reviews", 422, {"event": "APPROVE"})
    add_review(client.hub, client.hub.pulls[number])
    client.send("POST", f"statuses/{sha}", 201, {"state": "failure", "context": "ci"})
    assert "is failing" in client.send("PUT", f"pulls/{number}/merge", 405, {})["message"]
    client.send("POST", f"statuses/{sha}", 201, {"state": "success", "context": "ci"})
    assert client.get("commits/topic/status")["state"] == "success"
    assert len(client.get("commits/topic/statuses")) == 2
    assert len(client.get(f"pulls/{number}/reviews")) == 1
    assert "pull request" in client.git("push", "origin", "HEAD:main", check=False).stderr
    [ruleset] = client.get("rulesets")
    assert client.get(f"rulesets/{ruleset['id']}")["conditions"]["ref_name"]["include"] == ["refs/heads/main"]
    client.send("PUT", f"pulls/{number}/merge", 200, {"sha": sha})


def test_f16_merge_queue_and_being_behind_are_said(client: Client) -> None:
    client.commit("topic")
    client.commit("main", "other.txt")
    number = client.pull()["number"]
    rules.protect(client.hub, "refs/heads/main", required_status_checks={"strict_required_status_checks_policy": True})
    client.get(f"pulls/{number}")
    assert client.get(f"pulls/{number}")["mergeable_state"] == "behind"
    client.send("PUT", f"pulls/{number}/merge", 405, {})
    rules.unprotect(client.hub)
    rules.protect(client.hub, "refs/heads/main", merge_queue={})
    assert "merge queue" in client.send("PUT", f"pulls/{number}/merge", 405, {})["message"]
    assert client.get("rules/branches/main")[0]["type"] == "merge_queue"


def test_f18_head_branch_is_deleted_on_merge_when_set_so(client: Client) -> None:
    client.hub.settings.delete_branch_on_merge = True
    sha = client.commit("topic")
    number = client.pull()["number"]
    client.send("PUT", f"pulls/{number}/merge", 200, {"sha": sha})
    assert client.sandbox.bare.sha("topic") is None
    assert client.get(f"pulls/{number}")["head"]["sha"] == sha


def test_pull_request_is_closed_or_merged_by_pushes(client: Client) -> None:
    client.commit("topic")
    client.commit("gone", "gone.txt")
    merged, closed = client.pull()["number"], client.pull("gone")["number"]
    client.git("push", "-q", "origin", "topic:main")
    client.git("push", "-q", "origin", ":gone")
    assert client.get(f"pulls/{merged}")["merged"] is True
    assert [client.get(f"pulls/{closed}")[key] for key in ("state", "merged")] == ["closed", False]
    client.send("PATCH", f"pulls/{merged}", 200, {"title": "Better"})
    assert client.get("/search/issues", q='is:pr repo:acme/platform "better"')["total_count"] == 1


def test_labelled_pull_requests_are_searched(client: Client) -> None:
    sha = client.commit("topic")
    number = client.pull()["number"]
    client.send("POST", f"issues/{number}/labels", 200, {"labels": ["backport 0.7"]})

    def search(words: str) -> int:
        return int(client.get("/search/issues", q=f"repo:acme/platform is:pr {words}")["total_count"])

    assert search('label:"backport 0.7"') == search("is:open") == search(sha[:10]) == search("base:main") == 1
    assert search("is:merged") == search("label:other") == search("merged:>=2020-01-01") == 0
    client.send("PUT", f"pulls/{number}/merge", 200, {"sha": sha})
    assert search("is:merged") == search("merged:>=2020-01-01") == search("merged:2020-01-01..2099-01-01") == 1
