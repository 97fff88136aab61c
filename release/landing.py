"""From the commits asked for to a release branch that has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from release import release as refs
from release.backported import backported
from release.candidates import heads
from release.checks import branch_rules
from release.conflicts import conflict
from release.ensure import ensure
from release.errors import Failed, ReleaseError, Usage
from release.lines import short
from release.picks import Outcome, close_tree, open_tree, pick_onto
from release.refs import NEW, Push, RemoteRef, brief
from release.wanted import Change, Wanted, changes, on

if TYPE_CHECKING:
    import semver

    from release.versions import Line
    from release.world import World

AGAINST = ("pull_request", "merge_queue", "update")  # rules that keep pushes off a branch
WORDS = ("GH006", "GH013", "protected branch", "pull request")


@dataclass(frozen=True)
class Plan:
    """The changes to pick, in order, onto the head of the line's release branch; `via_pr`: by a pull request."""

    line: Line
    head: RemoteRef
    trunk: RemoteRef
    changes: tuple[Change, ...]
    via_pr: bool = False

    @property
    def shas(self) -> list[str]:
        """The commits to pick."""
        return [change.sha for change in self.changes]


def planned(world: World, line: Line, wanted: Wanted) -> Plan:
    """Return what is left to pick; says of the rest where it is. Their history is here afterwards."""
    head, trunk = heads(world, line)
    there = backported(world.repo, head.sha, trunk.sha)
    left = []
    for change in changes(world, wanted, trunk, head):
        if on(world.repo, change.sha, head.sha):
            world.report.step("done", f"{change} on {short(head)}: the branch was cut after it")
        elif change.sha in there:
            where = f"as {brief(there[change.sha])}" if there[change.sha] else "by the same patch"
            world.report.step("done", f"{change} on {short(head)}, {where}")
        else:
            left.append(change)
    return Plan(line, head, trunk, tuple(left), wanted.via_pr)


def made(world: World, plan: Plan) -> Outcome:
    """Pick the plan's changes and say what became of each; a dry run tries them and leaves nothing.

    Raises Failed at a conflict, with the worktree left to resolve it in.
    """
    outcome = _tried(world, plan) if world.dry else _picked(world, plan)
    for change in plan.changes:
        if change.sha in outcome.empty:
            world.report.step("note", f"{change}: changes nothing on {short(plan.head)}, left out")
        elif outcome.stopped_at != change.sha:
            world.report.step("todo" if world.dry else "note", f"pick {change}")
    return outcome


def _picked(world: World, plan: Plan) -> Outcome:
    world.confirm(f"pick {len(plan.changes)} commits onto {short(plan.head)}")
    tree = open_tree(world.repo, plan.line, plan.head.sha)
    outcome = None
    try:
        outcome = pick_onto(world.repo, tree.path, plan.shas, _mainline(plan))
    finally:
        if outcome is None or not outcome.stopped_at:
            close_tree(world.repo, tree)
    if outcome.stopped_at:
        raise conflict(world, plan.head, plan.trunk, outcome, tree.path, plan.via_pr)
    return outcome


def _tried(world: World, plan: Plan) -> Outcome:
    """Try the picks in a worktree that is gone afterwards; before a question, a conflict is no end."""
    with world.repo.worktree(plan.head.sha) as path:
        outcome = pick_onto(world.repo, path, plan.shas, _mainline(plan))
    if outcome.stopped_at:
        error = conflict(world, plan.head, plan.trunk, outcome)
        if not world.asking:
            raise error
        world.report.step("todo", f"resolve a conflict: {error.problem}")
    return outcome


def _mainline(plan: Plan) -> int:
    return max((change.mainline for change in plan.changes), default=0)


def landed(world: World, head: RemoteRef, sha: str, version: semver.Version | None = None) -> RemoteRef:
    """Return the release branch with the picked commit on it, pushed if the branch still is at `head` (F5).

    With a version, branch and tag go in one atomic push. Raises Conflict when somebody pushed meanwhile.
    """

    def find() -> RemoteRef | None:
        now = world.repo.head_sha(short(head))
        if now is None or not _has(world, RemoteRef(head.name, now, now), sha):
            return None
        return RemoteRef(head.name, now, now) if version is None or refs.tag_at(world, version, sha) else None

    shown = brief(NEW if world.dry else sha)
    return ensure(
        world,
        f"{short(head)} at {shown}" + (f" and tag {version}, in one push" if version else ""),
        find=find,
        make=lambda: _push(world, head, sha, version),
        planned=RemoteRef(head.name, NEW, NEW),
    )


def _has(world: World, head: RemoteRef, sha: str) -> bool:
    if head.sha == sha:
        return True
    world.repo.need_commit(head.sha, head.name)
    return on(world.repo, sha, head.sha)


def _push(world: World, head: RemoteRef, sha: str, version: semver.Version | None) -> None:
    push = Push(head.name, sha, expected=head.sha)
    try:
        if version is None:
            world.repo.push([push])
        else:
            refs.push_tag(world, version, sha, also=[push])
    except Failed as error:
        raise _refusal(world, head, error) from error


def _refusal(world: World, head: RemoteRef, error: Failed) -> Failed:
    """Return the error with the way around a protected branch, where it is one (F13)."""
    rules = protections(world, short(head))
    if not rules and not any(word in error.problem for word in WORDS):
        return error
    return Failed(
        f"{short(head)} is protected{f' ({rules})' if rules else ''}; {error.problem}",
        "Go by a pull request: the same command with --via-pr",
    )


def protections(world: World, branch: str) -> str:
    """Return the branch's rules that keep pushes off, by name; nothing where there are none or nobody tells."""
    try:
        found = {rule["type"] for rule in branch_rules(world, branch)}
    except ReleaseError:
        return ""
    return ", ".join(name.replace("_", " ") for name in AGAINST if name in found)


def check_something(wanted: Wanted, line: Line) -> None:
    """Raise Usage when no commit is asked for."""
    if not wanted.anything:
        raise Usage(
            "which commits?", f"Give --commit SHA or --pr NUMBER. See: inv release.pick --candidates --line {line}"
        )
