"""What picking a change onto each line would come to: really tried, apart from everything, and gone again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from release.call.context import Context
from release.errors import Failed, Usage
from release.git.fetch import need_history
from release.git.lines import release_branches
from release.git.refs import RemoteRef, short_name
from release.git.repository import Repository, repository
from release.git.scratch import worktree
from release.picks.push import prerequisites
from release.picks.request import Pick
from release.picks.worktree import Outcome, cherry_pick
from release.versions import Line

# Who commits in a trial: nobody is set up in a job that only reads.
_WHO = ("-c", "user.name=release.preview", "-c", "user.email=release.preview@localhost")
_WHEN = "@0 +0000"  # the same commit whenever it is asked
CLEAN, CONFLICT, NEEDS, THERE = "clean", "conflict", "needs others", "there already"


@dataclass(frozen=True)
class Prediction:
    """What a pick onto a line comes to: clean, there already, in conflict in `files`, or so without `needs` first."""

    line: Line
    branch: str
    comes_to: str
    files: tuple[str, ...] = ()
    needs: tuple[Pick, ...] = ()


def merged_commit(context: Context, base: RemoteRef, head: RemoteRef) -> str:
    """Return the commit that squashing a change into the base would make, always the same one of the same two.

    No ref names it. A merge's pick is against its first parent, which is the same change. Raises Failed where it
    conflicts with the base, Usage where it changes nothing.
    """
    repo = repository(context)
    need_history(repo, [base, head])
    with worktree(repo, base.sha) as path:
        tree = _merged_tree(repo, path, short_name(base), head.sha)
    if tree == repo.store.sha(f"{base.sha}^{{tree}}"):
        raise Usage(f"{short_name(base)} has all of it: there is nothing to merge", "Name a pull request: --pr 123")
    command = (*_WHO, "commit-tree", "-p", base.sha, "-m", "The change", tree)
    return repo.git(*command, GIT_AUTHOR_DATE=_WHEN, GIT_COMMITTER_DATE=_WHEN)


def _merged_tree(repo: Repository, path: Path, base: str, sha: str) -> str:
    try:
        repo.whole(*_WHO, "merge", "--quiet", "--squash", sha, cwd=path)
    except Failed as error:
        files = repo.git("diff", "--name-only", "--diff-filter=U", "-z", cwd=path).split("\0")[:-1]
        if files:
            hint = f"Merge {base} into it, or rebase it; then ask again."
            raise Failed(f"it conflicts with {base}: {', '.join(files)}", hint) from error
        raise
    return repo.git("write-tree", cwd=path)


def predictions(context: Context, sha: str, trunk: RemoteRef) -> list[Prediction]:
    """Return what picking a commit onto each line that has a branch comes to, the newest line first."""
    branches = sorted(release_branches(context).items(), reverse=True)
    need_history(repository(context), [trunk, *(head for _, head in branches)])
    return [predict_pick(repository(context), line, head, sha, trunk) for line, head in branches]


def predict_pick(repo: Repository, line: Line, head: RemoteRef, sha: str, trunk: RemoteRef) -> Prediction:
    """Return what picking a commit onto the line's head comes to; what it may need first is on the trunk."""
    name, outcome = short_name(head), _try(repo, head.sha, [sha])
    if not outcome.stopped_at:
        return Prediction(line, name, THERE if outcome.head == head.sha else CLEAN)
    files, needs = tuple(outcome.conflicts), prerequisites(repo, outcome, trunk.sha)
    # Oldest first; that they touch the same files is a guess until it is tried.
    if needs and not _try(repo, head.sha, [*(each.sha for each in reversed(needs)), sha]).stopped_at:
        return Prediction(line, name, NEEDS, files, tuple(reversed(needs)))
    return Prediction(line, name, CONFLICT, files)


def _try(repo: Repository, onto: str, shas: list[str]) -> Outcome:
    with worktree(repo, onto) as path:
        return cherry_pick(repo, path, shas, options=(*_WHO, "-c", "commit.gpgSign=false"))
