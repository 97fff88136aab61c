"""What a token may ask of the sandbox's GitHub: as strict as GitHub is, in its words."""

from __future__ import annotations

import dataclasses

import pytest
import requests
from sandbox_client import Client

from release.sandbox.github import records
from release.sandbox.github.app import routes
from release.sandbox.github.permissions import INTEGRATION, PERSONAL, declared
from release.sandbox.github.records import Token, app_token, fine_grained_token, workflow_token
from release.sandbox.runner.permissions import KINDS

NEW = {"ref": "refs/tags/0.9.0"}


def use(client: Client, token: Token) -> Client:
    """Have the client ask with a token from now on."""
    client.hub.tokens["other"] = token
    client.token = "other"
    return client


def check_refused(answer: requests.Response, needed: str) -> None:
    """Assert that an answer says no in GitHub's words, and what would be enough."""
    assert answer.json()["message"] == INTEGRATION
    assert answer.headers["X-Accepted-GitHub-Permissions"] == needed


def test_every_route_of_the_api_declares_what_it_asks_for() -> None:
    app = routes()
    views = {rule.endpoint for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/")}
    assert {name for name in views if declared(app.view_functions[name]) is None} == set()
    kinds = {kind.replace("-", "_") for kind in KINDS} | {"metadata", "administration"}
    for name in views:
        for way in declared(app.view_functions[name]) or ():
            kind, _, level = way.partition("=")
            assert kind in kinds, (name, way)
            assert level in ("read", "write"), (name, way)


def test_a_workflows_token_has_what_it_was_granted_and_nothing_else(client: Client) -> None:
    use(client, workflow_token({"contents": "read"}))
    client.get("git/matching-refs/heads/")
    client.get("releases")
    for path, needed in (
        ("actions/runs", "actions=read"), ("pulls", "pull_requests=read"), ("commits/main/status", "statuses=read"),
        ("commits/main/check-runs", "checks=read"), ("branches/main/protection", "administration=read"),
        ("labels", "issues=read; pull_requests=read"),
    ):  # fmt: skip
        check_refused(client.ask("GET", path, 403), needed)
    for path, body, needed in (
        ("git/refs", {**NEW, "sha": "0" * 40}, "contents=write"), ("releases", {"tag_name": "1"}, "contents=write"),
        ("pulls", {"head": "topic", "base": "main", "title": "Topic"}, "pull_requests=write"),
        (f"statuses/{'0' * 40}", {"state": "success"}, "statuses=write"),
        ("issues/1/comments", {"body": "Well done"}, "issues=write; pull_requests=write"),
        ("actions/workflows/build.yaml/dispatches", {"ref": "main"}, "actions=write"),
    ):  # fmt: skip
        check_refused(client.ask("POST", path, 403, json=body), needed)
    assert client.hub.bare.refs("refs/tags/0.9.0") == {}


def test_a_permission_to_write_includes_to_read_and_is_enough(client: Client) -> None:
    use(client, workflow_token({"contents": "write"}))
    sha = client.get("git/ref/heads/main")["object"]["sha"]
    client.send("POST", "git/refs", 201, {**NEW, "sha": sha})
    assert client.hub.bare.sha("refs/tags/0.9.0") == sha


@pytest.mark.parametrize("token", [workflow_token({"contents": "read"}), app_token({"contents": "read"})])
def test_only_a_person_is_a_user_while_graphql_names_the_viewer(client: Client, token: Token) -> None:
    use(client, token)
    assert client.get("/user", 403)["message"] == INTEGRATION
    found = client.ask("POST", "/../graphql", json={"query": "{viewer {login}}"}).json()
    assert found["data"]["viewer"]["login"] == token.login


def test_graphql_asks_for_the_same(client: Client) -> None:
    use(client, workflow_token({"contents": "read"}))
    query = '{repository(owner: "acme", name: "platform") {pullRequests(first: 1) {nodes {number}}}}'
    [error] = client.ask("POST", "/../graphql", json={"query": query}).json()["errors"]
    assert error["message"] == INTEGRATION


def test_a_fine_grained_token_has_no_checks_and_says_whose_it_is(client: Client) -> None:
    use(client, fine_grained_token({"contents": "read", "checks": "read", "actions": "read"}))
    client.get("actions/runs")
    answer = client.ask("GET", "commits/main/check-runs", 403)
    assert answer.json()["message"] == PERSONAL
    assert "X-OAuth-Scopes" not in answer.headers
    assert client.get("/user")["login"] == "releaser"


def test_a_classic_token_without_its_scope_does_not_see_a_private_repository(client: Client) -> None:
    use(client, Token(scopes="workflow"))
    client.get("releases", 404)
    client.hub.settings.private = False
    client.get("releases")
    client.send("POST", "git/refs", 403, {**NEW, "sha": "0" * 40})


def test_anybody_reads_a_public_repository_but_not_its_administration(client: Client) -> None:
    client.hub.settings.private = False
    use(client, workflow_token({}))
    client.get("releases")
    client.get("actions/runs")
    client.get("branches/main/protection", 403)


def test_an_applications_token_lives_an_hour(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    token = app_token({"contents": "read"})
    use(client, token)
    client.get("releases")
    assert token.expires_at is not None
    client.hub.tokens["other"] = dataclasses.replace(token, expires_at=records.now())
    assert client.get("releases", 401)["message"] == "Bad credentials"


def test_git_asks_for_contents_too(client: Client) -> None:
    for permissions, said in (({}, "not found"), ({"contents": "read"}, "Permission to acme/platform.git denied")):
        client.hub.tokens["other"] = workflow_token(permissions)
        words = client.git("push", "origin", "HEAD:refs/tags/0.9.0", GITHUB_TOKEN="other", check=False)
        assert said in words.stderr
    assert client.hub.bare.refs("refs/tags/0.9.0") == {}
