"""What a release has to be, and the proof that it is."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    from release.audit import (
        checkup,
        checkup_places,
        doctor,
        expected,
        notes,
        overview,
        page,
        proofs,
        receipt,
        starter,
        status_model,
        status_view,
        timeline,
        verification,
    )


def __getattr__(name: str) -> ModuleType:
    """Load a module of this room when it is first used, so that listing the tasks loads none."""
    if name.startswith("_"):
        raise AttributeError(name)
    return import_module(f"release.audit.{name}")
