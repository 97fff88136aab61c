"""The embedded default: a small monorepo, its GitHub and its cloud, on loopback only.

child.py      a command or a shell in the clone, that ends with this process
world.py      a remote with its GitHub, a cloud and a clone, from `with Sandbox()` to its end
git.py        Git's own plumbing on a repository; serving.py: a port, a log of requests, misbehaviour on purpose
cloud.py      S3 and ECR; registry.py: its images as an OCI registry has them
github/       one repository's GitHub: records and state, rules, events, merging, routes; app.py serves it
runner/       a workflow's jobs and steps, run for real, also set apart from the machine; knows nothing of github/
simulation/   the same jobs of which no step runs: what each would do is told from its text
sample/       the monorepo's files and history
rehearsal/    one's own repository: the copy, what the real world has, bad days, what it all came to
demo/         what the demo types, and what is out there afterwards
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from release.sandbox.child import run_command, run_shell
    from release.sandbox.demo import release_evidence, type_task
    from release.sandbox.demo.component import demo_component
    from release.sandbox.demo.patch import demo_patch
    from release.sandbox.git import GitError
    from release.sandbox.rehearsal import Rehearsal
    from release.sandbox.rehearsal.copy import History
    from release.sandbox.rehearsal.mishaps import BadDay, bad_day
    from release.sandbox.world import Sandbox

__all__ = [
    "BadDay", "GitError", "History", "Rehearsal", "Sandbox", "bad_day", "demo_component", "demo_patch",
    "release_evidence", "run_command", "run_shell", "type_task",
]  # fmt: skip

_ROOMS = {
    "BadDay": "rehearsal.mishaps",
    "GitError": "git",
    "History": "rehearsal.copy",
    "Rehearsal": "rehearsal",
    "Sandbox": "world",
    "bad_day": "rehearsal.mishaps",
    "demo_component": "demo.component",
    "demo_patch": "demo.patch",
    "release_evidence": "demo",
    "run_command": "child",
    "run_shell": "child",
    "type_task": "demo",
}


def __getattr__(name: str) -> Any:
    """Load a room when somebody first enters it: flask and moto are the sandbox's alone, and optional."""
    if name not in _ROOMS:
        raise AttributeError(name)
    return getattr(import_module(f"release.sandbox.{_ROOMS[name]}"), name)
