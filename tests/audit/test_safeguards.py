"""What `release.init --protect` sets: shown first, adopted where it holds, never over what says something else."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from conftest import again, open_context, printed

from release.call.context import Context
from release.errors import Conflict
from release.sandbox import Sandbox
from release.sandbox.github import rules
from release.sandbox.github.records import TOKEN, Token
from release.tasks import setup

BUCKET = "lepton-sdk"


@pytest.fixture
def context(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Context:
    sandbox.github.hub.tokens[TOKEN] = Token(role="admin")
    return open_context(sandbox, monkeypatch)


def cloud(sandbox: Sandbox, service: str) -> Any:
    assert sandbox.cloud is not None
    return sandbox.cloud.client(service)


def state(sandbox: Sandbox) -> dict[str, Any]:
    """Read all that can be protected, as it is out there."""
    s3, ecr, hub = cloud(sandbox, "s3"), cloud(sandbox, "ecr"), sandbox.github.hub
    try:
        policy = json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"])["Statement"]
    except s3.exceptions.ClientError:
        policy = []
    repositories = ecr.describe_repositories()["repositories"]
    return {
        "rules": {each.name: (each.target, each.include, sorted(each.rules)) for each in hub.rulesets},
        "immutable": hub.settings.immutable_releases,
        "versioning": s3.get_bucket_versioning(Bucket=BUCKET).get("Status"),
        "policy": policy,
        "tags": {
            each["repositoryName"]: (
                each["imageTagMutability"],
                [one["filter"] for one in each.get("imageTagMutabilityExclusionFilters") or []],
            )
            for each in repositories
        },
    }


def test_a_dry_call_shows_all_and_sets_nothing_and_the_second_real_one_neither(
    context: Context, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That S3 itself then refuses an upload without the header is not seen here: moto judges by no policy."""
    before = state(sandbox)
    setup.init(open_context(sandbox, monkeypatch, dry=True), protect=True)
    assert state(sandbox) == before
    setup.init(context, protect=True)
    held = state(sandbox)
    assert held["rules"] == {
        "release tags stay": ("tag", ("refs/tags/[0-9]*",), ["deletion", "update"]),
        "release branches stay": ("branch", ("refs/heads/release-*",), ["deletion", "non_fast_forward"]),
    }
    assert (held["immutable"], held["versioning"]) == (True, "Enabled")
    assert held["policy"] == [
        {
            "Sid": "ReleaseCreateOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:PutObject",
            "Resource": f"arn:aws:s3:::{BUCKET}/release/*",
            "Condition": {"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}},
        }
    ]
    assert held["tags"]["lepton"] == ("IMMUTABLE_WITH_EXCLUSION", ["photon-py*-runner"])
    assert held["tags"]["lepton-web"] == ("IMMUTABLE", [])
    asked = len(sandbox.github.writes())
    setup.init(again(context), protect=True)
    assert (state(sandbox), len(sandbox.github.writes())) == (held, asked)
    found = {each.name: each.level for each in setup.doctor(again(context))}
    assert {found[name] for name in ("tag rules", "branch rules", "bucket", "registry")} == {"good"}


def test_what_does_the_same_under_another_name_is_adopted(context: Context, sandbox: Sandbox) -> None:
    rules.protect(sandbox.github.hub, "refs/tags/*", update={}, deletion={})
    rules.protect(sandbox.github.hub, "refs/heads/release-*", deletion={})
    rules.protect(sandbox.github.hub, "refs/heads/**/*", non_fast_forward={})
    setup.init(context, protect=True)
    assert len(sandbox.github.hub.rulesets) == 3
    assert "ruleset release tags stay" in printed(context)


@pytest.mark.parametrize("what", ["ruleset", "policy", "tags"])
def test_what_says_something_else_is_a_conflict_and_stays(context: Context, sandbox: Sandbox, what: str) -> None:
    if what == "ruleset":
        made = rules.protect(sandbox.github.hub, "refs/tags/*", deletion={})
        sandbox.github.hub.rulesets[:] = [replace(made, name="release tags stay")]
    elif what == "policy":
        other = {"Sid": "ReleaseCreateOnly", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}
        policy = {"Version": "2012-10-17", "Statement": [{**other, "Resource": f"arn:aws:s3:::{BUCKET}/*"}]}
        cloud(sandbox, "s3").put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))
    else:
        filters = [{"filterType": "WILDCARD", "filter": "*"}]
        cloud(sandbox, "ecr").put_image_tag_mutability(
            repositoryName="lepton",
            imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
            imageTagMutabilityExclusionFilters=filters,
        )
    before = state(sandbox)
    with pytest.raises(Conflict) as refused:
        setup.init(context, protect=True)
    assert refused.value.code == 3
    kind = {"ruleset": "rules", "policy": "policy", "tags": "tags"}[what]
    assert state(sandbox)[kind] == before[kind]


def test_a_policy_that_is_there_keeps_its_statements(context: Context, sandbox: Sandbox) -> None:
    own = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"}
    policy = {"Version": "2012-10-17", "Statement": own}
    cloud(sandbox, "s3").put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))
    setup.init(context, protect=True)
    assert state(sandbox)["policy"][0] == own
    assert len(state(sandbox)["policy"]) == 2
