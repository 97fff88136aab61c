"""Every pair of the corpus gets the verdict written beside it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from oasdiff_path import oasdiff

from release.compat.interfaces import Tools, compare
from release.compat.verdicts import Verdict
from release.settings import Component

CORPUS = Path(__file__).parent / "corpus"
BASE = (CORPUS / "base.yaml").read_text(encoding="utf-8")
PYTHON = yaml.safe_load((CORPUS / "python.yaml").read_text(encoding="utf-8"))
OPENAPI = yaml.safe_load((CORPUS / "openapi.yaml").read_text(encoding="utf-8"))
CONTRACT = yaml.safe_load((CORPUS / "contract.yaml").read_text(encoding="utf-8"))
SDK = Component("sdk", "sdk", "python", "sdk/pkg")
BACKEND = Component("backend", "backend", "openapi", "backend/openapi.yaml")


def package(side: str | dict[str, str]) -> dict[str, bytes]:
    files = {"pkg/__init__.py": side} if isinstance(side, str) else side
    return {f"sdk/{name}": text.encode() for name, text in files.items()}


def edited(text: str, edits: list[list[str]]) -> str:
    for old, new in edits:
        assert text.count(old) == 1, f"{old!r} must occur once"
        text = text.replace(old, new)
    return text


def descriptions(pair: dict[str, Any]) -> tuple[dict[str, bytes], dict[str, bytes]]:
    before = edited(BASE, pair.get("base", []))
    sides = pair.get("before", before), pair.get("after", edited(before, pair.get("edits", [])))
    first, second = ({"backend/openapi.yaml": side.encode()} if side is not None else {} for side in sides)
    return first, second


@pytest.mark.parametrize("pair", PYTHON, ids=lambda pair: str(pair["name"]))
def test_python_pair(pair: dict[str, Any]) -> None:
    found = compare(SDK, package(pair["before"]), package(pair["after"]))
    assert (found.verdict.value, found.changes) == (pair["verdict"], found.changes), found.why
    assert all(change.file.startswith("sdk/pkg") for change in found.changes)
    assert bool(found.changes) is (found.verdict is Verdict.INCOMPATIBLE) or found.verdict is Verdict.UNDECIDED


CORNERS = [pair if n % 4 == 0 else pytest.param(pair, marks=pytest.mark.slow) for n, pair in enumerate(OPENAPI)]


@pytest.mark.parametrize("pair", CORNERS, ids=lambda pair: str(pair["name"]))
def test_openapi_pair(pair: dict[str, Any]) -> None:
    found = compare(BACKEND, *descriptions(pair), Tools(oasdiff()))
    assert (found.verdict.value, found.changes) == (pair["verdict"], found.changes), found.why
    assert {change.file for change in found.changes} <= {BACKEND.interface}


@pytest.mark.parametrize("known", ["with", "without"])
@pytest.mark.parametrize("pair", CONTRACT, ids=lambda pair: str(pair["name"]))
def test_what_oasdiff_does_not_tell_is_told(pair: dict[str, Any], known: str) -> None:
    found = compare(BACKEND, *descriptions(pair), Tools(oasdiff() if known == "with" else "not-there"))
    assert (found.verdict.value, found.changes) == (pair[known], found.changes), found.why


# What the project itself calls certain; everything else that differs needs oasdiff, or a person.
CERTAIN = {
    "an endpoint is gone", "a deprecated endpoint is gone", "a new required parameter", "a parameter became required",
    "a smaller maximum", "another type of a parameter", "another type to receive",
    "a required property to receive is gone", "a property to receive may be missing",
    "a property to receive may be null", "a new required property to send", "a value may no longer be sent",
    "another success status", "another media type", "OpenAPI 3.1, a type to send is narrower",
    "an optional property to receive is gone", "an optional parameter is gone",
}  # fmt: skip


@pytest.mark.parametrize("pair", OPENAPI, ids=lambda pair: str(pair["name"]))
def test_without_oasdiff_the_common_breaks_are_certain_and_only_the_same_passes(pair: dict[str, Any]) -> None:
    found = compare(BACKEND, *descriptions(pair), Tools("not-there"))
    wanted = "incompatible" if pair["name"] in CERTAIN else "could not tell"
    assert found.verdict.value == ("compatible" if pair["name"] == "nothing changed" else wanted), found


@pytest.mark.parametrize("pairs", [PYTHON, OPENAPI], ids=["python", "openapi"])
def test_the_corpus_has_every_verdict(pairs: list[dict[str, Any]]) -> None:
    assert len(pairs) >= 20
    counted = Counter(pair["verdict"] for pair in pairs)
    assert set(counted) == {verdict.value for verdict in Verdict}
    assert min(counted.values()) >= 5


@pytest.mark.parametrize("pair", PYTHON, ids=lambda pair: str(pair["name"]))
def test_nothing_that_griffe_reports_passes(pair: dict[str, Any], tmp_path: Path) -> None:
    """The comparison is the project's own; griffe's list of breaking changes is its lower bound."""
    griffe = pytest.importorskip("griffe")
    if pair["verdict"] != "compatible":
        return
    sides = []
    for side in ("before", "after"):
        for name, content in package(pair[side]).items():
            target = tmp_path / side / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        folder = tmp_path / side / "sdk"
        loaded = griffe.load("pkg", search_paths=[folder], allow_inspection=False, resolve_aliases=True)
        sides.append(loaded)
    kinds = {breakage.kind.name for breakage in griffe.find_breaking_changes(*sides)}
    assert kinds <= {"ATTRIBUTE_CHANGED_VALUE"}  # griffe 1 also reported every new version number
