"""What keeps a release as it is on GitHub, in the bucket and in the registry: set where it is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from release.artifacts.aws import CREATE_ONLY, Bucket, Ecr
from release.artifacts.images import registry
from release.artifacts.s3 import bucket
from release.call.context import Context
from release.call.ensure import ensure
from release.errors import Conflict
from release.git.refs import HEADS, TAGS
from release.github.api import github
from release.github.burned import covers

A_TAG, A_BRANCH = f"{TAGS}99.99.99", f"{HEADS}release-99.99-20990101"  # as they are named, and not there
RULESETS: tuple[dict[str, Any], ...] = (
    {
        "name": "release tags stay", "target": "tag", "include": f"{TAGS}[0-9]*", "example": A_TAG,
        "rules": ("update", "deletion"),
    },
    {
        "name": "release branches stay", "target": "branch", "include": f"{HEADS}release-*", "example": A_BRANCH,
        "rules": ("deletion", "non_fast_forward"),
    },
)  # fmt: skip
APPEARS = 10  # seconds until a setting that was made shows


def protect(context: Context) -> list[str]:
    """Set each safeguard that is not there; return what holds then.

    Raises Conflict for one that is there and is another.
    """
    return [
        ensure(context, what, find=partial(_holding, what, holds), make=make, planned=what, patience=APPEARS)
        for what, holds, make in _safeguards(context)
    ]


Safeguard = tuple[str, Callable[[], bool], Callable[[], object]]  # what it is, whether it holds, and what sets it


def _holding(what: str, holds: Callable[[], bool]) -> str | None:
    return what if holds() else None


def _safeguards(context: Context) -> Iterator[Safeguard]:
    for wanted in RULESETS:
        kinds = " and ".join(wanted["rules"])
        what = f"ruleset {wanted['name']}: {kinds} of {wanted['include']} forbidden"
        yield what, partial(_has_ruleset, context, wanted), partial(_make_ruleset, context, wanted)
    what = "GitHub Releases immutable once they are published"
    make_immutable = partial(github(context).send, "PUT", "immutable-releases")
    yield what, lambda: bool((github(context).find("immutable-releases") or {}).get("enabled")), make_immutable
    yield from _of_bucket(bucket(context), context.settings.sdk.prefix)
    tags = registry(context)
    if isinstance(tags, Ecr):
        for name in context.settings.image_repositories:
            yield _of_repository(tags, name, _moving_tags(context) if name == context.settings.image.repository else [])


def _has_ruleset(context: Context, wanted: Mapping[str, Any]) -> bool:
    """Tell whether rulesets, whoever made them, forbid all of it; raise Conflict for one of the name that does not."""
    listed = [github(context).get(f"rulesets/{each['id']}") for each in github(context).pages("rulesets")]
    active = [each for each in listed if each["target"] == wanted["target"] and each["enforcement"] == "active"]
    mine = [each for each in active if covers(each, wanted["example"])]
    if {rule["type"] for each in mine for rule in each.get("rules") or []} >= set(wanted["rules"]):
        return True
    if other := next((each for each in listed if each["name"] == wanted["name"]), None):
        problem = f"there is a ruleset {wanted['name']!r} that forbids something else, or nothing"
        where = f"{github(context).web_url}/settings/rules/{other['id']}"
        raise Conflict(problem, f"Compare it, then change it or give it another name: {where}")
    return False


def _make_ruleset(context: Context, wanted: Mapping[str, Any]) -> None:
    github(context).send(
        "POST",
        "rulesets",
        {
            "name": wanted["name"],
            "target": wanted["target"],
            "enforcement": "active",
            "conditions": {"ref_name": {"include": [wanted["include"]], "exclude": []}},
            "rules": [{"type": kind} for kind in wanted["rules"]],
        },
    )


def _of_bucket(wheels: Bucket, prefix: str) -> Iterator[Safeguard]:
    what = f"versioning of s3://{wheels.name}"
    yield what, lambda: wheels.protections().get("versioning", False), wheels.keep_versions
    what = f"policy of s3://{wheels.name}: nothing below {prefix} is written without If-None-Match"
    yield what, partial(_demands_create_only, wheels, prefix), partial(_demand_create_only, wheels, prefix)


def _demands_create_only(wheels: Bucket, prefix: str) -> bool:
    """Tell whether the bucket's policy refuses to overwrite; raise Conflict for a statement of ours that differs."""
    wanted, statements = _statement(wheels.name, prefix), wheels.policy()["Statement"]
    if any(each.get("Sid") == wanted["Sid"] and each != wanted for each in statements):
        problem = f"the policy of s3://{wheels.name} has a statement {wanted['Sid']} that says something else"
        raise Conflict(problem, f"Compare it, then take it out: aws s3api get-bucket-policy --bucket {wheels.name}")
    others = ({**each, "Sid": wanted["Sid"]} for each in statements)
    return wanted in others


def _demand_create_only(wheels: Bucket, prefix: str) -> None:
    policy = wheels.policy()
    wheels.write_policy({**policy, "Statement": [*policy["Statement"], _statement(wheels.name, prefix)]})


def _statement(name: str, prefix: str) -> dict[str, Any]:
    """Make the policy's statement; the parts of an upload cannot carry the condition, what completes it can."""
    conditions = {"Null": {CREATE_ONLY: "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}}
    whom = {"Sid": "ReleaseCreateOnly", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject"}
    return {**whom, "Resource": f"arn:aws:s3:::{name}/{prefix}*", "Condition": conditions}


def _of_repository(tags: Ecr, name: str, moving: list[str]) -> Safeguard:
    but = f" but for {', '.join(moving)}" if moving else ""
    what = f"tags of the ECR repository {name} immutable{but}"
    return what, partial(_keeps_tags, tags, name, moving), partial(tags.keep_tags, name, moving)


def _keeps_tags(tags: Ecr, name: str, moving: list[str]) -> bool:
    """Tell whether no tag but these can be overwritten; raise Conflict where others are left out."""
    word, left_out = tags.mutability(name)
    if word == "MUTABLE":
        return False
    if word not in ("IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION") or set(left_out) - set(moving):
        problem = f"the ECR repository {name} is {word} and leaves out {', '.join(sorted(left_out))}"
        fix = f"aws ecr put-image-tag-mutability --image-tag-mutability MUTABLE --repository-name {name}"
        raise Conflict(problem, f"Compare it; to have it set here, first: {fix}")
    return True


def _moving_tags(context: Context) -> list[str]:
    """Return the runner's tags that name no version and may move, such as `photon-py3.11-runner`, as a pattern."""
    base, found, _ = context.settings.image.tags.partition("-{version}")
    return [base.replace("{python}", "*")] if found and base else []
