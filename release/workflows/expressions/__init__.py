"""GitHub's `${{ … }}` expressions, evaluated without running anything.

syntax      text in, tree out
values      truth, loose comparison, text, and the functions
evaluation  the tree's value in the contexts given: `evaluate`, `interpolate` a text, judge an `if:` (`condition`)
"""

from __future__ import annotations

from release.workflows.expressions.evaluation import (
    HASH_FILES,
    STATUS,
    Partial,
    Undecided,
    check_text,
    condition,
    evaluate,
    interpolate,
)
from release.workflows.expressions.syntax import Unsupported
from release.workflows.expressions.values import equal, number, text, truth

__all__ = [
    "HASH_FILES",
    "STATUS",
    "Partial",
    "Undecided",
    "Unsupported",
    "check_text",
    "condition",
    "equal",
    "evaluate",
    "interpolate",
    "number",
    "text",
    "truth",
]
