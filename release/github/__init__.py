"""GitHub's API: the only requests.

http.py        the one door to HTTP, for others' servers too; api.py: one repository's REST API
requests.py    which run a release asks for; dispatch.py: the run bound to it, or asked for once
events.py      what a push or a tag starts, and with whose token
runs.py        runs and jobs, and what became of them; follow.py: the wait for them; artifacts.py: what they kept
checks.py      a commit's checks, a branch's rules, the wait for both
pulls.py       pull requests; merging.py: their merge
releases.py    GitHub Releases; commits.py: which history holds which commit
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    from release.github import api, checks, commits, dispatch, events, follow, merging, releases, requests, runs


def __getattr__(name: str) -> ModuleType:
    """Load a module of this room when it is first used, so that listing the tasks loads none."""
    if name.startswith("_"):
        raise AttributeError(name)
    return import_module(f"release.github.{name}")
