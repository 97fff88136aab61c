"""Hostile texts at every door: no argument of Git's or gh's begins with one, none is printed as it came."""

from __future__ import annotations

import io
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

import pytest
from hostile import FEW, HOSTILE, commands, raw

from release.artifacts.wheel import python_version, read_wheel, wheel_filename_matches
from release.call.report import Progress, Report
from release.config_py import replace_constant
from release.errors import Failed, ReleaseError
from release.git.failures import failure
from release.git.remotes import remote_repository
from release.versions import (
    check_commit_name,
    check_ref_name,
    check_sha,
    image_tags,
    nearest,
    parse,
    parse_branch,
    parse_image_tag,
    parse_line,
)


def test_they_are_many_and_of_every_kind() -> None:
    assert len(set(HOSTILE)) == len(HOSTILE) >= 650
    for begin in (
        "-",
        "--upload-pack=",
        "$(",
        "`",
        ";",
        "ext::",
        "refs/",
        "::",
        "##[",
        "\x1b",
        "\x9b",
        "\ufeff",
        "\udc80",
    ):
        assert any(text.startswith(begin) for text in HOSTILE), ascii(begin)
    for inside in ("..", "@{", ".lock", "\n", "\r", "\0", "\u202e", "\u200b", "\u0660", "e\u0301", "\u2028", "\x85"):
        assert any(inside in text for text in HOSTILE), ascii(inside)
    assert max(map(len, HOSTILE)) > 2**20
    assert len(FEW) < 100


SIZES = [pytest.param(FEW, id="few"), pytest.param(HOSTILE, id="all", marks=pytest.mark.faults)]

# --- values ---

DOORS: dict[str, Callable[[str], object]] = {
    "parse": parse,
    "nearest": nearest,
    "line": lambda text: parse_line(text, version_too=True),
    "ref": check_ref_name,
    "commit": check_commit_name,
    "sha": check_sha,
    "branch": parse_branch,
    "image-tag": parse_image_tag,
    "image-template": lambda text: image_tags(text, parse("0.7.0"), ["3.11"]),
    "image-python": lambda text: image_tags("x{python}-{version}", parse("0.7.0"), [text]),
    "config": lambda text: replace_constant(b'X = "1"\n', "X", text),
    "config-name": lambda text: replace_constant(b'X = "1"\n', text, "2"),
    "config-path": lambda text: replace_constant(b"", "X", "2", text),
    "wheel-name": lambda text: wheel_filename_matches(text, "leptonai", parse("0.7.0")),
    "wheel": lambda text: read_wheel(b"PK\x03\x04", text),
    "python": lambda text: python_version(nearest(text) or parse("0.7.0")),
    "remote": remote_repository,
    "git": lambda text: (_ for _ in ()).throw(failure("push", text)),
}
TAKEN = ("parse", "ref", "commit")  # what these take may reach Git


@pytest.mark.parametrize("door", DOORS)
def test_s03_s07_a_value_is_read_or_refused_in_words_that_can_be_shown(
    door: str, capsys: pytest.CaptureFixture[str]
) -> None:
    report = Report(stream=io.StringIO())
    for text in HOSTILE:
        try:
            DOORS[door](text)
        except ReleaseError as error:
            report.error(error)
        else:
            assert door not in ("sha", "wheel", "git"), ascii(text)[:100]
            assert door not in TAKEN or re.fullmatch(r"\w[\w.+/@#=^~-]*", text, re.ASCII), text
    shown = capsys.readouterr().err
    assert raw(shown) == []
    assert max(map(len, shown.splitlines()), default=0) < 20_000


# --- what is printed ---


@contextmanager
def terminal() -> Iterator[tuple[TextIO, list[bytes]]]:
    """A pseudo-terminal: what is written to it, and the pieces that it shows."""
    ours, theirs = os.openpty()
    shown: list[bytes] = []

    def _read() -> None:
        while piece := _piece(ours):
            shown.append(piece)

    reader = threading.Thread(target=_read)
    reader.start()
    stream = open(theirs, "w", encoding="utf-8")  # noqa: PTH123, SIM115 it is closed before it is read to the end
    try:
        yield stream, shown
    finally:
        stream.close()
        reader.join()
        os.close(ours)


def _piece(file: int) -> bytes:
    try:
        return os.read(file, 2**16)
    except OSError:  # Linux says so of a terminal that nobody has open
        return b""


def print_everything(report: Report, texts: list[str]) -> None:
    """Print the texts in every way that there is."""
    for text in texts:
        if report.json and len(text) > 10_000:  # a program gets all of it, once is enough
            report.line(text)
            continue
        report.step("made", text, url=text)
        report.step("failed", f"job {text}", run=text)
        report.line(text)
        report.lines([text])
        report.artifact(text, text)
        report.error(Failed(text, text))
        report.emit(title=text)
        with report.group(text):
            report.progress([Progress({"run": text, "job": text}, text, 1.0, text)])
    for begin in range(0, len(texts), 30):
        some = [text[:300] for text in texts[begin : begin + 30]]
        report.rows(some[:3], [some[:3], *((text, text, None) for text in some)])
        with report.live():
            report.progress([Progress({"run": text, "job": text}, text, 1.0, text, head=True) for text in some])


@pytest.mark.parametrize("texts", SIZES)
@pytest.mark.parametrize("actions", [False, True], ids=["by-hand", "in-actions"])
@pytest.mark.parametrize("output", ["text", "json"])
def test_s04_s11_nothing_is_printed_raw_to_a_stream(
    texts: list[str], output: str, actions: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if actions:
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
    report = Report(output, io.StringIO())
    print_everything(report, texts)
    assert isinstance(report.stream, io.StringIO)
    shown = report.stream.getvalue() + capsys.readouterr().err
    assert raw(shown) == []
    assert not actions or commands(shown) == []
    assert "zyx" in shown


@pytest.mark.parametrize("texts", SIZES)
@pytest.mark.parametrize("actions", [False, True], ids=["by-hand", "in-actions"])
@pytest.mark.parametrize("output", ["text", "json"])
def test_s04_s11_nothing_is_printed_raw_on_a_terminal(
    texts: list[str], output: str, actions: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    if actions:
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
    with terminal() as (stream, shown):
        monkeypatch.setattr("sys.stderr", stream)
        report = Report(output, stream)
        assert report.stream.isatty()
        print_everything(report, texts)
    text = b"".join(shown).decode("utf-8")
    assert raw(text) == []
    assert not actions or commands(text) == []
    assert not actions or "\x1b[?25l" not in text, "nothing is drawn anew where a runner reads lines"
    assert "zyx" in text
