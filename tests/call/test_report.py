"""The one way out."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from outside import remote_refs

from release.call.report import Progress, Report
from release.call.texts import printable
from release.errors import Failed, Usage
from release.sandbox import Sandbox

HOSTILE = "main\x1b[31m\u202ereversed\u200b\x07\r\n::set-output name=x::y"


def test_s04_text_from_outside_cannot_steer_a_terminal() -> None:
    shown = printable(HOSTILE)
    assert shown == "main\\x1b[31m\\u202ereversed\\u200b\\x07\\r\\n::set-output name=x::y"
    assert printable("é 日本 ✔") == "é 日本 ✔"


@pytest.mark.parametrize("output", ["text", "json"])
def test_s04_every_way_of_printing_escapes(output: str, capsys: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    report = Report(output, stream)
    report.step("made", HOSTILE, url=f"https://x/{HOSTILE}")
    report.line(HOSTILE)
    report.lines([HOSTILE])
    report.rows(("a",), [(HOSTILE,)])
    report.progress([Progress({"run": HOSTILE}, HOSTILE, 1.0, HOSTILE)])
    report.error(Failed(HOSTILE, HOSTILE))
    captured = capsys.readouterr()
    everything = stream.getvalue() + captured.out + captured.err
    assert not set(everything) & set("\x1b\u202e\u200b\x07\r")


def test_json_is_one_object_a_line() -> None:
    stream = io.StringIO()
    report = Report("json", stream)
    report.step("todo", "tag 0.7.0")
    report.rows(("name", "state"), [("a", "b")])
    report.error(Failed("no", "do this"))
    objects = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert objects == [
        {"event": "step", "status": "todo", "what": "tag 0.7.0"},
        {"name": "a", "state": "b"},
        {"event": "error", "code": 1, "message": "no", "hint": "do this"},
    ]


@pytest.fixture
def actions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    return tmp_path


def test_an_output_that_cannot_be_written_is_said_and_a_summary_stops_nothing(
    actions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_OUTPUT", str(actions / "no" / "output"))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(actions / "no" / "summary"))
    report = Report(stream=io.StringIO())
    report.step("made", "tag 0.7.0")
    with pytest.raises(Usage, match=r"GITHUB_OUTPUT: .* cannot be written: No such file"):
        report.record(version="0.7.0")


def test_s05_outputs_cannot_be_forged(actions: Path) -> None:
    report = Report(stream=io.StringIO())
    report.record(version="0.7.0", tag="x\nsha=evil", pr_number=None)
    lines = (actions / "output").read_text().splitlines()
    fences = [line.split("<<")[1] for line in lines if "<<" in line]
    assert len(set(fences)) == 2
    assert all(len(fence) == 32 for fence in fences)
    assert lines[1] == "0.7.0"
    assert lines[4] == "x\\nsha=evil"
    assert len(lines) == 6


def test_an_output_is_written_once_a_value(actions: Path) -> None:
    report = Report(stream=io.StringIO())
    report.record(version="0.7.0")
    report.record(version="0.7.0")
    assert (actions / "output").read_text().count("version<<") == 1


def test_s05_the_summary_holds_no_markup_of_others(actions: Path) -> None:
    Report(stream=io.StringIO()).step("made", "branch <img src=x onerror=y> [a](http://b)")
    assert (actions / "summary").read_text() == "- ✔ branch \\<img src=x onerror=y\\> \\[a\\](http://b)\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("`x` *y* _z_ ~w~ $v$ | ![u](t)", "\\`x\\` \\*y\\* \\_z\\_ \\~w\\~ \\$v\\$ \\| \\!\\[u\\](t)"),
        ("&lt;script&gt; \\<b>", "\\&lt;script\\&gt; \\\\\\<b\\>"),
        ("a\n# b\u2028::c\x1b[31m", "a\\\\n# b\\\\u2028::c\\\\x1b\\[31m"),
    ],
)
def test_s05_the_summary_shows_every_text_as_it_is(actions: Path, text: str, shown: str) -> None:
    """CommonMark takes a backslash before any punctuation, HTML's and an entity's too."""
    Report(stream=io.StringIO()).error(Failed(text))
    assert (actions / "summary").read_text() == f"- ✘ {shown}\n"


def test_s04_a_log_line_is_no_command_to_the_runner(actions: Path) -> None:
    stream = io.StringIO()
    Report(stream=stream).line("::add-mask::x")
    assert stream.getvalue() == ": :add-mask::x\n"
    with Report(stream=stream).group("release.tag"):
        pass
    assert stream.getvalue().endswith("::group::release.tag\n::endgroup::\n")


def test_an_error_in_actions_is_one_annotation(actions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All of it, a conflict's files too, in one command; the runner takes %25, %0D and %0A back, and nothing else."""
    said = Failed(
        "abc conflicts on release-0.7:\n  a%0Ab.py (changed by both)\n::add-mask::x", "inv release.pick --abort"
    )
    Report(stream=io.StringIO()).error(said)
    told = "::error::abc conflicts on release-0.7:%0A  a%250Ab.py (changed by both)%0A: :add-mask::x"
    assert capsys.readouterr().err == f"{told}%0Ainv release.pick --abort\n"


def test_a_stream_without_unicode_gets_ascii() -> None:
    raw = io.BytesIO()
    report = Report(stream=io.TextIOWrapper(raw, encoding="ascii", write_through=True))
    report.step("made", "branch é")
    assert raw.getvalue() == b"ok branch \\xe9\n"
    report.rows(("née",), [("✔ 日",)])
    report.progress([Progress({"run": "né"}, "✔", 1.0, "…")])
    assert b"\\u2714 \\u65e5" in raw.getvalue()


@pytest.mark.parametrize("output", ["text", "json"])
def test_s11_no_text_from_outside_speaks_to_the_runner(
    actions: Path, output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The runner takes `::` at a line's start and `##[` anywhere for a command (actions/runner, ActionCommand.cs)."""
    stream = io.StringIO()
    report = Report(output, stream)
    folded = tuple(f"{'a' * number}::set-env name=PATH::/evil" for number in range(150, 210))
    hostile = (
        *folded,
        "\u2028::add-mask::x",
        "\r::add-mask::x",
        "\x1b[31m::add-mask::x\x1b[0m",
        "###[add-path]/evil",
        "#\u200b#[add-path]/evil",
        "\u3000::add-mask::x",
        "::set-env name=PATH::/evil",
        "  ::add-mask::x",
        "ok ##[add-path]/evil",
        "##[set-output name=x;]y",
    )
    for text in hostile:
        report.step("note", text, url=text)
        report.line(text)
        report.lines([text])
        report.rows((text,), [(text,)])
        report.progress([Progress({"run": text}, text, 1.0, text)])
        report.error(Failed(text, text))
        with report.group("release.tag"):
            report.artifact(text, text)
        with report.live():
            report.progress([Progress({"run": text}, text, 1.0, text, head=True)])
    captured = capsys.readouterr()
    for line in (stream.getvalue() + captured.out + captured.err).splitlines():
        assert "##[" not in line
        ours = line in ("::group::release.tag", "::endgroup::") or line.startswith("::error::")
        assert ours or not line.lstrip().startswith("::")


def test_s11_a_line_of_a_megabyte_is_cut_and_costs_no_time(actions: Path) -> None:
    stream = io.StringIO()
    report, long = Report(stream=stream), "x" * 1_000_000 + "##[add-path]/evil"
    report.lines([long])
    report.rows(("a",), [(long,)])
    report.step("note", long)
    assert len(stream.getvalue()) < 20_000
    assert len((actions / "summary").read_text()) < 5_000
    told = io.StringIO()
    Report("json", told).lines([long])
    assert json.loads(told.getvalue())["line"] == f"  | {long}", "a program gets all of it"


def typed_in(sandbox: Sandbox, *arguments: str, stdout: int, **variables: str) -> subprocess.Popen[str]:
    environment = {**os.environ, **sandbox.environment(), **variables}
    command = [sys.executable, "-m", "invoke", *arguments]
    streams: dict[str, int] = {"stdin": subprocess.DEVNULL, "stdout": stdout, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=sandbox.work, env=environment, text=True, **streams)


@pytest.mark.parametrize(
    "variables", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}]
)
@pytest.mark.slow
def test_any_encoding_of_the_terminal_will_do(sandbox: Sandbox, variables: dict[str, str]) -> None:
    for arguments in (["release.status"], ["--dry", "release.branch"]):
        done = typed_in(sandbox, *arguments, stdout=subprocess.PIPE, **variables)
        told, problem = done.communicate()
        assert (done.returncode, problem) == (0, ""), problem
        assert told.strip()


@pytest.mark.slow
def test_a_reader_that_leaves_stops_nothing(sandbox: Sandbox) -> None:
    """`inv … | head`: what was begun is done, and the exit code is true."""
    reader, writer = os.pipe()
    os.close(reader)
    for arguments, code in (
        (["release.status"], 0),
        (["release.branch", "--yes"], 0),
        (["release.next", "--bump=x"], 2),
    ):
        done = typed_in(sandbox, *arguments, stdout=writer)
        _, problem = done.communicate()
        assert (done.returncode, "Error" in problem, "Traceback" in problem) == (code, False, False), problem
    os.close(writer)
    assert any("release-0.7-" in name for name in remote_refs(sandbox))


def test_outputs_are_written_wherever_they_are_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    Report().record(tag="0.7.0")
    assert "0.7.0" in (tmp_path / "output").read_text()


class Terminal(io.StringIO):
    """One that a person looks at."""

    def isatty(self) -> bool:
        return True


def test_a_wait_with_nothing_to_show_leaves_no_empty_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    report = Report(stream=Terminal())
    with report.live():
        pass
    assert isinstance(report.stream, Terminal)
    assert report.stream.getvalue() == ""
    with report.live():
        report.progress([Progress({"run": "sdk"}, "queued", 1.0, "https://x/1", head=True)])
    assert report.stream.getvalue().endswith("sdk  queued after 1 s  https://x/1\n")


def test_the_times_of_what_goes_on_pass_between_two_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks are up to a minute and a half apart; what a person sees goes on each second."""
    monkeypatch.setenv("TERM", "xterm")
    report, passed = Report(stream=Terminal()), [0.0]
    monkeypatch.setattr("release.call.report.time.monotonic", lambda: passed[0])
    with report.live():
        report.progress(
            [
                Progress({"job": "build"}, "success", 30.0),
                Progress({"job": "test"}, "in progress", 5.0, ticks=True),
                Progress({"job": "publish"}, "waits for a runner", ticks=True),
            ]
        )
        passed[0] += 42
        assert report._live
        report._live.refresh()
    assert isinstance(report.stream, Terminal)
    last = report.stream.getvalue().rpartition("job ")[2]
    assert ["30 s" in last, "47 s" in last, "72 s" in last, "42 s" in last] == [True, True, False, False]
