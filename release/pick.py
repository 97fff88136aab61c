"""Picks onto a release line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from release import backport, candidates
from release.backported import sources
from release.candidates import NO_LIST, Listing, heads
from release.cli import reads, waits, writes_if
from release.conflicts import conflict
from release.errors import Conflict, Usage
from release.landing import check_something, landed, made, planned, protections
from release.lines import chosen_line, next_patch, short
from release.picks import PickTree, carried_on, close_tree, explained, pick_trees, transplanted
from release.refs import NEW, RemoteRef
from release.versions import parse_line
from release.wanted import NOTHING, Wanted

if TYPE_CHECKING:
    import semver

    from release.picks import Outcome
    from release.versions import Line
    from release.world import World


@dataclass(frozen=True)
class Resume:
    """What to do with picks that stopped."""

    continue_: bool = False
    abort: bool = False


AFRESH = Resume()


@waits
@writes_if("commit", "pr", "continue_", "abort")
@reads
def pick(
    world: World,
    line: str = "",
    wanted: Wanted = NOTHING,
    listing: Listing = NO_LIST,
    resume: Resume = AFRESH,
) -> None:
    """Cherry-pick onto a line; --candidates lists.

    Example: inv release.pick --line 0.7 --commit abc1234 --pr 123
    """
    if resume.abort:
        take_back(world, line)
    elif resume.continue_:
        settle(world, carry_on(world, line, wanted.via_pr))
    elif listing.candidates:
        candidates.show(world, chosen_line(world, line), listing)
    else:
        check_something(wanted, chosen_line(world, line))
        settle(world, picked(world, chosen_line(world, line), wanted))


def picked(world: World, line: Line, wanted: Wanted, version: semver.Version | None = None) -> RemoteRef:
    """Return the line's release branch with all the commits on it, picked, pushed or merged where missing.

    With a version, that tag goes in the same push. Raises Failed at a conflict, Conflict when somebody
    pushed meanwhile or picks of the line wait to be continued.
    """
    plan = planned(world, line, wanted)
    if not plan.changes:
        return plan.head
    _check_none_stopped(world, line)
    if plan.via_pr:
        return backport.by_pull(world, plan)
    against = protections(world, short(plan.head)) if world.dry else ""
    if against:
        world.report.step("note", f"{short(plan.head)} is protected ({against}): a push may need --via-pr")
    outcome = made(world, plan)
    return plan.head if outcome.head == plan.head.sha else landed(world, plan.head, outcome.head, version)


def carry_on(world: World, line: str, via_pr: bool) -> RemoteRef:
    """Go on with picks that stopped, and return the release branch with all of them on it.

    Raises Failed at the next conflict, Usage when nothing was picked.
    """
    tree = _stopped_tree(world, line)
    head, trunk = heads(world, tree.line)
    if world.dry:
        world.report.step("todo", f"go on in {tree.path}, {explained(world.repo, tree)}; then push {short(head)}")
        return RemoteRef(head.name, NEW, NEW)
    world.confirm(f"go on with the picks in {tree.path}")
    outcome = _outcome(world, tree, head)
    if outcome.stopped_at:
        raise conflict(world, head, trunk, outcome, tree.path, via_pr)
    if outcome.head == head.sha:
        return _nothing_picked(world, tree, head, outcome)
    if not via_pr:
        found = landed(world, head, outcome.head)
        close_tree(world.repo, tree)
        return found
    shas = list(sources(world.repo, f"{head.sha}..{outcome.head}"))
    branch = backport.pushed(world, head, tree.line, shas, outcome.head)
    close_tree(world.repo, tree)
    return backport.merged(world, head, tree.line, branch)


def _outcome(world: World, tree: PickTree, head: RemoteRef) -> Outcome:
    """Go on in the worktree, on top of the release branch as it is now."""
    base = world.repo.whole("merge-base", head.sha, "HEAD", cwd=tree.path)
    outcome = carried_on(world.repo, tree.path, base)
    if outcome.stopped_at or base == head.sha:
        return outcome
    world.report.step("note", f"{short(head)} moved: the picks go on top of {head.sha[:9]}")
    return transplanted(world.repo, tree.path, base, head.sha)


def _nothing_picked(world: World, tree: PickTree, head: RemoteRef, outcome: Outcome) -> RemoteRef:
    close_tree(world.repo, tree)
    if not outcome.empty:
        raise Usage(
            "nothing had been picked in it; it is removed",
            f"Pick again: inv release.pick --line {tree.line} --commit …",
        )
    world.report.step("note", f"nothing is left to pick: {', '.join(sha[:9] for sha in outcome.empty)} change nothing")
    return head


def take_back(world: World, line: str) -> None:
    """Remove the worktree of picks that stopped; nothing of them was pushed."""
    if not _of_line(pick_trees(world.repo), line):
        world.report.step("note", "no picks are stopped here: nothing to take back")
        return
    tree = _stopped_tree(world, line)
    what = f"take back the picks onto {tree.line} in {tree.path}"
    if world.dry:
        world.report.step("todo", what)
        return
    world.confirm(what)
    close_tree(world.repo, tree)
    world.report.step("made", f"{what}: nothing of them was pushed")


def settle(world: World, head: RemoteRef) -> None:
    """Record the branch, and settle the version that comes next on it for the later tasks of the call."""
    found = parse_line(short(head).split("-")[1])
    world.report.record(branch=short(head), sha="" if head.sha == NEW else head.sha)
    if world.version is None:
        world.settle(next_patch(world, found, head.sha))


def _check_none_stopped(world: World, line: Line) -> None:
    for tree in _of_line(pick_trees(world.repo), str(line)):
        raise Conflict(
            f"picks onto {line} wait in {tree.path}: {explained(world.repo, tree)}",
            "Go on with them: inv release.pick --continue. Or take them back: inv release.pick --abort",
        )


def _stopped_tree(world: World, line: str) -> PickTree:
    found = _of_line(pick_trees(world.repo), line)
    if not found:
        raise Usage("no picks are stopped here", "Begin: inv release.pick --line 0.7 --commit SHA")
    if len(found) > 1:
        listed = "\n".join(f"  {tree.line}  {tree.path}: {explained(world.repo, tree)}" for tree in found)
        raise Usage(f"picks onto {len(found)} lines are stopped:\n{listed}", "Say which: --line")
    return found[0]


def _of_line(trees: list[PickTree], line: str) -> list[PickTree]:
    wanted = parse_line(line, version_too=True) if line else None
    return [tree for tree in trees if wanted in (None, tree.line)]
