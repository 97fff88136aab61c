"""Which version and which line a call means."""

from __future__ import annotations

import semver

from release.call.context import Context
from release.errors import Usage
from release.git.lines import line_versions, needed_branch, newest_line, next_patch
from release.git.refs import NEW
from release.git.repository import repository
from release.git.snapshot import remote, trunk
from release.versions import Line, is_line, line_of, next_version, parse, parse_branch, parse_line


def chosen_version(context: Context, given: str, bump: str = "") -> semver.Version:
    """Settle the version: the flag, what this call settled before, or with `bump` the next; raise Usage for none."""
    if given:
        return context.settle(parse(given))
    if context.version:
        return context.version
    if not bump:
        raise Usage("which version?", "Give --version, such as --version 0.7.0")
    return context.settle(next_version(line_versions(context), bump))


def chosen_line(context: Context, given: str) -> Line:
    """Return the line of a flag (a line or a version), of the settled version, or of the checked-out release branch."""
    if given:
        return parse_line(given, version_too=True)
    if context.version:
        return line_of(context.version)
    checked_out = parse_branch(repository(context).branch() or "")
    return checked_out[0] if checked_out else newest_line(context)


def tagged_version(context: Context, version: str) -> semver.Version:
    """Settle the version: as given or settled, else the newest tag of the line at hand."""
    if version or context.version:
        return chosen_version(context, version)
    versions = line_versions(context, chosen_line(context, ""))
    return context.settle(versions[-1]) if versions else chosen_version(context, "")


def version_or_line(context: Context, given: str) -> semver.Version:
    """Settle the version; a line is enough to cut its branch, and means its next patch."""
    if not is_line(given):
        return chosen_version(context, given, bump="minor")
    line = parse_line(given)
    if context.version and line_of(context.version) == line:
        return context.version
    return context.settle(next_version(line_versions(context, line), "patch", line))


def version_of_head(context: Context) -> semver.Version:
    """Settle the line's next patch; but a head that is tagged already has nothing new to tag (F27)."""
    line = chosen_line(context, "")
    return context.settle(next_patch(context, line, needed_branch(context, line).sha))


def named_commit(context: Context, ref: str) -> str:
    """Return the commit a person names: the remote's for the trunk and release branches, else one of this clone."""
    if ref == NEW:  # what a dry run would have made
        return ref
    # Any other name is this clone's: a sha would cost a listing, and is no branch's name.
    found = remote(context).head_sha(ref) if parse_branch(ref) or ref == trunk(context) else None
    return found or repository(context).commit_sha(ref)


def given_version(context: Context, given: str) -> semver.Version | None:
    """Return the version of a flag, else the call's, else None."""
    return parse(given) if given else context.version
