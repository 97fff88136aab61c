"""What is released next, and the one rule before every tag: its version, its commit, the image it names (F29)."""

from __future__ import annotations

from collections.abc import Sequence

import semver

from release.artifacts.images import check_image_in_config
from release.artifacts.version_file import check_wheel_version
from release.call.context import Context
from release.errors import Usage
from release.git.lines import (
    begun_line,
    burned_versions,
    check_next,
    line_branch,
    line_versions,
    next_patch,
    taken_versions,
)
from release.git.refs import RemoteRef, brief
from release.git.snapshot import remote, trunk
from release.git.tags import rival_versions, tag_at, trunk_sha
from release.git.withdrawals import check_not_withdrawn, withdrawn_versions
from release.github.commits import contains
from release.github.events import check_commit_starts
from release.github.places import check_beyond, check_place
from release.github.releases import release_of
from release.versions import Line, line_of, next_version


def allowed_tag(
    context: Context,
    version: semver.Version,
    sha: str,
    places: Sequence[RemoteRef],
    shared: bool = False,
    wheel: bool = True,
) -> RemoteRef | None:
    """Return the tag that is at the commit, or None where it may be made; raise otherwise: no flag goes round this.

    It comes next (Usage, Conflict) on one of `places`: its line's branch, or the trunk for a component (Conflict); not
    where what was released before went beyond (Conflict). The commit has no other version unless `shared` (Usage), its
    config.py names images that are out, and a `wheel` built from it has the version (Blocked).
    """
    check_not_withdrawn(context, version)
    found = tag_at(context, version, sha)
    if found:
        return found
    check_next(context, version)
    check_place(context, version, sha, places)
    if sha not in [each.sha for each in places]:  # a head of its branch may be here alone yet
        check_beyond(context, version, sha)
    others = [] if shared else rival_versions(context, version, sha)
    if others:
        hint = f"If a second version of it is meant: inv release.tag --version {version} --ref {sha} --shared"
        raise Usage(f"{brief(sha)} is {others[-1]} already: there is nothing new to release as {version}", hint)
    if wheel:
        check_wheel_version(context, sha, version)
    check_image_in_config(context, sha, version)
    return None


def coordinated_tag(
    context: Context, version: semver.Version, sha: str, places: Sequence[RemoteRef], shared: bool = False
) -> RemoteRef | None:
    """Return the tag as `allowed_tag` does, of a release of everything; raise Usage too where its push starts nothing.

    A component has a workflow of its own, or asks itself.
    """
    found = allowed_tag(context, version, sha, places, shared)
    if found is None:
        check_commit_starts(context, version, sha)
    return found


def version_to_cut(context: Context, line: Line | None) -> semver.Version:
    """Return the version whose branch is to be cut: on a line that is named the one at hand, else the next minor."""
    if line is None:
        return next_release(context, "minor")
    cut = line_branch(context, line)
    return next_patch(context, line, cut.sha if cut else "")


def _given_up(context: Context, line: Line) -> list[semver.Version]:
    """Return the versions that were withdrawn before they were tagged."""
    tagged = line_versions(context, line)
    return [each for each in withdrawn_versions(context, line) if each not in tagged]


def next_release(context: Context, bump: str, line: Line | None = None) -> semver.Version:
    """Return the first of the line, else the next minor or major; but what is not finished goes first, said (F27)."""
    if line:
        return next_version([*burned_versions(context, line), *_given_up(context, line)], "patch", line)
    versions = [each for each in taken_versions(context) if not each.prerelease]
    gone = withdrawn_versions(context)
    begun, newest = begun_line(context), next((each for each in reversed(versions) if each not in gone), None)
    if begun:
        newest = next_version(taken_versions(context, begun), "patch", begun)
        if newest.patch:  # the first of the line is burned, or was given up
            return newest
    if newest and newest not in burned_versions(context, line_of(newest)) and (bump == "minor" or not newest.minor):
        first = newest.replace(patch=0)
        # Its GitHub Release is the last step: that its parts are out may be the work of runs alone.
        finished = release_of(context, newest) if newest in versions else None
        if not newest.patch and (finished is None or finished.draft):
            context.report.step("note", f"{newest} is not finished: going on with it (for another, --version)")
            return newest
        tag = remote(context).tag(str(first))
        if tag and contains(context, tag.sha, trunk_sha(context)):
            context.report.step("note", f"{trunk(context)} has nothing beyond {first}")
            return first
    return next_version(versions, bump)
