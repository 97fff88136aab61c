"""The images of one version: their run, their proof, their pull request."""

from __future__ import annotations

from dataclasses import replace

import semver

from release.artifacts.image_bump import branch_naming, bump_apart, bump_checked_out, bump_line, image_branch
from release.artifacts.images import check_images, image_digests, image_fingerprints, image_in_config, taken_tags
from release.artifacts.s3 import check_unchanged
from release.call.context import Context
from release.errors import Conflict, Failed, Usage
from release.git.refs import NEW, RemoteRef, short_name
from release.git.repository import repository
from release.git.snapshot import remote, trunk
from release.git.tags import trunk_sha
from release.github.api import github
from release.github.commits import contains
from release.github.dispatch import EVENT, dispatch_run
from release.github.follow import follow_runs
from release.github.merging import delete_branch, merge_pull_request
from release.github.pulls import PullRequest, open_pull_request
from release.github.requests import Dispatch, image_request
from release.github.runs import Run, check_run, parse_run_id, runs_of
from release.versions import parse_branch


def release_image(
    context: Context,
    version: semver.Version,
    *,
    on_trunk: bool = True,
    again: bool = False,
    run: str = "",
    build_base: bool = False,
) -> str:
    """Release the image, from a branch of its own made from the trunk or from the checked-out branch.

    Returns the trunk's commit whose config.py names the version.
    """
    merged = branch_naming(context, trunk(context), version)
    if merged and all(image_digests(context, version).values()):
        context.report.step(
            "done", f"image {version}: on {trunk(context)} at {merged.sha[:9]}, every tag in the registry"
        )
        check_images(context, version)
        return merged.sha
    head = merged or (bump_apart(context, version) if on_trunk else bump_checked_out(context, version))
    build_images(context, version, head, again=again, run=run, build_base=build_base)
    return merged.sha if merged else _merge_image_pull_request(context, version, head)


def build_images(
    context: Context,
    version: semver.Version,
    head: RemoteRef,
    *,
    again: bool = False,
    run: str = "",
    build_base: bool = False,
) -> None:
    """Build the images from a branch whose config.py names the version, and prove them and all older ones (F21)."""
    before = image_fingerprints(context, bases_may_change=build_base)
    request = replace(image_request(context, version, head, build_base), before=before)
    started = dispatch_images(context, request, version, again, run)
    prove_images(context, version, follow_runs(context, {"image": started})["image"], request)


def prove_images(context: Context, version: semver.Version, finished: Run, request: Dispatch) -> None:
    """Raise unless the run succeeded, every image of the version is there, and every old one is the same (F21)."""
    if finished.status != "completed":  # a dry run's: planned, or looked at once
        tags = ", ".join(image_digests(context, version))
        context.report.step("todo", f"images {tags} in {context.settings.image.repository}")
        return
    check_run(context, finished, request)
    repository = context.settings.image.repository
    check_unchanged(request.before, image_fingerprints(context), f"{repository} of {context.settings.image.registry}")
    check_images(context, version)


def dispatch_images(context: Context, request: Dispatch, version: semver.Version, again: bool, run: str) -> Run:
    """Start the run; refuse to when some tag exists that it would overwrite (F21)."""
    taken = taken_tags(context, version)
    if taken and not run:
        ours = _branch_runs(context, request)
        if again or not ours:
            whose = "a new run would push it again" if ours else f"no run of {request.workflow} on its branch made it"
            raise Conflict(
                f"image {context.settings.image.repository}:{taken[0]} exists already, and {whose}",
                "Images are never overwritten; choose the next version.",
            )
        made = [each for each in ours if each.conclusion == "success" and each.head_sha != request.sha]
        if made and all(image_digests(context, version).values()):
            context.report.step("done", f"images of {version}, by run {made[0].id} at {made[0].head_sha[:9]}")
            return made[0]
    return dispatch_run(context, request, again=again, run_id=parse_run_id(run))


def _branch_runs(context: Context, request: Dispatch) -> list[Run]:
    """Return the workflow's runs of this branch at this commit or one it has grown from: a base was merged into it."""
    if request.sha == NEW:
        return []
    found = runs_of(github(context), "", EVENT, request.workflow, branch=request.name)
    return [each for each in found if contains(context, request.sha, each.head_sha)]


def open_image_pull_request(context: Context, version: semver.Version, head: RemoteRef) -> PullRequest:
    """Return the image's pull request, opening it if there is none; writes it at most once (F17)."""
    body = f"Sets the runner image's version to {version}."
    return open_pull_request(context, short_name(head), trunk(context), f"Use image {version}", body)


def _merge_image_pull_request(context: Context, version: semver.Version, head: RemoteRef) -> str:
    """Open the pull request, merge it, and return the trunk's commit that names the version."""
    merged = merge_pull_request(context, open_image_pull_request(context, version, head), head.sha)
    if merged.merge_sha == NEW:
        return NEW
    repository(context).need_commit(merged.merge_sha, f"refs/heads/{trunk(context)}")
    if image_in_config(context, merged.merge_sha) != str(version):
        raise Failed(
            f"{merged.merge_sha[:9]} was merged, but its {context.settings.image.config_file} does not name {version}",
            f"Look: {merged.url}",
        )
    if short_name(head) == image_branch(version):
        delete_branch(context, head)
    return merged.merge_sha


def version_named_here(context: Context) -> str:
    """Return the version that config.py names at the checked-out commit, where it differs from the trunk's."""
    if context.version:
        return ""
    named = image_in_config(context, repository(context).head())
    return "" if named == image_in_config(context, trunk_sha(context)) else named


def image_ref(context: Context, version: semver.Version) -> str:
    """Return the branch to run on: the checked-out one, or `image-<version>` from the trunk."""
    here = repository(context).branch()
    return here if here and here != trunk(context) and not parse_branch(here) else image_branch(version)


def remote_branch(context: Context, name: str) -> RemoteRef:
    """Return the branch as the remote has it; raise Usage when there is none."""
    sha = remote(context).head_sha(name)
    if sha is None:
        raise Usage(f"the remote has no branch {name}", "Push it first, or name another: --ref BRANCH")
    return RemoteRef(f"refs/heads/{name}", sha, sha)


def build_line_images(context: Context, version: semver.Version, head: RemoteRef) -> RemoteRef:
    """Return the release branch with the version in config.py and every image of it in the registry.

    Writes the bump onto the branch, where it is missing, and starts the image workflow on it.
    """
    bumped = bump_line(context, version, head)
    build_images(context, version, bumped)
    return bumped
