"""Annotations are compared by what their names stand for, as far as that can be told."""

from __future__ import annotations

from pathlib import Path

import griffe
import pytest

from release.compat.python.types import Annotation, Names, accepts_all, is_certain

NAMES = Names(
    griffe.visit("pkg", Path("pkg/__init__.py"), "import typing, a, b\nfrom typing import *\nclass Photon: ...\n")
)


def annotation(text: str) -> Annotation:
    found = NAMES.annotation(text, NAMES.package)
    assert found is not None
    return found


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
        ("collections.abc.Set", "typing.Set", False),
        ("collections.abc.Callable[..., Any]", "typing.Callable", True),
        ("tuple[Any, ...]", "tuple", True),
        ("tuple[Any]", "tuple", False),
        ("dict[str, int | None]", "Dict[str, Optional[int]]", True),
    ],
)
def test_a_wider_annotation_accepts_a_narrower_one(wide: str, narrow: str, accepts: bool) -> None:
    assert accepts_all(annotation(wide), annotation(narrow)) is accepts


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
    assert is_certain(annotation(old), annotation(new)) is certain
