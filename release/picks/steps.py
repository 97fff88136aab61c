"""The picks of a call: begun, continued, taken back."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import semver

from release.call.context import Context
from release.call.ensure import perform
from release.call.flags import PickRequest
from release.errors import Conflict, Usage
from release.git.lines import next_patch
from release.git.refs import NEW, RemoteRef, short_name
from release.git.repository import Repository, repository
from release.picks.candidates import line_and_trunk
from release.picks.pull_request import merge_backport, pick_by_pull_request, picks_between, push_backport
from release.picks.push import PickPlan, blocking_rules, conflict, make_picks, pick_plan, push_picks
from release.picks.worktree import (
    Outcome,
    PickWorktree,
    close_worktree,
    continue_picks,
    describe_worktree,
    pick_worktrees,
    transplant_picks,
)
from release.versions import Line, parse_line


def pick_commits(context: Context, line: Line, wanted: PickRequest, version: semver.Version | None = None) -> RemoteRef:
    """Return the line's release branch with all the commits on it, picked, pushed or merged where missing.

    With a version, that tag goes in the same push. Raises Usage when no commit is asked for, Failed at a conflict,
    Conflict when somebody pushed meanwhile or picks of the line wait to be continued.
    """
    if not wanted.anything:
        hint = f"Give --commit SHA or --pr NUMBER. See: inv release.pick --candidates --line {line}"
        raise Usage("which commits?", hint)
    plan = pick_plan(context, line, wanted)
    if not plan.picks:
        return plan.head
    _check_none_stopped(repository(context), line)
    if plan.via_pr:
        return pick_by_pull_request(context, plan)
    against = blocking_rules(context, short_name(plan.head)) if context.dry else ""
    if against:
        context.report.step("note", f"{short_name(plan.head)} is protected ({against}): a push may need --via-pr")
    outcome = make_picks(context, plan)
    return plan.head if outcome.head == plan.head.sha else push_picks(context, plan.head, outcome.head, version)


def resume_picks(context: Context, line: str, via_pr: bool) -> RemoteRef:
    """Go on with picks that stopped, and return the release branch with all of them on it.

    Raises Failed at the next conflict, Usage when nothing was picked.
    """
    tree = _stopped_worktree(repository(context), line)
    head, trunk = line_and_trunk(context, tree.line)
    context.confirm(f"go on with the picks in {tree.path}")
    where = f"{tree.path}, {describe_worktree(repository(context), tree)}"
    go_on = partial(_resume_in, context, tree, PickPlan(tree.line, head, trunk, (), via_pr))
    return perform(context, f"go on in {where}; then push {short_name(head)}", go_on, RemoteRef(head.name, NEW, NEW))


def _resume_in(context: Context, tree: PickWorktree, plan: PickPlan) -> RemoteRef:
    repo, head = repository(context), plan.head
    outcome = _carry_on(context, tree, head)
    if outcome.stopped_at:
        raise conflict(repo, plan, outcome, tree.path)
    if outcome.head == head.sha:
        return _close_empty(context, tree, head, outcome)
    # The worktree goes once a branch out there has the picks: a push that fails leaves it to be continued again.
    if not plan.via_pr:
        found = push_picks(context, head, outcome.head)
        close_worktree(repo, tree)
        return found
    plan = replace(plan, picks=tuple(picks_between(repo, head.sha, outcome.head)))
    branch = push_backport(context, plan, outcome.head)
    close_worktree(repo, tree)
    return merge_backport(context, plan, branch)


def _carry_on(context: Context, tree: PickWorktree, head: RemoteRef) -> Outcome:
    """Go on in the worktree, on top of the release branch as it is now."""
    repo = repository(context)
    base = repo.whole("merge-base", head.sha, "HEAD", cwd=tree.path)
    # First to the end on the base that they were begun on: what the sequencer has left belongs there.
    outcome = continue_picks(repo, tree.path, base)
    if outcome.stopped_at or base == head.sha:
        return outcome
    context.report.step("note", f"{short_name(head)} moved: the picks go on top of {head.sha[:9]}")
    return transplant_picks(repo, tree.path, base, head.sha)


def _close_empty(context: Context, tree: PickWorktree, head: RemoteRef, outcome: Outcome) -> RemoteRef:
    close_worktree(repository(context), tree)
    if not outcome.empty:
        again = f"Pick again: inv release.pick --line {tree.line} --commit …"
        raise Usage("nothing had been picked in it; it is removed", again)
    empty = ", ".join(sha[:9] for sha in outcome.empty)
    context.report.step("note", f"nothing is left to pick: {empty} change nothing")
    return head


def take_back(context: Context, line: str) -> None:
    """Remove the worktree of picks that stopped; nothing of them was pushed."""
    repo = repository(context)
    if not _line_worktrees(repo, line):
        context.report.step("note", "no picks are stopped here: nothing to take back")
        return
    tree = _stopped_worktree(repo, line)
    what = f"take back the picks onto {tree.line} in {tree.path}"
    context.confirm(what)

    def act() -> None:
        close_worktree(repo, tree)
        context.report.step("made", f"{what}: nothing of them was pushed")

    perform(context, what, act, None)


def settle_patch(context: Context, head: RemoteRef) -> None:
    """Record the branch, and settle the version that comes next on it for the later tasks of the call."""
    found = parse_line(short_name(head).split("-")[1])
    context.report.record(branch=short_name(head), sha="" if head.sha == NEW else head.sha)
    if context.version is None:
        context.settle(next_patch(context, found, head.sha))


def _check_none_stopped(repo: Repository, line: Line) -> None:
    for tree in _line_worktrees(repo, str(line)):
        raise Conflict(
            f"picks onto {line} wait in {tree.path}: {describe_worktree(repo, tree)}",
            "Go on with them: inv release.pick --continue. Or take them back: inv release.pick --abort",
        )


def _stopped_worktree(repo: Repository, line: str) -> PickWorktree:
    found = _line_worktrees(repo, line)
    if not found:
        raise Usage("no picks are stopped here", "Begin: inv release.pick --line 0.7 --commit SHA")
    if len(found) > 1:
        listed = "\n".join(f"  {tree.line}  {tree.path}: {describe_worktree(repo, tree)}" for tree in found)
        raise Usage(f"picks onto {len(found)} lines are stopped:\n{listed}", "Say which: --line")
    return found[0]


def _line_worktrees(repo: Repository, line: str) -> list[PickWorktree]:
    wanted = parse_line(line, version_too=True) if line else None
    return [tree for tree in pick_worktrees(repo) if wanted in (None, tree.line)]
