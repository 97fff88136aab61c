"""The wheel of one version: which run made it, and that it is out, the same bytes."""

from __future__ import annotations

from collections.abc import Sequence

import semver

from release.artifacts.s3 import bucket, check_unchanged, object_fingerprints, released_wheel, s3_address, wheel_key
from release.artifacts.wheel import Wheel
from release.call.context import Context
from release.errors import Conflict, Failed
from release.git.lines import line_branches
from release.git.refs import RemoteRef
from release.git.snapshot import trunk
from release.git.tags import needed_tag, trunk_sha
from release.github.api import github
from release.github.artifacts import artifact_sha256
from release.github.commits import contains
from release.github.requests import Dispatch
from release.github.runs import Run, check_run, parse_time
from release.settings import DEFAULTS
from release.versions import line_of
from release.workflows import is_on


def prove_wheel_run(context: Context, version: semver.Version, finished: Run, request: Dispatch) -> None:
    """Raise unless the run did all its jobs, made the wheel that is out now, and changed nothing else there (F20)."""
    if finished.status != "completed":  # a dry run's: planned, or looked at once
        context.report.step("todo", f"wheel {s3_address(context, wheel_key(context, version))}")
        return
    check_run(context, finished, request)
    _, key = prove_wheel(context, version, [finished])
    check_unchanged(request.before, object_fingerprints(context), s3_address(context))
    made = bucket(context).object(key)
    if key not in request.before and made and made.modified < parse_time(finished.created_at):
        raise Conflict(
            f"the wheel is from {made.modified:%Y-%m-%d %H:%M:%S} UTC, older than run {finished.id}",
            f"That run did not make it. Look: {finished.url}",
        )


def is_wheel_out(context: Context, version: semver.Version, publish_pypi: bool = False, run_e2e: bool = False) -> bool:
    """Whether the wheel of the version is out and nothing but that is wanted; raise Conflict for another there."""
    inputs = {**context.settings.sdk.inputs, "publish_pypi": publish_pypi, "run_e2e": run_e2e}
    more = any(is_on(value) for name, value in inputs.items() if name not in DEFAULTS["sdk"]["inputs"])
    return released_wheel(context, version)[0] is not None and not more


def prove_wheel(context: Context, version: semver.Version, made: Sequence[Run]) -> tuple[Wheel, str]:
    """Return the wheel that is out and its key, compared with what the runs kept; raise Failed when there is none."""
    found, key = released_wheel(context, version)
    if found is None:
        again = " --again" if made else ""
        raise Failed(
            f"{s3_address(context, key)} is not there", f"Release it: inv sdk.release --version {version}{again}"
        )
    _check_origin(context, found, made)
    context.report.step(
        "made", f"wheel {s3_address(context, key)}  sha256:{found.sha256}", key=key, sha256=found.sha256
    )
    context.report.record(wheel_key=key, wheel_sha256=found.sha256)
    return found, key


def _check_origin(context: Context, found: Wheel, made: Sequence[Run]) -> None:
    """Raise Conflict when the runs kept another wheel of that name; say so where nothing they kept can be read."""
    kept: dict[str, Run] = {}
    reason = "no run of its tag shows any more"
    for each in made:
        try:
            kept[artifact_sha256(github(context), each.id, found.filename)] = each
        except Failed as error:
            reason = error.problem
    if not kept:
        context.report.step("note", f"what the run built cannot be compared: {reason}")
    elif found.sha256 not in kept:
        sha256, each = next(iter(kept.items()))
        raise Conflict(
            f"the wheel that is out is sha256:{found.sha256[:12]}, but run {each.id} built sha256:{sha256[:12]}",
            f"Do not install it. Find out who put it there. Look: {each.url}",
        )


def checked_tag(context: Context, version: semver.Version) -> RemoteRef:
    """Return the tag; raise Conflict when it sits on no release branch of its line nor on the trunk."""
    tag = needed_tag(context, version)
    heads = [ref.sha for ref in line_branches(context, line_of(version))] + [trunk_sha(context)]
    if tag.sha not in heads and not any(contains(context, head, tag.sha) for head in heads):
        raise Conflict(
            f"tag {version} is at {tag.sha[:9]}: on no release branch of {line_of(version)}, nor on {trunk(context)}",
            "Find out who tagged it; then take the next version.",
        )
    return tag
