"""What a release has to be, and the proof that it is.

expected.py   what a version has to be, by its tag
proofs.py     a function a proof, and all of them side by side
receipt.py    a proved release made public: its in-toto Statement, and its GitHub Release, a draft until then
overview.py   what is out of the newest versions, read side by side
status.py     the same as values, tables and JSON, with what to type next; page.py: as HTML
checkup.py    the doctor's checks of machine, token and places
starter.py    the files that another repository begins with
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    from release.audit import checkup, expected, overview, page, proofs, receipt, starter, status


def __getattr__(name: str) -> ModuleType:
    """Load a module of this room when it is first used, so that listing the tasks loads none."""
    if name.startswith("_"):
        raise AttributeError(name)
    return import_module(f"release.audit.{name}")
