"""Whole releases: the tasks in order, each looking first at what is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release import image as images
from release import platform, sdk
from release import release as refs
from release.cli import announces, reruns, waits, writes
from release.contracts import check_workflow
from release.errors import Conflict, Usage
from release.follow import follow
from release.github_releases import found_release
from release.lines import chosen_version, contains, line_branch, needed_branch, released
from release.named import named_version
from release.notes import drafted, published
from release.outcomes import check_run
from release.published import wheel_key
from release.pushed import image_digests
from release.refs import NEW, RemoteRef, brief
from release.tag_workflows import check_starts, request_for
from release.versions import line_of, next_version

if TYPE_CHECKING:
    import semver

    from release.world import World


@announces
@reruns
@waits
@writes
def minor(world: World, version: str = "", image: bool = True) -> None:
    """Release a new minor: image, branch, tag, platform, SDK.

    Example: inv release.minor --version 0.7.0
    """
    coordinated(world, _version(world, version, "minor"), image)


@announces
@reruns
@waits
@writes
def major(world: World, version: str = "", image: bool = True) -> None:
    """Release a new major: image, branch, tag, platform, SDK.

    Example: inv release.major --version 1.0.0
    """
    coordinated(world, _version(world, version, "major"), image)


def coordinated(world: World, version: semver.Version, image: bool) -> None:
    """Release everything of the version from a release branch of its own."""
    world.report.line(f"Release {version} of {world.github.repository}")
    tagged = world.repo.tag(str(version))
    if tagged is None:
        check_starts(world)
        check_workflow(world, sdk.request_for(world, RemoteRef(f"refs/tags/{version}", NEW, NEW)))
        refs.check_next(world, version)
    merged = "" if tagged or not image else _image_commit(world, version)
    branch = refs.branch(world, str(version), ref=merged)
    tag = refs.tag(world, str(version), ref=_tagged_commit(world, version, tagged, branch))
    if tagged and image:
        images.check(world, str(version))
    ship(world, version, tag)


def _image_commit(world: World, version: semver.Version) -> str:
    """Return the trunk's commit that names the image, building it first; nothing where the branch is cut from it.

    A trunk that moved on since is no reason to stop: the branch has what it needs (F27).
    """
    cut = line_branch(world, line_of(version))
    if cut and named_version(world, cut.sha) == str(version) and all(image_digests(world, version).values()):
        images.check(world, str(version))
        return ""
    return images.build(world, version)


def ship(world: World, version: semver.Version, tag: RemoteRef) -> None:
    """Release platform and SDK from the tag, side by side, prove both, then publish the GitHub Release."""
    if world.dry and world.repo.tag(str(version)) is None:
        _plan(world, version, tag)
        return
    request = sdk.request_for(world, tag)
    runs = {} if _platform_out(world, version) else platform.needed_runs(world, tag)
    wheel_out = sdk.already(world, version)
    if not wheel_out:
        started, request = sdk.dispatch(world, str(version))
        runs = {"sdk": started, **runs}
    finished = follow(world, runs)
    for name, run in finished.items():
        if name != "sdk":
            check_run(world, run, request_for(tag, run.name))
    if wheel_out:
        sdk.wheel(world, str(version))
    else:
        sdk.prove(world, version, finished["sdk"], request)
    if world.dry and not _platform_out(world, version):
        world.report.step("todo", f"platform images of {version}")
    else:
        platform.check(world, str(version))
    release = published(world, version, drafted(world, version))
    world.report.step("note", f"{version} is released", url=release.url)


def _plan(world: World, version: semver.Version, tag: RemoteRef) -> None:
    """Show what follows the tag that a dry run does not push."""
    settings = world.settings
    request = sdk.request_for(world, tag)
    inputs = ", ".join(f"{name}={str(value).lower()}" for name, value in request.inputs.items())
    for what in (
        f"platform images {', '.join(f'{name}:{version}' for name in settings.platform.images)}, by the tag's push",
        f"run {request.workflow} on {version} ({brief(tag.sha)}) with {inputs}",
        f"wheel s3://{settings.sdk.bucket}/{wheel_key(world, version)}",
        f"GitHub Release {version}, published",
    ):
        world.report.step("todo", what)


def _version(world: World, given: str, bump: str) -> semver.Version:
    """Settle the version: given, settled, or the next; but a release that is not finished goes first (F27)."""
    if given or world.version:
        return _of_kind(chosen_version(world, given), bump)
    versions = [each for each in released(world) if not each.prerelease]
    newest = max(versions, default=None)
    if newest and (bump == "minor" or not newest.minor):
        first = newest.replace(patch=0)
        if not newest.patch and not _is_finished(world, newest):
            world.report.step("note", f"{newest} is not finished: going on with it (for another, --version)")
            return world.settle(newest)
        if first in versions and _has_trunk(world, first):
            world.report.step("note", f"{world.trunk} has nothing beyond {first}")
            return world.settle(first)
    return world.settle(next_version(versions, bump))


def _of_kind(version: semver.Version, bump: str) -> semver.Version:
    """Return the version if such a release can have it; raise Usage with what releases it otherwise."""
    if version.patch:
        raise Usage(f"{version} is a patch of {line_of(version)}", f"inv release.patch --line {line_of(version)}")
    if bump == "major" and version.minor:
        raise Usage(f"{version} is no major version", f"inv release.minor --version {version}")
    return version


def _is_finished(world: World, version: semver.Version) -> bool:
    """Whether its GitHub Release, the last step, is published: that its parts are out may be the work of runs alone."""
    found = found_release(world, version)
    return found is not None and not found.draft


def _has_trunk(world: World, version: semver.Version) -> bool:
    tag = world.repo.tag(str(version))
    return tag is not None and contains(world, tag.sha, refs.trunk_sha(world))


def _tagged_commit(world: World, version: semver.Version, tagged: RemoteRef | None, branch: RemoteRef) -> str:
    """Return the commit to tag: the branch's head, or where the tag is if that is on the branch."""
    if tagged is None:
        return branch.sha
    head = needed_branch(world, line_of(version)).sha
    if not contains(world, head, tagged.sha):
        raise Conflict(
            f"tag {version} is at {tagged.sha[:9]}, which is not on its release branch",
            "Find out who tagged it; then take the next version.",
        )
    return tagged.sha


def _platform_out(world: World, version: semver.Version) -> bool:
    return all(platform.image_digests(world, version).values())
