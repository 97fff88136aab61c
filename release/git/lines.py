"""What the remote has of a line: its versions and its release branch; and which version may come next (F29)."""

from __future__ import annotations

import semver

from release.call.context import Context
from release.errors import Conflict, Usage, suggestion
from release.git.refs import BURNED, RemoteRef, short_name
from release.git.snapshot import remote
from release.git.withdrawals import check_not_withdrawn, withdrawn_names, withdrawn_versions
from release.versions import (
    Line,
    check_allowed,
    line_of,
    newest_versions,
    next_version,
    parse_branch,
    released_versions,
    right_version,
)


def line_versions(context: Context, line: Line | None = None) -> list[semver.Version]:
    """Return the versions that are tagged on the remote, lowest first: of the line, or of all lines (F10)."""
    return released_versions(_tag_names(context, line))


def burned_versions(context: Context, line: Line | None = None) -> list[semver.Version]:
    """Return the versions whose tag's name is known to be burned, lowest first: of the line, or of all lines (F35)."""
    return released_versions(_burned_names(context, line))


def taken_versions(context: Context, line: Line | None = None) -> list[semver.Version]:
    """Return the versions that none to come may have, tagged, burned or withdrawn, lowest first.

    They are the line's, or of all lines those that `newest_versions` keeps.
    """
    names = {*_tag_names(context, line), *_burned_names(context, line), *withdrawn_names(context, line)}
    return released_versions(names) if line else newest_versions(names)


def newest_final(context: Context) -> semver.Version | None:
    """Return the highest version that is tagged and no pre-release, or None."""
    return next((each for each in reversed(newest_versions(_tag_names(context, None))) if not each.prerelease), None)


def newest_good(context: Context, but: semver.Version | None = None) -> semver.Version | None:
    """Return the highest version that is tagged, no pre-release and not withdrawn, or None; `but` is left out too."""
    left_out = {*withdrawn_names(context), str(but)}
    good = newest_versions(name for name in _tag_names(context, None) if name not in left_out)
    return next((each for each in reversed(good) if not each.prerelease), None)


def _tag_names(context: Context, line: Line | None) -> list[str]:
    return [short_name(ref) for ref in remote(context).tags(f"{line}.")] if line else remote(context).tag_names()


def _burned_names(context: Context, line: Line | None) -> list[str]:
    return [ref.name.removeprefix(BURNED) for ref in remote(context).burned(f"{line}." if line else "")]


def check_not_burned(context: Context, version: semver.Version) -> None:
    """Raise Conflict for a version whose tag's name is known to be burned: it is not tried again (F35)."""
    if version in burned_versions(context, line_of(version)):
        problem = f"{version} is burned: an immutable release had that name and is gone; GitHub gives it to no other"
        then = f"Take the next version: inv release.next --line {line_of(version)}"
        wrong = f"Should GitHub take it after all: git push {context.settings.release.remote} :{BURNED}{version}"
        raise Conflict(problem, f"{then}\n{wrong}")


def line_branches(context: Context, line: Line) -> list[RemoteRef]:
    """Return every release branch of the line on the remote, whatever its date (F23); in a dry run, those planned."""
    return [ref for ref in remote(context).heads(f"release-{line}-*") if parse_branch(short_name(ref))]


def release_branches(context: Context, line: Line | None = None) -> dict[Line, RemoteRef]:
    """Return the release branch of the line, or of every line; of several the newest."""
    refs = sorted(remote(context).heads(f"release-{line}-*" if line else "release-*"), key=lambda ref: ref.name)
    named = [(parse_branch(short_name(ref)), ref) for ref in refs]
    return {parsed[0]: ref for parsed, ref in named if parsed and line in (None, parsed[0])}


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
        near = suggestion(str(line), {str(each): str(each) for each in release_branches(context)})
        first, versions = semver.Version(line.major, line.minor), line_versions(context)
        may_come = not versions or right_version(first, versions) == first
        hint = f"To cut it: inv release.branch --version {line}" if may_come else "What there is: inv release.status"
        raise Usage(f"line {line} has no release branch", f"{near}{hint}")
    return found


def newest_line(context: Context) -> Line:
    """Return the line of the highest released version; raise Usage when nothing is released."""
    newest = newest_final(context)
    if newest is None:
        raise Usage("nothing is released yet", "Give --version, such as --version 0.1.0")
    return line_of(newest)


def begun_line(context: Context) -> Line | None:
    """Return the line that is cut above all that is released: it just begins. None where there is no such."""
    released, newest = newest_final(context), max(release_branches(context), default=None)
    return newest if newest and (released is None or newest > line_of(released)) else None


def next_patch(context: Context, line: Line, sha: str) -> semver.Version:
    """Return the version at that commit of the line; where none is, the highest on the remote plus one patch (F27)."""
    tags = remote(context).tags(f"{line}.")
    at_commit = released_versions(short_name(ref) for ref in tags if ref.sha == sha)
    gone = {*burned_versions(context, line), *withdrawn_versions(context, line)}
    finals = [version for version in at_commit if not version.prerelease and version not in gone]
    return finals[-1] if finals else next_version(taken_versions(context, line), "patch", line)


def check_next(context: Context, version: semver.Version) -> None:
    """Raise as `check_allowed` does unless the version may come next on the remote; say what --skip leaves out."""
    # A line that has versions tells alone what comes next on it: only a new one is held against all the others.
    check_not_burned(context, version)
    check_not_withdrawn(context, version)
    versions = taken_versions(context, line_of(version)) or taken_versions(context)
    check_allowed(version, versions, skip=context.options.skip)
    right = right_version(version, versions)
    said = f"{version} leaves out what comes next, {right} (--skip)"
    if version.finalize_version() != right:
        context.once(said, lambda: context.report.step("note", said))


def check_not_gone(context: Context, line: Line) -> None:
    """Raise Usage for a line that has releases and no branch: the trunk is not that."""
    versions = line_versions(context, line)
    if versions and line_branch(context, line) is None:
        tag = remote(context).tag(str(versions[-1]))
        again = f"inv release.branch --version {line} --ref {tag.sha if tag else ''}"
        what = f"line {line} has releases, but no branch: it is gone, or they were made without one"
        raise Usage(what, f"Cut it where {versions[-1]} is: {again}")
