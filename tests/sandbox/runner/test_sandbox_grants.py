"""What a job that really runs may: its token's permissions in called workflows, an identity, keys of the cloud."""

from __future__ import annotations

from pathlib import Path

import pytest
from sandbox_runner import Started, repository

FILES = {
    ".github/workflows/greedy.yaml": """
        on: workflow_call
        permissions: {contents: write}
        jobs: {a: {runs-on: x, steps: [{run: echo}]}}
    """,
    ".github/workflows/modest.yaml": """
        on: workflow_call
        jobs: {a: {runs-on: x, permissions: {contents: read}, steps: [{run: echo}]}}
    """,
    ".github/workflows/middle.yaml": """
        on: workflow_call
        permissions: {contents: read}
        jobs: {b: {uses: ./.github/workflows/greedy.yaml}}
    """,
}
ROLE = "aws-actions/configure-aws-credentials@v4"
SEEN = "run: 'echo key=$AWS_ACCESS_KEY_ID.'"
CLOUD = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ACCESS_KEY_ID": "sandbox", "AWS_SECRET_ACCESS_KEY": "sandbox"}


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return repository(tmp_path_factory.mktemp("grants"), FILES)


@pytest.mark.parametrize(
    ("name", "granted", "said"),
    [
        ("greedy", "contents: read", "requesting 'contents: write', but is only allowed 'contents: read'"),
        ("greedy", "contents: write", ""),
        ("greedy", "packages: write", "only allowed 'contents: none'"),
        ("modest", "contents: write", ""),
        ("modest", "issues: read", "only allowed 'contents: none'"),
        ("middle", "contents: write", "only allowed 'contents: read'"),
    ],
)
def test_a_called_job_has_no_more_than_the_job_that_calls_it(
    start: Started, name: str, granted: str, said: str
) -> None:
    run = start(f"call: {{permissions: {{{granted}}}, uses: ./.github/workflows/{name}.yaml}}")
    assert run.conclusion == ("failure" if said else "success")
    assert said in run.jobs[0].log


@pytest.mark.parametrize(
    ("runs_on", "steps", "conclusion", "said"),
    [
        ("ubuntu-latest", [SEEN], "success", "key=."),
        ("'[self-hosted, ubuntu-24.04]'", [SEEN], "success", "key=sandbox."),
        ("ubuntu-latest", [f"uses: {ROLE}, with: {{role-to-assume: r, aws-region: x}}"], "failure", "id-token: write"),
        ("ubuntu-latest", [f"uses: {ROLE}, with: {{aws-region: x}}"], "failure", "Credentials could not be loaded"),
        (
            "ubuntu-latest, permissions: {id-token: write}",
            [f"uses: {ROLE}, with: {{role-to-assume: r, aws-region: x}}", SEEN],
            "success",
            "key=sandbox.",
        ),
        (
            "ubuntu-latest",
            [f"uses: {ROLE}, with: {{aws-access-key-id: k, aws-secret-access-key: s, aws-region: x}}", SEEN],
            "success",
            "key=sandbox.",
        ),
    ],
)
def test_keys_of_the_cloud_are_there_after_a_step_that_takes_them(
    start: Started, runs_on: str, steps: list[str], conclusion: str, said: str
) -> None:
    run = start(f"a: {{runs-on: {runs_on}, steps: [{', '.join(f'{{{each}}}' for each in steps)}]}}", env=CLOUD)
    assert run.conclusion == conclusion
    assert said in run.jobs[0].log
