"""A repository copied by reference: quick however big it is, whatever kind of clone, and itself untouched."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from outside import git

from release.sandbox import GitError, History
from release.sandbox.git import Bare
from release.sandbox.rehearsal import copy
from release.sandbox.rehearsal.copy import copy_history
from release.sandbox.world import Sandbox


def digests(folder: Path) -> dict[str, str]:
    """A hash of every file below, Git's own too."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@contextmanager
def copied(source: Path, folder: Path) -> Iterator[tuple[Bare, Bare]]:
    """The remote and the clone made of a clone, which stays as it is byte for byte."""
    before = digests(source)
    bare, work = Bare(folder / "remote.git"), Bare(folder / "work")
    copy_history(bare, work, History(source, "origin", "main"))
    yield bare, work
    bare.objects.close()
    assert digests(source) == before


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[Path]:
    """A remote with the sample's history, branches and tags."""
    with Sandbox(cloud=False) as sandbox:
        git(sandbox.bare.path, "config", "uploadpack.allowFilter", "true")
        yield sandbox.bare.path


def clone(origin: Path, folder: Path, *options: str) -> Path:
    git(folder, "clone", "-q", *options, f"file://{origin}", "clone")
    return folder / "clone"


def own_objects(repository: Path) -> list[Path]:
    return [each for each in (repository / "objects").rglob("*") if each.is_file() and each.name != "alternates"]


def test_objects_are_borrowed_and_refs_are_those_last_seen(origin: Path, tmp_path: Path) -> None:
    source = clone(origin, tmp_path)
    with copied(source, tmp_path) as (bare, work):
        assert bare.refs("refs/heads", "refs/tags") == Bare(origin).refs("refs/heads", "refs/tags")
        assert own_objects(bare.path) == own_objects(work.path / ".git") == []
        assert work.git("status", "--porcelain") == ""
        assert (work.path / "sdk" / "pyproject.toml").is_file()
        assert work.git("symbolic-ref", "refs/remotes/origin/HEAD").strip() == "refs/remotes/origin/main"


def test_a_linked_worktree_of_a_clone_that_borrows_itself(origin: Path, tmp_path: Path) -> None:
    lender = clone(origin, tmp_path)
    git(tmp_path, "clone", "-q", "--shared", str(lender), "borrower")
    borrower = tmp_path / "borrower"
    (borrower / ".git" / "objects" / "info" / "alternates").write_text("../../../clone/.git/objects\n")
    git(borrower, "worktree", "add", "-q", "--detach", "../linked", "origin/main")
    with copied(tmp_path / "linked", tmp_path) as (bare, work):
        assert bare.git("cat-file", "-t", "refs/heads/main").strip() == "commit"
        assert work.git("fsck", "--connectivity-only") == ""


def test_a_shallow_clone_is_cut_where_it_is(origin: Path, tmp_path: Path) -> None:
    source = clone(origin, tmp_path, "--depth=2", "--no-single-branch")
    with copied(source, tmp_path) as (bare, work):
        counted = [each.git("rev-list", "--count", name).strip() for each, name in ((bare, "main"), (work, "HEAD"))]
        assert counted == ["2", "2"]


def test_a_partial_clone_says_what_it_lacks_and_how_to_get_that_alone(origin: Path, tmp_path: Path) -> None:
    source = clone(origin, tmp_path, "--filter=blob:none", "--no-checkout")
    url = git(source, "remote", "get-url", "origin")
    git(source, "remote", "set-url", "origin", f"{url}-is-gone")  # nothing is fetched in silence
    with pytest.raises(GitError, match=r"are not in this partial clone; git archive origin/main \.github sdk") as said:
        copy_history(Bare(tmp_path / "a.git"), Bare(tmp_path / "a"), History(source, "origin", "main"))
    git(source, "remote", "set-url", "origin", url)
    _, command = str(said.value).split("; git ")
    git(source, *command.removesuffix(" > /dev/null").split())
    git(source, "remote", "set-url", "origin", f"{url}-is-gone")
    with copied(source, tmp_path) as (_, work):
        assert (work.path / "sdk" / "pyproject.toml").is_file()
        assert not (work.path / "backend").exists()
        assert work.git("status", "--porcelain") == ""


def test_of_a_large_tree_what_a_release_reads_is_checked_out(
    origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copy, "LARGE", 10)
    with copied(clone(origin, tmp_path), tmp_path) as (_, work):
        there = {path.name for path in work.path.iterdir()} - {".git"}
        assert {".github", "sdk", "tasks.py"} <= there
        assert "backend" not in there
        assert work.git("status", "--porcelain") == ""


def test_a_clone_without_the_trunk_says_so(origin: Path, tmp_path: Path) -> None:
    with pytest.raises(GitError, match=r"this clone has no origin/trunk; git fetch origin trunk"):
        copy_history(
            Bare(tmp_path / "a.git"), Bare(tmp_path / "a"), History(clone(origin, tmp_path), "origin", "trunk")
        )
