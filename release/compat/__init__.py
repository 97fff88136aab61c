"""What breaks an API: the gate before an individual release, entered through `gate`.

answers.py      the gate: what every pair of the line's components answers, shown, and raised where it does not open
interfaces.py   which comparisons a release asks for, and each one's answer; a program of the repository's own
python/         two versions of a Python package
openapi.py      two OpenAPI descriptions, by oasdiff and by what they say: contract.py, operations; schemas.py, schemas
verdicts.py     compatible, incompatible, or could not tell, and the files that it is about
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from release.compat.answers import change_text, check_open, current_line, gate, show_answers, verdict_of
    from release.compat.interfaces import Answer
    from release.compat.verdicts import Verdict

__all__ = ["Answer", "Verdict", "change_text", "check_open", "current_line", "gate", "show_answers", "verdict_of"]
_MODULES = {"Answer": "interfaces", "Verdict": "verdicts"}


def __getattr__(name: str) -> Any:
    """Load the engine when somebody first enters it."""
    if name not in __all__:
        raise AttributeError(name)
    return getattr(import_module(f"release.compat.{_MODULES.get(name, 'answers')}"), name)
