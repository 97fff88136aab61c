"""What the remote has of a line: its versions, its release branch, and which version comes next on it."""

from __future__ import annotations

import semver

from release.call.context import Context
from release.errors import Conflict, Usage
from release.git.refs import TAGS, RemoteRef, short_name
from release.git.snapshot import remote
from release.versions import Line, check_allowed, line_of, next_version, parse_branch, released_versions


def released_versions_on(context: Context, line: Line | None = None) -> list[semver.Version]:
    """Return the versions that are tagged on the remote, lowest first; of one line if it is given (F10)."""
    tags = remote(context).tags(f"{line}." if line else "")
    return released_versions(ref.name.removeprefix(TAGS) for ref in tags)


def line_branches(context: Context, line: Line) -> list[RemoteRef]:
    """Return every release branch of the line on the remote, whatever its date (F23); in a dry run, those planned."""
    found = remote(context).heads(f"release-{line}-*")
    return [ref for ref in found if (parse_branch(short_name(ref)) or (None,))[0] == line]


def line_branch(context: Context, line: Line) -> RemoteRef | None:
    """Return the line's release branch, or None; raise Conflict when there are several."""
    found = line_branches(context, line)
    if len(found) > 1:
        names = ", ".join(short_name(ref) for ref in found)
        raise Conflict(
            f"line {line} has {len(found)} release branches: {names}", "Delete the wrong one, then run the same again."
        )
    return found[0] if found else None


def needed_branch(context: Context, line: Line) -> RemoteRef:
    """Return the line's release branch; raise Usage when it has none."""
    found = line_branch(context, line)
    if found is None:
        raise Usage(f"line {line} has no release branch", f"Cut it: inv release.branch --version {line}")
    return found


def newest_line(context: Context) -> Line:
    """Return the line of the highest released version; raise Usage when nothing is released."""
    versions = [version for version in released_versions_on(context) if not version.prerelease]
    if not versions:
        raise Usage("nothing is released yet", "Give --version, such as --version 0.1.0")
    return line_of(versions[-1])


def next_patch(context: Context, line: Line, sha: str) -> semver.Version:
    """Return the version at that commit of the line; where none is, the highest on the remote plus one patch (F27)."""
    tags = remote(context).tags(f"{line}.")
    there = released_versions(ref.name.removeprefix(TAGS) for ref in tags if ref.sha == sha)
    finals = [version for version in there if not version.prerelease]
    every = released_versions(ref.name.removeprefix(TAGS) for ref in tags)
    return finals[-1] if finals else next_version(every, "patch", line)


def check_next(context: Context, version: semver.Version) -> None:
    """Raise unless the version may come next; Usage too for a line whose branch is gone: the trunk is not that."""
    line = line_of(version)
    there = {ref.name.removeprefix("refs/tags/"): ref.sha for ref in remote(context).tags(f"{line}.")}
    versions = released_versions(there)
    if versions and line_branch(context, line) is None:
        raise Usage(
            f"line {line} has releases, but its branch is gone",
            f"Cut it again where it was: inv release.branch --version {line} --ref {there[str(versions[-1])]}",
        )
    check_allowed(version, released_versions_on(context))
