"""Git's store of objects, through the one process that reads it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Thread
from typing import IO

import pytest
from outside import git

from release.errors import Failed, Usage
from release.git.repository import Repository
from release.git.store import Store, Stored
from release.sandbox import Sandbox

LONG = "x" * 300_000  # more than any pipe holds


@pytest.fixture
def repo() -> Iterator[Repository]:
    with Sandbox({"a.txt": "one\n", "sub/long.txt": LONG}, cloud=False) as made:
        yield Repository(made.work)


def readers(repo: Repository) -> list[int]:
    """Return the processes that read objects of the repository."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words, where = (folder / "cmdline").read_bytes().split(b"\0"), (folder / "cwd").readlink()
        except OSError:  # it ended meanwhile
            continue
        if b"cat-file" in words and where == repo.root:
            found.append(int(folder.name))
    return found


def test_any_name_of_gits_is_read_and_none_for_nothing(repo: Repository) -> None:
    head = repo.head()
    names = ["HEAD", f"{head}:a.txt", "HEAD:sub", "HEAD:no such file", "f" * 40, f"{head[:8]}^{{tree}}", "HEAD:a.txt"]
    found = repo.store.read(names)
    kinds = [each.kind if each else None for each in found]
    assert kinds == ["commit", "blob", "tree", None, None, "tree", "blob"]
    assert [each.content for each in found if each and each.kind == "blob"] == [b"one\n"] * 2
    assert repo.store.sha("HEAD^{commit}") == head
    with pytest.raises(Failed, match="the object fffffffff is not in this clone"):
        repo.store.contents([head, "f" * 40])


def test_thousands_of_names_and_long_answers_do_not_wait_for_each_other(repo: Repository) -> None:
    names = ["HEAD:sub/long.txt", *["HEAD:a.txt"] * 20_000, "HEAD:sub/long.txt"]
    found: list[list[bytes]] = []
    reading = Thread(target=lambda: found.append(repo.store.contents(names)), daemon=True)
    reading.start()
    reading.join(60)
    assert found == [[LONG.encode(), *[b"one\n"] * 20_000, LONG.encode()]]


def test_one_process_serves_all_threads(repo: Repository) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda number: repo.store.contents([f"HEAD:{'a' if number % 2 else 'b'}.txt"])
                              if number % 2 else repo.store.sha("HEAD:a.txt"), range(200)))  # fmt: skip
    assert found[1::2] == [[b"one\n"]] * 100
    assert len(set(map(str, found[::2]))) == 1
    assert len(readers(repo)) == 1


def test_what_is_written_meanwhile_is_seen(repo: Repository) -> None:
    assert repo.store.sha("refs/tags/0.7.0") is None
    git(repo.root, "tag", "0.7.0")
    git(repo.root, "commit", "-q", "--allow-empty", "-m", "two")
    git(repo.root, "gc", "-q", "--prune=now")
    assert repo.store.sha("refs/tags/0.7.0^{commit}") == git(repo.root, "rev-parse", "HEAD~1")
    assert repo.head() == git(repo.root, "rev-parse", "HEAD")


def test_a_reader_that_a_ctrl_c_killed_starts_again(repo: Repository) -> None:
    head = repo.head()
    for number in (signal.SIGINT, signal.SIGKILL):
        os.kill(readers(repo)[0], number)
        assert repo.head() == head


def test_a_reader_that_was_left_in_the_middle_of_an_answer_starts_again(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal may reach this process alone: what is cleaned up then reads on."""

    class Interrupted(Stored):
        def __new__(cls, *_: object) -> Interrupted:
            raise KeyboardInterrupt

    head = repo.head()
    monkeypatch.setattr("release.git.store.Stored", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        repo.store.read([f"{head}:a.txt", f"{head}:sub"])
    monkeypatch.undo()
    assert repo.file(head, "a.txt") == b"one\n"
    assert len(readers(repo)) == 1


@pytest.mark.parametrize("end", ["\nb.txt", "\r", "\0"])
def test_a_name_of_more_than_a_line_is_none(repo: Repository, end: str) -> None:
    head = repo.head()
    with pytest.raises(Usage, match="names nothing"):
        repo.file(head, f"a.txt{end}")
    assert repo.file(head, "a.txt") == b"one\n"


def test_a_git_that_says_much_is_read_on(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    git(repo.root, "repack", "-adq")
    monkeypatch.setenv("GIT_TRACE_PACK_ACCESS", "1")
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(repo.store.contents, ["HEAD:a.txt"] * 3_000)
        try:
            assert len(reading.result(60)) == 3_000
        finally:
            for pid in readers(repo):
                os.kill(pid, signal.SIGKILL)


def test_a_reader_ends_with_the_repository(repo: Repository) -> None:
    other = Repository(repo.root)
    assert other.head() == repo.head()
    assert len(readers(repo)) == 2
    del other
    assert len(readers(repo)) == 1


def test_what_git_says_of_a_store_that_it_cannot_read_is_told() -> None:
    def start(words: IO[bytes]) -> subprocess.Popen[bytes]:
        pipe = subprocess.PIPE
        return subprocess.Popen(
            ["git", "--git-dir=/nowhere", "cat-file", "--batch"], stdin=pipe, stdout=pipe, stderr=words
        )

    with pytest.raises(Failed, match="not a git repository"):
        Store(start).read(["HEAD"])
