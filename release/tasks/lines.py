"""The release branch and the tag: release.next, check, branch, tag."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

import release
from release import artifacts, git, github
from release.call.ensure import ensure
from release.call.task import task
from release.errors import Conflict, Usage

if TYPE_CHECKING:
    import semver

    from release.call.context import Context
    from release.git.refs import RemoteRef
    from release.versions import Line


@task(reads=True)
def next_(context: Context, bump: str = "", line: str = "") -> semver.Version:
    """Print the next version, by the remote's tags.

    Example: inv release.next --bump patch --line 0.7
    """
    wanted = release.versions.parse_line(line) if line else None
    bump = bump or ("patch" if wanted else "minor")
    version = context.settle(release.versions.next_version(git.lines.line_versions(context, wanted), bump, wanted))
    if context.report.json:
        context.report.emit(version=str(version), bump=bump, line=str(release.versions.line_of(version)))
    else:
        context.report.line(str(version))
    return version


@task(reads=True)
def check(context: Context, version: str = "") -> None:
    """Say whether a version is allowed, else the nearest right.

    Example: inv release.check --version 0.7.0
    """
    if not version:
        raise Usage("which version?", "inv release.check --version 0.7.0")
    wanted = release.versions.parse(version)
    git.lines.check_version(context, wanted)
    context.settle(wanted)
    context.report.step("note", f"{wanted} is allowed: line {release.versions.line_of(wanted)}", version=str(wanted))


@task(writes=True)
def branch(context: Context, version: str = "", ref: str = "") -> RemoteRef:
    """Cut the line's release branch and push it.

    Example: inv release.branch --version 0.7.0
    """
    wanted = git.choice.version_or_line(context, version)
    line = release.versions.line_of(wanted)
    known = git.lines.line_branch(context, line)
    if known is None and not (ref and git.lines.line_versions(context, line)):
        git.lines.check_next(context, wanted)
    sha = git.choice.named_commit(context, ref) if ref else git.tags.trunk_sha(context)
    today = datetime.fromtimestamp(context.clock.now(), timezone.utc).date()
    planned = git.refs.RemoteRef(f"refs/heads/{release.versions.branch_name(line, today)}", sha, sha)
    found = ensure(
        context,
        f"release branch {git.refs.short_name(known or planned)} at {git.refs.brief((known or planned).sha)}",
        find=lambda: _branch_with(context, line, sha if ref else "") if known else _branch_at(context, line, sha),
        make=lambda: git.tags.push_new(context, git.refs.Push(planned.name, sha)),
        planned=planned,
    )
    context.report.record(branch=git.refs.short_name(found), sha=found.sha)
    return found


@task(writes=True)
def tag(context: Context, version: str = "", ref: str = "", sign: bool = False, message: str = "") -> RemoteRef:
    """Tag the release branch's head and push the tag.

    Example: inv release.tag --version 0.7.0
    """
    wanted = (
        git.choice.chosen_version(context, version)
        if version or context.version
        else git.choice.version_of_head(context)
    )
    sha = (
        git.choice.named_commit(context, ref)
        if ref
        else git.lines.needed_branch(context, release.versions.line_of(wanted)).sha
    )
    found = ensure(
        context,
        f"tag {wanted} at {git.refs.brief(sha)}",
        find=lambda: _tag_or_allowed(context, wanted, sha),
        make=lambda: git.tags.push_tag(
            context, wanted, sha, *_at_head(context, wanted, sha), message=message, sign=sign
        ),
        planned=git.refs.RemoteRef(f"refs/tags/{wanted}", sha, sha),
    )
    context.report.record(tag=str(wanted), sha=found.sha)
    return found


def _branch_with(context: Context, line: Line, sha: str) -> RemoteRef | None:
    """Return the line's branch; raise Conflict when it lacks the commit that was asked for."""
    found = git.lines.line_branch(context, line)
    if found and sha and not github.commits.contains(context, found.sha, sha):
        raise Conflict(
            f"{git.refs.short_name(found)} is at {found.sha[:9]} and does not contain {sha[:9]}",
            f"The line {line} has its branch: pick onto it (inv release.pick --line {line}), or take the next version.",
        )
    return found


def _branch_at(context: Context, line: Line, sha: str) -> RemoteRef | None:
    """Return the line's branch if it is at the commit that it is cut at: another one is somebody else's."""
    found = git.lines.line_branch(context, line)
    return found if found and found.sha == sha else None


def _at_head(context: Context, version: semver.Version, sha: str) -> list[git.refs.Push]:
    """Return what has a tag of a release branch's head pushed only while that is its head: the same, with a lease."""
    heads = git.lines.line_branches(context, release.versions.line_of(version))
    return [git.refs.Push(head.name, sha, expected=sha) for head in heads if head.sha == sha]


def _tag_or_allowed(context: Context, version: semver.Version, sha: str) -> RemoteRef | None:
    """Return the tag as `tag_at` does; where there is none, raise unless the version may come next.

    Nor may config.py at the commit name an image that is not in the registry (Blocked).
    """
    found = git.tags.tag_at(context, version, sha)
    if found is None:
        git.lines.check_version(context, version)
        artifacts.version_file.check_wheel_version(context, sha, version)
        artifacts.images.check_image_in_config(context, sha, version)
    return found
