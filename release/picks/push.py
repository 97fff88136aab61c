"""The picks of a plan: made in a worktree, then brought onto the release branch by a push or a pull request."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import semver

from release.artifacts.next_release import coordinated_tag
from release.call.context import Context
from release.call.ensure import ensure
from release.call.flags import PickRequest
from release.call.plan import Content
from release.call.texts import amount
from release.errors import Conflict, Failed, ReleaseError
from release.git.fetch import need_history
from release.git.lines import line_branches, needed_branch
from release.git.refs import NEW, Push, RemoteRef, branch_ref, brief, short_name
from release.git.repository import Repository, repository
from release.git.scratch import worktree
from release.git.snapshot import remote
from release.git.tags import tag_at
from release.github.burned import push_version_tag
from release.github.commits import branch_checks, branch_rules, follow_checks
from release.github.pulls import delete_branch, merge_method, merge_pull_request, open_pull_request
from release.picks.candidates import line_and_trunk
from release.picks.draft import check_resolved, put_conflict
from release.picks.history import backported_commits, pick_sources, title, titles
from release.picks.plans import PickPlan, backport_branch
from release.picks.request import Pick, requested_picks
from release.picks.worktree import Outcome, close_worktree, open_worktree
from release.versions import Line, line_of

AGAINST = ("pull_request", "merge_queue", "update")  # rules that keep pushes off a branch
WORDS = ("GH006", "GH013", "protected branch", "pull request")  # GitHub's, when it refuses a push for a rule
SHOWN = 5  # commits that may be missing


def pick_plan(context: Context, line: Line, wanted: PickRequest) -> PickPlan:
    """Return what is left to pick; says of the rest where it is. Their history is here afterwards."""
    head, trunk = line_and_trunk(context, line)
    repo, name = repository(context), short_name(head)
    there = backported_commits(repo, head.sha, trunk.sha)
    left = []
    for pick in requested_picks(context, wanted, trunk, head):
        if repo.is_ancestor(pick.sha, head.sha):
            context.report.step("done", f"{pick} on {name}: the branch was cut after it")
        elif pick.sha in there:
            where = f"as {brief(there[pick.sha])}" if there[pick.sha] else "by the same patch"
            context.report.step("done", f"{pick} on {name}, {where}")
        else:
            left.append(pick)
    return PickPlan(line, head, trunk, tuple(left), wanted.via_pr, wanted.draft)


def make_picks(context: Context, plan: PickPlan) -> Outcome:
    """Pick what is planned and say what became of each; a dry run tries it and leaves nothing.

    Raises Failed at a conflict, with a worktree left to resolve it in; before a question it is no end.
    """
    context.confirm(f"pick {amount(len(plan.picks), 'commit')} onto {short_name(plan.head)}")
    repo, trial = repository(context), context.dry
    with worktree(repo, plan.head.sha) as path:  # a killed call's goes with the next (F33): only a conflict's stays
        outcome = plan.pick_in(repo, path)
        if outcome.stopped_at and not trial:
            outcome = _pick_to_conflict(repo, plan)
    if outcome.stopped_at:
        error = conflict(repo, plan, outcome)
        if not context.options.asking:
            raise error
        context.report.step("todo", f"resolve a conflict: {error.problem}")
    for pick in plan.picks:
        if pick.sha in outcome.empty:
            context.report.step("note", f"{pick}: changes nothing on {short_name(plan.head)}, left out")
        elif outcome.stopped_at != pick.sha:
            context.report.step("todo" if trial else "note", f"pick {pick}")
    if not trial or outcome.head == plan.head.sha:
        return outcome
    # The commits of a trial go with its worktree: nobody may look for them later in the call, but for what they hold.
    tree = repo.store.sha(f"{outcome.head}^{{tree}}") or ""
    context.view.add(plan.head.name, Content(tree, plan.head.sha, len(plan.picks)))
    return replace(outcome, head=NEW)


def _pick_to_conflict(repo: Repository, plan: PickPlan) -> Outcome:
    """Pick once more, in a worktree that stays for a person to resolve the conflict in; raise Failed at it."""
    tree, outcome = open_worktree(repo, plan.line, plan.head.sha), None
    try:
        outcome = plan.pick_in(repo, tree.path)
    finally:
        if outcome is None or not outcome.stopped_at:
            close_worktree(repo, tree)
    if outcome.stopped_at:
        raise conflict(repo, plan, outcome, tree.path)
    return outcome


def conflict(repo: Repository, plan: PickPlan, outcome: Outcome, path: Path | None = None) -> Failed:
    """Return the error: files, commits that may be missing, where to resolve it; no `path` is a trial, and gone."""
    pick, trunk = Pick(outcome.stopped_at, title(repo, outcome.stopped_at)), short_name(plan.trunk)
    files = (f"  {file} ({how})" for file, how in outcome.conflicts.items())
    told = [f"{pick} conflicts on {short_name(plan.head)}:", *files]
    missing = prerequisites(repo, outcome, plan.trunk.sha)
    earlier = f"Earlier on {trunk}, touching the same files, not on this line (newest first):"
    told += [earlier, *(f"  {each}" for each in missing)] if missing else []
    if path is None:
        flags = "".join(f" --commit {each.sha[:9]}" for each in reversed(missing))
        more = f" To pick what may be missing first, add:{flags}" if missing else ""
        return Failed("\n".join(told), f"This was a trial; nothing was written.{more or ' Without --dry: resolve it.'}")
    told.append(f"the picks wait in {path}; nothing is pushed")
    carry_on = f"inv release.pick --continue --line {plan.line}{' --via-pr' if plan.via_pr else ''}"
    there = f"cd {shlex.quote(str(path))}; git status; git add --all -- {shlex.join(outcome.conflicts)}"
    hint = f"Resolve it there ({there}), then, back here: {carry_on}"
    return Failed("\n".join(told), f"{hint}\nOr take the picks back: inv release.pick --abort --line {plan.line}")


def prerequisites(repo: Repository, outcome: Outcome, trunk: str) -> list[Pick]:
    """Return the commits before the one in conflict that touch the same paths and are not picked, newest first."""
    there = backported_commits(repo, outcome.head, trunk)
    paths = [f":(top,literal){path}" for path in outcome.conflicts]
    found = titles(repo, "--no-merges", f"{outcome.head}..{outcome.stopped_at}", "--", *paths)
    return [Pick(*each) for each in found.items() if each[0] != outcome.stopped_at and each[0] not in there][:SHOWN]


def push_picks(context: Context, head: RemoteRef, sha: str, version: semver.Version | None = None) -> RemoteRef:
    """Return the release branch with the picked commit on it, pushed if the branch still is at `head` (F5).

    With a version, branch and tag go in one atomic push, by the rule before every tag. Raises Conflict when somebody
    pushed meanwhile.
    """
    if version:
        places = [replace(each, sha=sha) for each in line_branches(context, line_of(version)) if each.name == head.name]
        coordinated_tag(context, version, sha, places)

    def _find() -> RemoteRef | None:
        now = remote(context).head_sha(short_name(head))
        if now is None:
            return None
        if now != sha:  # the same in a dry run's view: a new commit, which Git knows nothing of
            repository(context).need_commit(now, head.name)
            if not repository(context).is_ancestor(sha, now):
                return None
        return branch_ref(short_name(head), now) if version is None or tag_at(context, version, sha) else None

    planned = context.view.get(Content, head.name)
    return ensure(
        context,
        f"{short_name(head)} at {brief(sha)}" + (f" and tag {version}, in one push" if version else ""),
        find=_find,
        make=lambda: _push(context, head, sha, version),
        planned=branch_ref(short_name(head), NEW),
        facts=lambda there: {"picks": head.name, "commit": there.sha if there else planned or sha},
    )


def _push(context: Context, head: RemoteRef, sha: str, version: semver.Version | None) -> None:
    push = Push(head.name, sha, expected=head.sha)
    try:
        if version is None:
            repository(context).push([push])
        else:
            push_version_tag(context, version, sha, push)
    except Failed as error:
        rules = blocking_rules(context, short_name(head))
        if not rules and not any(word in error.problem for word in WORDS):
            raise
        problem = f"{short_name(head)} is protected{f' ({rules})' if rules else ''}; {error.problem}"
        raise Failed(problem, "Go by a pull request: the same command with --via-pr") from error  # the way round (F13)


def blocking_rules(context: Context, branch: str) -> str:
    """Return the branch's rules that keep pushes off, by name; nothing where there are none or nobody tells."""
    try:
        found = {rule["type"] for rule in branch_rules(context, branch)}
    except ReleaseError:
        return ""
    return ", ".join(name.replace("_", " ") for name in AGAINST if name in found)


def pick_by_pull_request(context: Context, plan: PickPlan) -> RemoteRef:
    """Return the release branch with the plan's picks, merged by a pull request from a branch of its own."""
    there = _backport_on_remote(context, plan)
    if there is None and plan.draft:
        with worktree(repository(context), plan.head.sha) as path:
            tried = plan.pick_in(repository(context), path)
        if tried.stopped_at:
            return put_conflict(context, plan, tried)
    sha = there.sha if there else make_picks(context, plan).head
    if sha == plan.head.sha:
        return plan.head
    return merge_backport(context, plan, push_backport(context, plan, sha))


def push_backport(context: Context, plan: PickPlan, sha: str) -> RemoteRef:
    """Return the backport branch with the plan's picks, which end in `sha`, pushed where it is missing."""
    name = backport_branch(plan)
    ref = branch_ref(name, sha)
    merge_method(context, short_name(plan.head))  # without one, nothing is begun
    planned = context.view.get(Content, plan.head.name)
    return ensure(
        context,
        f"branch {name} with {amount(len(plan.picks), 'pick')}",
        find=lambda: ref if remote(context).head_sha(name) == sha else _backport_on_remote(context, plan),
        make=lambda: repository(context).push([Push(ref.name, sha)]),
        planned=branch_ref(name, NEW),
        facts=lambda there: {"backport": ref.name, "commit": there.sha if there else planned or sha},
    )


def merge_backport(context: Context, plan: PickPlan, backport: RemoteRef) -> RemoteRef:
    """Return the release branch with the backport merged into it, once its checks are through; writes both.

    The release branch is the base, never the head, and is looked up again afterwards (F18).
    """
    repo, base = repository(context), short_name(plan.head)
    # What is on the branch, not what was asked for: a pick that changed nothing is not on it.
    picks = plan.picks if backport.sha == NEW else picks_between(repo, plan.head.sha, backport.sha)
    opened = open_pull_request(context, backport, base, *_title_and_body(plan.line, base, picks))
    check_resolved(context, plan.head.sha, backport, opened)
    if not opened.merged:
        follow_checks(context, branch_checks(context, backport.sha, short_name(backport), base, opened.url))
    done = merge_pull_request(context, opened, backport.sha)
    now = branch_ref(base, NEW) if done.merge_sha == NEW else needed_branch(context, plan.line)
    if now.sha != NEW:
        need_history(repo, [now])
        if not repo.is_ancestor(done.merge_sha, now.sha):
            without = f"{short_name(now)} is at {brief(now.sha)}, without the merged {brief(done.merge_sha)}"
            raise Conflict(without, f"Look: {done.url}")
    delete_branch(context, backport)
    return now


def picks_between(repo: Repository, base: str, head: str) -> list[Pick]:
    """Return what was picked after `base` up to `head`, oldest first, by the commits picked."""
    return [Pick(source, title(repo, sha)) for source, sha in pick_sources(repo, f"{base}..{head}").items()]


def _backport_on_remote(context: Context, plan: PickPlan) -> RemoteRef | None:
    """Return the remote's backport branch if it holds the plan's picks and nothing else; raise Conflict otherwise."""
    name, repo = backport_branch(plan), repository(context)
    sha = remote(context).head_sha(name)
    if sha in (None, NEW):
        return None
    ref = branch_ref(name, sha)
    need_history(repo, [ref])
    if not _holds_picks_alone(repo, plan, sha):
        problem = f"branch {name} is at {brief(sha)} and holds other commits than these picks"
        delete = f"git push {context.settings.release.remote} --delete {name}"
        raise Conflict(problem, f"Look at it, and delete it if it is a leftover: {delete}")
    return ref


def _holds_picks_alone(repo: Repository, plan: PickPlan, sha: str) -> bool:
    """Whether the branch is what picking gives: a commit for each by its trailer, and made again the same files.

    Picks that conflict cannot be made again: what resolved them is in their own files, for a reviewer to see.
    """
    base = repo.whole("merge-base", plan.head.sha, sha)
    sources = list(pick_sources(repo, f"{base}..{sha}"))
    count = repo.whole("rev-list", "--count", f"{base}..{sha}", "--")
    if not sources or not set(sources) <= set(plan.shas) or int(count) != len(sources):
        return False
    with worktree(repo, base) as path:
        outcome = plan.pick_in(repo, path)
    if not outcome.stopped_at:
        left = [each for each in plan.shas if each not in outcome.empty]
        return sources == left and not repo.changed_paths(outcome.head, sha)
    own = repo.whole("show", "--format=", "--name-only", "--no-renames", "-m", "-z", *sources, "--").split("\0")
    return set(repo.changed_paths(base, sha)) <= set(own)


def _title_and_body(line: Line, branch: str, picks: Sequence[Pick]) -> tuple[str, str]:
    """Return the pull request's texts; the trailers in its body make a squashed merge known again."""
    title = f"Backport to {line}: {picks[0].title}" if len(picks) == 1 else f"Backport {len(picks)} commits to {line}"
    listed = "\n".join(f"- {pick.sha} {pick.title}" for pick in picks)
    trailers = "\n".join(f"(cherry picked from commit {pick.sha})" for pick in picks)
    return title, f"Picked onto {branch}:\n\n{listed}\n\n{trailers}\n"
