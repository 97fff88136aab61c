"""Fetches that leave nothing in the clone but objects: they go through a repository aside, which has its own refs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from release.git.refs import HEADS, RemoteRef
from release.git.repository import FETCH, PAST_CUT, Repository
from release.git.scratch import folder

# The clone's hooks are told of its own refs alone.
CONFIG = """[core]
	repositoryFormatVersion = 1
[extensions]
	objectFormat = {}
[include]
{}[core]
	hooksPath = /dev/null
"""
THERE = "refs/there/"  # the remote's refs aside: Git writes no branch that is checked out


def remote_refs(repo: Repository, parts: Sequence[str], known: Sequence[RemoteRef]) -> list[RemoteRef]:
    """Return the remote's refs whose full names begin with one of `parts`: no ref of this clone is touched (F9).

    `known` are refs that are about the same: where their objects are here, Git need not go through the history to see
    that it has all that it was sent; nor does it read the clone's own refs, of which there may be 100,000.
    """
    here = [stored.sha for stored in repo.store.read([ref.target for ref in known]) if stored]
    with folder(repo) as aside:
        _prepare(repo, aside, here)
        _fetch_into(repo, aside, [f"+{part}*:{THERE}{part}*" for part in parts])
        found = {str(file.relative_to(aside / THERE)): file.read_text().strip() for file in _files(aside / THERE)}
    peeled = repo.store.read([f"{target}^{{}}" for target in found.values()])
    shas = [stored.sha if stored else "" for stored in peeled]
    return [RemoteRef(name, sha, target) for (name, target), sha in zip(found.items(), shas, strict=True)]


def need_history(repo: Repository, heads: Sequence[RemoteRef]) -> None:
    """Have the whole history of these branches here; a shallow clone gets the objects and stays cut as it is."""
    if not repo.is_shallow():
        for head in heads:
            repo.need_commit(head.sha, head.name)
    elif not repo.succeeds(*PAST_CUT, "rev-list", "--count", *(head.sha for head in heads)):
        _fetch_aside(repo, [head.name for head in heads])


def need_objects(repo: Repository, refs: Sequence[RemoteRef]) -> None:
    """Have what these refs name here, tags' own objects too; a shallow clone gets no history with them."""
    found = repo.store.read([ref.target for ref in refs])
    missing = [ref.name for ref, stored in zip(refs, found, strict=True) if stored is None]
    if missing and repo.is_shallow():
        _fetch_aside(repo, missing, "--depth=1")
    elif missing:
        repo.git(*FETCH, "--", repo.remote, *missing)


def _fetch_aside(repo: Repository, refs: Sequence[str], *options: str) -> None:
    """Fetch as if nothing were here: it asks for everything, and writes no `shallow` file of the clone's."""
    with folder(repo) as aside:
        _prepare(repo, aside, ())
        _fetch_into(repo, aside, refs, *options)


def _prepare(repo: Repository, aside: Path, known: Iterable[str]) -> None:
    """Make the folder a repository that knows these commits and has no other ref."""
    for name in ("refs", "objects"):
        (aside / name).mkdir()
    # A setting may be for a branch alone (`includeIf onbranch`). A detached HEAD would be a commit that is known.
    _write(aside / "HEAD", f"ref: {HEADS}{repo.branch() or 'nothing'}\n")
    # Included, not copied: a token may be in it (S1).
    included = (json.dumps(str(path), ensure_ascii=False) for path in repo.settings())
    _write(
        aside / "config",
        CONFIG.format(repo.extension("objectFormat", "sha1"), "".join(f"\tpath = {path}\n" for path in included)),
    )
    lines = [f"{sha} refs/known/{number:06}\n" for number, sha in enumerate(known)]
    (aside / "packed-refs").write_text("".join(["# pack-refs with: sorted \n", *lines]))


def _fetch_into(repo: Repository, aside: Path, refspecs: Iterable[str], *options: str) -> None:
    objects = str(repo.common / "objects")
    where = (f"--git-dir={aside}", f"--work-tree={repo.root}")
    repo.git(*where, *FETCH, "--atomic", *options, "--", repo.remote, *refspecs, GIT_OBJECT_DIRECTORY=objects)


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8", errors="surrogateescape")


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
