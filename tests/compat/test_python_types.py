"""Annotations are compared as text, with what their text alone can tell."""

from __future__ import annotations

import pytest

from release.compat.python.types import accepts_all, is_certain


@pytest.mark.parametrize(
    ("wide", "narrow", "accepts"),
    [
        ("int", "int", True),
        ("int | str", "int", True),
        ("int", "int | str", False),
        ("Optional[int]", "None | int", True),
        ("typing.Union[str, int]", "int | str", True),
        ("List[str]", "list[str]", True),
        ("list[str]", "list[int]", False),
        ("'Photon'", "Photon", True),
        ("Any", "Photon", True),
        ("Photon", "Any", False),
        ("object", "int", True),
        ("float", "int", True),
        ("int", "float", False),
        ("Literal['a', 'b']", "Literal['a']", True),
        ("Literal['a']", "Literal['a', 'b']", False),
        ("a.Photon", "b.Photon", False),
        ("this is no type", "int", False),
    ],
)
def test_a_wider_annotation_accepts_a_narrower_one(wide: str, narrow: str, accepts: bool) -> None:
    assert accepts_all(wide, narrow) is accepts


@pytest.mark.parametrize(
    ("old", "new", "certain"),
    [
        ("int", "str", True),
        ("list[int]", "dict[str, int]", True),
        ("Optional[int]", "Optional[str]", True),
        ("A", "B", False),
        ("int", "A", False),
        ("int", "a.B", False),
        ("int", "object", False),
        ("this is no type", "int", False),
    ],
)
def test_only_builtins_are_known_to_differ(old: str, new: str, certain: bool) -> None:
    assert is_certain(old, new) is certain
