"""What this clone knows, without a look at its remote and without GitPython, which takes longer to load than to ask."""

from __future__ import annotations

from pathlib import Path

from release.call.programs import run_program
from release.errors import CouldNotTellError

TIMEOUT = 2.0  # seconds: somebody waits for it with a finger on Tab
REMOTES, HEADS, TAGS = "refs/remotes", "refs/heads", "refs/tags"


def names(folder: Path, *patterns: str, most: int = 100) -> list[str]:
    """Return the short names of the refs that match (git-for-each-ref(1)), as of versions, the highest first."""
    count, order = f"--count={most}", "--sort=-version:refname"
    return _lines(folder, "for-each-ref", "--format=%(refname:lstrip=2)", count, order, *patterns)


def subjects(folder: Path, since: str, until: str, most: int = 50) -> dict[str, str]:
    """Return the newest commits from one ref to another with their subjects; none where a ref is not there."""
    lines = _lines(folder, "log", "--no-merges", "--format=%h %s", f"--max-count={most}", f"{since}..{until}", "--")
    return {sha: subject for sha, _, subject in (line.partition(" ") for line in lines)}


def _lines(folder: Path, *args: str) -> list[str]:
    try:
        done = run_program(["git", "--no-optional-locks", *args], folder, TIMEOUT)
    except CouldNotTellError:
        return []
    return done.stdout.splitlines() if done.code == 0 else []
