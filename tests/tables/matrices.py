"""Real matrices of real workflow files, expanded and named a second way.

The second way follows the runner's own, object by object: https://github.com/actions/runner,
src/Sdk/WorkflowParser/Conversion/MatrixBuilder.cs and JobNameBuilder.cs.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from sources import repository

from release.sandbox.runner.workflow import combinations, display_name
from release.workflows import InvalidYaml, document
from release.workflows.expressions import Unsupported, evaluate, text

REPOSITORIES = (
    "pytest-dev/pytest", "aio-libs/aiohttp", "urllib3/urllib3", "psf/black", "pypa/cibuildwheel", "pypa/setuptools",
    "python-pillow/Pillow", "psycopg/psycopg", "astral-sh/ruff", "pydantic/pydantic", "tornadoweb/tornado",
    "giampaolo/psutil", "tox-dev/tox", "numpy/numpy",
)  # fmt: skip
LONGEST = 100


def cases() -> Iterator[tuple[str, str]]:
    """Expand each matrix that is written out, and name each of its jobs."""
    for name in REPOSITORIES:
        for path in sorted((repository(name) / ".github" / "workflows").glob("*.y*ml")):
            try:
                jobs = document(path.read_bytes())["jobs"]
            except InvalidYaml as error:
                yield f"{name} {path.name}", f"not read: {error}"
                continue
            for key, job in jobs.items():
                matrix = (job.get("strategy") or {}).get("matrix")
                if isinstance(matrix, dict) and "${{" not in str(matrix):
                    yield f"{name} {path.name} {key}", _fault(str(job.get("name") or key), matrix)


def _fault(name: str, matrix: dict[str, Any]) -> str:
    wanted = [(_name(name, named), {**named, **extra}) for named, extra in _expanded(matrix)]
    try:
        found = [(display_name(name, named), named | added) for named, added in combinations(matrix)]
    except Unsupported as error:
        return f"FALSE: refused: {error}"
    differ = next((pair for pair in zip(found, wanted, strict=False) if pair[0] != pair[1]), None)
    if differ is None and len(found) != len(wanted):
        return f"FALSE: {len(found)} jobs instead of {len(wanted)}"
    return f"FALSE: {differ[0]} instead of {differ[1]}" if differ else ""


def _expanded(matrix: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    vectors = {key: values for key, values in matrix.items() if key not in ("include", "exclude")}
    filters = []
    for item in matrix.get("include") or ():
        parts: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
        for key, value in item.items():
            parts[key not in vectors][key] = value
        filters.append(parts)
    matched = [False] * len(filters)
    for values in product(*vectors.values()) if vectors else ():
        one = dict(zip(vectors, values, strict=True))
        if any(_matches(each, one) for each in matrix.get("exclude") or ()):
            continue
        extra: dict[str, Any] = {}
        for at, (wanted, added) in enumerate(filters):
            if _matches(wanted, one):
                matched[at] = True
                extra |= added
        yield one, extra
    yield from ((wanted | added, {}) for at, (wanted, added) in enumerate(filters) if not matched[at])


def _matches(wanted: dict[str, Any], matrix: dict[str, Any]) -> bool:
    return all(evaluate(f"{path} == {literal}", {"matrix": matrix}) for path, literal in _leaves(wanted, "matrix"))


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """List where a literal stands, and how an expression writes it."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _leaves(each, f"{path}[{_literal(key)}]")
    elif isinstance(value, list):
        for at, each in enumerate(value):
            yield from _leaves(each, f"{path}[{at}]")
    else:
        yield path, _literal(value)


def _literal(value: Any) -> str:
    return (
        "'{}'".format(value.replace("'", "''")) if isinstance(value, str) else "null" if value is None else text(value)
    )


def _name(name: str, named: dict[str, Any]) -> str:
    if "${{" in name:
        return display_name(name, named)  # it names itself
    segments = ", ".join(filter(None, _texts(named)))
    whole = f"{name} ({segments})" if segments else name
    return f"{whole[: LONGEST - 3]}..." if len(whole) > LONGEST else whole


def _texts(value: Any) -> Iterator[str]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    if inner is None:
        yield text(value)
    for each in inner or ():
        yield from _texts(each)
