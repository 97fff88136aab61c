"""A Git that ends, with all around it, after one of the commands by which a call writes: a kill between two steps."""

from __future__ import annotations

import shutil
from pathlib import Path

# Git's commands that write into the clone or a worktree, or to the remote.
VERBS = (
    "worktree add", "worktree remove", "cherry-pick", "update-ref", "commit", "add", "tag", "merge", "push", "fetch",
)  # fmt: skip
SCRIPT = """#!/bin/sh
case " $* " in
  {patterns}) ;;
  *) exec {git} "$@" ;;
esac
echo "$*" >> {folder}/steps
{git} "$@"
code=$?
[ $(wc -l < {folder}/steps) = "$(cat {folder}/strike)" ] && kill -KILL 0
exit $code
"""


class Steps:
    """The steps of a call in the clone; `path` puts this Git before the machine's."""

    def __init__(self, folder: Path, path: str) -> None:
        self._folder, self.path = folder, f"{folder}:{path}"
        patterns = "|".join(f'*" {verb} "*' for verb in VERBS)
        script = folder / "git"
        script.write_text(SCRIPT.format(patterns=patterns, git=shutil.which("git", path=path), folder=folder))
        script.chmod(0o755)

    def strike(self, number: int) -> None:
        """Have the call end after its step of this number, from 1 on; 0 is none."""
        (self._folder / "steps").write_text("")
        (self._folder / "strike").write_text(f"{number}\n")

    def seen(self) -> list[str]:
        """Return the steps since then."""
        return (self._folder / "steps").read_text().splitlines()
