"""The judge of exchanges: what GitHub's description shows passes, anything else is named."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from conformance import Conformance
from github_api.trim import VERSION, shape, trimmed
from github_description import DESCRIPTION, description, operations
from openapi_spec_validator import OpenAPIV30SpecValidator
from recording import Exchange

REPO = "/repos/acme/platform"
JSON = {"Content-Type": "application/json; charset=utf-8"}
SHA = "ac3282a2725be3b1d4979169a7a311c89066af1c"


@pytest.fixture(scope="module")
def github() -> Conformance:
    return Conformance.load()


def exchange(method: str, path: str, status: int, answer: Any = None, asked: Any = None) -> Exchange:
    path, _, query = path.partition("?")
    coded = [b"" if body is None else json.dumps(body).encode() for body in (asked, answer)]
    kinds: list[dict[str, str]] = [JSON if body else {} for body in coded]
    return Exchange(method, path, query, kinds[0], coded[0], status, kinds[1], coded[1])


def job(**changes: Any) -> dict[str, Any]:
    plain = {"id": 1, "run_id": 2, "run_url": "u", "node_id": "n", "head_sha": SHA, "url": "u", "html_url": None}
    times = {"created_at": "2026-11-22T10:00:00Z", "started_at": "2026-11-22T10:00:01Z", "completed_at": None}
    runner = {"labels": [], "runner_id": None, "runner_name": None, "runner_group_id": None, "runner_group_name": None}
    rest = {"status": "queued", "conclusion": None, "name": "build-package", "check_run_url": "u", "steps": []}
    return {**plain, **times, **runner, **rest, "workflow_name": "SDK", "head_branch": "0.7.0", **changes}


def jobs(**changes: Any) -> Exchange:
    path = f"{REPO}/actions/runs/2/jobs?per_page=100&page=1&filter=latest"
    return exchange("GET", path, 200, {"total_count": 1, "jobs": [job(**changes)]})


def dispatch(status: int = 204, answer: Any = None, **asked: Any) -> Exchange:
    path = f"{REPO}/actions/workflows/sdk-release.yaml/dispatches"
    return exchange("POST", path, status, answer, {"ref": "0.7.0", **asked})


MESSAGE = {"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest", "status": "401"}
RUN = {"workflow_run_id": 7, "run_url": "https://a.example/7", "html_url": "https://b.example/7"}
LOCATION = {"Location": "https://files.example/1"}
RIGHT = {
    "a page of jobs, null where the description says nullable": jobs(),
    "a dispatch without an answer's body": dispatch(inputs={"is_release": "true"}),
    "a dispatch that names its run": dispatch(200, RUN, return_run_details=True),
    "a dispatch that is refused, which the description leaves out": dispatch(422, {"message": "No ref found for: x"}),
    "a redirect to a log": replace(exchange("GET", f"{REPO}/actions/jobs/1/logs", 302), response_headers=LOCATION),
    "nothing changed": replace(exchange("GET", f"{REPO}/actions/runs/2", 304), request_headers={"If-None-Match": "x"}),
    "an empty object": exchange("POST", f"{REPO}/actions/runs/2/rerun-failed-jobs", 201, {}),
    "merged already": exchange("GET", f"{REPO}/pulls/1/merge", 204),
    "not merged": exchange("GET", f"{REPO}/pulls/1/merge", 404, {"message": "Not Found", "status": "404"}),
    "not mergeable": exchange("PUT", f"{REPO}/pulls/1/merge", 405, {"message": "not mergeable"}, {"sha": SHA}),
    "bad credentials, anywhere": exchange("GET", f"{REPO}/actions/runs/2", 401, MESSAGE),
    "a gateway's words": replace(exchange("GET", "/user", 502), response_body=b"<html>", response_headers={}),
    "a validation error": exchange(
        "POST",
        f"{REPO}/pulls",
        422,
        {"message": "Validation Failed", "documentation_url": "d", "errors": [{"code": "custom", "value": None}]},
        {"title": "t", "head": "h", "base": "main"},
    ),
    "a branch name with slashes": exchange("GET", f"{REPO}/rules/branches/fix/a/b", 200, []),
    "a rule that is composed of parts": exchange(
        "GET",
        f"{REPO}/rules/branches/main",
        200,
        [{"type": "deletion", "ruleset_source_type": "Repository", "ruleset_source": "a/b", "ruleset_id": 1}],
    ),
    "a range of days": exchange(
        "GET", f"{REPO}/actions/runs?created=%3E%3D2026-11-22", 200, {"total_count": 0, "workflow_runs": []}
    ),
    "refs that match a slashed name": exchange("GET", f"{REPO}/git/matching-refs/tags/0.7.", 200, []),
    "a renamed repository": replace(exchange("GET", REPO, 301, {"message": "Moved"}), response_headers=JSON | LOCATION),
    "an asset itself": replace(
        exchange("GET", f"{REPO}/releases/assets/1", 200, "wheel"),
        response_headers={"content-type": "application/octet-stream"},
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_github_describes_passes(github: Conformance, name: str) -> None:
    github.check(RIGHT[name])


WRONG = {
    "not of type 'integer'": jobs(id="1"),
    "$.jobs[0].conclusion: 'green' is not one of": jobs(conclusion="green"),
    "None for not nullable": jobs(name=None),
    "('colour' was unexpected)": jobs(colour="green"),
    "$.jobs[0].started_at: 'today' is not a 'date-time'": jobs(started_at="today"),
    "'jobs' is a required property": exchange("GET", f"{REPO}/actions/runs/2/jobs", 200, {"total_count": 0}),
    "('input' was unexpected)": dispatch(input={"is_release": "true"}),
    "'true' is not of type 'boolean'": dispatch(return_run_details="true"),
    "has too many properties": dispatch(inputs={str(number): "" for number in range(26)}),
    "request: Missing required request body": replace(dispatch(), request_body=b""),
    "request: Request body validation error: Content for the following mimetype not found: text/plain": replace(
        dispatch(), request_headers={"Content-Type": "text/plain"}
    ),
    "query parameter 'perpage' is not described": exchange("GET", f"{REPO}/rulesets?perpage=100", 200, []),
    "query parameter error: per_page": exchange("GET", f"{REPO}/rulesets?per_page=many", 200, []),
    "query parameter status: 'green' is not one of": exchange(
        "GET", f"{REPO}/actions/runs?status=green", 200, {"total_count": 0, "workflow_runs": []}
    ),
    "path parameter error: run_id": exchange("POST", f"{REPO}/actions/runs/latest/rerun", 201, {}),
    "a body, and none is described": exchange("POST", f"{REPO}/actions/runs/2/cancel", 202, {}, {"force": True}),
    "no such operation": exchange("GET", f"{REPO}/actions/secrets", 200, {}),
    "status 201 is not described": dispatch(201, {}),
    "nobody asked whether": exchange("GET", f"{REPO}/actions/runs/2", 304),
    "a redirect without Location": exchange("GET", f"{REPO}/actions/jobs/1/logs", 302),
    "a body, and this status has none": dispatch(204, {}),
    "an error whose body is not JSON": exchange("GET", f"{REPO}/actions/runs/2", 401),
    "an error without a message": exchange("GET", f"{REPO}/actions/runs/2", 401, {"error": "x"}),
    "'error' is no part of a basic error": exchange("GET", f"{REPO}/actions/runs/2", 401, {**MESSAGE, "error": "x"}),
    "$.status: 401 is not of type str": exchange("GET", f"{REPO}/actions/runs/2", 401, {**MESSAGE, "status": 401}),
    "API version 2099-01-01": replace(jobs(), request_headers={"x-github-api-version": "2099-01-01"}),
    "mimetype not found: text/html": replace(jobs(), response_headers={"Content-Type": "text/html"}),
    "answer: Missing response data": exchange("GET", REPO, 200),
}


@pytest.mark.parametrize("words", WRONG)
def test_anything_else_is_named(github: Conformance, words: str) -> None:
    with pytest.raises(AssertionError) as raised:
        github.check(WRONG[words])
    assert words.lower() in str(raised.value).lower()
    assert str(WRONG[words]) in str(raised.value)


def test_every_wrong_exchange_is_listed_once(github: Conformance) -> None:
    bad = [jobs(id="1"), jobs(), dispatch(201, {}), jobs(id="1")]
    with pytest.raises(AssertionError) as raised:
        github.check_all(bad)
    assert str(raised.value).count("/actions/runs/2/jobs") == 1
    assert str(raised.value).count("/dispatches") == 1


@pytest.mark.slow
def test_the_description_is_valid_and_small() -> None:
    OpenAPIV30SpecValidator(description()).validate()
    assert description()["info"]["version"] == VERSION
    assert DESCRIPTION.stat().st_size < 400_000
    assert DESCRIPTION.read_bytes().endswith(b"}\n")


def test_no_prose_is_left() -> None:
    assert shape({"title": "T", "description": "D", "x-github": {}, "properties": {"title": {"example": 1}}}) == {
        "properties": {"title": {}}
    }
    assert "octocat" not in DESCRIPTION.read_text().lower()


def test_trimming_is_stable() -> None:
    """What is trimmed once stays as it is: the file is the script's own output, edited by nobody."""
    kept = description()
    again = trimmed({**kept, "info": {**kept["info"], "version": VERSION}})
    assert again == kept


def test_a_more_literal_template_wins() -> None:
    order = [one.template for one in operations(description())]
    assert order.index("/repos/{owner}/{repo}/commits/{ref}/status") < order.index(
        "/repos/{owner}/{repo}/commits/{ref}"
    )
