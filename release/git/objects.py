"""Files of a commit by the dozen, read from Git's own store and never from the checkout."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from release.errors import CouldNotTellError
from release.git.repository import Repository


def files(repo: Repository, sha: str, path: str) -> dict[str, bytes]:
    """Return the file at the path, or all below it, at the commit; raise CouldNotTellError for a link or submodule."""
    repo.need_commit(sha)
    where = _normal(path)
    listed = repo.git_bytes("ls-tree", "-r", "-z", "--full-tree", sha, "--", *([where] if where else []))
    found: dict[str, str] = {}
    for entry in listed.decode("utf-8", "surrogateescape").split("\0")[:-1]:
        kind, _, name = entry.partition("\t")
        mode, _, oid = kind.split(" ")
        if mode not in ("100644", "100755"):  # a regular file
            link = "a submodule" if mode == "160000" else "a symbolic link"
            raise CouldNotTellError(f"{name} is {link}, which is not followed: put the file itself there")
        found[name] = oid
    return dict(zip(found, repo.store.contents(list(found.values())), strict=True))


def existing_paths(repo: Repository, sha: str, paths: Sequence[str]) -> set[str]:
    """Return those of the paths that are in the commit, as files or folders."""
    repo.need_commit(sha)
    found = repo.store.read([f"{sha}:{_normal(path)}" for path in paths])
    return {path for path, stored in zip(paths, found, strict=True) if stored}


def _normal(path: str) -> str:
    """Return the path as Git spells it; nothing for the whole repository."""
    return str(PurePosixPath(path)) if PurePosixPath(path).parts else ""
