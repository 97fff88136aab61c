"""Picks that go onto a protected release branch by a pull request."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from release.call.context import Context
from release.call.ensure import ensure
from release.errors import Conflict
from release.git.lines import needed_branch
from release.git.refs import NEW, Push, RemoteRef, brief, short_name
from release.git.repository import repository
from release.git.snapshot import remote
from release.github.checks import follow_checks, required_checks
from release.github.merging import delete_branch, merge_pull_request
from release.github.pulls import open_pull_request
from release.picks.backported import pick_sources
from release.picks.history import is_in_history, title
from release.picks.push import PickPlan, make_picks
from release.picks.request import Pick
from release.versions import Line


def pick_by_pull_request(context: Context, plan: PickPlan) -> RemoteRef:
    """Return the release branch with the plan's changes, merged by a pull request from a branch of its own."""
    there = _backport_on_remote(context, plan.head, plan.line, plan.shas)
    sha = there.sha if there else make_picks(context, plan).head
    if sha == plan.head.sha:
        return plan.head
    return merge_backport(context, plan.head, plan.line, push_backport(context, plan.head, plan.line, plan.shas, sha))


def push_backport(context: Context, head: RemoteRef, line: Line, shas: Sequence[str], sha: str) -> RemoteRef:
    """Return the backport branch with the picks of these commits, pushed where it is missing."""
    name = backport_branch(line, shas)
    return ensure(
        context,
        f"branch {name} with {len(shas)} picks",
        find=lambda: _backport_on_remote(context, head, line, shas),
        make=lambda: repository(context).push([Push(f"refs/heads/{name}", sha)]),
        planned=RemoteRef(f"refs/heads/{name}", NEW, NEW),
        key=f"refs/heads/{name}",
    )


def merge_backport(context: Context, head: RemoteRef, line: Line, backport: RemoteRef) -> RemoteRef:
    """Return the release branch with the backport merged into it, once its checks are through; writes both.

    The release branch is the base, never the head, and is looked up again afterwards (F18).
    """
    changes = _picks_of(context, head, backport)
    opened = open_pull_request(
        context, short_name(backport), short_name(head), _title(line, changes), _body(short_name(head), changes)
    )
    if not opened.merged:
        follow_checks(context, backport.sha, short_name(backport), required_checks(context, short_name(head)))
    done = merge_pull_request(context, opened, backport.sha)
    if done.merge_sha == NEW:
        return RemoteRef(head.name, NEW, NEW)
    now = needed_branch(context, line)
    repository(context).need_history([now])
    if not is_in_history(repository(context), done.merge_sha, now.sha):
        raise Conflict(
            f"{short_name(now)} is at {brief(now.sha)}, without the merged {brief(done.merge_sha)}", f"Look: {done.url}"
        )
    delete_branch(context, backport)
    return now


def backport_branch(line: Line, shas: Sequence[str]) -> str:
    """Return the backport branch of these commits: the same for the same commits, so that it is found again."""
    digest = shas[0] if len(shas) == 1 else hashlib.sha256("\n".join(shas).encode()).hexdigest()
    return f"backport/{line}/{digest[:9]}"


def _backport_on_remote(context: Context, head: RemoteRef, line: Line, shas: Sequence[str]) -> RemoteRef | None:
    """Return the remote's backport branch if it holds picks of these commits alone; raise Conflict otherwise."""
    name = backport_branch(line, shas)
    sha = remote(context).head_sha(name)
    if sha in (None, NEW):
        return None
    ref = RemoteRef(f"refs/heads/{name}", sha, sha)
    repository(context).need_history([ref])
    found = pick_sources(repository(context), f"{head.sha}..{sha}")
    if not found or not set(found) <= set(shas):
        raise Conflict(
            f"branch {name} is at {brief(sha)} and holds other commits than these picks",
            f"Look at it, and delete it if it is a leftover: git push {context.settings.release.remote} --delete {name}",
        )
    return ref


def _picks_of(context: Context, head: RemoteRef, backport: RemoteRef) -> list[Pick]:
    if backport.sha == NEW:
        return []
    found = pick_sources(repository(context), f"{head.sha}..{backport.sha}")
    return [Pick(source, title(repository(context), sha)) for source, sha in found.items()]


def _title(line: Line, changes: Sequence[Pick]) -> str:
    return (
        f"Backport to {line}: {changes[0].title}" if len(changes) == 1 else f"Backport {len(changes)} commits to {line}"
    )


def _body(branch: str, changes: Sequence[Pick]) -> str:
    """Return the list of what is picked; its trailers make a squashed merge known again."""
    listed = "\n".join(f"- {change.sha} {change.title}" for change in changes)
    trailers = "\n".join(f"(cherry picked from commit {change.sha})" for change in changes)
    return f"Picked onto {branch}:\n\n{listed}\n\n{trailers}\n"
