"""A job's matrix: which combinations it runs.

Rules: https://docs.github.com/en/actions/how-tos/write-workflows/choose-what-workflows-do/run-job-variations
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

from release.workflows import expressions

MAX_JOBS = 256
Combination = dict[str, Any]


def combinations(matrix: Any) -> list[Combination]:
    """Expand a matrix whose expressions are evaluated already; no matrix is one empty combination.

    Raises `Unsupported` for an axis without values, or more than GitHub's 256 jobs.
    """
    if matrix is None:
        return [{}]
    if not isinstance(matrix, Mapping):
        raise expressions.Unsupported(f"the matrix is no mapping: {matrix!r}")
    axes = {name: _axis(name, found) for name, found in matrix.items() if name not in ("include", "exclude")}
    found = [dict(zip(axes, chosen, strict=True)) for chosen in product(*axes.values())] if axes else []
    found = [one for one in found if not any(_covers(rule, one) for rule in matrix.get("exclude") or ())]
    found = _included(found, matrix.get("include") or [])
    if not 0 < len(found) <= MAX_JOBS:
        raise expressions.Unsupported(f"the matrix makes {len(found)} jobs")
    return found


def _axis(name: str, found: Any) -> list[Any]:
    if not isinstance(found, list) or not found:
        raise expressions.Unsupported(f"matrix vector {name!r} does not contain any values")
    return found


def _covers(rule: Any, value: Any) -> bool:
    if isinstance(rule, Mapping):
        return isinstance(value, Mapping) and all(_covers(part, value.get(key)) for key, part in rule.items())
    return expressions.equal(rule, value) or rule == value


def _included(original: list[Combination], include: list[Combination]) -> list[Combination]:
    # What an entry adds may be replaced by a later entry; what the axes say may not.
    found = [dict(one) for one in original]
    alone: list[Combination] = []
    for entry in include:
        fits = [
            at for at, one in enumerate(original) if all(one.get(key, value) == value for key, value in entry.items())
        ]
        for at in fits:
            found[at].update(entry)
        if not fits:
            alone.append(dict(entry))
    return found + alone


def display_name(name: str, combination: Mapping[str, Any]) -> str:
    """Name a job as GitHub shows it: `test-package (3.10)`."""
    shown = ", ".join(_leaves(list(combination.values())))
    return f"{name} ({shown})" if shown else name


def _leaves(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        value = list(value.values())
    return [leaf for one in value for leaf in _leaves(one)] if isinstance(value, list) else [expressions.text(value)]
