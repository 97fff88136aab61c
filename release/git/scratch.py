"""What a call keeps in the clone for a moment, folders and worktrees, and what a killed call left of that (F33)."""

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

_ASIDE = "release-aside-"
_TREE = "release-tasks-scratch-"
_OURS = re.compile(rf"{_TREE}[a-z0-9_]{{8}}")  # as mkdtemp names it: a person's own worktree is none (F22)


@contextmanager
def scratch(repo: Repository, clear: bool = True) -> Iterator[list[str]]:
    """Keep what is made in the clone until the end of the block from other calls; takes away what a killed one left.

    Yields that, worktrees and folders by path. Who is alive holds a shared lock on Git's own folder, and the
    system lets go of a killed one's: where nobody holds any, all that is there is left over. A file system without
    locks has nothing taken away.
    """
    lock, found = os.open(repo.common, os.O_RDONLY), list[str]()
    try:
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            found = [*_worktrees(repo), *map(str, repo.common.glob(f"{_ASIDE}*"))]
            for path in found if clear else ():
                _remove(repo, path)
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_SH)
        yield found
    finally:
        os.close(lock)


@contextmanager
def folder(repo: Repository) -> Iterator[Path]:
    """Make a folder in Git's own, on the same disk and under the same settings; it is gone afterwards.

    Raises Failed where nobody may write there.
    """
    with scratch(repo):
        try:
            path = Path(tempfile.mkdtemp(prefix=_ASIDE, dir=repo.common))
        except OSError as error:
            problem = f"{repo.common} takes no folder: {error.strerror}"
            raise Failed(problem, "A release needs a clone that it may write to.") from error
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)


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
    if (repo.common / "worktrees" / path.name / "info" / "sparse-checkout").exists():
        repo.git("sparse-checkout", "disable", cwd=path)  # Git takes the person's choice of files over


def _worktrees(repo: Repository) -> list[str]:
    if not (repo.common / "worktrees").is_dir():  # where Git keeps them
        return []
    listed = [each.splitlines() for each in repo.git("worktree", "list", "--porcelain").split("\n\n")]
    paths = [texts[0].removeprefix("worktree ") for texts in listed if "detached" in texts]
    return [path for path in paths if _OURS.fullmatch(Path(path).name)]


def _remove(repo: Repository, path: str) -> None:
    """Take away a worktree's folder, and what Git keeps of it: the folder of its name among the repository's own."""
    shutil.rmtree(path, ignore_errors=True)
    shutil.rmtree(repo.common / "worktrees" / Path(path).name, ignore_errors=True)
    with suppress(OSError):  # Git takes the last one's away too
        (repo.common / "worktrees").rmdir()
