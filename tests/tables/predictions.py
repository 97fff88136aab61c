"""What `release.preview` says of a pick, on a public history, beside what Git's own cherry-pick comes to there."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from sources import history

from release.git.refs import RemoteRef
from release.git.repository import Repository
from release.picks.prediction import CLEAN, NEEDS, THERE, predict_pick
from release.versions import Line

REPOSITORY = "pallets/click"
CUTS = {40: 40, 120: 60, 300: 100}  # merges back at which a line is cut, and how many changes since are tried
REAL = {CLEAN: "clean", THERE: "empty"}


def cases() -> Iterator[tuple[str, str]]:
    """Say of each change whether it was predicted: its outcome, its files, and what it needs before it."""
    with tempfile.TemporaryDirectory() as folder:
        ours, plain = (_clone(Path(folder) / name) for name in ("ours", "plain"))
        merges = _git(ours, "rev-list", "--first-parent", "HEAD").split()
        for back, number in CUTS.items():
            for change in merges[:back][:: max(1, back // number)]:
                yield f"{change[:9]} onto {merges[back][:9]}", _fault(ours, plain, merges[back], change)


def _clone(folder: Path) -> Path:
    _git(Path(), "clone", "--quiet", str(history(REPOSITORY)), str(folder))
    _git(folder, "config", "user.name", "Somebody")
    _git(folder, "config", "user.email", "somebody@example.org")
    return folder


def _fault(ours: Path, plain: Path, line: str, change: str) -> str:
    """Return what differs; the change as the pull request that it was: squashed onto what the trunk was then."""
    trunk = _git(ours, "rev-parse", f"{change}^1")
    squashed = _git(ours, "commit-tree", "-p", trunk, "-m", "The change", f"{change}^{{tree}}")
    head, base = (RemoteRef(f"refs/heads/{name}", sha, sha) for name, sha in (("line", line), ("main", trunk)))
    found = predict_pick(Repository(ours), Line(1, 0), head, squashed, base)
    outcome, files = _pick(plain, line, [change])
    if (REAL.get(found.comes_to, "conflict"), sorted(found.files)) != (outcome, files):
        return f"FALSE: {found.comes_to} in {found.files}; Git: {outcome} in {files}"
    if found.comes_to == NEEDS and _pick(plain, line, [*(pick.sha for pick in found.needs), change])[0] == "conflict":
        return f"FALSE: it needs more than {found.needs}"
    return ""


def _pick(plain: Path, line: str, changes: Sequence[str]) -> tuple[str, list[str]]:
    """Pick each with plain Git, and return what the last came to."""
    _git(plain, "checkout", "--quiet", "--force", "--detach", line)
    outcome = ""
    for change in changes:
        merge = len(_git(plain, "rev-list", "--parents", "--max-count=1", change).split()) > 2
        command = ["git", "cherry-pick", *(["--mainline", "1"] if merge else []), change]
        done = subprocess.run(command, cwd=plain, capture_output=True, text=True, check=False)
        files = _git(plain, "diff", "--name-only", "--diff-filter=U").split()
        outcome = "clean" if not done.returncode else "conflict" if files else "empty"
        if done.returncode:
            _git(plain, "cherry-pick", "--abort" if files else "--skip")
        if files:
            return outcome, sorted(files)
    return outcome, []


def _git(folder: Path, *args: str) -> str:
    return subprocess.run(["git", *args], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()
