"""From the commits asked for to a release branch that has them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import semver

from release.call.context import Context
from release.call.ensure import ensure
from release.call.flags import PickRequest
from release.errors import Failed, ReleaseError, Usage
from release.git.refs import NEW, Push, RemoteRef, brief, short_name
from release.git.repository import repository
from release.git.snapshot import remote
from release.git.tags import push_tag, tag_at
from release.github.checks import branch_rules
from release.picks.backported import backported_commits
from release.picks.candidates import line_and_trunk
from release.picks.conflicts import conflict
from release.picks.history import is_in_history
from release.picks.request import Pick, requested_picks
from release.picks.worktree import Outcome, cherry_pick, close_worktree, open_worktree
from release.versions import Line

AGAINST = ("pull_request", "merge_queue", "update")  # rules that keep pushes off a branch
WORDS = ("GH006", "GH013", "protected branch", "pull request")


@dataclass(frozen=True)
class PickPlan:
    """The changes to pick, in order, onto the head of the line's release branch; `via_pr`: by a pull request."""

    line: Line
    head: RemoteRef
    trunk: RemoteRef
    changes: tuple[Pick, ...]
    via_pr: bool = False

    @property
    def shas(self) -> list[str]:
        """The commits to pick."""
        return [change.sha for change in self.changes]


def pick_plan(context: Context, line: Line, wanted: PickRequest) -> PickPlan:
    """Return what is left to pick; says of the rest where it is. Their history is here afterwards."""
    head, trunk = line_and_trunk(context, line)
    there = backported_commits(repository(context), head.sha, trunk.sha)
    left = []
    for change in requested_picks(context, wanted, trunk, head):
        if is_in_history(repository(context), change.sha, head.sha):
            context.report.step("done", f"{change} on {short_name(head)}: the branch was cut after it")
        elif change.sha in there:
            where = f"as {brief(there[change.sha])}" if there[change.sha] else "by the same patch"
            context.report.step("done", f"{change} on {short_name(head)}, {where}")
        else:
            left.append(change)
    return PickPlan(line, head, trunk, tuple(left), wanted.via_pr)


def make_picks(context: Context, plan: PickPlan) -> Outcome:
    """Pick the plan's changes and say what became of each; a dry run tries them and leaves nothing.

    Raises Failed at a conflict, with the worktree left to resolve it in.
    """
    trial = context.dry
    outcome = _try_picks(context, plan) if trial else _pick_in_worktree(context, plan)
    for change in plan.changes:
        if change.sha in outcome.empty:
            context.report.step("note", f"{change}: changes nothing on {short_name(plan.head)}, left out")
        elif outcome.stopped_at != change.sha:
            context.report.step("todo" if trial else "note", f"pick {change}")
    return outcome


def _pick_in_worktree(context: Context, plan: PickPlan) -> Outcome:
    context.confirm(f"pick {len(plan.changes)} commits onto {short_name(plan.head)}")
    tree = open_worktree(repository(context), plan.line, plan.head.sha)
    outcome = None
    try:
        outcome = cherry_pick(repository(context), tree.path, plan.shas, _mainline(plan))
    finally:
        if outcome is None or not outcome.stopped_at:
            close_worktree(repository(context), tree)
    if outcome.stopped_at:
        raise conflict(context, plan.head, plan.trunk, outcome, tree.path, plan.via_pr)
    return outcome


def _try_picks(context: Context, plan: PickPlan) -> Outcome:
    """Try the picks in a worktree that is gone afterwards; before a question, a conflict is no end."""
    with repository(context).worktree(plan.head.sha) as path:
        outcome = cherry_pick(repository(context), path, plan.shas, _mainline(plan))
    if outcome.stopped_at:
        error = conflict(context, plan.head, plan.trunk, outcome)
        if not context.options.asking:
            raise error
        context.report.step("todo", f"resolve a conflict: {error.problem}")
    return outcome if outcome.head == plan.head.sha else replace(outcome, head=NEW)


def _mainline(plan: PickPlan) -> int:
    return max((change.mainline for change in plan.changes), default=0)


def push_picks(context: Context, head: RemoteRef, sha: str, version: semver.Version | None = None) -> RemoteRef:
    """Return the release branch with the picked commit on it, pushed if the branch still is at `head` (F5).

    With a version, branch and tag go in one atomic push. Raises Conflict when somebody pushed meanwhile.
    """

    def find() -> RemoteRef | None:
        now = remote(context).head_sha(short_name(head))
        if now is None or not _has(context, RemoteRef(head.name, now, now), sha):
            return None
        return RemoteRef(head.name, now, now) if version is None or tag_at(context, version, sha) else None

    return ensure(
        context,
        f"{short_name(head)} at {brief(sha)}" + (f" and tag {version}, in one push" if version else ""),
        find=find,
        make=lambda: _push(context, head, sha, version),
        planned=RemoteRef(head.name, NEW, NEW),
        key=head.name,
    )


def _has(context: Context, head: RemoteRef, sha: str) -> bool:
    if head.sha == sha:
        return True
    repository(context).need_commit(head.sha, head.name)
    return is_in_history(repository(context), sha, head.sha)


def _push(context: Context, head: RemoteRef, sha: str, version: semver.Version | None) -> None:
    push = Push(head.name, sha, expected=head.sha)
    try:
        if version is None:
            repository(context).push([push])
        else:
            push_tag(context, version, sha, also=[push])
    except Failed as error:
        raise _refusal(context, head, error) from error


def _refusal(context: Context, head: RemoteRef, error: Failed) -> Failed:
    """Return the error with the way around a protected branch, where it is one (F13)."""
    rules = protections(context, short_name(head))
    if not rules and not any(word in error.problem for word in WORDS):
        return error
    return Failed(
        f"{short_name(head)} is protected{f' ({rules})' if rules else ''}; {error.problem}",
        "Go by a pull request: the same command with --via-pr",
    )


def protections(context: Context, branch: str) -> str:
    """Return the branch's rules that keep pushes off, by name; nothing where there are none or nobody tells."""
    try:
        found = {rule["type"] for rule in branch_rules(context, branch)}
    except ReleaseError:
        return ""
    return ", ".join(name.replace("_", " ") for name in AGAINST if name in found)


def check_request(wanted: PickRequest, line: Line) -> None:
    """Raise Usage when no commit is asked for."""
    if not wanted.anything:
        raise Usage(
            "which commits?", f"Give --commit SHA or --pr NUMBER. See: inv release.pick --candidates --line {line}"
        )
