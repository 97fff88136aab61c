"""Git's plumbing on a repository, bare or not."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import threading
import weakref
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple, cast

ZERO = "0" * 40
_FULL = re.compile(r"[0-9a-f]{40}(?:\.{2,3}[0-9a-f]{40})?")
_FOUND = re.compile(rb"([0-9a-f]+) (commit|tree|blob|tag) (\d+)\n")
_FORMAT = "%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B"


def git_environment(**extra: str) -> dict[str, str]:
    """Copy the environment without anything that would point Git or its settings elsewhere."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    return {**kept, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0", **extra}


@dataclass(frozen=True)
class Person:
    """Who, and when, in ISO 8601."""

    name: str
    email: str
    date: str


@dataclass(frozen=True)
class Commit:
    """One commit as it is in the repository."""

    sha: str
    tree: str
    parents: list[str]
    author: Person
    committer: Person
    message: str


@dataclass(frozen=True)
class Changed:
    """One file between two trees."""

    status: str
    path: str
    previous: str
    additions: int
    deletions: int


class Entry(NamedTuple):
    """One file, folder, link or submodule of a tree; only files have a size."""

    mode: str
    kind: str
    sha: str
    size: str
    path: str


class GitError(Exception):
    """Git said no; the text is what it said."""


class Objects:
    """One process that reads a repository's objects, from the first asked for to `close`: thousands are asked for."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.Lock()
        self._reader: subprocess.Popen[bytes] | None = None

    def find(self, name: str) -> tuple[str, str, bytes] | None:
        """Find what a revision, or `revision:path`, names: its SHA, its type and its content."""
        with self._lock:
            if self._reader is None:
                self._reader = self._start()
                weakref.finalize(self, _end, self._reader)
            asked, answers = cast(IO[bytes], self._reader.stdin), cast(IO[bytes], self._reader.stdout)
            asked.write(os.fsencode(name.replace("\n", "\\")) + b"\n")
            asked.flush()
            header = _FOUND.fullmatch(answers.readline())
            if header is None:  # missing, or more than one begins so
                return None
            content = answers.read(int(header[3]))
            answers.read(1)  # the newline after each
            return header[1].decode(), header[2].decode(), content

    def close(self) -> None:
        """End the process; the next question starts another."""
        with self._lock:
            if self._reader:
                _end(self._reader)
            self._reader = None

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["git", "cat-file", "--batch"],
            start_new_session=True,  # Ctrl-C in the sandbox's shell is not meant for it
            cwd=self._path,
            env=git_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )


def _end(reader: subprocess.Popen[bytes]) -> None:
    with reader:
        reader.kill()


class Bare:
    """A repository, bare or not, asked and changed by Git itself."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.objects = Objects(path)
        self._same: dict[tuple[str, ...], str] = {}

    @property
    def lenders(self) -> list[Path]:
        """The folders of objects that are other repositories', and read here."""
        listed = self.path / "objects" / "info" / "alternates"
        return [Path(line) for line in listed.read_text(encoding="utf-8").splitlines()] if listed.is_file() else []

    def git(self, *args: str, text: str | None = None, **env: str) -> str:
        """Run one Git command and answer what it printed; raise GitError when it fails."""
        done = subprocess.run(
            ["git", *args],
            start_new_session=True,
            cwd=self.path,
            env=git_environment(**env),
            input=text,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",  # a ref may have any bytes in its name
            check=False,
        )
        if done.returncode:
            raise GitError(done.stderr.strip() or done.stdout.strip())
        return done.stdout

    def says(self, *args: str) -> bool:
        """Tell whether a Git command that answers by its exit code agrees."""
        done = subprocess.run(["git", *args], cwd=self.path, env=git_environment(), capture_output=True, check=False)
        return done.returncode == 0

    def refs(self, *patterns: str) -> dict[str, str]:
        """List full ref names with the object each names, tags not peeled."""
        out = self.git("for-each-ref", "--format=%(refname) %(objectname)", *patterns)
        return dict(line.rsplit(" ", 1) for line in out.split("\n") if line)  # a name may have other line ends

    def same(self, *args: str) -> str:
        """Answer as `git` does; what full SHAs alone tell never changes: a reading that is made once."""
        revisions = [each for each in args[1:] if each[:1] != "-"]
        if not all(_FULL.fullmatch(each) for each in revisions):
            return self.git(*args)
        if args not in self._same:
            self._same[args] = self.git(*args)
        return self._same[args]

    def sha(self, name: str) -> str | None:
        """Find the commit a ref, a short or full SHA, a branch or a tag (in this order) names."""
        for candidate in (name, f"refs/heads/{name}", f"refs/tags/{name}"):
            if candidate == name and not (name.startswith("refs/") or _hexadecimal(name)):
                continue
            found = self.objects.find(f"{candidate}^{{commit}}")
            if found:
                return found[0]
        return None

    def kind(self, sha: str) -> str:
        """Name the type of an object: commit, tag, tree or blob."""
        found = self.objects.find(sha)
        if found is None:
            raise GitError(f"{sha} is no object here")
        return found[1]

    def blob(self, sha: str, path: str) -> str:
        """Find the blob, or the tree, of a path at a commit; raise GitError when there is none."""
        found = self.objects.find(f"{sha}:{path}")
        if found is None:
            raise GitError(f"{path} is not in {sha}")
        return found[0]

    def file(self, sha: str, path: str) -> str | None:
        """Read a file's text at a commit, or nothing when it is not there."""
        found = self.objects.find(f"{sha}:{path}")
        return found[2].decode() if found and found[1] == "blob" else None

    def output(self, *args: str, given: bytes = b"") -> bytes:
        """Run one Git command whose input and output need not be text."""
        return subprocess.check_output(["git", *args], cwd=self.path, env=git_environment(), input=given)

    def write_blob(self, content: bytes) -> str:
        """Keep a blob; return its SHA."""
        return self.output("hash-object", "-w", "--stdin", given=content).decode().strip()

    def entries(self, tree: str, *options: str) -> list[Entry]:
        """List what is in a tree; raise GitError when it is none."""
        lines = self.git("ls-tree", "-lz", tree, *options).split("\0")[:-1]
        return [Entry(*line.split(None, 4)) for line in lines]

    def write_tree(self, base: str, changes: Iterable[tuple[str, str, str]]) -> str:
        """Make a tree from another, or from nothing, by mode, SHA and path of each change; SHA `ZERO` removes."""
        with tempfile.TemporaryDirectory() as folder:
            index = {"GIT_INDEX_FILE": f"{folder}/index"}
            if base:
                self.git("read-tree", base, **index)
            self.git(
                "update-index", "--index-info", text="".join("{} {}\t{}\n".format(*each) for each in changes), **index
            )
            return self.git("write-tree", **index).strip()

    def write_commit(self, tree: str, parents: Iterable[str], message: str, **people: str) -> str:
        """Make a commit, moving nothing; `people` are Git's own variables."""
        options = [word for parent in parents for word in ("-p", parent)]
        return self.git("commit-tree", tree, *options, text=message, **people).strip()

    def names(self, sha: str, folder: str) -> list[str]:
        """List the files directly in a folder at a commit."""
        try:
            return [f"{folder}/{name}" for name in self.git("ls-tree", "--name-only", f"{sha}:{folder}").splitlines()]
        except GitError:
            return []

    def commit(self, sha: str) -> Commit:
        """Read one commit by its full SHA."""
        return self.commits(sha, "--no-walk")[0]

    def commits(self, *revisions: str) -> list[Commit]:
        """Read the commits of a `git log`, in its order."""
        out = self.same("log", "-z", f"--format={_FORMAT}%x1e", *revisions, "--")
        return [_commit(entry.lstrip("\0")) for entry in out.split("\x1e") if entry.strip("\0\n")]

    def merge_base(self, one: str, other: str) -> str | None:
        """Find the best common ancestor of two commits."""
        try:
            return self.same("merge-base", one, other).strip()
        except GitError:
            return None

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Tell whether one commit is contained in another."""
        return self.says("merge-base", "--is-ancestor", older, newer)

    def changes(self, old: str, new: str) -> list[Changed]:
        """List the files that differ between two trees, renames followed."""
        states = self.same("diff-tree", "-r", "-M", "-z", "--name-status", old, new).split("\0")
        counts = _counts(self.same("diff-tree", "-r", "-M", "-z", "--numstat", old, new))
        found: list[Changed] = []
        fields = iter(states[:-1])
        for state in fields:
            first = next(fields)
            path = next(fields) if state[0] in "RC" else first
            found.append(Changed(state[0], path, first if path != first else "", *counts.get(path, (0, 0))))
        return found

    def update_ref(self, ref: str, new: str, old: str | None = None) -> None:
        """Move, create (`old` zeros) or, with `new` zeros, delete a ref; raise GitError when it moved meanwhile."""
        if new == ZERO:
            self.git("update-ref", "-d", ref, *([old] if old else []))
        else:
            self.git("update-ref", ref, new, *([old] if old else []))


def _hexadecimal(name: str) -> bool:
    return 7 <= len(name) <= 64 and all(char in "0123456789abcdef" for char in name)


def _commit(entry: str) -> Commit:
    sha, tree, parents, an, ae, ad, cn, ce, cd, message = entry.split("\0", 9)
    return Commit(sha, tree, parents.split(), Person(an, ae, ad), Person(cn, ce, cd), message.rstrip("\n"))


def _counts(numstat: str) -> dict[str, tuple[int, int]]:
    """Read `--numstat -z`: a rename has an empty path, then both names."""
    fields = iter(numstat.split("\0"))
    counts: dict[str, tuple[int, int]] = {}
    for entry in fields:
        if not entry:
            continue
        added, deleted, path = entry.split("\t", 2)
        if not path:
            next(fields)
            path = next(fields)
        counts[path] = (int(added) if added != "-" else 0, int(deleted) if deleted != "-" else 0)
    return counts
