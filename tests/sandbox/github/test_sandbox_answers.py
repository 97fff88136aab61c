"""What all answers have in common."""

from __future__ import annotations

from sandbox_client import FILES, Client

from release.sandbox import Sandbox
from release.sandbox.github.records import TOKEN, Token
from release.workflows import PERMISSIVE


def test_answers_say_who_asks_and_what_is_left(client: Client) -> None:
    assert client.get("/user")["login"] == "releaser"
    answer = client.ask("GET", "/rate_limit")
    assert answer.headers["X-GitHub-Request-Id"]
    assert int(answer.headers["x-ratelimit-remaining"]) < 5000
    assert {"Date", "x-ratelimit-reset", "X-OAuth-Scopes"} <= set(answer.headers)
    assert client.get("")["permissions"]["push"] is True
    client.get("/meta")
    client.get("/versions")
    assert client.get("actions/permissions/workflow")["default_workflow_permissions"] == "read"
    client.hub.default_grants = PERMISSIVE
    assert client.get("actions/permissions/workflow")["default_workflow_permissions"] == "write"


def test_wrong_token_version_and_repository_are_refused(client: Client) -> None:
    client.token = "wrong"
    assert client.get("", 401)["message"] == "Bad credentials"
    client.token = TOKEN
    client.ask("GET", "", 400, headers={"X-GitHub-Api-Version": "2020-01-01"})
    client.get("/repos/acme/other", 404)
    client.hub.tokens["reader"] = Token(push=False)
    client.token = "reader"
    client.dispatch(403, inputs={"publish": "true"})


def test_what_the_sandbox_does_not_have_is_told_from_what_is_not_there() -> None:
    with Sandbox(FILES, cloud=False) as sandbox:
        client = Client(sandbox)
        for method, path in (("GET", "codespaces"), ("DELETE", "actions/workflows/build.yaml")):
            said = client.send(method, path, 404)["message"]
            assert said == f"The sandbox's GitHub does not have {method} /api/v3/repos/acme/platform/{path}"
        assert client.get("actions/runs/1", 404)["message"] == "Not Found"
