"""The local repository and its remote: the only GitPython."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    from release.git import (
        choice,
        credentials,
        failures,
        lines,
        objects,
        refs,
        remotes,
        repository,
        signatures,
        snapshot,
        tags,
    )


def __getattr__(name: str) -> ModuleType:
    """Load a module of this room when it is first used, so that listing the tasks loads none."""
    if name.startswith("_"):
        raise AttributeError(name)
    return import_module(f"release.git.{name}")
