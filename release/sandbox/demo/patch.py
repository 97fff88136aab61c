"""The demo's patch release: a pick that conflicts, is resolved by hand, and continued."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from release.call.programs import child_environment
from release.sandbox.demo import type_task

if TYPE_CHECKING:
    from release.call.context import Context
    from release.sandbox.world import Sandbox

_README, _LINE = "README.md", "0.7"


def demo_patch(context: Context, sandbox: Sandbox) -> None:
    """Release a patch of 0.7 in the sandbox; raises Failed when a command ends otherwise than it should."""
    fix = _grow_trunk(sandbox)
    wanted = ("release.patch", "--line", _LINE, "--commit", fix[:9], "--yes")
    context.report.line()
    context.report.line("The trunk went on: a feature, and a fix that stands on it. The fix is wanted on the line.")
    type_task(context, sandbox, "release.pick", "--candidates", "--line", _LINE)
    context.report.line()
    context.report.line("A dry run really tries the pick, and tells what will happen:")
    type_task(context, sandbox, "--dry", *wanted, code=1)
    type_task(context, sandbox, *wanted, code=1)
    tree = _resolve(sandbox)
    context.report.line()
    context.report.line(f"Resolved by hand: $ git -C {tree} add {_README}")
    type_task(context, sandbox, "release.pick", "--continue", "--yes")
    context.report.line()
    context.report.line(
        "The same command again: the pick is there, so it goes on with the checks, the tag and the rest."
    )
    type_task(context, sandbox, *wanted)


def _grow_trunk(sandbox: Sandbox) -> str:
    """Have a colleague push two commits to the trunk, of which the second needs the first; return that."""
    clone = sandbox.folder / "colleague"
    _git(sandbox, sandbox.folder, "clone", "--quiet", str(sandbox.bare.path), str(clone))
    text = (clone / _README).read_text(encoding="utf-8")
    for title, more in (
        ("feat: say hello (#18)", "Hello.\n"),
        ("fix: say hello to everybody (#19)", "Hello, everybody.\n"),
    ):
        (clone / _README).write_text(text + more, encoding="utf-8")
        _git(sandbox, clone, "commit", "--quiet", "--all", "--message", title)
    _git(sandbox, clone, "push", "--quiet", "origin", "HEAD:refs/heads/main")
    return _git(sandbox, clone, "rev-parse", "HEAD")


def _resolve(sandbox: Sandbox) -> Path:
    """Do what a person does in the worktree that the conflict left; return where that is."""
    listed = _git(sandbox, sandbox.work, "worktree", "list", "--porcelain").splitlines()
    tree = Path([text for text in listed if text.startswith("worktree ")][-1].removeprefix("worktree "))
    lines = (tree / _README).read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [text for text in lines if not text.startswith(("<<<<<<<", "|||||||", "=======", ">>>>>>>"))]
    (tree / _README).write_text("".join(kept), encoding="utf-8")
    _git(sandbox, tree, "add", _README)
    return tree


def _git(sandbox: Sandbox, where: Path, *arguments: str) -> str:
    environment = child_environment(sandbox.environment())
    done = subprocess.run(["git", *arguments], cwd=where, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()
