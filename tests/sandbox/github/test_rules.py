"""Rules hold for every writer: pushes, the REST API, merges, the merge queue and Releases, in GitHub's words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sandbox_client import Client

from release.sandbox.github import rules
from release.sandbox.github.judging import Change
from release.sandbox.github.merging import merge_pull
from release.sandbox.github.records import TOKEN, Ruleset, Token
from release.sandbox.github.state import add_status

ZERO = "0" * 40
MAIN = "refs/heads/main"


@pytest.mark.parametrize(
    ("include", "exclude", "ref", "covered"),
    [
        ("~ALL", "", "refs/heads/a/b", True),
        ("~ALL", "", "refs/tags/1", False),
        ("~ALL", "refs/heads/a/*", "refs/heads/a/b", False),
        ("~DEFAULT_BRANCH", "", MAIN, True),
        ("~DEFAULT_BRANCH", "", "refs/heads/other", False),
        ("refs/heads/release-*", "", "refs/heads/release-1", True),
        ("refs/heads/*", "", "refs/heads/a/b", False),
        ("refs/heads/**/*", "", "refs/heads/a/b", True),
    ],
)
def test_a_ruleset_covers_what_it_includes_and_does_not_exclude(
    include: str, exclude: str, ref: str, covered: bool
) -> None:
    ruleset = Ruleset(1, "one", "branch", (include,), exclude=(exclude,) if exclude else ())
    assert ruleset.covers(ref, "main") is covered
    assert not replace(ruleset, enforcement="disabled").covers(ref, "main")


def refused(client: Client, *refspecs: str) -> str:
    """Push the clone's head, and return what Git says; it must be refused."""
    done = client.git("push", "--force", "origin", *refspecs, check=False)
    assert done.returncode != 0, done.stderr
    return str(done.stderr)


PATTERN = {"operator": "regex", "pattern": r"^\d+\.\d+\.\d+$"}
PUSHES: list[tuple[str, str, Any, str, str]] = [
    ("refs/heads/new", "creation", {}, "HEAD:refs/heads/new", "Cannot create ref due to creations being restricted."),
    ("~DEFAULT_BRANCH", "update", {}, "HEAD:main", "Cannot update this protected ref."),
    ("~ALL", "deletion", {}, ":refs/heads/topic", "Cannot delete this protected ref."),
    ("~ALL", "non_fast_forward", {}, "origin/main:refs/heads/topic", "Cannot force-push to this branch"),
    ("~ALL", "pull_request", {}, "HEAD:main", "Changes must be made through a pull request."),
    ("~ALL", "merge_queue", {}, "HEAD:main", "Changes must be made through the merge queue"),
    ("~ALL", "required_signatures", {}, "HEAD:main", "Commits must have verified signatures."),
    ("~ALL", "branch_name_pattern", PATTERN, "HEAD:new", "Branch name must match a given regex pattern: ^"),
    ("refs/tags/*", "tag_name_pattern", PATTERN, "HEAD:refs/tags/v1", "Tag name must match a given regex pattern: ^"),
    (
        "~ALL", "commit_message_pattern", {"operator": "starts_with", "pattern": "fix:"}, "HEAD:main",
        "Commit message must start with fix:",
    ),
    (
        "~ALL", "required_status_checks", {"required_status_checks": [{"context": "a"}, {"context": "b"}]}, "HEAD:main",
        "2 of 2 required status checks are expected.",
    ),
    ("~ALL", "code_scanning", {}, "HEAD:main", 'does not know the rule "code_scanning"'),
]  # fmt: skip


@pytest.mark.parametrize(("include", "kind", "given", "refspec", "words"), PUSHES, ids=[each[1] for each in PUSHES])
def test_a_push_is_refused_by_each_rule(
    client: Client, include: str, kind: str, given: Any, refspec: str, words: str
) -> None:
    client.commit("topic")
    before = client.sandbox.bare.refs()
    rules.protect(client.hub, include, **{kind: given})
    said = refused(client, refspec)
    assert "remote: error: GH013: Repository rule violations found for refs/" in said
    assert f"remote: - {words}" in said or words in said
    assert "(push declined due to repository rule violations)" in said
    assert client.sandbox.bare.refs() == before
    rules.unprotect(client.hub)
    client.git("push", "--force", "origin", refspec)


def test_a_linear_branch_takes_no_merge_commit_from_anybody(client: Client) -> None:
    client.commit("topic")
    client.commit("main", "other.txt")
    number = client.pull()["number"]
    rules.protect(client.hub, MAIN, required_linear_history={})
    words = "This branch must not contain merge commits."
    client.get(f"pulls/{number}")
    assert words in client.send("PUT", f"pulls/{number}/merge", 405, {})["message"]
    assert words in client.send("POST", "merges", 409, {"base": "main", "head": "topic"})["message"]
    client.git("merge", "--no-edit", "origin/topic", "origin/main")
    assert words in refused(client, "HEAD:main")
    client.send("PUT", f"pulls/{number}/merge", 200, {"merge_method": "squash"})


def test_the_api_is_refused_as_a_push_is(client: Client) -> None:
    sha = client.commit("topic")
    rules.protect(client.hub, "~ALL", update={}, deletion={}, creation={})
    rules.protect(client.hub, "refs/tags/*", creation={})
    before = client.sandbox.bare.refs()
    for method, path, status, asked in (
        ("PATCH", "git/refs/heads/main", 422, {"sha": sha}),
        ("DELETE", "git/refs/heads/topic", 422, None),
        ("POST", "git/refs", 422, {"ref": "refs/heads/new", "sha": sha}),
        ("PUT", "contents/new", 409, {"message": "Make", "content": ""}),
        ("POST", "merges", 409, {"base": "main", "head": "topic"}),
    ):
        assert "Repository rule violations found" in client.send(method, path, status, asked)["message"]
    said = client.send("POST", "releases", 422, {"tag_name": "1.0.0"})["errors"]
    assert "Cannot create ref due to creations being restricted." in said[0]["message"]
    assert said[1]["message"] == "Published releases must have a valid tag"
    assert client.sandbox.bare.refs() == before
    assert client.hub.releases == {}


def test_the_merge_queue_goes_where_nobody_else_may(client: Client) -> None:
    client.commit("topic")
    number = client.pull()["number"]
    rules.protect(client.hub, MAIN, merge_queue={}, deletion={})
    client.get(f"pulls/{number}")
    client.send("PUT", f"pulls/{number}/merge", 405, {})
    merge_pull(client.hub, client.hub.pulls[number], {}, Token("github-merge-queue[bot]"), queued=True)
    assert client.get(f"pulls/{number}")["merged"]


def test_a_branch_that_a_rule_keeps_outlives_its_pull_request(client: Client) -> None:
    client.hub.settings.delete_branch_on_merge = True
    client.commit("topic")
    number = client.pull()["number"]
    rules.protect(client.hub, "refs/heads/topic", deletion={})
    client.get(f"pulls/{number}")
    client.send("PUT", f"pulls/{number}/merge", 200, {})
    assert client.hub.head("topic")


@pytest.mark.parametrize(
    ("actor", "token", "passes"),
    [
        ({"actor_type": "RepositoryRole", "actor_id": 5}, Token(role="admin"), True),
        ({"actor_type": "RepositoryRole", "actor_id": 5}, Token(role="maintain"), False),
        ({"actor_type": "RepositoryRole", "actor_id": 4}, Token(), True),
        ({"actor_type": "RepositoryRole", "actor_id": 5, "bypass_mode": "pull_request"}, Token(role="admin"), False),
        ({"actor_type": "Integration", "actor_id": 7}, Token(app=7), True),
        ({"actor_type": "Integration", "actor_id": 7}, Token(app=8), False),
        ({"actor_type": "Team", "actor_id": 1}, Token(role="admin"), False),
    ],
)
def test_who_goes_past_a_ruleset_is_told_what_he_went_past(
    client: Client, actor: dict[str, Any], token: Token, passes: bool
) -> None:
    sha = client.commit("topic")
    ruleset = rules.protect(client.hub, MAIN, pull_request={})
    client.hub.rulesets[:] = [replace(ruleset, bypass=(actor,))]
    client.hub.tokens[TOKEN] = token
    push = client.git("push", "origin", "HEAD:main", check=False)
    assert (push.returncode == 0, client.hub.head("main") == sha) == (passes, passes)
    assert ("Bypassed rule violations for refs/heads/main:" in push.stderr) is passes


def test_a_push_of_two_refs_loses_the_one_that_is_refused(client: Client) -> None:
    sha = client.commit("topic")
    rules.protect(client.hub, "refs/heads/one", creation={})
    refused(client, "HEAD:refs/heads/one", "HEAD:refs/heads/two")
    assert (client.hub.head("one"), client.hub.head("two")) == (None, sha)


def test_the_older_protection_refuses_in_its_own_words(client: Client) -> None:
    sha = client.commit("topic")
    none = {"enforce_admins": True, "required_pull_request_reviews": None, "restrictions": None}
    checks = {"strict": False, "contexts": ["ci"]}
    client.send("PUT", "branches/main/protection", 404, {**none, "required_status_checks": checks})
    client.hub.tokens[TOKEN] = Token(role="admin")
    client.send("PUT", "branches/main/protection", 200, {**none, "required_status_checks": checks})
    said = refused(client, "HEAD:main")
    assert "remote: error: GH006: Protected branch update failed for refs/heads/main." in said
    assert 'remote: - Required status check "ci" is expected.' in said
    assert "(protected branch hook declined)" in said
    assert client.get("branches/main")["protection"]["required_status_checks"]["contexts"] == ["ci"]
    add_status(client.hub, sha, "success", "ci")
    client.git("push", "origin", "HEAD:main")
    client.hub.protections["top*"] = {"enforce_admins": True}
    assert "Cannot delete this branch" in refused(client, ":topic")
    client.send("DELETE", "branches/main/protection", 204)
    assert rules.verdict(client.hub, Token(), Change(MAIN, sha, ZERO)).reason == ""


def test_an_administrator_goes_past_the_older_protection_unless_it_says_otherwise(client: Client) -> None:
    client.commit("topic")
    client.hub.tokens[TOKEN] = Token(role="admin")
    client.hub.protections["main"] = {"enforce_admins": False, "lock_branch": True}
    assert "Cannot change this locked branch" in client.git("push", "origin", "HEAD:main").stderr


def test_a_rule_that_is_not_known_is_refused_by_name(client: Client) -> None:
    client.hub.tokens[TOKEN] = Token(role="admin")
    said = client.send("POST", "rulesets", 422, {"name": "odd", "enforcement": "active", "rules": [{"type": "odd"}]})
    assert said["errors"][0]["message"] == 'The sandbox\'s GitHub does not know the rule "odd".'
    assert client.hub.rulesets == []
