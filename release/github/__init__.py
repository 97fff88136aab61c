"""GitHub's API: the only requests."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    from release.github import (
        api,
        artifacts,
        checks,
        commits,
        dispatch,
        events,
        follow,
        http,
        merging,
        outcomes,
        pulls,
        releases,
        requests,
        rules,
        runs,
        web,
    )


def __getattr__(name: str) -> ModuleType:
    """Load a module of this room when it is first used, so that listing the tasks loads none."""
    if name.startswith("_"):
        raise AttributeError(name)
    return import_module(f"release.github.{name}")
