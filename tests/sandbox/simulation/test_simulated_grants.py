"""What a simulated job may not do, it does not: its token's permissions, an identity, credentials of AWS."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import rehearsal_sample
from test_simulation import IMAGES, World, kinds

from release.sandbox import Sandbox

ECR = "123456789012.dkr.ecr.us-east-1.amazonaws.com/lepton"
ROLE = (
    "aws-actions/configure-aws-credentials@v4, with: {role-to-assume: 'arn:aws:iam::1:role/r', aws-region: us-east-1}"
)
PUSHES = f"run: docker push {ECR}:photon-py3.11-runner-0.9.0"
RELEASE = "run: gh release create 1"
COPIES = "run: aws s3 cp sdk/pyproject.toml s3://lepton-sdk/x"
NO_IDENTITY = "jobs.a has no `permissions: id-token: write`"
NO_KEYS = "no step of jobs.a takes credentials of AWS"
HOSTED, OWN = "ubuntu-latest", "[self-hosted, linux]"


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with Sandbox(rehearsal_sample.files()) as made:
        yield World(made, {})


def workflow(steps: list[str], runs_on: str = HOSTED, granted: str = "", job: str = "") -> str:
    listed = "".join(f"      - {{{step}}}\n" for step in steps)
    dispatch = "on: {workflow_dispatch: {inputs: {version: {type: string}, is_release: {type: boolean}}}}\n"
    return f"{dispatch}{granted}\njobs:\n  a:\n    runs-on: {runs_on}\n    {job}\n    steps:\n{listed}"


def fails(world: World, text: str) -> str:
    """Say why the job fails; nothing where it does not."""
    told = world.images(text, "0.9.0")
    if world.conclusions == ["success"]:
        return ""
    return "; ".join(does for _, _, does in kinds(told, "untold") if does.startswith("fails:"))


@pytest.mark.parametrize(
    ("steps", "granted", "runs_on", "why"),
    [
        ([f"uses: {ROLE}", PUSHES], "permissions: {contents: read}", HOSTED, NO_IDENTITY),
        ([f"uses: {ROLE}", PUSHES], "permissions: write-all", HOSTED, ""),
        ([f"uses: {ROLE}", PUSHES], "permissions: {id-token: write}", HOSTED, ""),
        ([f"uses: {ROLE}", PUSHES], "", HOSTED, NO_IDENTITY),
        # A machine of one's own may have a role of its own.
        ([f"uses: {ROLE}", PUSHES], "", OWN, ""),
        ([PUSHES], "permissions: write-all", HOSTED, NO_KEYS),
        ([PUSHES], "", OWN, ""),
        (["uses: actions/checkout@v4", COPIES], "", HOSTED, NO_KEYS),
        (["uses: actions/checkout@v4", COPIES.replace("aws", "export AWS_ACCESS_KEY_ID=a; aws")], "", HOSTED, ""),
        (["uses: somebody/logs-in-to-aws@v1", PUSHES], "", HOSTED, ""),
        (["uses: actions/checkout@v4"], "permissions: {}", HOSTED, "Repository not found"),
        (["uses: actions/checkout@v4, with: {token: '${{ secrets.OTHER }}'}"], "permissions: {}", HOSTED, ""),
        ([f"{RELEASE}, env: {{GH_TOKEN: '${{{{ github.token }}}}'}}"], "", HOSTED, "Resource not accessible"),
        ([f"{RELEASE}, env: {{GH_TOKEN: '${{{{ github.token }}}}'}}"], "permissions: {contents: write}", HOSTED, ""),
        ([f"{RELEASE}, env: {{GH_TOKEN: '${{{{ secrets.OTHER }}}}'}}"], "", HOSTED, ""),
        ([RELEASE], "permissions: {contents: write}", HOSTED, "exit code 4"),
        (["run: git push origin HEAD:x"], "permissions: {contents: read}", HOSTED, "`permissions: contents: write`"),
        (["run: git push origin HEAD:x"], "permissions: {contents: write}", HOSTED, ""),
        (
            ["uses: actions/checkout@v4, with: {token: '${{ secrets.BOT }}'}", "run: git push origin HEAD:x"],
            "permissions: {contents: read}",
            HOSTED,
            "",
        ),
        (["uses: softprops/action-gh-release@v2"], "permissions: {contents: read}", HOSTED, "not accessible by integr"),
        (["uses: softprops/action-gh-release@v2"], "permissions: {contents: write}", HOSTED, ""),
        (["uses: pypa/gh-action-pypi-publish@release/v1"], "permissions: {}", HOSTED, "OpenID Connect token retrieval"),
        (["uses: pypa/gh-action-pypi-publish@v1, with: {password: x}"], "permissions: {}", HOSTED, ""),
        (["uses: actions/attest-build-provenance@v2"], "permissions: {id-token: write}", HOSTED, "attestations"),
    ],
)
def test_a_step_that_the_jobs_token_does_not_allow_fails_by_name(
    world: World, steps: list[str], granted: str, runs_on: str, why: str
) -> None:
    said = fails(world, workflow(steps, runs_on, granted))
    assert why in said
    assert bool(said) == bool(why)


@pytest.mark.parametrize(
    ("level", "why"), [("read", "installation not allowed to Write organization package"), ("write", "")]
)
def test_githubs_own_registry_takes_what_the_token_may_push(world: World, level: str, why: str) -> None:
    login = (
        "uses: docker/login-action@v3, with: {registry: ghcr.io, username: x, password: '${{ secrets.GITHUB_TOKEN }}'}"
    )
    text = workflow([login, "run: docker push ghcr.io/acme/a:1"], granted=f"permissions: {{packages: {level}}}")
    assert why in fails(world, text)
    assert bool(fails(world, text)) == bool(why)


def test_a_jobs_own_permissions_take_the_place_of_the_workflows(world: World) -> None:
    steps = [f"uses: {ROLE}", PUSHES]
    assert fails(world, workflow(steps, granted="permissions: {}", job="permissions: {id-token: write}")) == ""
    assert NO_IDENTITY in fails(world, workflow(steps, granted="permissions: write-all", job="permissions: {}"))


def test_nothing_is_delivered_by_a_job_that_fails_for_it(world: World) -> None:
    told = world.images(workflow([PUSHES.replace("0.9.0", "0.9.1")]), "0.9.1")
    assert "photon-py3.11-runner-0.9.1" not in world.tags("lepton")
    assert any(each.kind == "missing" and each.workflow == IMAGES for each in told)
