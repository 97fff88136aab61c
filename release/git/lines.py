"""What the remote has of a line: its versions, its release branch, and which version comes next on it."""

from __future__ import annotations

import semver

from release.call.context import Context
from release.errors import Conflict, Usage
from release.git.refs import RemoteRef, short_name
from release.git.snapshot import remote
from release.versions import Line, check_allowed, line_of, next_version, parse_branch, released_versions


def line_versions(context: Context, line: Line | None = None) -> list[semver.Version]:
    """Return the versions that are tagged on the remote, lowest first: of the line, or of all lines (F10)."""
    return released_versions(short_name(ref) for ref in remote(context).tags(f"{line}." if line else ""))


def line_branches(context: Context, line: Line) -> list[RemoteRef]:
    """Return every release branch of the line on the remote, whatever its date (F23); in a dry run, those planned."""
    return [ref for ref in remote(context).heads(f"release-{line}-*") if parse_branch(short_name(ref))]


def line_branch(context: Context, line: Line) -> RemoteRef | None:
    """Return the line's release branch, or None; raise Conflict when there are several."""
    found = line_branches(context, line)
    if len(found) > 1:
        problem = f"line {line} has {len(found)} release branches: {', '.join(map(short_name, found))}"
        raise Conflict(problem, "Delete the wrong one, then run the same again.")
    return next(iter(found), None)


def needed_branch(context: Context, line: Line) -> RemoteRef:
    """Return the line's release branch; raise Usage when it has none."""
    found = line_branch(context, line)
    if found is None:
        check_not_gone(context, line)
        raise Usage(f"line {line} has no release branch", f"Cut it: inv release.branch --version {line}")
    return found


def newest_line(context: Context) -> Line:
    """Return the line of the highest released version; raise Usage when nothing is released."""
    versions = [version for version in line_versions(context) if not version.prerelease]
    if not versions:
        raise Usage("nothing is released yet", "Give --version, such as --version 0.1.0")
    return line_of(versions[-1])


def next_patch(context: Context, line: Line, sha: str) -> semver.Version:
    """Return the version at that commit of the line; where none is, the highest on the remote plus one patch (F27)."""
    tags = remote(context).tags(f"{line}.")
    at_commit = released_versions(short_name(ref) for ref in tags if ref.sha == sha)
    finals = [version for version in at_commit if not version.prerelease]
    return finals[-1] if finals else next_version(line_versions(context, line), "patch", line)


def check_version(context: Context, version: semver.Version) -> None:
    """Raise as `check_allowed` does unless the version is a right next one on the remote."""
    # A line that has versions tells alone what comes next on it: only a new one is held against all the others.
    check_allowed(version, line_versions(context, line_of(version)) or line_versions(context))


def check_next(context: Context, version: semver.Version) -> None:
    """Raise unless the version may come next; Usage too for a line that has releases and no branch."""
    check_not_gone(context, line_of(version))
    check_version(context, version)


def check_not_gone(context: Context, line: Line) -> None:
    """Raise Usage for a line that has releases and no branch: the trunk is not that."""
    tags = {short_name(ref): ref.sha for ref in remote(context).tags(f"{line}.")}
    versions = released_versions(tags)
    if versions and line_branch(context, line) is None:
        again = f"inv release.branch --version {line} --ref {tags[str(versions[-1])]}"
        what = f"line {line} has releases, but no branch: it is gone, or they were made without one"
        raise Usage(what, f"Cut it where {versions[-1]} is: {again}")
