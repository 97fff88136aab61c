"""Whole releases: release.minor, major, patch, component."""

from __future__ import annotations

from typing import TYPE_CHECKING

import release
from release import artifacts, audit, git, github, picks
from release.call.flags import NOTHING, PickRequest
from release.call.task import task
from release.errors import Conflict, Usage
from release.tasks import image as images
from release.tasks import lines, sdk

if TYPE_CHECKING:
    import semver

    from release.call.context import Context
    from release.git.refs import RemoteRef
    from release.git.tags import TaggedRelease
    from release.settings import Component
    from release.versions import Line


@task(writes=True, waits=True, reruns=True, announces=True)
def minor(context: Context, version: str = "", image: bool = True) -> None:
    """Release a new minor: image, branch, tag, platform, SDK.

    Example: inv release.minor --version 0.7.0
    """
    release_together(context, _version(context, version, "minor"), image)


@task(writes=True, waits=True, reruns=True, announces=True)
def major(context: Context, version: str = "", image: bool = True) -> None:
    """Release a new major: image, branch, tag, platform, SDK.

    Example: inv release.major --version 1.0.0
    """
    release_together(context, _version(context, version, "major"), image)


def release_together(context: Context, version: semver.Version, image: bool) -> None:
    """Release everything of the version from a release branch of its own."""
    context.report.line(f"Release {version} of {github.api.github(context).repository}")
    tagged = git.snapshot.remote(context).tag(str(version))
    image = image and bool(context.settings.image.config_file)  # nothing names one: there is none
    if tagged is None:
        cut = git.lines.line_branch(context, release.versions.line_of(version))
        head = cut.sha if cut else git.tags.trunk_sha(context)
        artifacts.version_file.check_wheel_version(context, head, version, is_set=image)
        github.events.check_starts(context, version)
        github.dispatch.check_workflow(
            context,
            github.requests.sdk_request(
                context, git.refs.RemoteRef(f"refs/tags/{version}", git.refs.NEW, git.refs.NEW)
            ),
        )
        git.lines.check_next(context, version)
    merged = "" if tagged or not image else _image_commit(context, version)
    branch = lines.branch(context, str(version), ref=merged)
    tag = lines.tag(context, str(version), ref=_tagged_commit(context, version, tagged, branch))
    if tagged and image:
        images.check(context, str(version))
    ship(context, version, tag)


def _image_commit(context: Context, version: semver.Version) -> str:
    """Return the trunk's commit that names the image, building it first; nothing where the branch is cut from it.

    A trunk that moved on since is no reason to stop: the branch has what it needs (F27).
    """
    cut = git.lines.line_branch(context, release.versions.line_of(version))
    if (
        cut
        and artifacts.images.image_in_config(context, cut.sha) == str(version)
        and artifacts.images.are_out(context, artifacts.images.runner_images(context, version))
    ):
        images.check(context, str(version))
        return ""
    return artifacts.image_release.release_image(context, version)


def ship(context: Context, version: semver.Version, tag: RemoteRef) -> None:
    """Release platform and SDK from the tag, side by side, prove both, then publish the GitHub Release."""
    names = context.settings.platform.images
    out = artifacts.images.are_out(context, artifacts.images.tagged_images(names, version))
    runs = {} if out else github.events.needed_runs(context, tag)
    dispatched = None if artifacts.s3.is_wheel_out(context, version) else sdk.dispatch(context, str(version))
    if dispatched:
        runs = {"sdk": dispatched[0], **runs}
    finished = github.follow.follow_runs(context, runs)
    for name, run in finished.items():
        if name != "sdk":
            github.runs.check_run(context, run, github.requests.platform_request(tag, run.name))
    if dispatched:
        artifacts.s3.prove_wheel_run(context, version, finished["sdk"], dispatched[1])
    else:
        sdk.wheel(context, str(version))
    artifacts.images.prove_tagged_images(context, version, names, "the platform", "the tag's push")
    release = audit.receipt.publish_release(context, version, audit.receipt.draft_release(context, version))
    if release.url:  # a dry run has none
        context.report.step("note", f"{version} is released", url=release.url)


def _version(context: Context, given: str, bump: str) -> semver.Version:
    """Settle the version: given, settled, or the next; but a release that is not finished goes first (F27)."""
    if given or context.version:
        return _of_kind(git.choice.chosen_version(context, given), bump)
    versions = [each for each in git.lines.line_versions(context) if not each.prerelease]
    newest = max(versions, default=None)
    if newest and (bump == "minor" or not newest.minor):
        first = newest.replace(patch=0)
        if not newest.patch and not _is_finished(context, newest):
            context.report.step("note", f"{newest} is not finished: going on with it (for another, --version)")
            return context.settle(newest)
        if first in versions and _has_trunk(context, first):
            context.report.step("note", f"{git.snapshot.trunk(context)} has nothing beyond {first}")
            return context.settle(first)
    return context.settle(release.versions.next_version(versions, bump))


def _of_kind(version: semver.Version, bump: str) -> semver.Version:
    """Return the version if such a release can have it; raise Usage with what releases it otherwise."""
    if version.patch:
        raise Usage(
            f"{version} is a patch of {release.versions.line_of(version)}",
            f"inv release.patch --line {release.versions.line_of(version)}",
        )
    if bump == "major" and version.minor:
        raise Usage(f"{version} is no major version", f"inv release.minor --version {version}")
    return version


def _is_finished(context: Context, version: semver.Version) -> bool:
    """Whether its GitHub Release, the last step, is published: that its parts are out may be the work of runs alone."""
    found = github.releases.release_of(context, version)
    return found is not None and not found.draft


def _has_trunk(context: Context, version: semver.Version) -> bool:
    tag = git.snapshot.remote(context).tag(str(version))
    return tag is not None and github.commits.contains(context, tag.sha, git.tags.trunk_sha(context))


def _tagged_commit(context: Context, version: semver.Version, tagged: RemoteRef | None, branch: RemoteRef) -> str:
    """Return the commit to tag: the branch's head, or where the tag is if that is on the branch."""
    if tagged is None:
        return branch.sha
    if not github.commits.contains(context, branch.sha, tagged.sha):
        raise Conflict(
            f"tag {version} is at {tagged.sha[:9]}, which is not on its release branch",
            "Find out who tagged it; then take the next version.",
        )
    return tagged.sha


@task(writes=True, waits=True, reruns=True, announces=True)
def patch(
    context: Context,
    line: str = "",
    version: str = "",
    wanted: PickRequest = NOTHING,
    image: bool = False,
    checks: bool = True,
) -> None:
    """Release a patch: picks, checks, tag, platform, SDK.

    Example: inv release.patch --line 0.7 --commit abc1234 --pr 123
    """
    chosen = git.choice.chosen_line(context, line or version)
    before = git.lines.needed_branch(context, chosen)
    context.report.line(f"Release a patch of {chosen} of {github.api.github(context).repository}")
    planned = _next(context, chosen, version, git.refs.NEW)
    if git.tags.tag_at(context, planned, before.sha) is None:
        git.lines.check_version(context, planned)
        artifacts.version_file.check_wheel_version(context, before.sha, planned, is_set=True)
    if not _is_tagged(context, chosen, before.sha) or wanted.anything:
        github.events.check_starts(context, planned, before.sha)
    bumps = image or bool(context.settings.sdk.version_file)
    at_once = planned if not (checks or bumps or wanted.via_pr) else None
    head = picks.steps.pick_commits(context, chosen, wanted, at_once) if wanted.anything else before
    number = context.settle(_next(context, chosen, version, head.sha))
    tag = lines.tag(context, str(number), ref=_ready(context, number, head, image, checks).sha)
    ship(context, number, tag)


def _ready(context: Context, version: semver.Version, head: RemoteRef, image: bool, checks: bool) -> RemoteRef:
    """Return the commit to tag: the branch's head, checked, with the image of the version built if asked for.

    What is tagged went through this before. Raises Conflict when the branch moved meanwhile.
    """
    if git.snapshot.remote(context).tag(str(version)):
        return head
    _follow(context, head, checks)
    if image or context.settings.sdk.version_file:
        head = artifacts.image_release.bump_line(context, version, head, image)
        if image:
            artifacts.image_release.build_images(context, version, head)
        _follow(context, head, checks)
    context.look_anew()
    now = git.lines.needed_branch(context, release.versions.line_of(version))
    if head.sha not in (now.sha, git.refs.NEW):
        raise Conflict(
            f"{git.refs.short_name(now)} moved to {now.sha[:9]} while {git.refs.brief(head.sha)} was made ready",
            "Run the same again.",
        )
    return head


def _follow(context: Context, head: RemoteRef, checks: bool) -> None:
    if checks:
        github.commits.follow_checks(context, head.sha, git.refs.short_name(head))
    else:
        context.report.step("note", f"the checks of {git.refs.short_name(head)} are left out (--no-checks)")


def _next(context: Context, line: Line, given: str, sha: str) -> semver.Version:
    """Return the version: given, settled, or the one at the line's head, else its highest patch + 1.

    Raises Usage for a version of another line, whose commits are not on this one's branch (F29).
    """
    named = release.versions.parse(given) if given and not release.versions.is_line(given) else context.version
    if named and release.versions.line_of(named) != line:
        raise Usage(f"{named} is no version of {line}", f"inv release.patch --line {release.versions.line_of(named)}")
    return named or git.lines.next_patch(context, line, sha)


def _is_tagged(context: Context, line: Line, sha: str) -> bool:
    return git.lines.next_patch(context, line, sha) in git.lines.line_versions(context, line)


@task(writes=True, waits=True, reruns=True, announces=True)
def component(context: Context, name: str = "", accept: str | None = None, version: str = "") -> None:
    """Release one component alone, if it fits its line.

    Example: inv release.component --name sdk
    """
    plan = artifacts.component_release.component_plan(context, name, accept, version)
    known = artifacts.component_release.known_release(plan)
    if known:
        context.settle(known.version)
        context.report.step("done", f"tag {known.version} at {git.refs.brief(known.ref.sha)}: {known.what}")
    tag = known or artifacts.component_release.tag_component(context, plan)
    context.report.record(tag=str(tag.version), sha=tag.ref.sha)
    if not tag.components:
        context.report.step("note", f"{tag.version} released {name} with everything else, from that very commit")
        prove_component(context, plan.part, tag.version)
        return
    release_component(context, plan.part, tag)
    release = audit.receipt.publish_release(context, tag.version, audit.receipt.draft_release(context, tag.version))
    if release.url:
        context.report.step("note", f"{name} {tag.version} is released", url=release.url)


def release_component(context: Context, part: Component, tag: TaggedRelease) -> None:
    """Release this component of the tag, and prove it: the wheel, or what builds its images and those alone."""
    if artifacts.component_release.is_sdk(context, part):
        sdk.release(context, str(tag.version))
        return
    finished = github.follow.follow_runs(context, artifacts.component_release.component_runs(context, part, tag))
    artifacts.component_release.check_component_runs(context, part, tag, finished)
    how = f"run {part.workflow}" if part.workflow else "the tag's push"
    artifacts.images.prove_tagged_images(context, tag.version, part.images, part.name, how)


def prove_component(context: Context, part: Component, version: semver.Version) -> None:
    """Raise Failed unless the wheel, or each image of this component, is out with the version."""
    if artifacts.component_release.is_sdk(context, part):
        sdk.wheel(context, str(version))
        return
    artifacts.images.check_tagged_images(context, version, part.images, part.name)
