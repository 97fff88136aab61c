"""The release branch and the tag."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from release.cli import reads, writes
from release.ensure import ensure
from release.errors import Conflict, Failed, Usage
from release.lines import chosen_line, chosen_version, contains, line_branch, needed_branch, next_patch, released, short
from release.named import check_named
from release.refs import NEW, Push, RemoteRef, brief
from release.versions import (
    Line,
    branch_name,
    check_allowed,
    line_of,
    next_version,
    parse,
    parse_branch,
    parse_line,
    released_versions,
)

if TYPE_CHECKING:
    import semver

    from release.world import World


@reads
def next_(world: World, bump: str = "", line: str = "") -> semver.Version:
    """Print the next version, by the remote's tags.

    Example: inv release.next --bump patch --line 0.7
    """
    wanted = parse_line(line) if line else None
    bump = bump or ("patch" if wanted else "minor")
    version = world.settle(next_version(released(world, wanted), bump, wanted))
    if world.report.json:
        world.report.emit(version=str(version), bump=bump, line=str(line_of(version)))
    else:
        world.report.line(str(version))
    return version


@reads
def check(world: World, version: str = "") -> None:
    """Say whether a version is allowed, else the nearest right.

    Example: inv release.check --version 0.7.0
    """
    if not version:
        raise Usage("which version?", "inv release.check --version 0.7.0")
    wanted = parse(version)
    check_allowed(wanted, released(world))
    world.settle(wanted)
    world.report.step("note", f"{wanted} is allowed: line {line_of(wanted)}", version=str(wanted))


@writes
def branch(world: World, version: str = "", ref: str = "") -> RemoteRef:
    """Cut the line's release branch and push it.

    Example: inv release.branch --version 0.7.0
    """
    wanted = _version_or_line(world, version)
    line = line_of(wanted)
    known = line_branch(world, line)
    if known is None and not (ref and released(world, line)):
        check_next(world, wanted)
    sha = named_commit(world, ref) if ref else trunk_sha(world)
    today = datetime.fromtimestamp(world.clock.now(), timezone.utc).date()
    planned = RemoteRef(f"refs/heads/{branch_name(line, today)}", sha, sha)
    found = ensure(
        world,
        f"release branch {short(known or planned)} at {brief((known or planned).sha)}",
        find=lambda: _branch_with(world, line, sha if ref else ""),
        make=lambda: push_new(world, [Push(planned.name, sha)]),
        planned=planned,
    )
    if world.dry:
        world.planned[found.name] = found
    world.report.record(branch=short(found), sha=found.sha)
    return found


@writes
def tag(world: World, version: str = "", ref: str = "", sign: bool = False, message: str = "") -> RemoteRef:
    """Tag the release branch's head and push the tag.

    Example: inv release.tag --version 0.7.0
    """
    wanted = chosen_version(world, version) if version or world.version else _next_patch(world)
    sha = named_commit(world, ref) if ref else needed_branch(world, line_of(wanted)).sha
    found = ensure(
        world,
        f"tag {wanted} at {brief(sha)}",
        find=lambda: _tag_or_allowed(world, wanted, sha),
        make=lambda: push_tag(world, wanted, sha, message=message, sign=sign),
        planned=RemoteRef(f"refs/tags/{wanted}", sha, sha),
    )
    if world.dry:
        world.planned[found.name] = found
    world.report.record(tag=str(wanted), sha=found.sha)
    return found


def _version_or_line(world: World, given: str) -> semver.Version:
    """Settle the version; a line is enough to cut its branch, and means its next patch."""
    if given.count(".") != 1:
        return chosen_version(world, given, bump="minor")
    line = parse_line(given)
    return world.settle(next_version(released(world, line), "patch", line))


def check_next(world: World, version: semver.Version) -> None:
    """Raise unless the version may come next; Usage too for a line whose branch is gone: the trunk is not that."""
    line = line_of(version)
    there = {ref.name.removeprefix("refs/tags/"): ref.sha for ref in world.repo.remote_tags(f"{line}.")}
    versions = released_versions(there)
    if versions and line_branch(world, line) is None:
        raise Usage(
            f"line {line} has releases, but its branch is gone",
            f"Cut it again where it was: inv release.branch --version {line} --ref {there[str(versions[-1])]}",
        )
    check_allowed(version, released(world))


def _branch_with(world: World, line: Line, sha: str) -> RemoteRef | None:
    """Return the line's branch; raise Conflict when it lacks the commit that was asked for."""
    found = line_branch(world, line)
    if found and sha and not contains(world, found.sha, sha):
        raise Conflict(
            f"{short(found)} is at {found.sha[:9]} and does not contain {sha[:9]}",
            f"The line {line} has its branch: pick onto it (inv release.pick --line {line}), or take the next version.",
        )
    return found


def tag_at(world: World, version: semver.Version, sha: str) -> RemoteRef | None:
    """Return the remote's tag when it is at the commit, None when there is none; raise Conflict elsewhere (F12)."""
    found = world.repo.tag(str(version))
    if found and found.sha != sha:
        raise Conflict(
            f"tag {version} is at {found.sha[:9]}, not at {brief(sha)}; a tag is never moved",
            f"Take the next version: inv release.next --line {line_of(version)}",
        )
    return found


def _tag_or_allowed(world: World, version: semver.Version, sha: str) -> RemoteRef | None:
    """Return the tag as `tag_at` does; where there is none, raise unless the version may come next.

    Nor may config.py at the commit name an image that is not in the registry (Blocked).
    """
    found = tag_at(world, version, sha)
    if found is None:
        check_allowed(version, released(world))
        check_named(world, sha, version)
    return found


def needed_tag(world: World, version: semver.Version) -> RemoteRef:
    """Return the remote's tag of the version; raise Usage when there is none."""
    found = world.repo.tag(str(version)) or world.planned.get(f"refs/tags/{version}")
    if found is None:
        raise Usage(f"there is no tag {version}", f"Tag it: inv release.tag --version {version}")
    return found


def trunk_sha(world: World) -> str:
    """Return the commit at the trunk's head on the remote; raise Usage when there is no such branch."""
    sha = world.repo.head_sha(world.trunk)
    if sha is None:
        raise Usage(f"the remote has no branch {world.trunk}", "Set release.trunk in invoke.yaml.")
    return sha


def push_new(world: World, pushes: list[Push]) -> None:
    """Push refs that must be new, their commits fetched first where this clone lacks them; writes the remote."""
    for push in pushes:
        world.repo.need_commit(push.sha)
    world.repo.push(pushes)


def push_tag(
    world: World, version: semver.Version, sha: str, *, also: Sequence[Push] = (), message: str = "", sign: bool = False
) -> None:
    """Write the annotated tag and push it, with what belongs to it in the same push (F5).

    A tag object that the remote refused is taken back here.
    """
    world.repo.need_commit(sha)
    before = world.repo.local_tag(str(version))
    target = world.repo.make_tag(str(version), sha, message or f"Release {version}", sign)
    try:
        push_new(world, [*also, Push(f"refs/tags/{version}", target)])
    except (Failed, Conflict):
        if before is None:
            world.repo.delete_local_tag(RemoteRef(f"refs/tags/{version}", sha, target))
        raise


def _next_patch(world: World) -> semver.Version:
    """Settle the line's next patch; but a head that is tagged already has nothing new to tag (F27)."""
    line = chosen_line(world, "")
    return world.settle(next_patch(world, line, needed_branch(world, line).sha))


def named_commit(world: World, ref: str) -> str:
    """Return the commit a person names: a branch of the remote first, else a commit of this clone."""
    if ref == NEW:  # what a dry run would have made
        return ref
    if parse_branch(ref) or ref == world.trunk:
        found = world.repo.head_sha(ref)
        if found:
            return found
    return world.repo.commit_sha(ref)
