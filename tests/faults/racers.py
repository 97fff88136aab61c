"""Releasers at one moment, each with a clone of his own."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from outside import git

from release.call.context import Context
from release.errors import ReleaseError
from release.sandbox import Sandbox

PATIENCE = 240  # seconds for a whole race


def other_clone(sandbox: Sandbox, name: str = "theirs") -> Path:
    """Clone the remote beside the person's own clone, anew."""
    folder = sandbox.folder / name
    shutil.rmtree(folder, ignore_errors=True)
    git(sandbox.folder, "clone", "--quiet", str(sandbox.bare.path), str(folder))
    git(folder, "remote", "set-url", "origin", sandbox.github.clone_url)
    git(folder, "config", "user.name", name)  # so that no two write the same tag
    return folder


def clones(sandbox: Sandbox, count: int) -> list[Path]:
    """Return the person's clone and as many others as make it so many."""
    return [sandbox.work, *(other_clone(sandbox, f"theirs-{number}") for number in range(1, count))]


def race(contexts: Sequence[Context], act: Callable[[Context], object]) -> list[str]:
    """Have each act at the same moment; return how each ended, in their order. A bug crashes through."""
    ends, bugs = [""] * len(contexts), list[BaseException]()
    start = threading.Barrier(len(contexts))

    def _run(number: int) -> None:
        start.wait()
        try:
            ends[number] = str(act(contexts[number]))
        except ReleaseError as error:
            ends[number] = f"exit {error.code}: {error.problem}"
        except BaseException as error:  # noqa: BLE001 it is raised where the test sees it
            bugs.append(error)

    threads = [threading.Thread(target=_run, args=(number,), daemon=True) for number in range(len(contexts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    for bug in bugs:
        raise bug
    assert not any(thread.is_alive() for thread in threads), f"a race without an end: {ends}"
    return ends


def keep_logs(sandbox: Sandbox) -> None:
    """Have the remote remember every move of every ref."""
    sandbox.bare.git("config", "core.logAllRefUpdates", "always")


def moves(sandbox: Sandbox, name: str) -> int:
    """Count how often the remote's ref was written since `keep_logs`, by its own log; what is deleted has none."""
    log = sandbox.bare.path / "logs" / name
    return len(log.read_text(encoding="utf-8").splitlines()) if log.exists() else 0


def check_clone(sandbox: Sandbox, folder: Path) -> None:
    """Hold that the clone has no tag, ref or worktree that the remote has not."""
    told = git(folder, "for-each-ref", "--format=%(refname) %(objectname)", "refs/tags", "refs/release").splitlines()
    here, there = dict(line.split() for line in told), sandbox.bare.refs("refs/tags")
    assert {name: sha for name, sha in here.items() if there.get(name) != sha} == {}, folder.name
    assert len(git(folder, "worktree", "list").splitlines()) == 1, folder.name
