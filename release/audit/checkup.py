"""The doctor's checks of machine, token and places, asked side by side: what is good, advised or bad, with the fix."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict
from email.utils import parsedate_to_datetime
from functools import partial

from release.artifacts.images import registry
from release.artifacts.s3 import bucket
from release.audit.fit import Finding, fit_findings
from release.call.context import Context
from release.call.parallel import answers_of
from release.errors import Failed, ReleaseError
from release.git.refs import HEADS, TAGS, short_name
from release.git.remotes import is_secure, public_url
from release.git.repository import repository
from release.git.scratch import scratch
from release.git.snapshot import trunk
from release.git.tags import trunk_sha
from release.github.api import github
from release.github.burned import tag_rules
from release.github.commits import branch_rules
from release.github.events import check_token_starts_workflows, platform_workflows
from release.github.http import Answer
from release.github.lease import lease_problem
from release.github.pulls import merged_branches
from release.github.requests import FOLDER
from release.settings import DEFAULTS
from release.workflows import IMAGE, SDK, Source, judge

OLDEST_GIT, SSH_SIGNING = (2, 31), (2, 34)
KINDS = {
    "ghp_": "a personal access token (classic)", "github_pat_": "a fine-grained personal access token",
    "gho_": "an OAuth token, as gh has one", "ghs_": "an app's installation token", "ghu_": "an app's user token",
}  # fmt: skip
FEW = 500  # requests: about what one coordinated release sends
SKEW = 60.0  # seconds; AWS refuses signatures 15 minutes off, dates on branches and waits go wrong before
A_TAG, A_BRANCH = "99.99.99", "release-99.99-20990101"  # as they are named, and not there


Check = Callable[[Context], Iterator[Finding]]


def git_findings(context: Context) -> Iterator[Finding]:
    """Check that Git is new enough, and knows who commits and tags."""
    said, numbers = _git_version(context)
    good = said + ("" if numbers >= SSH_SIGNING else ", which checks no SSH signatures")
    yield _finding("git", said if numbers < OLDEST_GIT else "", "Install Git 2.31 or newer.", good)
    name = os.environ.get("GIT_COMMITTER_NAME", _config(context, "user.name"))
    email = os.environ.get("GIT_COMMITTER_EMAIL", _config(context, "user.email"))
    problem = "" if name and email else "Git does not know who you are"
    fix = "git config --global user.name NAME; git config --global user.email EMAIL"
    yield _finding("identity", problem, fix, f"{name} <{email}>")


def signing_findings(context: Context) -> Iterator[Finding]:
    """Check whether tags are signed, and that there is a key for it."""
    key, kind = _config(context, "user.signingKey"), _config(context, "gpg.format") or "openpgp"
    wanted = _is_set(context, "tag.gpgSign") or _is_set(context, "commit.gpgSign")
    if wanted and kind == "ssh" and _git_version(context)[1] < SSH_SIGNING:
        yield Finding("signing", "bad", "Git is set to sign with SSH and too old for it", "Install Git 2.34 or newer.")
    elif wanted and kind == "ssh" and not key and not _config(context, "gpg.ssh.defaultKeyCommand"):
        yield Finding("signing", "bad", "Git is set to sign with SSH but has no key", "git config user.signingKey FILE")
    elif wanted:
        yield Finding("signing", "good", f"Git signs ({kind})")
    else:
        yield Finding("signing", "advice", "tags are annotated, not signed", "git config tag.gpgSign true, or --sign")


def remote_findings(context: Context) -> Iterator[Finding]:
    """Check that the remote answers, over a protocol that proves who it is."""
    repo, head = repository(context), trunk_sha(context)
    url, shown = repo.remote_url, public_url(repo.remote_url)
    protocol = url.partition("://")[0] if "://" in url else "ssh" if ":" in url.partition("/")[0] else "a folder"
    if url != shown:
        yield Finding("remote", "bad", "its URL has a password in it", f"git remote set-url {repo.remote} {shown}")
    if protocol == "git" or (protocol == "http" and not is_secure(url)):
        yield Finding("remote", "bad", f"{shown} is not encrypted", "Use https or ssh.")
    else:
        yield Finding("remote", "good", f"{shown} answers ({protocol}); {trunk(context)} is at {head[:9]}")
    if repo.is_shallow():
        fix = "Nothing breaks; picks and counts are quicker after: git fetch --unshallow"
        yield Finding("clone", "advice", "this clone is shallow", fix)


def leftovers_findings(context: Context) -> Iterator[Finding]:
    """Name what a killed call left, here and on the remote (F33)."""
    branches = [each for pattern in ("image-*", "backport/*/*") for each in merged_branches(context, pattern)]
    with scratch(repository(context), clear=False) as here:
        names = [*here, *map(short_name, branches)]
    if names:
        fix = f"They hinder none. A branch goes with: git push {repository(context).remote} --delete NAME"
        yield Finding("leftovers", "advice", f"a call that was killed left {', '.join(names)}", fix)


def token_findings(context: Context) -> Iterator[Finding]:
    """Check that the token is of use: its kind, its scopes, that it may push and starts workflows (F14)."""
    answer, name = _asked(context, ""), github(context).repository
    if answer.status != 200:
        says = f"GitHub shows no {name} to this token: {answer.status} {answer.problem}"
        yield Finding("token", "bad", says, "Give the token access to the repository, or set GITHUB_REPOSITORY.")
        return
    kind = next(
        (kind for start, kind in KINDS.items() if github(context).token.startswith(start)), "a token of unknown kind"
    )
    scopes = answer.headers.get("x-oauth-scopes", "").replace(",", " ").split()
    missing = [scope for scope in ("repo", "workflow") if scopes and scope not in scopes]
    problem = f"{kind} without the scope {', '.join(missing)}" if missing else ""
    good = kind + (f" with {', '.join(sorted(set(scopes)))}" if scopes else "")
    yield _finding("token", problem, "gh auth refresh --scopes repo,workflow", good)
    denied = not (answer.json().get("permissions") or {}).get("push")
    problem = f"this token may not push to {name}" if denied else ""
    yield _finding(
        "permission", problem, "Ask an administrator of the repository for write access.", f"may push to {name}"
    )
    check_token_starts_workflows(context)


def lease_findings(context: Context) -> Iterator[Finding]:
    """Check that this machine may take a lease on a dispatch, and that none was left (F1)."""
    yield _finding(
        "dispatch", *lease_problem(context), "of two people who release at once, one starts the run", "advice"
    )


def clock_findings(context: Context) -> Iterator[Finding]:
    """Check this machine's clock against GitHub's."""
    said = _asked(context, "/rate_limit").headers.get("date", "")
    if not said:
        raise Failed("GitHub tells no time", "Is there a proxy in between? curl -sI https://api.github.com")
    skew = abs(context.clock.now() - parsedate_to_datetime(said).timestamp())
    problem = f"this machine's clock is {skew:.0f} s off GitHub's" if skew > SKEW else ""
    yield _finding("clock", problem, "Set the clock: timedatectl set-ntp true", "agrees with GitHub's")


def rate_limit_findings(context: Context) -> Iterator[Finding]:
    """Check that enough requests are left for a release."""
    answer = _asked(context, "/rate_limit")
    if answer.status != 200:
        raise Failed(f"GitHub tells no rate limit: {answer.status} {answer.problem}")
    core = answer.json()["resources"]["core"]
    says = f"{core['remaining']} of {core['limit']} requests left"
    fix = f"Wait {max(0.0, core['reset'] - context.clock.now()) / 60:.0f} minutes, or use another token."
    yield _finding("rate limit", says if core["remaining"] < FEW else "", fix, says)


def settings_findings(context: Context) -> Iterator[Finding]:
    """List the settings that are not the defaults, and where each comes from."""
    for section, defaults in DEFAULTS.items():
        for key, value in asdict(getattr(context.settings, section)).items():
            if value != defaults[key]:
                variable = f"INVOKE_{section}_{key}".upper()
                source = f"environment, {variable}" if variable in os.environ else "invoke.yaml"
                # Not the value of one whose name says that it is a secret or may hold one (S1).
                shown = "(set)" if value and re.search("token|secret|password|webhook|url", key) else repr(value)
                yield Finding("setting", "good", f"{section}.{key} = {shown} ({source})")


def tag_rules_findings(context: Context) -> Iterator[Finding]:
    """Check that GitHub itself keeps tags from being moved or deleted (F12)."""
    kinds = tag_rules(context, A_TAG)
    lacking = [kind for kind in ("update", "deletion") if kind not in kinds]
    problem = f"no rule forbids the {' and the '.join(lacking)} of tags" if lacking else ""
    fix = f"Make a tag ruleset with {', '.join(lacking)}: {github(context).web_url}/settings/rules"
    yield _finding("tag rules", problem, fix, "tags cannot be moved or deleted", "advice")


def branch_rules_findings(context: Context) -> Iterator[Finding]:
    """Check what rules stand on the trunk and on release branches (F16, F18)."""
    on_trunk = branch_rules(context, trunk(context))
    on_release = {rule["type"] for rule in branch_rules(context, A_BRANCH)}
    if any(rule["type"] == "merge_queue" for rule in on_trunk):
        says = f"{trunk(context)} has a merge queue: the image's pull request waits there (exit 4)"
        yield Finding("trunk rules", "advice", says, "Run the same again once it is merged.")
    reviews = [rule.get("parameters") or {} for rule in on_trunk if rule["type"] == "pull_request"]
    approvals = max((each.get("required_approving_review_count", 0) for each in reviews), default=0)
    if approvals:
        says = f"{trunk(context)} wants {approvals} approvals: the image's pull request waits for them (exit 4)"
        yield Finding("trunk rules", "advice", says, "Run the same again once it is approved.")
    blocking = sorted(on_release & {"pull_request", "update", "creation", "merge_queue", "required_status_checks"})
    if blocking:
        says = f"release branches have rules: {', '.join(blocking)}"
        yield Finding("branch rules", "advice", says, "Let this token bypass them, or pick with --via-pr.")
    elif "deletion" not in on_release:
        fix = f"Forbid it for release-*: {github(context).web_url}/settings/rules"
        yield Finding("branch rules", "advice", "release branches can be deleted", fix)
    else:
        yield Finding("branch rules", "good", "release branches cannot be deleted")
    answer = _asked(context, "")
    if answer.status == 200 and answer.json().get("delete_branch_on_merge") and "deletion" not in on_release:
        says = "GitHub deletes branches after a merge: protect release branches from it"
        yield Finding("branch rules", "advice", says, "Forbid the deletion of release-*.")


def workflows_findings(context: Context) -> Iterator[Finding]:
    """Check that the workflows at the trunk do what a release asks of them."""
    sha, sdk, image = trunk_sha(context), context.settings.sdk, context.settings.image
    runner = [(image.workflow, {"version": A_TAG, **image.inputs}, (), IMAGE)] if image.config_file else []
    for file, inputs, roles, rules in ((sdk.workflow, sdk.inputs, tuple(sdk.roles), SDK), *runner):
        source = Source(repository(context).file(sha, f"{FOLDER}/{file}"), f"{HEADS}{trunk(context)}", file)
        judged = judge(source, inputs, roles, rules)
        problem = f"{source.where} {'; '.join(judged.problems)}" if judged.problems else ""
        yield _finding("workflows", problem, judged.fix, f"{file} does what a release asks of it")
    starting = platform_workflows(context, f"{TAGS}{A_TAG}", sha)
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
        yield Finding(
            "bucket", "advice", "no versioning, object lock or create-only policy keeps an overwritten wheel", fix
        )


def registry_findings(context: Context) -> Iterator[Finding]:
    """Check that the registry has every repository, and refuses to overwrite a tag (F21)."""
    repositories = context.settings.image_repositories
    if not repositories:  # nothing is pushed to one
        return
    for name in repositories:
        registry(context).image_digest(name, A_TAG)
    immutable = getattr(registry(context), "is_immutable", lambda _: True)  # ECR alone tells
    mutable = [name for name in repositories if not immutable(name)]
    yield Finding("registry", "good", f"{len(repositories)} repositories answer")
    if mutable:
        fix = f"aws ecr put-image-tag-mutability --image-tag-mutability IMMUTABLE --repository-name {mutable[0]}"
        yield Finding("registry", "advice", f"tags can be overwritten in {', '.join(mutable)}", fix)


CHECKS: tuple[Check, ...] = (
    git_findings, signing_findings, remote_findings, leftovers_findings, token_findings, lease_findings, clock_findings,
    rate_limit_findings, tag_rules_findings, branch_rules_findings, workflows_findings, bucket_findings,
    registry_findings, fit_findings, settings_findings,
)  # fmt: skip


def findings(context: Context) -> list[Finding]:
    """Return what the checks find, in their order; what stops several of them is said once."""
    for door in (repository, github, bucket, registry, trunk):  # opened once, and not in each thread
        with suppress(ReleaseError):  # said by the check that needs it
            door(context)
    found: dict[str, Finding] = {}
    for finding in answers_of([partial(check, context) for check in CHECKS], _unasked):
        found.setdefault(finding.says, finding)
    return list(found.values())


def _unasked(name: str, error: ReleaseError) -> Finding:
    return Finding(name, "bad", error.problem, error.hint)


def _finding(name: str, problem: str, fix: str, good: str, level: str = "bad") -> Finding:
    """Return the problem with its fix where there is one, else what is good."""
    return Finding(name, level, problem, fix) if problem else Finding(name, "good", good)


def _asked(context: Context, path: str) -> Answer:
    """Return what GitHub answers at the path, asked once for the checks that need it."""
    return context.once((_asked, path), lambda: github(context).answer("GET", path))


def _git_version(context: Context) -> tuple[str, tuple[int, ...]]:
    said = context.once(_git_version, lambda: repository(context).git("version"))
    return said, tuple(map(int, re.findall(r"[0-9]+", said)[:2]))


def _config(context: Context, key: str) -> str:
    return repository(context).git("config", "--default", "", "--get", key)


def _is_set(context: Context, key: str) -> bool:
    """Whether Git takes the setting as true, which people write as yes, on or 1 too."""
    return repository(context).git("config", "--type=bool", "--default", "false", "--get", key) == "true"
