"""What a call keeps in the clone for a moment, refs and worktrees, and what a killed call left of that (F33)."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from release.errors import Failed
from release.git.repository import Repository

SPACE = "refs/release/"
_TREE = "release-tasks-scratch-"
_OURS = re.compile(rf"{_TREE}[a-z0-9_]{{8}}")  # as mkdtemp names it: a person's own worktree is none (F22)


@contextmanager
def scratch(repo: Repository, clear: bool = True) -> Iterator[list[str]]:
    """Keep what is made in the clone until the end of the block from other calls; takes away what a killed one left.

    Yields that, refs by name and worktrees by path. Who is alive holds a shared lock on Git's own folder, and the
    system lets go of a killed one's: where nobody holds any, all that is there is left over. A file system without
    locks has nothing taken away.
    """
    folder, found = os.open(repo.common, os.O_RDONLY), list[str]()
    try:
        with suppress(OSError):
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            refs, trees = [ref.name for ref in repo.refs(SPACE)], _worktrees(repo)
            found = [*refs, *trees]
            if clear:
                _clear(repo, refs, trees)
        with suppress(OSError):
            fcntl.flock(folder, fcntl.LOCK_SH)
        yield found
    finally:
        os.close(folder)


@contextmanager
def worktree(repo: Repository, sha: str) -> Iterator[Path]:
    """Check the commit out, detached, in a temporary worktree that is gone afterwards (F22)."""
    with scratch(repo):
        path = Path(tempfile.mkdtemp(prefix=_TREE)).resolve()
        try:
            add_worktree(repo, path, sha)
            yield path
        finally:
            _remove(repo, str(path))


def is_alone(repo: Repository) -> bool:
    """Whether no other call keeps anything in the clone for a moment; not where nobody can tell."""
    folder = os.open(repo.common, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(folder)
    return True


def clear_leftovers(repo: Repository) -> None:
    """Take away what killed calls left in the clone, where nobody is at work (F33)."""
    with scratch(repo):
        pass


def add_worktree(repo: Repository, path: Path, sha: str) -> None:
    """Check the commit out, detached, in a worktree at the path: all its files, and no hook of a person's checkout."""
    # The files in one step: killed half way between two, it would look like changes of somebody's.
    options = ("-c", "core.hooksPath=/dev/null", "-c", "submodule.recurse=false")
    repo.git(*options, "worktree", "add", "--quiet", "--detach", "--", str(path), sha)
    if repo.git("config", "--bool", "--default=false", "core.sparseCheckout", cwd=path) == "true":
        repo.git("sparse-checkout", "disable", cwd=path)  # Git takes the person's choice of files over


def delete_refs(repo: Repository, names: list[str]) -> None:
    """Delete refs of the tool's own in one step."""
    if names:
        repo.git("update-ref", "--stdin", stdin="".join(f"delete {name}\n" for name in names))


def _clear(repo: Repository, refs: list[str], trees: list[str]) -> None:
    with suppress(Failed):  # a lock that a killed Git left stops Git, not this call (F25)
        delete_refs(repo, refs)
    for path in trees:
        _remove(repo, path)


def _worktrees(repo: Repository) -> list[str]:
    if not (repo.common / "worktrees").is_dir():  # where Git keeps them
        return []
    listed = [each.splitlines() for each in repo.git("worktree", "list", "--porcelain").split("\n\n")]
    paths = [texts[0].removeprefix("worktree ") for texts in listed if "detached" in texts]
    return [path for path in paths if _OURS.fullmatch(Path(path).name)]


def _remove(repo: Repository, path: str) -> None:
    shutil.rmtree(path, ignore_errors=True)
    with suppress(Failed):  # there is none where it could not be made
        # Twice: one that was killed while Git made it is locked.
        repo.git("worktree", "remove", "--force", "--force", "--", path)
