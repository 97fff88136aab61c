"""The sample monorepo: its files, and a history with releases behind it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from release.sandbox.runner.actions.python import running_version
from release.sandbox.sample.story import CHAPTERS, Chapter

_ROOT = Path(__file__).with_name("monorepo")
_SUFFIX = ".in"
Files = dict[str, str]


@dataclass(frozen=True)
class Change:
    """One commit: the files it writes, whole, and the tag that names it."""

    message: str
    date: str
    branch: str
    files: Files
    parent: str = ""
    tag: str = ""
    annotated: bool = False
    author: str = field(default="Ana Field <ana@example.org>")


def files(pythons: Sequence[str] = ()) -> Files:
    """Give the trunk's files as they are now; `pythons` are what the wheel is tested with, else the running one."""
    trunk: Files = {}
    for change in history(pythons):
        if change.branch == "main":
            trunk |= change.files
    return trunk


def history(pythons: Sequence[str] = ()) -> list[Change]:
    """List the commits in order: lines 0.5 and 0.6 with their tags, and a trunk that is ahead of them."""
    states: dict[str, Files] = {}
    changes: list[Change] = []
    for chapter in CHAPTERS:
        state = states.get(chapter.branch) or states.get(chapter.parent, {})
        written = _edit(chapter, state) if changes else _start(pythons)
        states[chapter.branch] = states[chapter.tag] = {**state, **written}
        changes.append(
            Change(chapter.title, chapter.date, chapter.branch, written, chapter.parent, chapter.tag, chapter.annotated)
        )
    return changes


def _edit(chapter: Chapter, state: Mapping[str, str]) -> Files:
    written: Files = {}
    for path, old, new in chapter.edits:
        before = written.get(path, state[path])
        if before.count(old) != 1:
            raise ValueError(f"{chapter.title}: {path} does not hold {old!r} once")
        written[path] = before.replace(old, new)
    return written


def _start(pythons: Sequence[str]) -> Files:
    running = running_version()
    listed = ", ".join(f'"{version}"' for version in pythons or (running,))
    found: Files = {}
    # The suffix keeps tools, and Git's own ignore rules, from taking the sample for this project's.
    for path in sorted(_ROOT.rglob(f"*{_SUFFIX}")):
        text = path.read_text(encoding="utf-8").replace("@PYTHONS@", listed).replace("@PYTHON@", running)
        found[path.relative_to(_ROOT).as_posix().removesuffix(_SUFFIX)] = text
    return found


def replay(repository: Path, pythons: Sequence[str] = ()) -> None:
    """Write the history into an empty repository with one `git fast-import`; HEAD names the trunk."""
    stream = b"".join(_stream(history(pythons)))
    subprocess.run(["git", "fast-import", "--quiet", "--force"], cwd=repository, input=stream, check=True)
    subprocess.run(["git", "symbolic-ref", "HEAD", "refs/heads/main"], cwd=repository, check=True)


def _stream(changes: Sequence[Change]) -> Iterator[bytes]:
    begun: set[str] = set()
    for change in changes:
        when = f"{int(datetime.fromisoformat(change.date).timestamp())} +0000"
        yield f"commit refs/heads/{change.branch}\n".encode()
        yield f"author {change.author} {when}\ncommitter {change.author} {when}\n".encode()
        yield _data(change.message + "\n")
        if change.branch not in begun and change.parent:
            yield f"from refs/tags/{change.parent}\n".encode()
        begun.add(change.branch)
        for path, content in change.files.items():
            yield f"M 100644 inline {path}\n".encode() + _data(content)
        yield from _tag(change, when)


def _tag(change: Change, when: str) -> Iterator[bytes]:
    if change.annotated:
        yield f"tag {change.tag}\nfrom refs/heads/{change.branch}\ntagger {change.author} {when}\n".encode()
        yield _data(f"Release {change.tag}\n")
    elif change.tag:
        yield f"reset refs/tags/{change.tag}\nfrom refs/heads/{change.branch}\n\n".encode()


def _data(content: str) -> bytes:
    encoded = content.encode()
    return b"data %d\n%s\n" % (len(encoded), encoded)
