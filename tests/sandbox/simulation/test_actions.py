"""What actions and programs name: images of each tool, unknown matrices, actions of the repository."""

from __future__ import annotations

import pytest

from release.sandbox.simulation.effects.deliveries import image_parts
from release.sandbox.simulation.effects.options import options
from release.sandbox.simulation.effects.packages import plain_words
from release.sandbox.simulation.unknown import can_be, shown, unknown

HOST = unknown("secrets.REGISTRY")


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("ghcr.io/acme/web:1.0", ("ghcr.io", "acme/web", "1.0")),
        ("localhost:5000/web", ("localhost:5000", "web", "latest")),
        ("acme/web:1.0", ("", "acme/web", "1.0")),
        ("web", ("", "web", "latest")),
        (f"{HOST}/web:1.0", (HOST, "web", "1.0")),
        (f"{HOST}/web:{HOST}", (HOST, "web", HOST)),
        (f"{HOST}/web:v{HOST}-1", (HOST, "web", f"v{HOST}-1")),
    ],
)
def test_an_image_is_taken_apart_though_parts_are_unknown(name: str, parts: tuple[str, str, str]) -> None:
    assert image_parts(name) == parts


def test_what_is_unknown_as_a_whole_can_be_any_image() -> None:
    _, repository, tag = image_parts(HOST)
    assert can_be(repository, "web")
    assert can_be(tag, "1.0")


def test_a_text_known_in_part_can_be_some_texts_alone() -> None:
    text = f"py{unknown('matrix.python')}-1.0"
    assert can_be(text, "py3.11-1.0")
    assert not can_be(text, "py3.11-1.1")
    assert shown(text) == "py<matrix.python>-1.0"


def test_options_are_read_with_their_values() -> None:
    found = options(["push", "-t", "a", "--tag=b", "--push", "--load=false", "."], lambda name: name == "-t")
    assert found.values("-t", "--tag") == ["a", "b"]
    assert found.has("--push")
    assert not found.has("--load")
    assert list(found.rest) == ["push", "."]


@pytest.mark.parametrize(
    ("words", "plain"),
    [
        (["python3.11", "-m", "build"], ["python", "-m", "build"]),
        (["uv", "run", "inv", "sdk.build"], ["inv", "sdk.build"]),
        (["fresh/bin/pip", "install", "x"], ["pip", "install", "x"]),
        (["poetry", "build"], ["poetry", "build"]),
    ],
)
def test_what_finds_a_program_is_left_out(words: list[str], plain: list[str]) -> None:
    assert plain_words(words) == plain
