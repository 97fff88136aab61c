"""What the history tells of commits, beyond a shallow clone's cut too."""

from __future__ import annotations

from release.errors import ReleaseError
from release.git.repository import Repository


def parents(repo: Repository, sha: str) -> list[str]:
    """Return the commit's parents, those beyond a shallow clone's cut too."""
    return repo.whole("rev-list", "--parents", "--max-count=1", sha, "--").split(" ")[1:]


def title(repo: Repository, sha: str) -> str:
    """Return the commit's title."""
    return repo.whole("log", "--max-count=1", "--format=%s", sha, "--")


def is_in_history(repo: Repository, sha: str, head: str) -> bool:
    """Whether the commit is in the history of `head`, beyond a shallow clone's cut too."""
    try:
        repo.whole("merge-base", "--is-ancestor", sha, head)
    except ReleaseError:
        return False
    return True
