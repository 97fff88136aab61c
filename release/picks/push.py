"""The picks of a plan: tried or made in a worktree, then pushed onto the release branch."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path

import semver

from release.call.context import Context
from release.call.ensure import ensure
from release.call.flags import PickRequest
from release.errors import Failed, ReleaseError
from release.git.refs import NEW, Push, RemoteRef, brief, short_name
from release.git.repository import Repository, repository
from release.git.snapshot import remote
from release.git.tags import push_tag, tag_at
from release.github.commits import branch_rules
from release.picks.candidates import line_and_trunk
from release.picks.history import backported_commits, is_in_history, title, titles
from release.picks.request import Pick, requested_picks
from release.picks.worktree import Outcome, cherry_pick, close_worktree, open_worktree
from release.versions import Line

AGAINST = ("pull_request", "merge_queue", "update")  # rules that keep pushes off a branch
WORDS = ("GH006", "GH013", "protected branch", "pull request")  # GitHub's, when it refuses a push for a rule
SHOWN = 5


@dataclass(frozen=True)
class PickPlan:
    """What to pick, in order, onto the head of the line's release branch; `via_pr`: by a pull request."""

    line: Line
    head: RemoteRef
    trunk: RemoteRef
    picks: tuple[Pick, ...]
    via_pr: bool = False

    @property
    def shas(self) -> list[str]:
        """The commits to pick."""
        return [pick.sha for pick in self.picks]

    @property
    def mainline(self) -> int:
        """The parent that merge commits' changes are against; the same for all of a call."""
        return max((pick.mainline for pick in self.picks), default=0)


def pick_plan(context: Context, line: Line, wanted: PickRequest) -> PickPlan:
    """Return what is left to pick; says of the rest where it is. Their history is here afterwards."""
    head, trunk = line_and_trunk(context, line)
    repo, name = repository(context), short_name(head)
    there = backported_commits(repo, head.sha, trunk.sha)
    left = []
    for pick in requested_picks(context, wanted, trunk, head):
        if is_in_history(repo, pick.sha, head.sha):
            context.report.step("done", f"{pick} on {name}: the branch was cut after it")
        elif pick.sha in there:
            where = f"as {brief(there[pick.sha])}" if there[pick.sha] else "by the same patch"
            context.report.step("done", f"{pick} on {name}, {where}")
        else:
            left.append(pick)
    return PickPlan(line, head, trunk, tuple(left), wanted.via_pr)


def make_picks(context: Context, plan: PickPlan) -> Outcome:
    """Pick what is planned and say what became of each; a dry run tries it and leaves nothing.

    Raises Failed at a conflict, with the worktree left to resolve it in.
    """
    trial = context.dry
    outcome = _try_picks(context, plan) if trial else _pick_in_worktree(context, plan)
    for pick in plan.picks:
        if pick.sha in outcome.empty:
            context.report.step("note", f"{pick}: changes nothing on {short_name(plan.head)}, left out")
        elif outcome.stopped_at != pick.sha:
            context.report.step("todo" if trial else "note", f"pick {pick}")
    return outcome


def _pick_in_worktree(context: Context, plan: PickPlan) -> Outcome:
    context.confirm(f"pick {len(plan.picks)} commits onto {short_name(plan.head)}")
    repo = repository(context)
    tree = open_worktree(repo, plan.line, plan.head.sha)
    outcome = None
    try:
        outcome = cherry_pick(repo, tree.path, plan.shas, plan.mainline)
    finally:
        # A conflict's worktree stays, to be resolved in. So does a killed call's, and is found by its name.
        if outcome is None or not outcome.stopped_at:
            close_worktree(repo, tree)
    if outcome.stopped_at:
        raise conflict(repo, plan, outcome, tree.path)
    return outcome


def _try_picks(context: Context, plan: PickPlan) -> Outcome:
    """Try the picks in a worktree that is gone afterwards; before a question, a conflict is no end."""
    repo = repository(context)
    with repo.worktree(plan.head.sha) as path:
        outcome = cherry_pick(repo, path, plan.shas, plan.mainline)
    if outcome.stopped_at:
        error = conflict(repo, plan, outcome)
        if not context.options.asking:
            raise error
        context.report.step("todo", f"resolve a conflict: {error.problem}")
    # The commits of a trial go with its worktree: nobody may look for them later in the call.
    return outcome if outcome.head == plan.head.sha else replace(outcome, head=NEW)


def conflict(repo: Repository, plan: PickPlan, outcome: Outcome, path: Path | None = None) -> Failed:
    """Return the error: the files, the trunk's commits that may be missing, and where to resolve it.

    Without `path` it was a trial, of which nothing is left.
    """
    pick, trunk = Pick(outcome.stopped_at, title(repo, outcome.stopped_at)), short_name(plan.trunk)
    told = [
        f"{pick} conflicts on {short_name(plan.head)}:",
        *(f"  {path} ({how})" for path, how in outcome.conflicts.items()),
    ]
    missing = _prerequisites(repo, outcome, plan.trunk.sha)
    if missing:
        told.append(f"on {trunk} before it and not on the line, though it touches the same; newest first:")
        told += [f"  {each}" for each in missing]
    if path is None:
        return Failed("\n".join(told), "This was a trial, nothing is written. Pick what is missing too, or resolve it.")
    told.append(f"the picks wait in {path}; nothing is pushed")
    carry_on = f"inv release.pick --continue{' --via-pr' if plan.via_pr else ''}"
    return Failed(
        "\n".join(told),
        f"Resolve it there (cd {shlex.quote(str(path))}; git status; git add …), then, back here: {carry_on}\n"
        "Or take the picks back: inv release.pick --abort",
    )


def _prerequisites(repo: Repository, outcome: Outcome, trunk: str) -> list[Pick]:
    """Return the commits before the one in conflict that touch the same paths and are not picked, newest first."""
    there = backported_commits(repo, outcome.head, trunk)
    paths = [f":(top,literal){path}" for path in outcome.conflicts]
    found = titles(repo, "--no-merges", f"{outcome.head}..{outcome.stopped_at}", "--", *paths)
    return [Pick(*each) for each in found.items() if each[0] != outcome.stopped_at and each[0] not in there][:SHOWN]


def push_picks(context: Context, head: RemoteRef, sha: str, version: semver.Version | None = None) -> RemoteRef:
    """Return the release branch with the picked commit on it, pushed if the branch still is at `head` (F5).

    With a version, branch and tag go in one atomic push. Raises Conflict when somebody pushed meanwhile.
    """

    def find() -> RemoteRef | None:
        now = remote(context).head_sha(short_name(head))
        if now is None or not _has(repository(context), RemoteRef(head.name, now, now), sha):
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


def _has(repo: Repository, head: RemoteRef, sha: str) -> bool:
    if head.sha == sha:  # a dry run's new commit too, which Git knows nothing of
        return True
    repo.need_commit(head.sha, head.name)
    return is_in_history(repo, sha, head.sha)


def _push(context: Context, head: RemoteRef, sha: str, version: semver.Version | None) -> None:
    push = Push(head.name, sha, expected=head.sha)
    try:
        if version is None:
            repository(context).push([push])
        else:
            push_tag(context, version, sha, push)
    except Failed as error:
        raise _refusal(context, head, error) from error


def _refusal(context: Context, head: RemoteRef, error: Failed) -> Failed:
    """Return the error with the way around a protected branch, where it is one (F13)."""
    rules = blocking_rules(context, short_name(head))
    if not rules and not any(word in error.problem for word in WORDS):
        return error
    return Failed(
        f"{short_name(head)} is protected{f' ({rules})' if rules else ''}; {error.problem}",
        "Go by a pull request: the same command with --via-pr",
    )


def blocking_rules(context: Context, branch: str) -> str:
    """Return the branch's rules that keep pushes off, by name; nothing where there are none or nobody tells."""
    try:
        found = {rule["type"] for rule in branch_rules(context, branch)}
    except ReleaseError:
        return ""
    return ", ".join(name.replace("_", " ") for name in AGAINST if name in found)
