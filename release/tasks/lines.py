"""The release branch and the tag: release.next, check, branch, tag."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import release
from release import artifacts, git, github
from release.call.ensure import ensure
from release.call.task import task
from release.errors import Conflict

if TYPE_CHECKING:
    import semver

    from release.call.context import Context
    from release.git.refs import RemoteRef


@task(reads=True, numbers=True)
def next_(context: Context, bump: str = "", line: str = "") -> semver.Version:
    """Print the next version, by the remote's tags.

    Example: inv release.next --bump patch --line 0.7
    """
    wanted = release.versions.parse_line(line) if line else None
    bump = bump or ("patch" if wanted else "minor")
    version = release.versions.next_version(git.lines.taken_versions(context, wanted), bump, wanted)
    git.lines.check_next(context, version)
    context.settle(version)
    if context.report.json:
        context.report.emit(version=str(version), bump=bump, line=str(release.versions.line_of(version)))
    else:
        context.report.line(str(version))
    return version


@task(reads=True, numbers=True)
def check(context: Context, version: str = "") -> None:
    """Say whether a version is allowed, else the nearest right.

    Example: inv release.check --version 0.7.0
    """
    wanted = git.choice.chosen_version(context, version)
    git.lines.check_next(context, wanted)
    context.report.step("note", f"{wanted} is allowed: line {release.versions.line_of(wanted)}", version=str(wanted))


@task(writes=True, numbers=True)
def branch(context: Context, version: str = "", ref: str = "") -> RemoteRef:
    """Cut the line's release branch and push it.

    Example: inv release.branch --version 0.7.0
    """
    git.snapshot.remote(context).look_at_all()  # the trunk's name costs that much
    which = partial(artifacts.next_release.version_to_cut, context)
    wanted = git.choice.chosen_version(context, version, which)
    line = release.versions.line_of(wanted)
    known = git.lines.line_branch(context, line)
    if git.snapshot.remote(context).tag(str(wanted)) is None:
        git.lines.check_next(context, wanted)
    if not ref:
        git.lines.check_not_gone(context, line)
    sha = git.choice.named_commit(context, ref or git.tags.trunk_ref(context).name)
    planned = git.refs.branch_ref(release.versions.branch_name(line, context.today), sha)
    found = ensure(
        context,
        f"release branch {git.refs.short_name(known or planned)} at {git.refs.brief((known or planned).sha)}",
        find=lambda: _branch_cut_at(context, git.lines.line_branch(context, line), "" if known and not ref else sha),
        make=lambda: git.repository.repository(context).push([git.refs.Push(planned.name, sha)]),
        planned=planned,
        facts=lambda there: {"branch": (there or planned).name, "commit": (there or planned).sha},
    )
    context.report.record(branch=git.refs.short_name(found), sha=found.sha)
    return found


@task(writes=True, numbers=True)
def tag(
    context: Context, version: str = "", ref: str = "", sign: bool = False, message: str = "", shared: bool = False
) -> RemoteRef:
    """Tag the release branch's head and push the tag.

    Example: inv release.tag --version 0.7.0
    """
    git.snapshot.remote(context).look_at_all()  # no other version may be at the commit
    wanted = git.choice.version_to_tag(context, version)
    line = release.versions.line_of(wanted)
    if ref:
        sha = git.choice.named_commit(context, ref)
    else:
        head = git.lines.needed_branch(context, line)
        # Who names the version means the head; a version that the call settled may be tagged, and is done then (F27).
        sha = head.sha if version else github.places.commit_to_tag(context, wanted, head)
    places, planned = git.lines.line_branches(context, line), git.refs.tag_ref(wanted, sha)
    # What has a tag of a branch's head pushed only while that is its head: the same, with a lease (F6).
    leases = [git.refs.Push(head.name, sha, expected=sha) for head in places if head.sha == sha]
    found = ensure(
        context,
        f"tag {wanted} at {git.refs.brief(sha)}",
        find=lambda: artifacts.next_release.coordinated_tag(context, wanted, sha, places, shared),
        make=lambda: github.burned.push_version_tag(context, wanted, sha, *leases, message=message, sign=sign),
        planned=planned,
        facts=lambda there: {"tag": planned.name, "commit": (there or planned).sha},
    )
    context.report.record(tag=str(wanted), sha=found.sha)
    return found


def _branch_cut_at(context: Context, found: RemoteRef | None, sha: str) -> RemoteRef | None:
    """Return the branch, if any; raise Conflict unless it was cut at the commit, or has it, off the trunk."""
    if found is None or sha in ("", found.sha):
        return found
    cut, asked = github.places.cut_point(context, found.sha), github.places.cut_point(context, sha)
    if cut == found.sha:  # it was merged back into the trunk
        before_merge = github.places.cut_point_before_merge
        cut, asked = before_merge(context, found.sha), before_merge(context, sha)
    if cut != asked or not github.commits.contains(context, found.sha, sha):
        name, line = git.refs.short_name(found), git.refs.short_name(found).split("-")[1]
        raise Conflict(
            f"{name} was cut at {git.refs.brief(cut)}, not at {git.refs.brief(sha)}",
            f"To go on with it, leave --ref out. To pick what it lacks: inv release.pick --line {line} --candidates",
        )
    return found
