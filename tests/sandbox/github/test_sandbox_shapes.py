"""Every answer of the sandbox's GitHub has the shape that GitHub's own description gives it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conformance import Conformance
from recording import Recording
from werkzeug.test import Client, TestResponse

from release.sandbox.git import Bare
from release.sandbox.github.app import GitHub, routes
from release.sandbox.github.git import configure_bare
from release.sandbox.github.records import TOKEN
from release.sandbox.github.rules import protect
from release.sandbox.github.state import add_check, add_review
from release.sandbox.runner.environments import Environment

PERSON = {f"GIT_{who}_{what}": "a@b.example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
WORKFLOW = """\
name: SDK
on: {workflow_dispatch: {inputs: {is_release: {type: boolean, default: false}}}}
jobs: {build-package: {runs-on: ubuntu-latest, steps: [{run: "true"}]}}
"""
REPO = "/api/v3/repos/acme/platform"
# In order, as each may need what an earlier one made; `{name}` is taken from what was answered so far.
READS = """
/api/v3/
/api/v3/user
/api/v3/rate_limit
/api/v3/meta
/api/v3/versions
/api/v3/users/releaser
/api/v3/search/issues?q=repo:acme/platform+is:pr+label:backport

/environments
/environments/prod
/environments/none
/environments/prod/deployment-branch-policies
/branches
/branches/main
/branches/fix/one
/branches/none
/branches/main/protection
/rules/branches/main
/rulesets
/rulesets/{ruleset}
/commits?sha=main
/commits/main
/commits/{sha}
/commits/none
/commits/{head}/pulls
/commits/{head}/check-runs
/commits/{head}/check-suites
/check-suites/{run}/check-runs
/check-runs/{check}
/check-runs/{check}/annotations
/check-runs/{job}
/check-runs/1
/commits/{head}/status
/commits/{head}/statuses
/compare/0.7.0...fix/one
/contents/
/contents/.github?ref=main
/contents/.github/workflows/sdk.yaml?ref=main
/contents/none
/readme
/tarball/main
/zipball/0.7.0
/tags
/collaborators/releaser/permission
/collaborators/nobody/permission
/git/commits/{sha}
/git/trees/main
/git/trees/{sha}?recursive=1
/git/trees/none
/git/blobs/{blob}
/git/blobs/{sha}
/git/tags/{tag}
/git/ref/tags/0.7.1
/git/ref/tags/none
/git/matching-refs/tags/0.7.
/actions/permissions/workflow
/actions/workflows
/actions/workflows/sdk.yaml
/actions/workflows/sdk.yaml/runs?event=workflow_dispatch
/actions/runs?per_page=1&page=1
/actions/runs/{run}
/actions/runs/{run}/attempts/1
/actions/runs/{run}/jobs?filter=all&per_page=100
/actions/runs/{run}/attempts/1/jobs
/actions/runs/{run}/logs
/actions/runs/{run}/attempts/1/logs
/actions/runs/{run}/approvals
/actions/runs/{run}/pending_deployments
/actions/jobs/{job}
/actions/jobs/{job}/logs
/actions/runs/{run}/artifacts
/actions/artifacts
/actions/artifacts/{artifact}
/actions/artifacts/{artifact}/zip
/pulls?state=all&head=acme:fix/one&base=main
/pulls/{pull}
/pulls/{pull}/merge
/pulls/{pull}/commits
/pulls/{pull}/files
/pulls/{pull}/reviews
/pulls/{pull}/comments
/pulls/999
/issues?state=all&labels=backport
/issues/{pull}
/issues/{pull}/comments
/issues/{pull}/labels
/issues/comments/{comment}
/issues/comments/1
/labels
/labels/backport
/labels/none
/releases
/releases/latest
/releases/tags/0.7.0
/releases/{release}
/releases/{release}/assets
/releases/assets/{asset}
"""


# Older names of routes, which GitHub still answers and describes no more; PyGithub asks for them.
UNDESCRIBED = ("git/refs", "statuses/<ref>")


class Walk:
    """The sandbox's GitHub over a small repository, asked without a network."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names: dict[str, Any] = {}
        repository(folder)
        self.github = GitHub(Bare(folder / "bare.git"), folder)
        self.github.use_runner(lambda _hub, _start: finished_run(folder))  # type: ignore[arg-type,return-value]
        self.recording = Recording(self.github.front)
        self.client = Client(self.recording)

    def ask(self, method: str, path: str, asked: object = None, **headers: str) -> TestResponse:
        path = path if path.startswith("/api") else REPO + path
        given = {"Authorization": f"Bearer {TOKEN}", "User-Agent": "walk", **headers}
        return self.client.open(path.format(**self.names), method=method, json=asked, headers=given)

    def keep(self, **answers: TestResponse) -> None:
        self.names |= {name: answer.get_json()["id"] for name, answer in answers.items()}


def repository(folder: Path) -> None:
    work, bare = folder / "work", folder / "bare.git"
    (work / ".github/workflows").mkdir(parents=True)

    def git(*words: str) -> None:
        subprocess.run(["git", *words], cwd=work, env={**os.environ, **PERSON}, check=True, capture_output=True)

    git("init", "--quiet", "--bare", "--initial-branch=main", str(bare))
    configure_bare(Bare(bare))
    git("init", "--quiet", "--initial-branch=main")
    for branch in ("main", "fix/one", "fix/two"):
        git("checkout", "--quiet", "-B", branch, *(["main"] if branch != "main" else []))
        (work / ".github/workflows/sdk.yaml").write_text(WORKFLOW)
        (work / f"{branch.replace('/', '-')}.txt").write_text("text\n")
        git("add", "--all")
        git("commit", "--quiet", "--message", branch)
    git("tag", "0.7.0", "main")
    git("tag", "--annotate", "--message", "words", "0.7.1", "main")
    git("push", "--quiet", str(bare), "--all")
    git("push", "--quiet", str(bare), "--tags")


def finished_run(folder: Path) -> SimpleNamespace:
    now = datetime.now(timezone.utc)
    (folder / "dist.zip").write_bytes(b"PK")
    over = {"status": "completed", "conclusion": "failure", "started_at": now, "completed_at": now}
    jobs = [
        SimpleNamespace(
            name="build-package", log="words\n", steps=[SimpleNamespace(name="s", number=1, log="", **over)], **over
        ),
        SimpleNamespace(
            name="publish", log="", steps=[], status="queued", conclusion=None, started_at=None, completed_at=None
        ),
    ]
    done = {"status": "completed", "conclusion": "failure", "attempt": 1, "artifacts": {"dist": folder / "dist.zip"}}
    return SimpleNamespace(
        jobs=jobs, **done, **{name: lambda: None for name in ("start", "cancel", "rerun", "rerun_failed", "rerun_all")}
    )


@pytest.fixture
def walk(tmp_path: Path) -> Iterator[Walk]:
    made = Walk(tmp_path)
    made.github.start()
    yield made
    made.github.stop()


def write_everything(walk: Walk) -> None:
    ask, keep, hub = walk.ask, walk.keep, walk.github.hub
    dispatch = "/actions/workflows/sdk.yaml/dispatches"
    walk.names["run"] = ask("POST", dispatch, {"ref": "main", "return_run_details": True}).get_json()["workflow_run_id"]
    for asked in ({"ref": "0.7.0"}, {"ref": "none"}, {"ref": "main", "inputs": {"none": "1"}}):
        ask("POST", dispatch, asked)
    walk.names["job"] = ask("GET", "/actions/runs/{run}/jobs").get_json()["jobs"][0]["id"]
    walk.names["artifact"] = ask("GET", "/actions/runs/{run}/artifacts").get_json()["artifacts"][0]["id"]
    opened = ask("POST", "/pulls", {"title": "One", "head": "fix/one", "base": "main", "body": "Words"}).get_json()
    walk.names |= {"pull": opened["number"], "head": opened["head"]["sha"], "sha": opened["base"]["sha"]}
    ask("POST", "/pulls", {"title": "One", "head": "fix/one", "base": "main"})
    ask("PATCH", "/pulls/{pull}", {"title": "Once"})
    ask("POST", "/issues/{pull}/labels", {"labels": ["backport"]})
    ask("POST", "/pulls/{pull}/reviews", {"event": "APPROVE"})
    ask("POST", "/pulls/{pull}/reviews", {"event": "COMMENT", "body": "Well"})
    add_review(hub, hub.pulls[opened["number"]])
    ask("POST", "/statuses/{head}", {"state": "success", "context": "ci"})
    ask("POST", "/check-runs", {"head_sha": opened["head"]["sha"], "name": "lint", "status": "in_progress"})
    add_check(hub, opened["head"]["sha"], "types", "success")
    write_release(walk)
    ask("PUT", "/pulls/{pull}/merge", {"sha": "0" * 40})
    ask("GET", "/pulls/{pull}")
    assert ask("PUT", "/pulls/{pull}/merge", {"sha": opened["head"]["sha"]}).status_code == 200
    walk.names["tag"] = ask("GET", "/git/ref/tags/0.7.1").get_json()["object"]["sha"]
    ask("POST", "/git/refs", {"ref": "refs/heads/new", "sha": opened["base"]["sha"]})
    ask("POST", "/git/refs", {"ref": "refs/heads/new", "sha": opened["base"]["sha"]})
    ask("DELETE", "/git/refs/heads/new")
    ask("DELETE", "/git/refs/heads/new")
    for name in ("rerun-failed-jobs", "rerun", "cancel", "force-cancel"):
        ask("POST", f"/actions/runs/{{run}}/{name}")
    rules: dict[str, Any] = {"merge_queue": {}, "deletion": {}, "pull_request": {"required_approving_review_count": 1}}
    walk.names["ruleset"] = protect(hub, "refs/heads/main", **rules).id
    keep(pull=ask("POST", "/pulls", {"title": "Two", "head": "fix/two", "base": "main"}))
    walk.names["pull"] = 2
    ask("PUT", "/pulls/2/merge", {})
    write_rulesets(walk)
    write_objects(walk)
    write_issues(walk)
    write_reviews(walk)
    ask("PATCH", "", {"delete_branch_on_merge": True})


def write_reviews(walk: Walk) -> None:
    """Two environments that a run waits for, of which one is reviewed; the third belongs to nobody here."""
    hub, path = walk.github.hub, "/actions/runs/{run}/pending_deployments"
    for name, people in (("prod", ["releaser"]), ("stage", ["releaser"]), ("other", ["ann"])):
        tags = ["1.*"] if name == "prod" else None
        hub.gates.environments[name] = Environment(name, reviewers=people, wait_minutes=5, tags=tags)
        hub.gates.deploy(hub.gates.environment(name), hub.runs[walk.names["run"]].work, "publish")
    waiting = walk.ask("GET", path).get_json()
    assert [each["current_user_can_approve"] for each in waiting] == [True, True, False]
    ids = [each["environment"]["id"] for each in waiting]
    for asked in ([ids[2]], [1], ids[:1]):
        walk.ask("POST", path, {"environment_ids": asked, "state": "approved", "comment": "go"})
    assert [each["environment"]["name"] for each in walk.ask("GET", path).get_json()] == ["stage", "other"]
    (said,) = walk.ask("GET", "/actions/runs/{run}/approvals").get_json()
    assert (said["state"], said["comment"], said["user"]["login"]) == ("approved", "go", "releaser")


def write_rulesets(walk: Walk) -> None:
    ask, hub = walk.ask, walk.github.hub
    asked = {"name": "tags", "target": "tag", "enforcement": "active", "rules": [{"type": "deletion"}]}
    conditions = {"ref_name": {"include": ["refs/tags/9.*"], "exclude": []}}
    assert ask("POST", "/rulesets", {**asked, "conditions": conditions}).status_code == 404, "no administrator"
    hub.tokens[TOKEN] = replace(hub.tokens[TOKEN], role="admin")
    made = ask("POST", "/rulesets", {**asked, "conditions": conditions}).get_json()
    ask("POST", "/rulesets", asked)
    ask("POST", "/rulesets", {**asked, "name": "odd", "rules": [{"type": "code_scanning"}]})
    ask("PUT", f"/rulesets/{made['id']}", {"enforcement": "disabled"})
    ask("DELETE", f"/rulesets/{made['id']}")
    none = dict.fromkeys(("required_status_checks", "enforce_admins", "required_pull_request_reviews", "restrictions"))
    checks = {"strict": True, "contexts": ["ci"]}
    reviews = {"required_approving_review_count": 1}
    ask("PUT", "/branches/new/protection", none)
    ask("PUT", "/branches/main/protection", {})
    given = {**none, "required_status_checks": checks, "required_pull_request_reviews": reviews}
    assert ask("PUT", "/branches/main/protection", given).status_code == 200
    ask("GET", "/branches/main")
    ask("DELETE", "/branches/main/protection")
    ask("DELETE", "/branches/main/protection")
    for method in ("GET", "PUT", "GET", "DELETE"):
        ask(method, "/immutable-releases")


def write_objects(walk: Walk) -> None:
    ask, names, main = walk.ask, walk.names, walk.names["sha"]

    def made(path: str, **asked: Any) -> str:
        return str(ask("POST", f"/git/{path}", asked).get_json().get("sha", ""))

    names["blob"] = made("blobs", content="/w==", encoding="base64")
    entry = {"path": "a/b.bin", "mode": "100644", "type": "blob"}
    tree = made("trees", base_tree=main, tree=[{**entry, "sha": names["blob"]}, {**entry, "path": "c", "content": "c"}])
    made("trees", base_tree=tree, tree=[{**entry, "sha": None}])
    made("trees", tree=[{**entry, "sha": "0" * 40}])
    author = {"name": "A", "email": "a@b.example", "date": "2026-11-22T10:00:00Z"}
    commit = made("commits", message="More", tree=tree, parents=[main], author=author)
    made("commits", message="Less", tree="0" * 40)
    tag = made("tags", tag="0.8.0", message="words", object=commit, type="commit", tagger=author)
    made("tags", tag="0.8.0", message="words", object="0" * 40, type="commit")
    made("refs", ref="refs/tags/0.8.0", sha=tag)
    made("refs", ref="refs/heads/topic", sha=main)
    for asked in ({"sha": commit}, {"sha": main}, {"sha": main, "force": True}):
        ask("PATCH", "/git/refs/heads/topic", asked)
    write_contents(walk, commit)


def write_contents(walk: Walk, commit: str) -> None:
    ask = walk.ask
    on_topic = {"message": "Change", "branch": "topic"}
    for name in ("README.md", "other"):
        sha = ask("PUT", f"/contents/{name}", {**on_topic, "content": "YQ=="}).get_json()["content"]["sha"]
    for asked in ({}, {"sha": commit}, {"sha": sha}):
        ask("PUT", "/contents/other", {**on_topic, "content": "Yg==", **asked})
    for path, seen in (("other", sha), ("none", sha), ("README.md", sha)):
        ask("DELETE", f"/contents/{path}", {**on_topic, "sha": seen})
    ask("PUT", "/contents/other", {"message": "Change", "branch": "main", "content": "YQ=="})
    for head in (commit, commit, "none"):
        ask("POST", "/merges", {"base": "topic", "head": head})
    ask("POST", "/merges", {"base": "main", "head": "topic"})


def write_issues(walk: Walk) -> None:
    ask, names = walk.ask, walk.names
    for name in ("backport", "other", "other"):
        ask("POST", "/labels", {"name": name, "color": "ff0000"})
    ask("PATCH", "/labels/other", {"new_name": "another", "description": "Words"})
    ask("DELETE", "/labels/another")
    ask("PUT", "/issues/{pull}/labels", {"labels": ["backport", "b"]})
    for name in ("/b", "/b", ""):
        ask("DELETE", f"/issues/{{pull}}/labels{name}")
    ask("POST", "/issues/{pull}/labels", {"labels": ["backport"]})
    ask("PATCH", "/issues/{pull}", {"title": "Two", "labels": ["backport"]})
    walk.keep(comment=ask("POST", "/issues/{pull}/comments", {"body": "gone"}))
    ask("DELETE", "/issues/comments/{comment}")
    walk.keep(comment=ask("POST", "/issues/{pull}/comments", {"body": "Words"}))
    ask("PATCH", "/issues/comments/{comment}", {"body": "Other words"})
    ask("POST", "/pulls/{pull}/requested_reviewers", {"reviewers": ["reviewer"]})
    for seen in ({"expected_head_sha": "0" * 40}, {}, {}):
        ask("PUT", "/pulls/{pull}/update-branch", seen)
    walk.keep(check=ask("POST", "/check-runs", {"head_sha": names["sha"], "name": "docs"}))
    ask("PATCH", "/check-runs/{check}", {"conclusion": "success", "output": {"title": "T", "summary": "S"}})
    ask("PATCH", "/check-runs/{job}", {"conclusion": "success"})
    for asked in ({}, {"event_type": "nightly", "client_payload": {"a": 1}}):
        ask("POST", "/dispatches", asked)


def write_release(walk: Walk) -> None:
    ask, keep = walk.ask, walk.keep
    ask("POST", "/releases/generate-notes", {"tag_name": "0.7.1", "previous_tag_name": "0.7.0"})
    keep(release=ask("POST", "/releases", {"tag_name": "0.7.0", "draft": True, "generate_release_notes": True}))
    for name in ("x.whl", "x.whl", "y.whl"):
        upload = f"/api/uploads/repos/acme/platform/releases/{walk.names['release']}/assets?name={name}"
        headers = {"Authorization": f"Bearer {TOKEN}", "User-Agent": "walk", "Content-Type": "application/octet-stream"}
        answer = walk.client.post(upload, data=b"wheel", headers=headers)
        if answer.status_code == 201:
            keep(asset=answer)
    ask("PATCH", "/releases/assets/{asset}", {"name": "z.whl", "label": "Z"})
    ask("GET", "/releases/assets/{asset}", Accept="application/octet-stream")
    ask("PATCH", "/releases/{release}", {"draft": False})
    ask("POST", "/releases", {"tag_name": "0.7.0"})


def test_every_answer_has_the_described_shape(walk: Walk) -> None:
    """Walks through every route, writes first; a route that is not walked fails the test too."""
    write_everything(walk)
    for path in READS.strip().splitlines():
        walk.ask("GET", path)
    etag = walk.ask("GET", "").headers["ETag"]
    assert walk.ask("GET", "", **{"If-None-Match": etag}).status_code == 304
    assert walk.ask("GET", "", Authorization="Bearer wrong").status_code == 401
    for path in ("/releases/assets/{asset}", "/releases/{release}", "/actions/runs/{run}"):
        assert walk.ask("DELETE", path).status_code == 204
    assert len(walk.recording.exchanges) > 90
    assert [str(one) for one in walk.recording.exchanges if one.status >= 500] == []
    Conformance.load().check_all(walk.recording.exchanges)
    assert routes_not_walked(walk) == set()


def routes_not_walked(walk: Walk) -> set[tuple[str, str]]:
    rules = routes().url_map
    known = {(method, str(rule)) for rule in rules.iter_rules() for method in rule.methods - {"HEAD", "OPTIONS"}}
    adapter = rules.bind("sandbox.example")
    walked = set()
    for one in walk.recording.exchanges:
        root = "/api/uploads" if one.path.endswith("/assets") and one.method == "POST" else "/api/v3"
        rule, _ = adapter.match(root + one.path, one.method, return_rule=True)
        walked.add((one.method, str(rule)))
    walked |= {("GET", f"/api/v3/repos/<owner>/<repository>/{each}") for each in UNDESCRIBED}
    return {(method, rule) for method, rule in known - walked if rule.startswith(("/api/v3", "/api/uploads"))}


GH_PR_VIEW = """
query PullRequestByNumber($owner: String!, $repo: String!, $pr_number: Int!) {
  repository(owner: $owner, name: $repo) {
    pullRequest(number: $pr_number) {
      url, number, title, state, author { login, ... on User { id, name } }, mergeable, commits { totalCount },
      headRepositoryOwner { id, login, ... on User { name } }, labels(first: 100) { nodes { name }, totalCount },
      reviews(first: 100) { nodes { author { login }, state }, pageInfo { hasNextPage, endCursor } },
      statusCheckRollup: commits(last: 1) { nodes { commit { statusCheckRollup { contexts(first: 100) {
        nodes { __typename, ... on StatusContext { context, state }, ... on CheckRun { name, status, conclusion } }
      } } } } }
    }
  }
}
"""


def graphql(walk: Walk, query: str, number: int) -> Any:
    variables = {"owner": "acme", "repo": "platform", "pr_number": number}
    return walk.ask("POST", "/api/graphql", {"query": query, "variables": variables}).get_json()


def test_gh_pr_view_finds_the_same_pull_request(walk: Walk) -> None:
    write_everything(walk)
    found = graphql(walk, GH_PR_VIEW, 1)["data"]["repository"]["pullRequest"]
    assert (found["number"], found["title"], found["state"]) == (1, "Once", "MERGED")
    assert found["labels"] == {"nodes": [{"name": "backport"}], "totalCount": 1}
    assert [review["state"] for review in found["reviews"]["nodes"]] == ["COMMENTED", "APPROVED"]
    contexts = found["statusCheckRollup"]["nodes"][0]["commit"]["statusCheckRollup"]["contexts"]["nodes"]
    assert {"__typename": "CheckRun", "name": "lint", "status": "IN_PROGRESS", "conclusion": None} in contexts
    assert {"__typename": "StatusContext", "context": "ci", "state": "SUCCESS"} in contexts


def test_a_query_beyond_the_schema_or_the_repository_is_told_so(walk: Walk) -> None:
    missing = graphql(walk, GH_PR_VIEW, 9)["errors"][0]["message"]
    assert missing == "Could not resolve to a PullRequest with the number of 9."
    beyond = graphql(walk, '{ repository(owner: "acme", name: "platform") { stargazers } }', 9)
    assert "Cannot query field 'stargazers'" in json.dumps(beyond["errors"])
