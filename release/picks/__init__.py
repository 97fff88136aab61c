"""From the commits asked for to a release branch that has them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    from release.picks import (
        backported,
        candidates,
        conflicts,
        history,
        pull_request,
        push,
        request,
        steps,
        worktree,
    )


def __getattr__(name: str) -> ModuleType:
    """Load a module of this room when it is first used, so that listing the tasks loads none."""
    if name.startswith("_"):
        raise AttributeError(name)
    return import_module(f"release.picks.{name}")
