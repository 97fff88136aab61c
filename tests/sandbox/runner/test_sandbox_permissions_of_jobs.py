"""What a job's own token may do, and where its credentials come from: in jobs that really run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from sandbox_runner import Started, named, repository, shown

from release.sandbox.runner.permissions import DEFAULTS, Grants, Permissions, excess, granted, is_from_fork, reading
from release.sandbox.runner.run import WorkflowRun

INNER = """
on: workflow_call
jobs:
  says: {runs-on: x, permissions: {contents: write}, steps: [{run: echo}]}
  nothing: {name: says nothing, runs-on: x, steps: [{run: echo}]}
"""
ROLE = "uses: aws-actions/configure-aws-credentials@v4, with: {role-to-assume: arn, aws-region: us-east-1}"


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return repository(tmp_path_factory.mktemp("origin"), {".github/workflows/inner.yaml": INNER})


@pytest.mark.parametrize(
    ("workflow", "job", "found"),
    [
        (None, None, {"contents": "read", "packages": "read"}),
        ({"contents": "read"}, None, {"contents": "read"}),
        ({"contents": "write"}, {"actions": "read"}, {"actions": "read"}),
        ({"contents": "write"}, {}, {}),
        ({}, None, {}),
        ({"contents": "none", "checks": "read"}, None, {"checks": "read"}),
    ],
)
def test_a_job_has_what_it_says_else_its_workflow_else_the_default(
    workflow: object, job: object, found: Mapping[str, str]
) -> None:
    assert granted(workflow, job, DEFAULTS["read"]) == found


def test_all_is_all_but_what_does_not_exist() -> None:
    assert granted("read-all", None, {})["models"] == "read"
    assert "id-token" not in granted("read-all", None, {})
    assert granted(None, "write-all", {})["id-token"] == "write"
    assert "id-token" not in DEFAULTS["write"]


def test_a_pull_request_from_a_fork_reads_alone() -> None:
    asked = {"contents": "write", "id-token": "write"}
    assert reading(asked) == {"contents": "read"}
    assert Grants(is_from_fork=True).of("a", asked, None) == {"contents": "read"}
    for name, forked in (("acme/platform", False), ("me/platform", True)):
        head = {"repo": {"full_name": name}}
        assert is_from_fork({"pull_request": {"head": head}}, "acme/platform") is forked
    assert not is_from_fork({}, "acme/platform")


def test_what_goes_beyond_is_named() -> None:
    assert excess({"contents": "write", "checks": "read"}, {"contents": "read", "checks": "write"}) == [
        ("contents", "write", "read")
    ]


def has_token(run: WorkflowRun, given: list[Permissions]) -> None:
    """Have a run's jobs get tokens, and write down what for."""

    def issue(permissions: Permissions) -> str:
        given.append(permissions)
        return f"token-{len(given)}"

    run.grants = replace(run.grants, issue=issue)


def has_cloud(run: WorkflowRun) -> None:
    """Have a cloud beside a run."""
    run.env |= {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ACCESS_KEY_ID": "sandbox"}


def test_a_called_job_may_have_no_more_than_its_caller(start: Started) -> None:
    given: list[Permissions] = []
    run = start(
        """
        a: {permissions: {contents: read}, uses: ./.github/workflows/inner.yaml}
        b: {permissions: {contents: write, checks: read}, uses: ./.github/workflows/inner.yaml}
        """,
        before=lambda run: has_token(run, given),
    )
    assert shown(run) == {"a / says": "failure", "a / says nothing": "success", "b / says": "success",
                          "b / says nothing": "success"}  # fmt: skip
    asked = "The nested job 'says' is requesting 'contents: write', but is only allowed 'contents: read'."
    assert asked in named(run, "a / says").log
    assert {"contents": "read"} in given
    assert {"contents": "write"} in given
    assert {"contents": "write", "checks": "read"} in given


@pytest.mark.parametrize(
    ("permissions", "said"),
    [("{contents: read}", "set the `id-token` permission"), ("{id-token: write}", "The sandbox's own credentials")],
)
def test_a_role_takes_the_permission_to_ask_for_it(start: Started, permissions: str, said: str) -> None:
    run = start(f"a: {{runs-on: x, permissions: {permissions}, steps: [{{{ROLE}}}]}}", before=has_cloud)
    assert said in named(run, "a").log
    assert shown(run) == {"a": "success" if "own" in said else "failure"}


def test_a_job_has_keys_of_the_cloud_after_a_step_that_takes_them(start: Started) -> None:
    look = "run: 'echo \"key=$AWS_ACCESS_KEY_ID.\"'"
    steps = f"[{{{look}}}, {{{ROLE}}}, {{{look}}}]"
    run = start(f"a: {{runs-on: x, permissions: {{id-token: write}}, steps: {steps}}}", before=has_cloud)
    log = named(run, "a").log
    assert log.index("key=.") < log.index("key=sandbox.")


def test_a_job_without_contents_finds_no_repository(start: Started) -> None:
    run = start(
        "a: {runs-on: x, permissions: {}, steps: [{uses: actions/checkout@v4}]}", before=lambda run: has_token(run, [])
    )
    assert "Repository not found" in named(run, "a").log
