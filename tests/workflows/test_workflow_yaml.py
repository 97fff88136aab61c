"""YAML as GitHub reads it."""

from __future__ import annotations

import contextlib
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from release.workflows import InvalidYaml, document

SCALARS: list[tuple[str, Any]] = [
    ("on", "on"),
    ("off", "off"),
    ("yes", "yes"),
    ("no", "no"),
    ("y", "y"),
    ("true", True),
    ("False", False),
    ("TRUE", True),
    ("tRUE", "tRUE"),
    ("null", None),
    ("~", None),
    ("", None),
    ("3.10", 3.1),
    ("3", 3),
    ("010", 10),
    ("0o10", 8),
    ("0x1F", 31),
    ("-7", -7),
    ("1_000", "1_000"),
    ("12:30:45", "12:30:45"),
    ("2026-11-22", "2026-11-22"),
    ("1e3", 1000.0),
    (".5", 0.5),
    ("1.", 1.0),
    (".", "."),
    ("-.inf", -math.inf),
    ("'true'", "true"),
    ('"1"', "1"),
    ("<<", "<<"),
    ("=", "="),
]


@pytest.mark.parametrize(("text", "value"), SCALARS)
def test_plain_scalars_are_of_the_core_schema(text: str, value: Any) -> None:
    parsed = document(f"key: {text}\n".encode())["key"]
    assert parsed == value
    assert type(parsed) is type(value)


def test_on_is_a_key_and_so_is_every_other_word() -> None:
    text = b"on: push\noff: 1\n3.10: 2\ntrue: 3\n~: 4\n"
    assert document(text) == {"on": "push", "off": 1, "3.10": 2, "true": 3, "~": 4}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (b"on: push\njobs: {}\non: pull\n", "line 3, column 1: 'on' is there twice"),
        (b"jobs:\n  build: {}\n  BUILD: {}\n", "line 3, column 3: 'BUILD' is there twice"),
        (b"a: &x {b: 1, b: 2}\n", "line 1, column 14"),
        (b"a: [1\nb: 2\n", "line 2"),
        (b"a: 1\n---\nb: 2\n", "line 2"),
        (b"a: \x00", ""),
        (b"a: \xff\xfe\xfd", ""),
        (b"? [a]\n: 1\n", "line 1, column 3: a key is not a text"),
        (b"a: !!python/object/apply:os.system [echo]\n", "line 1, column 4"),
        (b"a: !!timestamp x\n", "line 1"),
        (b"a: !!int x\n", "is no tag"),
        (b"a: !!bool test\n", "is no tag"),
        (b"a: !!int '3'\n", "is no tag"),
        (b"a: !secret x\n", "line 1"),
        (b"a: *nobody\n", "line 1"),
        (b"a: " + b"9" * 5000, ""),
        (b"[" * 1500, "nested too deep"),
        (b"#" * (1024 * 1024 + 1), "more than 1048576 bytes"),
    ],
)
def test_what_no_workflow_can_be(text: bytes, place: str) -> None:
    with pytest.raises(InvalidYaml) as failure:
        document(text)
    assert place in str(failure.value)
    assert "\n" not in str(failure.value)


def test_aliases_cost_no_memory() -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    assert len(document("\n".join(lines).encode())) == 60


@given(st.binary(max_size=200) | st.text("{}[]:-!&*?|>'\"#%@` \nab01.\t<", max_size=80).map(str.encode))
def test_any_text_is_read_or_refused(text: bytes) -> None:
    with contextlib.suppress(InvalidYaml):
        document(text)
