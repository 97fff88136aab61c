"""Which commit a version's tag may sit on, and where a release branch was cut."""

from __future__ import annotations

from collections.abc import Sequence

import semver

from release.call.context import Context
from release.errors import Conflict
from release.git.fetch import need_history
from release.git.lines import line_branches, line_versions
from release.git.refs import NEW, RemoteRef, brief, short_name
from release.git.repository import repository
from release.git.snapshot import remote
from release.git.tags import needed_tag, tagged_releases, trunk_ref, trunk_sha
from release.git.withdrawals import check_not_withdrawn
from release.github.api import github
from release.github.commits import contains
from release.versions import line_of, precedence


def cut_point(context: Context, sha: str) -> str:
    """Return the commit at which the history up to this one left the trunk; GitHub tells, a shallow clone cannot."""
    tip = trunk_sha(context)
    if NEW in (sha, tip) or sha == tip:  # what a dry run would make is on top of all that there is
        return sha
    return str(github(context).get(f"compare/{tip}...{sha}", per_page=1)["merge_base_commit"]["sha"])


def cut_point_before_merge(context: Context, sha: str) -> str:
    """Return the commit at which the history up to this one left the trunk, though it was merged back into it since.

    The trunk is the chain of first parents: what was merged into it is beside that.
    """
    repo, tip = repository(context), trunk_ref(context)
    need_history(repo, [tip])
    beyond = repo.whole("rev-list", "--first-parent", tip.sha, f"^{sha}", "--").splitlines()
    return repo.parents(beyond[-1])[0] if beyond else sha


def check_place(context: Context, version: semver.Version, sha: str, places: Sequence[RemoteRef]) -> None:
    """Raise Conflict unless the commit is on one of these branches: the version is tagged on no other (F29)."""
    if sha not in [each.sha for each in places] and not any(contains(context, each.sha, sha) for each in places):
        names = " nor on ".join(map(short_name, places)) or f"a release branch of {line_of(version)}: there is none"
        raise Conflict(f"{version} at {brief(sha)}: that is not on {names}", "A tag sits on its line's branch alone.")


def check_beyond(context: Context, version: semver.Version, sha: str) -> None:
    """Raise Conflict for a commit that an earlier release went beyond: the version would take back what that had."""
    lower = [each for each in line_versions(context) if precedence(each) < precedence(version) and not each.prerelease]
    lines = sorted({line_of(each) for each in lower}, reverse=True)
    whole = (each for line in lines for each in reversed(tagged_releases(context, line)) if not each.components)
    last = next((each for each in whole if each.version in lower), None)
    if last and last.ref.sha != sha and contains(context, last.ref.sha, sha):
        problem = f"{version} at {brief(sha)}: {last.version} is beyond that, at {brief(last.ref.sha)}"
        raise Conflict(problem, "Take a later commit: what is released next has all that was released before.")


def checked_tag(context: Context, version: semver.Version) -> RemoteRef:
    """Return the tag; raise Conflict when it is on no branch of its line nor, as a component's, on the trunk."""
    tag = needed_tag(context, version)
    check_not_withdrawn(context, version)
    check_place(context, version, tag.sha, [*line_branches(context, line_of(version)), trunk_ref(context)])
    return tag


def commit_to_tag(context: Context, version: semver.Version, branch: RemoteRef) -> str:
    """Return the branch's head, or where the version's tag is; raise Conflict when that is not on the branch."""
    tagged = remote(context).tag(str(version))
    if tagged is None:
        return branch.sha
    check_place(context, version, tagged.sha, [branch])
    return tagged.sha
