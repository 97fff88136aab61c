"""All of the doctor's checks, asked side by side."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from release.artifacts.images import registry
from release.artifacts.s3 import bucket
from release.audit.checkup import (
    Check,
    Finding,
    clock_findings,
    git_findings,
    identity_findings,
    rate_limit_findings,
    remote_findings,
    settings_findings,
    signing_findings,
    token_findings,
)
from release.audit.checkup_places import (
    branch_rules_findings,
    bucket_findings,
    registry_findings,
    tag_rules_findings,
    workflows_findings,
)
from release.call.context import Context
from release.call.parallel import side_by_side
from release.errors import ReleaseError
from release.git.repository import repository
from release.git.snapshot import trunk
from release.github.api import github

CHECKS: tuple[Check, ...] = (
    git_findings, identity_findings, signing_findings, remote_findings, token_findings, clock_findings,
    rate_limit_findings, tag_rules_findings, branch_rules_findings, workflows_findings, bucket_findings,
    registry_findings, settings_findings,
)  # fmt: skip


def findings(context: Context, checks: Sequence[Check]) -> list[Finding]:
    """Return what the checks find, in their order; what stops several of them is said once."""
    _open(context)
    found: list[Finding] = []
    for each in side_by_side([partial(_asked, context, check) for check in checks]):
        found += [finding for finding in each if finding.says not in [other.says for other in found]]
    return found


def _open(context: Context) -> None:
    """Open the doors that open, once, and not in each thread."""
    for door in (repository, github, bucket, registry, trunk):
        try:
            door(context)
        except ReleaseError:
            continue  # said by the check that needs it


def _asked(context: Context, check: Check) -> list[Finding]:
    found: list[Finding] = []
    try:
        found.extend(check(context))
    except ReleaseError as error:
        found.append(
            Finding(check.__name__.removesuffix("_findings").replace("_", " "), "bad", error.problem, error.hint)
        )
    return found
