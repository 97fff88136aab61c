"""Every example that semver.org publishes beside its regular expression (https://regex101.com/r/Ly7O1x/3/)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from typed import Type, typing_in

from release.errors import Usage
from release.sandbox import Sandbox
from release.versions import parse

VALID = [
    "0.0.4", "1.2.3", "10.20.30", "1.1.2-prerelease+meta", "1.1.2+meta", "1.1.2+meta-valid", "1.0.0-alpha",
    "1.0.0-beta", "1.0.0-alpha.beta", "1.0.0-alpha.beta.1", "1.0.0-alpha.1", "1.0.0-alpha0.valid",
    "1.0.0-alpha.0valid", "1.0.0-alpha-a.b-c-somethinglong+build.1-aef.1-its-okay", "1.0.0-rc.1+build.1",
    "2.0.0-rc.1+build.123", "1.2.3-beta", "10.2.3-DEV-SNAPSHOT", "1.2.3-SNAPSHOT-123", "1.0.0", "2.0.0", "1.1.7",
    "2.0.0+build.1848", "2.0.1-alpha.1227", "1.0.0-alpha+beta", "1.2.3----RC-SNAPSHOT.12.9.1--.12+788",
    "1.2.3----R-S.12.9.1--.12+meta", "1.2.3----RC-SNAPSHOT.12.9.1--.12", "1.0.0+0.build.1-rc.10000aaa-kk-0.1",
    "99999999999999999999999.999999999999999999.99999999999999999", "1.0.0-0A.is.legal",
]  # fmt: skip
INVALID = [
    "1", "1.2", "1.2.3-0123", "1.2.3-0123.0123", "1.1.2+.123", "+invalid", "-invalid", "-invalid+invalid",
    "-invalid.01", "alpha", "alpha.beta", "alpha.beta.1", "alpha.1", "alpha+beta", "alpha_beta", "alpha.", "alpha..",
    "beta", "1.0.0-alpha_beta", "-alpha.", "1.0.0-alpha..", "1.0.0-alpha..1", "1.0.0-alpha...1", "1.0.0-alpha....1",
    "1.0.0-alpha.....1", "1.0.0-alpha......1", "1.0.0-alpha.......1", "01.1.1", "1.01.1", "1.1.01", "1.2", "1.2.3.DEV",
    "1.2-SNAPSHOT", "1.2.31.2.3----RC-SNAPSHOT.12.09.1--..12+788", "1.2-RC-SNAPSHOT", "-1.0.3-gamma+b7718",
    "+justmeta", "9.8.7+meta+meta", "9.8.7-whatever+meta+meta",
    "99999999999999999999999.999999999999999999.99999999999999999----RC-SNAPSHOT.12.09.1--------------------------------..12",
]  # fmt: skip


def test_s07_all_examples_are_here() -> None:
    assert (len(VALID), len(INVALID)) == (31, 40)
    assert len({*VALID, *INVALID}) == 70, "1.2 is there twice"


@pytest.mark.parametrize("text", VALID)
def test_s07_what_semver_calls_valid_is_read_and_written_back(text: str) -> None:
    assert str(parse(text)) == text


@pytest.mark.parametrize("text", dict.fromkeys(INVALID))
def test_s07_what_semver_calls_invalid_is_refused(text: str) -> None:
    with pytest.raises(Usage, match="is no version"):
        parse(text)


@pytest.fixture(scope="module")
def world() -> Iterator[Sandbox]:
    with Sandbox({"a": "b\n"}, cloud=False) as made:
        yield made


@pytest.fixture
def typed(world: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Type:
    return typing_in(world, monkeypatch, capsys)


@pytest.mark.slow
def test_s07_what_is_typed_is_read_the_same(typed: Type) -> None:
    """A version is one whether or not it may come next; 1.2 is a line to `--version`, and none that is here."""
    for text in VALID:
        assert "is no version" not in typed("--dry", "release.check", f"--version={text}").err, text
    for text in INVALID:
        said = typed("--dry", "release.check", f"--version={text}")
        assert said.code == 2, text
        assert re.search(r"is no (version|line)|no release branch of 1\.2", said.err), said.err
