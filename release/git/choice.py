"""Which version, which line and which commit a call means."""

from __future__ import annotations

import re
from collections.abc import Callable

import semver

from release.call.context import Context
from release.errors import Usage
from release.git.lines import begun_line, line_versions, needed_branch, newest_line, next_patch
from release.git.refs import HEADS, NEW, TAGS, RemoteRef, brief
from release.git.repository import repository
from release.git.snapshot import remote
from release.git.withdrawals import withdrawn_versions
from release.versions import Line, check_commit_name, check_ref_name, is_line, line_of, parse, parse_branch, parse_line

_HEX = re.compile(r"[0-9a-f]{4,64}")


def chosen_version(
    context: Context, given: str, of_line: Callable[[Line | None], semver.Version] | None = None
) -> semver.Version:
    """Settle the version: given, the call's, else what `of_line` makes of the line that is named, if one is.

    Raises Usage where there is no version, and nothing to make one of a line.
    """
    if given and not is_line(given):
        return context.settle(parse(given))
    line = parse_line(given) if given else context.facts.line
    if context.version and line in (None, line_of(context.version)):
        return context.version
    if of_line is None and given:
        return parse(given)  # raises: a line is not enough
    if of_line is None:
        raise Usage("which version?", "Give --version, such as --version 0.7.0")
    return context.settle(of_line(line))


def chosen_line(context: Context, given: str, begun: bool = False) -> Line:
    """Return the line of a flag, the call or the checked-out branch, else the newest released, or `begun` and cut."""
    if given:
        return parse_line(given, version_too=True)
    checked_out = parse_branch(repository(context).branch() or "")
    named = line_of(context.version) if context.version else context.facts.line
    found = named or (checked_out[0] if checked_out else None) or (begun_line(context) if begun else None)
    return found or newest_line(context)


def tagged_version(context: Context, given: str) -> semver.Version:
    """Settle the version: as given or settled, else the newest tag of the line at hand that is not withdrawn."""

    def _newest(line: Line | None) -> semver.Version:
        at_hand = line or chosen_line(context, "")
        versions, gone = line_versions(context, at_hand), withdrawn_versions(context, at_hand)
        good = [each for each in versions if each not in gone] or versions
        return good[-1] if good else chosen_version(context, given)

    return chosen_version(context, given, _newest)


def version_to_tag(context: Context, given: str) -> semver.Version:
    """Settle the version: as given or settled, else what comes next on the line at hand, one that just begins too.

    A head that is tagged already has nothing new to tag (F27).
    """

    def _next(line: Line | None) -> semver.Version:
        line = line or chosen_line(context, "", begun=True)
        return next_patch(context, line, needed_branch(context, line).sha)

    return chosen_version(context, given, _next)


def named_commit(context: Context, ref: str) -> str:
    """Return the commit a person names, here afterwards: a sha, the remote's branch or tag, else one of this clone.

    Raises Usage for a tag that is of this clone alone (F9), and for a name of a branch and a tag that differ (F11).
    """
    check_commit_name(ref)  # before Git sees it in any way (S3)
    repo, found = repository(context), _remote_refs(context, ref)
    local = repo.local_tag(ref.removeprefix(TAGS)) if _is_ref_name(ref) else None
    if len({each.sha for each in found}) > 1:
        raise Usage(f"{ref} is a branch and a tag", f"Say which: {' or '.join(each.name for each in found)}")
    if not found and local:
        raise Usage(f"the tag {ref} is of this clone alone", f"Name its commit, if you mean that: --ref {local.sha}")
    if not found:
        return repo.commit_sha(ref)
    if local and local.sha != found[0].sha:
        context.report.step("note", f"{ref} is {brief(found[0].sha)} on the remote; the tag here is {brief(local.sha)}")
    if found[0].sha != NEW:  # what a dry run would have made
        repo.need_commit(found[0].sha, found[0].name)  # a shallow clone, or one behind its remote, lacks it (F10)
    return found[0].sha


def _remote_refs(context: Context, ref: str) -> list[RemoteRef]:
    """Return the remote's branch and tag that have this name, in full or short; a commit's own name stands for it."""
    if _HEX.fullmatch(ref):
        return [RemoteRef(ref, ref, ref)] if len(ref) == len(NEW) else []
    if not _is_ref_name(ref):
        return []
    heads = [] if ref.startswith(TAGS) else remote(context).heads(ref.removeprefix(HEADS))
    tag = None if ref.startswith(HEADS) else remote(context).tag(ref.removeprefix(TAGS))
    return [*heads, tag] if tag else heads


def _is_ref_name(name: str) -> bool:
    """Whether it can be a branch's or tag's name: HEAD~1, say, is none."""
    try:
        check_ref_name(name)
    except Usage:
        return False
    return True
