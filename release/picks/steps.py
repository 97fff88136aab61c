"""The picks of a call: begun, continued, taken back."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import semver

from release.call.context import Context
from release.call.ensure import perform
from release.call.flags import PickRequest
from release.errors import Conflict, Usage
from release.git.fetch import need_history
from release.git.lines import next_patch
from release.git.refs import NEW, RemoteRef, branch_ref, short_name
from release.git.repository import Repository, repository
from release.git.snapshot import remote
from release.github.pulls import delete_branch, merged_branches
from release.picks import plans, push, worktree
from release.picks.candidates import line_and_trunk
from release.picks.history import backported_commits
from release.picks.request import Pick, requested_picks
from release.versions import Line, line_of, parse_line


def pick_commits(
    context: Context, line: Line, wanted: PickRequest, version: semver.Version | None = None, at_once: bool = False
) -> RemoteRef:
    """Return the line's release branch with all the commits on it, picked, pushed or merged where missing.

    They are for a version, if given, whose tag goes in the same push if `at_once`. Raises Usage for no commit, Failed
    at a conflict, Conflict when somebody pushed meanwhile, the version is tagged without them, or others are stopped.
    """
    if not wanted.anything:
        hint = f"Give --commit SHA or --pr NUMBER. See: inv release.pick --candidates --line {line}"
        raise Usage("which commits?", hint)
    if wanted.draft and not wanted.via_pr:
        raise Usage("--draft is for picks that go by a pull request", "Give --via-pr too.")
    plan = push.pick_plan(context, line, wanted)
    for leftover in merged_branches(context, f"backport/{line}/*") if wanted.via_pr else ():
        delete_branch(context, leftover)
    if not plan.picks:
        return plan.head
    if version and remote(context).tag(str(version)):
        raise _tagged_without(plan.picks[0], version)
    for tree in worktree.pick_worktrees(repository(context), line):
        if worktree.is_unused(repository(context), tree, plan.head.sha):  # nothing in it waits (F33)
            perform(
                context, f"take away {tree.path}", partial(worktree.close_worktree, repository(context), tree), None
            )
            continue
        waiting = f"picks onto {line} wait in {tree.path}: {worktree.describe_worktree(repository(context), tree)}"
        go_on, back = f"inv release.pick --continue --line {line}", f"inv release.pick --abort --line {line}"
        raise Conflict(waiting, f"Go on with them: {go_on}. Or take them back: {back}")
    if plan.via_pr:
        return _merge_picks(context, plan)
    against = push.blocking_rules(context, short_name(plan.head)) if context.dry else ""
    if against:
        context.report.step("note", f"{short_name(plan.head)} is protected ({against}): a push may need --via-pr")
    outcome = push.make_picks(context, plan)
    return (
        plan.head
        if outcome.head == plan.head.sha
        else push.push_picks(context, plan.head, outcome.head, version if at_once else None)
    )


def _merge_picks(context: Context, plan: plans.PickPlan) -> RemoteRef:
    merged = push.pick_by_pull_request(context, plan)
    if merged.sha == NEW:  # a dry run's: what is read later of the branch sees it
        context.view.add(merged.key, merged)
    return merged


def check_tag_has(context: Context, version: semver.Version, wanted: PickRequest) -> None:
    """Raise Conflict where the version is tagged without one of the commits, as by somebody else meanwhile."""
    tagged = remote(context).tag(str(version))
    if tagged is None or not wanted.anything:
        return
    head, trunk = line_and_trunk(context, line_of(version))
    if tagged.sha in (head.sha, NEW):
        return
    repo = repository(context)
    need_history(repo, [tagged])
    there = backported_commits(repo, tagged.sha, trunk.sha)
    for pick in requested_picks(context, wanted, trunk, head):
        if pick.sha not in there and not repo.is_ancestor(pick.sha, tagged.sha):
            raise _tagged_without(pick, version)


def _tagged_without(pick: Pick, version: semver.Version) -> Conflict:
    hint = f"Take the next: inv release.next --line {line_of(version)}"
    return Conflict(f"{version} is tagged without {pick}", hint)


def resume_picks(context: Context, line: str, via_pr: bool) -> RemoteRef:
    """Go on with picks that stopped, and return the release branch with all of them on it.

    Raises Failed at the next conflict, Usage when nothing was picked.
    """
    tree = _stopped_worktree(repository(context), line)
    if tree is None:
        which = f" --line {line}" if line else ""
        raise Usage("no picks are stopped here", f"See what there is to pick: inv release.pick{which} --candidates")
    head, trunk = line_and_trunk(context, tree.line)
    context.confirm(f"go on with the picks in {tree.path}")
    where = f"{tree.path}, {worktree.describe_worktree(repository(context), tree)}"
    go_on = partial(_resume_in, context, tree, plans.PickPlan(tree.line, head, trunk, (), via_pr))
    return perform(context, f"go on in {where}; then push {short_name(head)}", go_on, branch_ref(short_name(head), NEW))


def _resume_in(context: Context, tree: worktree.PickWorktree, plan: plans.PickPlan) -> RemoteRef:
    repo, head = repository(context), plan.head
    if worktree.is_pushed(repo, tree, head.sha):  # and killed then
        worktree.close_worktree(repo, tree)
        context.report.step("done", f"the picks on {short_name(head)}")
        return head
    outcome = _carry_on(context, tree, head)
    if outcome.stopped_at:
        raise push.conflict(repo, plan, outcome, tree.path)
    if outcome.head == head.sha:
        worktree.close_worktree(repo, tree)
        if not outcome.empty:
            again = f"Choose again: inv release.pick --line {tree.line} --candidates"
            raise Usage("nothing had been picked in it; it is removed", again)
        empty = ", ".join(sha[:9] for sha in outcome.empty)
        context.report.step("note", f"nothing is left to pick: {empty} change nothing")
        return head
    picks = push.picks_between(repo, head.sha, outcome.head)
    for pick in picks:
        context.report.step("note", f"pick {pick}")
    # The worktree goes once a branch out there has the picks: a push that fails leaves it to be continued again.
    if not plan.via_pr:
        found = push.push_picks(context, head, outcome.head)
        worktree.close_worktree(repo, tree)
        return found
    plan = replace(plan, picks=tuple(picks))
    branch = push.push_backport(context, plan, outcome.head)
    worktree.close_worktree(repo, tree)
    return push.merge_backport(context, plan, branch)


def _carry_on(context: Context, tree: worktree.PickWorktree, head: RemoteRef) -> worktree.Outcome:
    """Go on in the worktree, on top of the release branch as it is now."""
    repo = repository(context)
    base = repo.whole("merge-base", head.sha, "HEAD", cwd=tree.path)
    # First to the end on the base that they were begun on: what the sequencer has left belongs there.
    outcome = worktree.continue_picks(repo, tree.path, base)
    if outcome.stopped_at or base == head.sha:
        return outcome
    context.report.step("note", f"{short_name(head)} moved: the picks go on top of {head.sha[:9]}")
    return worktree.transplant_picks(repo, tree.path, base, head.sha)


def take_back(context: Context, line: str) -> None:
    """Remove the worktree of picks that stopped; nothing of them was pushed."""
    repo = repository(context)
    tree = _stopped_worktree(repo, line)
    if tree is None:
        context.report.step("note", "no picks are stopped here: nothing to take back")
        return
    what = f"take back the picks onto {tree.line} in {tree.path}"
    context.confirm(what)

    def _close() -> None:
        worktree.close_worktree(repo, tree)
        context.report.step("made", f"{what}: nothing of them was pushed")

    perform(context, what, _close, None)


def settle_patch(context: Context, head: RemoteRef) -> None:
    """Record the branch, and settle the version that comes next on it for the later tasks of the call."""
    context.report.record(branch=short_name(head), sha="" if head.sha == NEW else head.sha)
    if context.version is None:
        context.settle(next_patch(context, parse_line(short_name(head).split("-")[1]), head.sha))


def _stopped_worktree(repo: Repository, line: str) -> worktree.PickWorktree | None:
    """Return the worktree of picks that stopped, if there is one; raise Usage where there are several."""
    found = worktree.pick_worktrees(repo, parse_line(line, version_too=True) if line else None)
    if len(found) > 1:
        listed = "\n".join(f"  {tree.line}  {tree.path}: {worktree.describe_worktree(repo, tree)}" for tree in found)
        ways = " or ".join(f"inv release.pick --continue --line {tree.line}" for tree in found)
        raise Usage(f"picks onto {len(found)} lines are stopped:\n{listed}", f"Go on with one: {ways}")
    return found[0] if found else None
