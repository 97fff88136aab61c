"""What `permissions` grants a job's token, as GitHub documents it."""

from __future__ import annotations

from typing import Any

import pytest

from release.workflows.permissions import PERMISSIVE, RESTRICTED, SCOPES, allows, excess, grants

ALL = dict.fromkeys(SCOPES, "write")


@pytest.mark.parametrize(
    ("above", "said", "found"),
    [
        (RESTRICTED, (None, None), {"contents": "read", "packages": "read"}),
        (PERMISSIVE, (None, None), {scope: "write" for scope in SCOPES if scope != "id-token"}),
        (PERMISSIVE, ({}, None), {}),
        (PERMISSIVE, ({"contents": "write"}, None), {"contents": "write"}),
        (PERMISSIVE, ({"contents": "write"}, {"id-token": "write"}), {"id-token": "write"}),
        (PERMISSIVE, ({"contents": "write"}, {}), {}),
        (RESTRICTED, ("write-all", None), ALL),
        (RESTRICTED, ({"contents": "write"}, "read-all"), dict.fromkeys(SCOPES, "read")),
        (RESTRICTED, ({"contents": "none", "checks": "read"}, None), {"checks": "read"}),
    ],
)
def test_the_last_that_says_anything_takes_the_place_of_all_before(
    above: dict[str, str], said: tuple[Any, ...], found: dict[str, str]
) -> None:
    assert grants(above, *said) == found


def test_who_may_write_may_read_and_nobody_else_may() -> None:
    assert [allows({"contents": each}, "contents", "read") for each in ("none", "read", "write")] == [False, True, True]
    assert [allows({"contents": each}, "contents", "write") for each in ("read", "write")] == [False, True]
    assert not allows({}, "id-token", "write")


def test_what_a_called_job_asks_for_and_its_caller_has_not_is_named() -> None:
    asked = {"contents": "write", "packages": "read", "id-token": "write"}
    assert list(excess(asked, {"contents": "read", "packages": "write"})) == [
        ("contents", "write", "read"),
        ("id-token", "write", "none"),
    ]
    assert list(excess(RESTRICTED, PERMISSIVE)) == []
