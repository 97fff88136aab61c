"""A conflict put to a person as a draft pull request: the picks up to it, as Git left it, and what to type."""

from __future__ import annotations

from release.call.context import Context
from release.call.ensure import ensure
from release.errors import Failed, Waiting
from release.git.refs import NEW, Push, RemoteRef, branch_ref, short_name
from release.git.repository import Repository, repository
from release.git.scratch import worktree
from release.git.snapshot import remote
from release.github.api import github
from release.github.pulls import PullRequest, open_pull_request
from release.picks.history import title
from release.picks.plans import PickPlan, backport_branch
from release.picks.request import Pick
from release.picks.worktree import Outcome

MARKERS = (b"<<<<<<< ", b">>>>>>> ")


def put_conflict(context: Context, plan: PickPlan, outcome: Outcome) -> RemoteRef:
    """Push the picks up to the conflict and open a draft for it; a dry run shows both, and stands for it resolved.

    Raises Waiting: a person resolves it, and marks it ready.
    """
    repo, branch, shas, base = repository(context), backport_branch(plan), plan.shas, plan.head
    pick = Pick(outcome.stopped_at, title(repo, outcome.stopped_at))
    sha = NEW if context.dry else _commit(repo, base.sha, shas)
    ref = branch_ref(branch, sha)
    ensure(
        context,
        f"branch {branch} with the conflict of {pick}",
        find=lambda: ref if remote(context).head_sha(branch) else None,
        make=lambda: repo.push([Push(ref.name, sha)]),
        planned=ref,
    )
    texts = f"Backport to {plan.line}, in conflict: {pick.title}", _body(context, plan, outcome)
    opened = open_pull_request(context, ref, short_name(base), *texts, draft=True)
    _label(context, opened, context.settings.release.backport_label.replace("{line}", str(plan.line)))
    if context.dry:
        return branch_ref(short_name(base), NEW)
    raise _unresolved(opened)


def check_resolved(context: Context, base: str, backport: RemoteRef, opened: PullRequest) -> None:
    """Raise Waiting for a draft that nobody marked ready, Failed where conflict markers are left in what it changes."""
    if opened.draft and not opened.merged:
        raise _unresolved(opened)
    if backport.sha == NEW:
        return
    repo = repository(context)
    since = repo.whole("merge-base", base, backport.sha)
    changed = repo.changed_paths(since, backport.sha)
    left = [path for path in changed if _marked(repo, backport.sha, path) and not _marked(repo, since, path)]
    if left:
        raise Failed(f"conflict markers are left in {', '.join(left)} on {short_name(backport)}", f"Look: {opened.url}")


def _marked(repo: Repository, sha: str, path: str) -> bool:
    """Whether the file has a conflict as Git writes it."""
    lines = (repo.file(sha, path) or b"").splitlines()
    return all(any(line.startswith(mark) for line in lines) for mark in MARKERS)


def _unresolved(opened: PullRequest) -> Waiting:
    problem = f"draft #{opened.number} waits for a person to resolve the conflict: {opened.url}"
    return Waiting(problem, "It says how. Mark it ready, then run the same again.")


def _commit(repo: Repository, base: str, shas: list[str]) -> str:
    """Return the picks up to the first that conflicts, and that one as Git left it, markers and all."""
    with worktree(repo, base) as path:
        try:
            repo.git("-c", "rerere.autoUpdate=false", "cherry-pick", "-x", *shas, cwd=path)
        except Failed:
            repo.git("add", "--all", cwd=path)
            repo.git("commit", "--quiet", "--no-verify", "--no-edit", "--allow-empty", cwd=path)
        return repo.git("rev-parse", "HEAD", cwd=path)


def _body(context: Context, plan: PickPlan, outcome: Outcome) -> str:
    """Say what conflicts, who wrote it, and what to type; the trailers make a squashed merge known again."""
    repo, remote_name = repository(context), context.settings.release.remote
    branch, shas = backport_branch(plan), plan.shas
    who = repo.git("show", "-s", "--format=%an", outcome.stopped_at, "--")
    rest = shas[shas.index(outcome.stopped_at) + 1 :]
    typed = [
        f"git fetch {remote_name} {branch} && git checkout -B {branch} FETCH_HEAD",
        "# mend the files, then:",
        "git add --all && git commit --amend --no-edit",
        *([f"git cherry-pick -x {' '.join(rest)}"] if rest else []),
        f"git push --force-with-lease {remote_name} {branch}",
        "gh pr ready",
    ]
    files = [f"- `{name}` ({how})" for name, how in outcome.conflicts.items()]
    trailers = [f"(cherry picked from commit {sha})" for sha in shas]
    pick = Pick(outcome.stopped_at, title(repo, outcome.stopped_at))
    first = f"{pick}, by {who}, conflicts on {short_name(plan.head)}:"
    return "\n".join([first, "", *files, "", "```sh", *typed, "```", "", *trailers, ""])


def _label(context: Context, opened: PullRequest, label: str) -> None:
    """Have the pull request carry its line's label; where that may not be written it goes without."""
    path = f"issues/{opened.number}/labels"

    def _find() -> bool | None:
        return True if any(each["name"] == label for each in github(context).pages(path)) else None

    if opened.number or context.dry:
        find = (lambda: None) if context.dry else _find
        make = lambda: github(context).send("POST", path, {"labels": [label]})  # noqa: E731
        ensure(context, f"label {label}", find=find, make=make, planned=True)
