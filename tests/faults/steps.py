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
number=1
until mkdir {folder}/steps/$number 2>/dev/null; do number=$((number + 1)); done
echo "$*" > {folder}/steps/$number/words
{git} "$@"
code=$?
[ $number = "$(cat {folder}/strike)" ] && kill -KILL 0
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
        self.strike(0)

    def strike(self, number: int) -> None:
        """Have the call end after its step of this number, from 1 on; 0 is none."""
        shutil.rmtree(self._folder / "steps", ignore_errors=True)
        (self._folder / "steps").mkdir()
        (self._folder / "strike").write_text(f"{number}\n")

    def seen(self) -> dict[int, str]:
        """Return the steps since then, by their numbers: those side by side come in any order."""
        return {int(each.parent.name): each.read_text() for each in self._folder.glob("steps/*/words")}
