"""What breaks an API: the gate before an individual release, entered through `gate`.

answers.py      the gate: what every pair of the line's components answers, shown, and raised where it does not open
components.py   which comparisons a release asks for
interfaces.py   two versions of one interface, of whatever kind: python/, openapi.py, command.py
verdicts.py     compatible, incompatible, or could not tell; files.py: the files at one commit
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from release.compat.answers import check_open, component_named, current_line, gate, show_answers
    from release.compat.interfaces import Answer
    from release.compat.verdicts import Verdict, overall

__all__ = [
    "Answer", "Verdict", "check_open", "component_named", "current_line", "gate", "overall", "show_answers",
]  # fmt: skip
_MODULES = {"Answer": "interfaces", "Verdict": "verdicts", "overall": "verdicts"}


def __getattr__(name: str) -> Any:
    """Load the engine when somebody first enters it."""
    if name not in __all__:
        raise AttributeError(name)
    return getattr(import_module(f"release.compat.{_MODULES.get(name, 'answers')}"), name)
