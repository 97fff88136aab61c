"""A repository of a size: 100,000 commits, each with a tag of its own, and 2,000 release branches."""

from __future__ import annotations

import hashlib
import shutil
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path

from release.sandbox.git import Bare

WHO = "Release Person <person@example.com>"
BEGAN = 1_780_000_000  # seconds; after the sample's commits
KINDS = {"commit": 1, "tag": 4}  # as a pack numbers them


@dataclass(frozen=True)
class Size:
    """Lines of versions beyond the sample's, each with a release branch, and the patches of each."""

    lines: int = 2000
    patches: int = 50
    first: int = 7

    def __str__(self) -> str:
        """Such as `100,000 tags`."""
        return f"{self.lines * self.patches:,} tags"

    @property
    def next(self) -> str:
        """The next minor version."""
        return f"0.{self.first + self.lines}.0"


@dataclass
class Grown:
    """What a repository grows by: a pack of objects, and the refs that name them, each with what it peels to."""

    chunks: list[bytes] = field(default_factory=list)
    refs: dict[str, tuple[str, str]] = field(default_factory=dict)

    def add(self, kind: str, text: str) -> str:
        """Add an object; return its SHA."""
        content, size = text.encode(), len(text)
        begin = [KINDS[kind] << 4 | size & 15]
        size >>= 4
        while size:
            begin[-1] |= 128
            begin.append(size & 127)
            size >>= 7
        self.chunks.append(bytes(begin) + zlib.compress(content, 1))
        return hashlib.sha1(b"%s %d\0%s" % (kind.encode(), len(content), content)).hexdigest()

    def pack(self) -> bytes:
        """Return the objects as Git packs them."""
        packed = struct.pack(">4sII", b"PACK", 2, len(self.chunks)) + b"".join(self.chunks)
        return packed + hashlib.sha1(packed).digest()


def grow(remote: Bare, clone: Bare, size: Size, loose: bool) -> None:
    """Have both grow from the trunk's head, as if the clone had just fetched everything."""
    head = str(remote.sha("refs/heads/main"))
    grown = _grown(head, remote.commit(head).tree, size)
    remote.output("index-pack", "--stdin", given=grown.pack())
    packs = Path("objects", "pack")
    shutil.copytree(remote.path / packs, clone.path / ".git" / packs, dirs_exist_ok=True)
    for repository, folder, branches in ((remote, ".", "refs/heads/"), (clone, ".git", "refs/remotes/origin/")):
        refs = {name.replace("refs/heads/", branches): seen for name, seen in grown.refs.items()}
        (_write_loose if loose else _write_packed)(repository, repository.path / folder, refs)
    clone.update_ref("refs/heads/main", grown.refs["refs/heads/main"][0])
    clone.git("reset", "--quiet", "--hard")


def _grown(head: str, tree: str, size: Size) -> Grown:
    """Make a trunk of a commit a version, tagged by a person, and a branch at the last of each line."""
    grown = Grown()
    for line in range(size.first, size.first + size.lines):
        for patch in range(size.patches):
            version, who = f"0.{line}.{patch}", f"{WHO} {BEGAN + line * size.patches + patch} +0000"
            head = grown.add("commit", _commit(tree, head, who, version))
            tag = f"object {head}\ntype commit\ntag {version}\ntagger {who}\n\nRelease {version}\n"
            grown.refs[f"refs/tags/{version}"] = grown.add("tag", tag), head
        grown.refs[f"refs/heads/release-0.{line}-20261031"] = head, ""
    last = _commit(tree, head, f"{WHO} {BEGAN + 10**6} +0000", "the next")
    grown.refs["refs/heads/main"] = grown.add("commit", last), ""
    return grown


def _commit(tree: str, parent: str, who: str, version: str) -> str:
    return f"tree {tree}\nparent {parent}\nauthor {who}\ncommitter {who}\n\nChange for {version}\n"


def _write_packed(repository: Bare, folder: Path, refs: dict[str, tuple[str, str]]) -> None:
    """Write the refs into one file, with those that are there."""
    form = "--format=%(refname) %(objectname) %(*objectname)"
    here = [line.split(" ") for line in repository.git("for-each-ref", form).splitlines()]
    every = {name: (sha, peels) for name, sha, peels in here if name != "refs/remotes/origin/HEAD"} | refs
    lines = [f"{sha} {name}\n" + (f"^{peels}\n" if peels else "") for name, (sha, peels) in sorted(every.items())]
    text = "# pack-refs with: peeled fully-peeled sorted \n" + "".join(lines)
    (folder / "packed-refs").write_text(text, encoding="ascii")
    for name in every:
        (folder / name).unlink(missing_ok=True)


def _write_loose(_: Bare, folder: Path, refs: dict[str, tuple[str, str]]) -> None:
    """Write a file for each ref, as if they had never been packed."""
    for name, (sha, _) in refs.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"{sha}\n", encoding="ascii")
