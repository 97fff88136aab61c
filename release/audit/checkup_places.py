"""The doctor's checks of the places a release goes to: rules, workflows, bucket, registry."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from release.artifacts.images import registry
from release.artifacts.s3 import bucket
from release.audit.checkup import Finding
from release.call.context import Context
from release.git.refs import TAGS
from release.git.repository import repository
from release.git.snapshot import trunk
from release.git.tags import trunk_sha
from release.github.api import github
from release.github.dispatch import FOLDER
from release.github.events import workflows_started
from release.workflows import IMAGE, SDK, Rule, Source, judge

A_TAG = "99.99.99"


def tag_rules_findings(context: Context) -> Iterator[Finding]:
    """Check that GitHub itself keeps tags from being moved or deleted (F12)."""
    kinds: set[str] = set()
    for listed in github(context).pages("rulesets", targets="tag"):
        full = github(context).get(f"rulesets/{listed['id']}")
        if full.get("target") == "tag" and full.get("enforcement") == "active" and _covers(full, f"refs/tags/{A_TAG}"):
            kinds |= {rule["type"] for rule in full.get("rules") or []}
    lacking = [kind for kind in ("update", "deletion") if kind not in kinds]
    if lacking:
        where = f"{github(context).web_url}/settings/rules"
        says = f"no rule forbids the {' and the '.join(lacking)} of tags"
        yield Finding("tag rules", "advice", says, f"Make a tag ruleset with {', '.join(lacking)}: {where}")
    else:
        yield Finding("tag rules", "good", "tags cannot be moved or deleted")


def branch_rules_findings(context: Context) -> Iterator[Finding]:
    """Check what rules stand on the trunk and on release branches (F16, F18)."""
    on_trunk = {rule["type"]: rule for rule in github(context).pages(f"rules/branches/{trunk(context)}")}
    if "merge_queue" in on_trunk:
        says = f"{trunk(context)} has a merge queue: the image's pull request waits there (exit 4)"
        yield Finding("trunk rules", "advice", says, "Run the same again once it is merged.")
    approvals = (on_trunk.get("pull_request", {}).get("parameters") or {}).get("required_approving_review_count", 0)
    if approvals:
        says = f"{trunk(context)} wants {approvals} approvals: the image's pull request waits for them (exit 4)"
        yield Finding("trunk rules", "advice", says, "Run the same again once it is approved.")
    name = "release-99.99-20990101"
    on_release = {rule["type"] for rule in github(context).pages(f"rules/branches/{name}")}
    blocking = sorted(on_release & {"pull_request", "update", "creation", "merge_queue", "required_status_checks"})
    if blocking:
        says = f"release branches have rules: {', '.join(blocking)}"
        yield Finding("branch rules", "advice", says, "Let this token bypass them, or pick with --via-pr.")
    elif "deletion" not in on_release:
        where = f"{github(context).web_url}/settings/rules"
        yield Finding("branch rules", "advice", "release branches can be deleted", f"Forbid it for release-*: {where}")
    else:
        yield Finding("branch rules", "good", "release branches cannot be deleted")
    if github(context).get("").get("delete_branch_on_merge") and "deletion" not in on_release:
        says = "GitHub deletes branches after a merge: protect release branches from it"
        yield Finding("branch rules", "advice", says, "Forbid the deletion of release-*.")


def workflows_findings(context: Context) -> Iterator[Finding]:
    """Check that the workflows at the trunk do what a release asks of them."""
    sdk, image = context.settings.sdk, context.settings.image
    yield _contract(context, sdk.workflow, sdk.inputs, tuple(sdk.roles), SDK)
    yield _contract(context, image.workflow, {"version": A_TAG, **image.inputs}, (), IMAGE)
    sha = trunk_sha(context)
    only = context.settings.platform.workflow
    starting = [name for name in workflows_started(context, sha, f"{TAGS}{A_TAG}") if only in ("", name)]
    if starting:
        yield Finding("workflows", "good", f"a tag's push starts {', '.join(starting)}")
    elif context.settings.platform.images:
        says = f"no workflow on {trunk(context)} starts on a tag such as {A_TAG}: no platform image would be built"
        yield Finding("workflows", "bad", says, "Give one on: push: tags, or write it: inv release.init")


def bucket_findings(context: Context) -> Iterator[Finding]:
    """Check that the bucket answers, and keeps what is overwritten."""
    sdk = context.settings.sdk
    next(iter(bucket(context).objects(sdk.prefix)), None)
    protections = bucket(context).protections()
    yield Finding("bucket", "good", f"s3://{sdk.bucket}/{sdk.prefix} can be listed")
    if not any(protections.values()):
        fix = f"aws s3api put-bucket-versioning --bucket {sdk.bucket} --versioning-configuration Status=Enabled"
        yield Finding("bucket", "advice", "neither versioning nor object lock keeps an overwritten wheel", fix)


def registry_findings(context: Context) -> Iterator[Finding]:
    """Check that the registry has every repository, and refuses to overwrite a tag (F21)."""
    repositories = [context.settings.image.repository, *context.settings.platform.images]
    immutable = getattr(registry(context), "is_immutable", None)
    mutable = []
    for name in repositories:
        registry(context).image_digest(name, A_TAG)
        if immutable and not immutable(name):
            mutable.append(name)
    yield Finding("registry", "good", f"{len(repositories)} repositories answer")
    if mutable:
        fix = f"aws ecr put-image-tag-mutability --image-tag-mutability IMMUTABLE --repository-name {mutable[0]}"
        yield Finding("registry", "advice", f"tags can be overwritten in {', '.join(mutable)}", fix)


def _contract(
    context: Context, file: str, inputs: dict[str, Any], roles: tuple[str, ...], rules: tuple[Rule, ...]
) -> Finding:
    sha = trunk_sha(context)
    source = Source(repository(context).file(sha, f"{FOLDER}/{file}"), f"refs/heads/{trunk(context)}", file)
    judged = judge(source, inputs, roles, rules)
    if judged.problems:
        fix = "; ".join(judged.hints) or f"git show {sha[:9]}:{FOLDER}/{file}"
        return Finding("workflows", "bad", f"{source.where} {'; '.join(judged.problems)}", fix)
    return Finding("workflows", "good", f"{file} does what a release asks of it")


def _covers(ruleset: dict[str, Any], ref: str) -> bool:
    names = (ruleset.get("conditions") or {}).get("ref_name") or {}
    included = any(pattern == "~ALL" or fnmatchcase(ref, pattern) for pattern in names.get("include") or [])
    return included and not any(fnmatchcase(ref, pattern) for pattern in names.get("exclude") or [])
