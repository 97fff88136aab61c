"""Picks that go onto a protected release branch by a pull request."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from release.call.context import Context
from release.call.ensure import ensure
from release.errors import Conflict
from release.git.lines import needed_branch
from release.git.refs import NEW, Push, RemoteRef, brief, short_name
from release.git.repository import Repository, repository
from release.git.snapshot import remote
from release.github.commits import follow_checks, required_checks
from release.github.pulls import delete_branch, merge_pull_request, open_pull_request
from release.picks.history import is_in_history, pick_sources, title
from release.picks.push import PickPlan, make_picks
from release.picks.request import Pick
from release.versions import Line


def pick_by_pull_request(context: Context, plan: PickPlan) -> RemoteRef:
    """Return the release branch with the plan's picks, merged by a pull request from a branch of its own."""
    there = _backport_on_remote(context, plan)
    sha = there.sha if there else make_picks(context, plan).head
    if sha == plan.head.sha:
        return plan.head
    return merge_backport(context, plan, push_backport(context, plan, sha))


def push_backport(context: Context, plan: PickPlan, sha: str) -> RemoteRef:
    """Return the backport branch with the plan's picks, which end in `sha`, pushed where it is missing."""
    ref = f"refs/heads/{backport_branch(plan)}"
    return ensure(
        context,
        f"branch {backport_branch(plan)} with {len(plan.picks)} picks",
        find=lambda: _backport_on_remote(context, plan),
        make=lambda: repository(context).push([Push(ref, sha)]),
        planned=RemoteRef(ref, NEW, NEW),
        key=ref,
    )


def merge_backport(context: Context, plan: PickPlan, backport: RemoteRef) -> RemoteRef:
    """Return the release branch with the backport merged into it, once its checks are through; writes both.

    The release branch is the base, never the head, and is looked up again afterwards (F18).
    """
    repo, base, head = repository(context), short_name(plan.head), short_name(backport)
    # What is on the branch, not what was asked for: a pick that changed nothing is not on it.
    picks = [] if backport.sha == NEW else picks_between(repo, plan.head.sha, backport.sha)
    opened = open_pull_request(context, head, base, _title(plan.line, picks), _body(base, picks))
    if not opened.merged:
        follow_checks(context, backport.sha, head, required_checks(context, base))
    done = merge_pull_request(context, opened, backport.sha)
    if done.merge_sha == NEW:
        return RemoteRef(plan.head.name, NEW, NEW)
    now = needed_branch(context, plan.line)
    repo.need_history([now])
    if not is_in_history(repo, done.merge_sha, now.sha):
        without = f"{short_name(now)} is at {brief(now.sha)}, without the merged {brief(done.merge_sha)}"
        raise Conflict(without, f"Look: {done.url}")
    delete_branch(context, backport)
    return now


def backport_branch(plan: PickPlan) -> str:
    """Return the backport branch of the plan: the same for the same commits, so that it is found again."""
    shas = plan.shas
    digest = shas[0] if len(shas) == 1 else hashlib.sha256("\n".join(shas).encode()).hexdigest()
    return f"backport/{plan.line}/{digest[:9]}"


def picks_between(repo: Repository, base: str, head: str) -> list[Pick]:
    """Return what was picked after `base` up to `head`, oldest first, by the commits picked."""
    return [Pick(source, title(repo, sha)) for source, sha in pick_sources(repo, f"{base}..{head}").items()]


def _backport_on_remote(context: Context, plan: PickPlan) -> RemoteRef | None:
    """Return the remote's backport branch if it holds picks of these commits alone; raise Conflict otherwise."""
    name = backport_branch(plan)
    sha = remote(context).head_sha(name)
    if sha in (None, NEW):
        return None
    ref = RemoteRef(f"refs/heads/{name}", sha, sha)
    repository(context).need_history([ref])
    found = pick_sources(repository(context), f"{plan.head.sha}..{sha}")
    if not found or not set(found) <= set(plan.shas):
        delete = f"git push {context.settings.release.remote} --delete {name}"
        raise Conflict(
            f"branch {name} is at {brief(sha)} and holds other commits than these picks",
            f"Look at it, and delete it if it is a leftover: {delete}",
        )
    return ref


def _title(line: Line, picks: Sequence[Pick]) -> str:
    return f"Backport to {line}: {picks[0].title}" if len(picks) == 1 else f"Backport {len(picks)} commits to {line}"


def _body(branch: str, picks: Sequence[Pick]) -> str:
    """Return the list of what is picked; its trailers make a squashed merge known again."""
    listed = "\n".join(f"- {pick.sha} {pick.title}" for pick in picks)
    trailers = "\n".join(f"(cherry picked from commit {pick.sha})" for pick in picks)
    return f"Picked onto {branch}:\n\n{listed}\n\n{trailers}\n"
