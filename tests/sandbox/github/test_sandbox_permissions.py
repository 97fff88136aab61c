"""What a token may ask of the sandbox's GitHub: as strict as GitHub is, in its words."""

from __future__ import annotations

import dataclasses

import pytest
import requests
from sandbox_client import DISPATCH, FILES, Client

from release.sandbox import Sandbox
from release.sandbox.github import records
from release.sandbox.github.app import routes
from release.sandbox.github.permissions import INTEGRATION, PERSONAL, declared
from release.sandbox.github.records import Token, app_token, fine_grained_token, workflow_token
from release.workflows.permissions import SCOPES

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
    kinds = {kind.replace("-", "_") for kind in SCOPES} | {"metadata", "administration"}
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


CHANGE = ".github/workflows/new.yaml"


@pytest.mark.parametrize(
    ("token", "who"),
    [
        (workflow_token({"contents": "write"}), "a GitHub App"),
        (app_token({"contents": "write"}), "a GitHub App"),
        (fine_grained_token({"contents": "write"}), "a Personal Access Token"),
        (Token(scopes="repo"), "a Personal Access Token"),
    ],
)
def test_a_workflows_file_takes_a_permission_of_its_own(client: Client, token: Token, who: str) -> None:
    client.hub.tokens["other"] = token
    client.git("checkout", "-q", "-b", "topic")
    (client.sandbox.work / CHANGE).write_text("on: push\njobs: {a: {runs-on: x, steps: [{run: echo}]}}\n")
    client.git("add", "-A")
    client.git("commit", "-qm", "Add a workflow")
    pushed = client.git("push", "origin", "HEAD:refs/heads/topic", GITHUB_TOKEN="other", check=False)
    assert f"refusing to allow {who} to create or update workflow `{CHANGE}` without" in pushed.stderr
    assert client.hub.head("topic") is None
    client.git("push", "-q", "origin", "HEAD:refs/heads/topic")
    # What is there already may have another name.
    client.git("push", "-q", "origin", "HEAD:refs/heads/again", GITHUB_TOKEN="other")
    body = {"message": "Change", "content": "b246IHB1c2gK", "branch": "main"}
    said = use(client, token).send("PUT", f"contents/{CHANGE}", 403, body)
    assert said["message"].startswith(f"refusing to allow {who}")


def test_an_application_with_workflows_may_change_them(client: Client) -> None:
    use(client, app_token({"contents": "write", "workflows": "write"}))
    body = {"message": "Change", "content": "b246IHB1c2gK", "branch": "main"}
    client.send("PUT", f"contents/{CHANGE}", 201, body)


TAGGING = """on: workflow_dispatch
jobs:
  reads:
    runs-on: ubuntu-latest
    permissions: {contents: read}
    steps:
      - env: {TOKEN: "${{ github.token }}", NAME: "${{ github.job }}"}
        run: |
          python - <<'END'
          import json, os, urllib.error, urllib.request
          where = f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}/git/refs"
          body = {"ref": f"refs/tags/{os.environ['NAME']}", "sha": os.environ["GITHUB_SHA"]}
          token = {"Authorization": f"Bearer {os.environ['TOKEN']}"}
          try:
              print(urllib.request.urlopen(urllib.request.Request(where, json.dumps(body).encode(), token)).status)
          except urllib.error.HTTPError as error:
              raise SystemExit(f"{error.code} {error.headers['X-Accepted-GitHub-Permissions']}")
          END
"""


def test_a_job_that_really_runs_writes_with_its_own_permissions_alone() -> None:
    text = TAGGING + TAGGING.partition("jobs:\n")[2].replace("reads:", "writes:").replace(
        "contents: read", "contents: write"
    )
    with Sandbox({**FILES, ".github/workflows/build.yaml": text}, cloud=False) as sandbox:
        client = Client(sandbox)
        client.send("POST", DISPATCH, 204, {"ref": "main"})
        [run] = client.hub.runs.values()
        assert run.work.wait(60)  # type: ignore[attr-defined]
        jobs = {job.name: job for job in run.work.jobs}
        assert {name: job.conclusion for name, job in jobs.items()} == {"reads": "failure", "writes": "success"}
        assert "403 contents=write" in jobs["reads"].log
        assert [*sandbox.bare.refs("refs/tags")] == ["refs/tags/writes"]
