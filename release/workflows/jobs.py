"""The jobs of a workflow file: what they need, what they are shown as, and which of them these inputs turn off."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from release.workflows.expressions import STATUS, Partial, Undecided, Unsupported, condition, interpolate, values
from release.workflows.expressions.evaluation import EXPRESSION
from release.workflows.expressions.syntax import NAME


@dataclass(frozen=True)
class Job:
    """One job as the file has it; `name` may hold expressions, and is the key where the file gives none."""

    name: str
    needs: tuple[str, ...] = ()
    condition: str = ""
    uses: str = ""


def parse_jobs(found: Any) -> tuple[dict[str, Job], list[str]]:
    """Return the jobs that stand under `jobs`, and what is wrong with them."""
    if not isinstance(found, Mapping) or not found:
        return {}, ["has no jobs"]
    problems = []
    for key, body in found.items():
        if not re.fullmatch(NAME, key):
            problems.append(f"has a job with an impossible key: {key!r}")
        if not isinstance(body, Mapping) or not ("runs-on" in body or "uses" in body):
            problems.append(f"says of job {key} neither what it runs on nor what it uses")
    read = {key: _job(key, body if isinstance(body, Mapping) else {}) for key, body in found.items()}
    return read, problems or _needs_problems(read)


def skips(found: Mapping[str, Job], context: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Return why each job that does not run is off, and why it cannot be known of others; the needs must be sound.

    Every job's `if:` is judged as if all that runs succeeds.
    """
    off: dict[str, str] = {}
    unclear: dict[str, str] = {}
    for key in _order(found).static_order():
        job = found[key]
        # success() looks at all jobs before this one, not only at those it names.
        skipped = [name for name in sorted(ancestors(found, [key])) if name in off]
        results = {name: "skipped" if name in off else "success" for name in job.needs}
        needs = {name: {"result": each, "outputs": Partial()} for name, each in results.items()}
        known = {**context, STATUS: "skipped" if skipped else "success", "needs": needs}
        try:
            if not condition(job.condition, known):
                off[key] = f"it comes after {skipped[0]}, {off[skipped[0]]}" if skipped else f"if: {job.condition}"
        except (Undecided, Unsupported) as error:
            unclear[key] = f"if: {job.condition}: {error}"
    return off, unclear


def ancestors(found: Mapping[str, Job], keys: Iterable[str]) -> set[str]:
    """List the jobs that must come before these."""
    before: set[str] = set()
    todo = [need for key in keys for need in found[key].needs]
    while todo:
        if (key := todo.pop()) not in before:
            before.add(key)
            todo += found[key].needs
    return before


def shown_name(job: Job, context: Mapping[str, Any]) -> tuple[str, bool]:
    """Return the name GitHub will show, without a matrix's suffix, and whether it is known before the run.

    Where it is not, every expression in it stands as `*`.
    """
    try:
        return interpolate(job.name, context), True
    except (Undecided, Unsupported):
        return EXPRESSION.sub("*", job.name), False


def _needs_problems(found: Mapping[str, Job]) -> list[str]:
    """List the needs that no job fills, and the circles among them."""
    missing = [(key, need) for key, job in found.items() for need in job.needs if need not in found]
    problems = [f"has a job {key} that needs {need}, which is not there" for key, need in missing]
    try:
        _order(found).prepare()
    except CycleError as error:
        problems.append(f"has jobs that need each other: {' → '.join(reversed(error.args[1]))}")
    return problems


def _order(found: Mapping[str, Job]) -> TopologicalSorter[str]:
    return TopologicalSorter({key: job.needs for key, job in found.items()})


def _job(key: str, body: Mapping[str, Any]) -> Job:
    name = body.get("name")
    shown = key if name is None else values.text(name)
    needs = tuple(dict.fromkeys(values.texts(body.get("needs"))))
    return Job(shown, needs, values.text(body.get("if")), values.text(body.get("uses")))
