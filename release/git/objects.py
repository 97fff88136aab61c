"""Files of a commit by the dozen, read from Git's own store and never from the checkout."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import PurePosixPath

from release.errors import CouldNotTellError
from release.git.repository import Repository


def files(repo: Repository, sha: str, path: str, wanted: Callable[[str], bool] = bool) -> dict[str, bytes]:
    """Return the file at the path, or all below it that are wanted, at the commit.

    Raises CouldNotTellError for a link or submodule, wanted or not: what it leads to is not seen.
    """
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
        if wanted(name):
            found[name] = oid
    return dict(zip(found, repo.store.contents(list(found.values())), strict=True))


def tree_with(repo: Repository, before: str, texts: Mapping[str, bytes]) -> str:
    """Return the tree of a commit or tree with these files' contents; writes objects alone, which nothing names."""
    with tempfile.TemporaryDirectory(prefix="release-tree-") as folder:
        git = partial(repo.git, GIT_INDEX_FILE=f"{folder}/index")
        git("read-tree", before)
        for path, text in texts.items():
            mode = git("ls-files", "--stage", "--", path).partition(" ")[0]
            blob = repo.git("hash-object", "-w", "--stdin", stdin=text.decode("utf-8", "surrogateescape"))
            git("update-index", "--cacheinfo", f"{mode},{blob},{path}")
        return git("write-tree", "--missing-ok")


def existing_paths(repo: Repository, sha: str, paths: Sequence[str]) -> set[str]:
    """Return those of the paths that are in the commit, as files or folders."""
    repo.need_commit(sha)
    found = repo.store.read([f"{sha}:{_normal(path)}" for path in paths])
    return {path for path, stored in zip(paths, found, strict=True) if stored}


def _normal(path: str) -> str:
    """Return the path as Git spells it; nothing for the whole repository."""
    return str(PurePosixPath(path)) if PurePosixPath(path).parts else ""
