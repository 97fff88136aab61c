"""The sandbox's GitHub: real Git over HTTP, and answers as GitHub's own description has them."""

from __future__ import annotations

import io
import os
import subprocess
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from conformance import Conformance
from recording import Recording
from scripted_run import ScriptedRun, scripted

from release.sandbox import rules
from release.sandbox.bare import Bare
from release.sandbox.github import TOKEN
from release.sandbox.github_checks import add_check
from release.sandbox.github_reviews import add_review
from release.sandbox.github_statuses import add_status
from release.sandbox.home import Sandbox
from release.sandbox.records import Token
from release.sandbox.runner import JOB_TOKEN

BUILD = """name: Build
on:
  workflow_dispatch:
    inputs:
      publish: {type: boolean, required: true}
      level: {type: choice, options: [low, high], default: low}
      note: {}
  push:
    tags: ["[0-9]+.[0-9]+.[0-9]+"]
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - run: echo "level $LEVEL"
        env:
          LEVEL: ${{ inputs.level }}
"""
FILES = {
    "README.md": "one\ntwo\nthree\n",
    ".github/workflows/build.yaml": BUILD,
    ".github/workflows/quiet.yaml": "on: workflow_call\njobs: {a: {runs-on: x, steps: [{run: 'true'}]}}\n",
}
BYTES = {"Content-Type": "application/octet-stream"}
DISPATCH = "actions/workflows/build.yaml/dispatches"


class Client:
    """What a program outside would do: requests to the API, Git in a clone."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.hub = sandbox.github.hub
        self.session = requests.Session()
        self.session.trust_env = False
        self.token = TOKEN
        self.recording = Recording(sandbox.github.front.application)
        sandbox.github.front.application = self.recording

    def ask(self, method: str, path: str, status: int = 200, **more: Any) -> requests.Response:
        root = self.sandbox.github.api_url if path.startswith("/") else self.hub.api
        url = path if path.startswith("http") else f"{root}/{path.lstrip('/')}".rstrip("/")
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        answer = self.session.request(method, url, headers=headers, allow_redirects=False, timeout=30, **more)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer

    def get(self, path: str, expected: int = 200, /, **params: Any) -> Any:
        return self.ask("GET", path, expected, params=params).json()

    def send(self, method: str, path: str, status: int, body: object = None, **more: Any) -> Any:
        answer = self.ask(method, path, status, json=body, **more)
        return answer.json() if answer.content else None

    def dispatch(self, status: int = 200, ref: str = "main", **body: Any) -> Any:
        return self.send("POST", DISPATCH, status, {"ref": ref, "return_run_details": True, **body})

    def git(self, *args: str, check: bool = True, **env: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **self.sandbox.environment(), **env}
        done = subprocess.run(
            ["git", *args], cwd=self.sandbox.work, env=environment, capture_output=True, text=True, check=False
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    def commit(self, branch: str, path: str = "new.txt", text: str = "new\n", start: str = "origin/main") -> str:
        """Push a branch with one more commit; answer its SHA."""
        self.git("checkout", "-q", "-B", branch, start)
        (self.sandbox.work / path).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-qm", f"Change {path}")
        self.git("push", "-q", "origin", f"HEAD:refs/heads/{branch}")
        return self.git("rev-parse", "HEAD").stdout.strip()

    def pull(self, head: str = "topic", base: str = "main", **more: Any) -> Any:
        return self.send("POST", "pulls", 201, {"title": "Change", "head": head, "base": base, **more})


@pytest.fixture
def client() -> Iterator[Client]:
    with Sandbox(FILES, cloud=False) as sandbox:
        sandbox.github.use_runner(scripted())
        made = Client(sandbox)
        yield made
        # GitHub's documentation allows its search syntax for dates here; the description knows one format only.
        Conformance.load().check_all(one for one in made.recording.exchanges if "created=" not in one.query)
    assert not sandbox.folder.exists()


# Git over HTTP


def test_git_push_is_in_the_bare_repository_and_needs_the_token(client: Client) -> None:
    sha = client.commit("topic")
    assert client.sandbox.bare.sha("topic") == sha
    wrong = client.git("push", "origin", "HEAD:refs/heads/other", check=False, GITHUB_TOKEN="wrong")
    assert wrong.returncode != 0
    assert client.sandbox.bare.sha("other") is None
    client.hub.tokens["reader"] = Token(push=False)
    client.git("fetch", GITHUB_TOKEN="reader")
    assert client.git("push", "origin", "HEAD:refs/heads/other", check=False, GITHUB_TOKEN="reader").returncode != 0
    assert all(TOKEN not in str(request) for request in client.sandbox.github.requests)


def test_git_speaks_protocol_two_and_large_pushes(client: Client) -> None:
    traced = client.git("-c", "protocol.version=2", "ls-remote", "origin", "refs/heads/main", GIT_TRACE_PACKET="1")
    assert "version 2" in traced.stderr
    noise = os.urandom(1_500_000).hex()  # beyond http.postBuffer, so sent in chunks
    sha = client.commit("large", "noise.txt", noise)
    assert client.sandbox.bare.sha("large") == sha
    assert any(request.headers.get("transfer-encoding") == "chunked" for request in client.sandbox.github.requests)


def test_git_shallow_clone_and_tagless_fetch(client: Client, tmp_path: Path) -> None:
    client.commit("topic")
    client.git(
        "clone",
        "-q",
        "--depth=1",
        "-b",
        "topic",
        client.sandbox.github.clone_url,
        str(tmp_path / "c"),
        GIT_CONFIG_COUNT="1",
        GIT_CONFIG_KEY_0="http.extraHeader",
        GIT_CONFIG_VALUE_0=f"Authorization: Bearer {TOKEN}",
    )
    assert (tmp_path / "c" / ".git" / "shallow").exists()


def test_f13_ruleset_rejects_in_github_words_and_atomic_pushes_land_nothing(client: Client) -> None:
    client.commit("topic")
    rules.protect(client.hub, "refs/heads/release-*", creation={})
    rules.reject_pushes(client.hub, "refs/tags/9.*", "No nines today")
    push = client.git("push", "--atomic", "origin", "HEAD:refs/heads/release-1", "HEAD:refs/tags/9.0.0", check=False)
    assert push.returncode != 0
    assert "GH013: Repository rule violations found for refs/heads/release-1" in push.stderr
    tag = client.git("push", "origin", "HEAD:refs/tags/9.0.0", check=False)
    assert "No nines today" in tag.stderr
    assert set(client.sandbox.bare.refs()) == {"refs/heads/main", "refs/heads/topic"}
    assert [rule["type"] for rule in client.get("rules/branches/release-1")] == ["creation"]
    rules.unprotect(client.hub)
    client.git("push", "origin", "HEAD:refs/heads/release-1")


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


# Dispatches and runs


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


def test_runs_are_filtered_and_paged(client: Client) -> None:
    for _ in range(5):
        client.dispatch(inputs={"publish": "true"})
    answer = client.ask("GET", "actions/runs?per_page=2&page=2")
    assert len(answer.json()["workflow_runs"]) == 2
    links = list(answer.links.values())
    assert {link["rel"] for link in links} == {"prev", "next", "last", "first"}
    last = client.ask("GET", next(link["url"] for link in links if link["rel"] == "last"))
    assert len(last.json()["workflow_runs"]) == 1

    def count(**filters: str) -> int:
        return int(client.get("actions/runs", **filters)["total_count"])

    assert count(status="success") == count(actor="releaser") == count(created=">=2026-01-01") == 5
    assert count(created="2020-01-01..2099-01-01") == count(created="<2099-01-01T00:00:00Z") == 5
    assert count(status="failure") == count(actor="nobody") == count(created=">2099-01-01") == 0
    assert count(event="push") == count(head_sha="0" * 40) == count(created="2020-01-01") == 0


def test_f26_jobs_are_paged_by_hundred_at_most(client: Client) -> None:
    client.sandbox.github.use_runner(scripted(True, **{f"job-{n}": "success" for n in range(130)}))
    run = client.dispatch(inputs={"publish": "true"})["workflow_run_id"]
    first = client.get(f"actions/runs/{run}/jobs", per_page=500)
    second = client.get(f"actions/runs/{run}/jobs", per_page=100, page=2)
    assert (first["total_count"], len(first["jobs"]), len(second["jobs"])) == (130, 100, 30)


def test_run_answers_not_modified_until_something_happens(client: Client) -> None:
    client.sandbox.github.use_runner(scripted(ends=False))
    run = client.dispatch(inputs={"publish": "true"})["workflow_run_id"]
    first = client.ask("GET", f"actions/runs/{run}")
    tag = {"If-None-Match": first.headers["ETag"]}
    unchanged = client.ask("GET", f"actions/runs/{run}", 304, headers=tag)
    assert unchanged.headers["x-ratelimit-used"] == first.headers["x-ratelimit-used"]
    work = client.hub.runs[run].work
    assert isinstance(work, ScriptedRun)
    work.begin()
    assert client.ask("GET", f"actions/runs/{run}", 200, headers=tag).json()["status"] == "in_progress"


def test_s2_log_is_on_another_host_and_must_not_get_the_token(client: Client) -> None:
    run = client.dispatch(inputs={"publish": "true"})["workflow_run_id"]
    job = client.get(f"actions/runs/{run}/jobs")["jobs"][0]
    place = client.ask("GET", f"actions/jobs/{job['id']}/logs", 302).headers["Location"]
    assert place.startswith("http://localhost:")
    assert client.session.get(place, timeout=5).text == "build: success\n"
    assert client.session.get(place, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=5).status_code == 400
    assert len(client.hub.leaks) == 1
    client.get("actions/jobs/1/logs", 404)


def test_artifact_is_listed_and_sent_from_another_host(client: Client, tmp_path: Path) -> None:
    run = client.dispatch(inputs={"publish": "true"})["workflow_run_id"]
    with zipfile.ZipFile(tmp_path / "wheel.zip", "w") as archive:
        archive.writestr("a.whl", "bytes")
    work = client.hub.runs[run].work
    assert isinstance(work, ScriptedRun)
    work.artifacts["wheel"] = tmp_path / "wheel.zip"
    [found] = client.get(f"actions/runs/{run}/artifacts", name="wheel")["artifacts"]
    assert client.get("actions/artifacts")["total_count"] == 1
    assert client.get(f"actions/artifacts/{found['id']}") == found
    place = client.ask("GET", f"actions/artifacts/{found['id']}/zip", 302).headers["Location"]
    with zipfile.ZipFile(io.BytesIO(client.session.get(place, timeout=5).content)) as archive:
        assert archive.read("a.whl") == b"bytes"


def test_failed_jobs_run_again_as_another_attempt(client: Client) -> None:
    client.sandbox.github.use_runner(scripted(build="success", test="failure"))
    number = client.dispatch(inputs={"publish": "true"})["workflow_run_id"]
    assert client.get(f"actions/runs/{number}")["conclusion"] == "failure"
    work = client.hub.runs[number].work
    assert isinstance(work, ScriptedRun)
    work.conclusions["test"] = "success"
    client.send("POST", f"actions/runs/{number}/rerun-failed-jobs", 201)
    again = client.get(f"actions/runs/{number}")
    assert (again["run_attempt"], again["conclusion"]) == (2, "success")
    assert client.get(f"actions/runs/{number}/attempts/1")["conclusion"] == "failure"
    latest = client.get(f"actions/runs/{number}/jobs")["jobs"]
    every = client.get(f"actions/runs/{number}/jobs", filter="all")["jobs"]
    assert ([job["run_attempt"] for job in latest], len(every)) == ([2, 2], 4)
    first = client.get(f"actions/runs/{number}/attempts/1/jobs")["jobs"]
    assert [job["conclusion"] for job in first] == ["success", "failure"]
    assert client.get(f"actions/jobs/{first[1]['id']}")["conclusion"] == "failure"
    client.send("POST", f"actions/runs/{number}/cancel", 409)


def test_run_is_cancelled(client: Client) -> None:
    client.sandbox.github.use_runner(scripted(ends=False))
    number = client.dispatch(inputs={"publish": "true"})["workflow_run_id"]
    client.send("POST", f"actions/runs/{number}/rerun-failed-jobs", 403)
    client.send("POST", f"actions/runs/{number}/cancel", 202)
    assert client.get(f"actions/runs/{number}")["conclusion"] == "cancelled"


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


# Refs and commits


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


# Pull requests


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


# Checks


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


# Releases


def test_release_is_drafted_found_by_its_number_and_published(client: Client) -> None:
    sha = client.commit("topic")
    number = client.pull()["number"]
    client.send("PUT", f"pulls/{number}/merge", 200, {"sha": sha})
    client.git("push", "-q", "origin", "HEAD:refs/tags/0.6.0")
    notes = client.send("POST", "releases/generate-notes", 200, {"tag_name": "0.7.0", "target_commitish": "main"})
    assert f"/pull/{number}" in notes["body"]
    client.send("POST", "releases/generate-notes", 422, {"tag_name": "0.7.0", "previous_tag_name": "0.1.0"})
    draft = client.send("POST", "releases", 201, {"tag_name": "0.7.0", "draft": True, "body": notes["body"]})
    client.get("releases/tags/0.7.0", 404)
    assert [each["draft"] for each in client.get("releases")] == [True]
    client.hub.tokens["reader"] = Token(push=False)
    client.token = "reader"
    assert client.get("releases") == []
    client.token = TOKEN
    place = f"{draft['upload_url'].partition('{')[0]}?name=a.json"
    asset = client.ask("POST", place, 201, data=b"{}", headers=BYTES).json()
    client.ask("POST", place, 422, data=b"{}", headers=BYTES)
    client.send("PATCH", f"releases/{draft['id']}", 200, {"draft": False})
    assert client.get("releases/tags/0.7.0")["id"] == client.get("releases/latest")["id"] == draft["id"]
    assert client.sandbox.bare.sha("refs/tags/0.7.0") == client.sandbox.bare.sha("main")
    sent = client.ask("GET", f"releases/assets/{asset['id']}", 302, headers={"Accept": "application/octet-stream"})
    assert client.session.get(sent.headers["Location"], timeout=5).content == b"{}"
    client.send("POST", "releases", 422, {"tag_name": "0.7.0"})


def test_immutable_release_takes_no_more_files(client: Client) -> None:
    client.hub.settings.immutable_releases = True
    made = client.send("POST", "releases", 201, {"tag_name": "0.7.0"})
    place = f"{made['upload_url'].partition('{')[0]}?name=a.json"
    client.ask("POST", place, 422, data=b"{}", headers=BYTES)
    client.send("PATCH", f"releases/{made['id']}", 422, {"tag_name": "0.8.0"})
    client.ask("DELETE", f"releases/{made['id']}", 204)
    client.get(f"releases/{made['id']}", 404)


# Everything else an answer has


def test_answers_say_who_asks_and_what_is_left(client: Client) -> None:
    assert client.get("/user")["login"] == "releaser"
    answer = client.ask("GET", "/rate_limit")
    assert answer.headers["X-GitHub-Request-Id"]
    assert int(answer.headers["x-ratelimit-remaining"]) < 5000
    assert {"Date", "x-ratelimit-reset", "X-OAuth-Scopes"} <= set(answer.headers)
    assert client.get("")["permissions"]["push"] is True
    client.get("/meta")
    client.get("/versions")
    client.get("actions/permissions/workflow")


def test_wrong_token_version_and_repository_are_refused(client: Client) -> None:
    client.token = "wrong"
    assert client.get("", 401)["message"] == "Bad credentials"
    client.token = TOKEN
    client.ask("GET", "", 400, headers={"X-GitHub-Api-Version": "2020-01-01"})
    client.get("/repos/acme/other", 404)
    client.hub.tokens["reader"] = Token(push=False)
    client.token = "reader"
    client.dispatch(403, inputs={"publish": "true"})


# Faults


def test_f1_dispatch_is_done_and_its_answer_lost(client: Client) -> None:
    client.sandbox.github.faults.add("POST", r"/dispatches", status=502, after=True)
    body = {"ref": "main", "inputs": {"publish": "true"}}
    client.send("POST", DISPATCH, 502, body)
    assert len(client.hub.runs) == 1
    client.sandbox.github.faults.add("POST", r"/dispatches", status=502)
    client.send("POST", DISPATCH, 502, body)
    assert len(client.hub.runs) == 1
    sent = [request for request in client.sandbox.github.requests if request.path.endswith("/dispatches")]
    assert [request.body for request in sent] == [body, body]
    assert sent[0].headers["authorization"] == "Bearer ***"


def test_f8_connection_is_cut_with_the_push_done_or_not(client: Client) -> None:
    faults = client.sandbox.github.faults
    client.git("fetch", "-q")
    faults.add("POST", r"git-receive-pack", drop=True, after=True, times=None)
    assert client.git("push", "origin", "HEAD:refs/heads/landed", check=False).returncode != 0
    assert client.sandbox.bare.sha("landed")
    faults.clear()
    faults.add("POST", r"git-receive-pack", drop=True, times=None)
    assert client.git("push", "origin", "HEAD:refs/heads/lost", check=False).returncode != 0
    assert client.sandbox.bare.sha("lost") is None


def test_faults_delay_limit_and_let_somebody_come_between(client: Client) -> None:
    faults = client.sandbox.github.faults
    faults.add("GET", r"/user", status=429, headers={"Retry-After": "7"}, body={"message": "slow down"}, times=2)
    for _ in range(2):
        assert client.ask("GET", "/user", 429).headers["Retry-After"] == "7"
    client.get("/user")
    sha = client.sandbox.bare.sha("main") or ""
    faults.add("GET", r"/git/ref/", call=lambda: client.sandbox.bare.update_ref("refs/heads/between", sha), delay=0.05)
    started = time.monotonic()
    assert client.get("git/ref/heads/between")["object"]["sha"] == sha
    assert time.monotonic() - started >= 0.05
    faults.add("GET", r"/user", drop=True)
    with pytest.raises(requests.ConnectionError):
        client.get("/user")


def test_faults_change_what_a_real_answer_says(client: Client) -> None:
    faults = client.sandbox.github.faults
    faults.add("GET", r"/branches/main", change=lambda body: {**body, "name": "other"})
    faults.add("GET", r"/user", headers={"Date": "Sat, 01 Jan 2000 00:00:00 GMT"})
    assert [client.get("branches/main")["name"] for _ in range(2)] == ["other", "main"]
    assert client.ask("GET", "/user").headers["Date"].endswith("2000 00:00:00 GMT")


def test_two_sandboxes_at_once_do_not_meet() -> None:
    with Sandbox(FILES, cloud=False) as one, Sandbox(FILES, cloud=False) as other:
        one.bare.update_ref("refs/heads/mine", one.bare.sha("main") or "")
        assert other.bare.sha("mine") is None
        assert one.github.url != other.github.url
        assert Bare(one.work).sha("refs/remotes/origin/main") == one.bare.sha("main")
