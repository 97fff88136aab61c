"""Programs end in time, leave nothing behind and see no credentials."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from release.call.programs import run_program
from release.compat.interfaces import Tools, compare
from release.compat.verdicts import Verdict
from release.errors import CouldNotTellError
from release.settings import Component

FILES = {"api/schema.txt": b"a\n"}


def component(*command: str) -> Component:
    return Component("api", "api", "command", "api/schema.txt", command=command)


def shell(script: str) -> Component:
    return component("/bin/sh", "-c", script)


@pytest.mark.parametrize(
    ("script", "verdict"),
    [
        ("exit 0", Verdict.COMPATIBLE),
        ("exit 1", Verdict.INCOMPATIBLE),
        ("exit 2", Verdict.UNDECIDED),
        ("exit 127", Verdict.UNDECIDED),
        ("kill -9 $$", Verdict.UNDECIDED),
        ("sleep 60", Verdict.UNDECIDED),
    ],
)
def test_the_exit_code_is_the_verdict(script: str, verdict: Verdict) -> None:
    assert compare(shell(script), FILES, FILES, Tools(timeout=0.5)).verdict is verdict


def test_a_program_that_is_not_there_is_undecided() -> None:
    found = compare(component("/nowhere/at/all"), FILES, FILES)
    assert (found.verdict, "/nowhere/at/all" in found.why) == (Verdict.UNDECIDED, True)


@pytest.mark.parametrize(("before", "after"), [({}, FILES), (FILES, {}), ({}, {})])
def test_a_side_without_files_is_undecided(before: dict[str, bytes], after: dict[str, bytes]) -> None:
    assert compare(shell("exit 0"), before, after).verdict is Verdict.UNDECIDED


def test_both_sides_are_folders_with_the_repositorys_paths() -> None:
    differs = component("/usr/bin/diff", "-r", "{before}", "{after}")
    assert compare(differs, FILES, FILES).verdict is Verdict.COMPATIBLE
    found = compare(differs, FILES, {"api/schema.txt": b"b\n"})
    assert found.verdict is Verdict.INCOMPATIBLE
    assert "< a" in [change.what for change in found.changes]


@pytest.mark.parametrize("path", ["../out", "/out", "a/../../out", "", "a\\..\\b"])
def test_s06_no_file_is_written_outside_the_temporary_folder(path: str) -> None:
    assert compare(shell("exit 0"), {path: b""}, FILES).verdict is Verdict.UNDECIDED


def test_a_program_of_the_repository_is_found_and_runs_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    script = tmp_path / "check"
    script.write_text("#!/bin/sh\ntest -f check\n", encoding="utf-8")
    script.chmod(0o755)
    assert compare(component("./check"), FILES, FILES).verdict is Verdict.COMPATIBLE


def test_what_it_said_last_is_told() -> None:
    found = compare(shell("seq 1 50; exit 3"), FILES, FILES)
    assert found.why.endswith("exited 3: " + "\n".join(str(number) for number in range(41, 51)))


def test_s01_a_program_sees_no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "NPM_PASSWORD", "GIT_CONFIG_VALUE_0"):
        monkeypatch.setenv(name, "hidden-4711")
    monkeypatch.setenv("HARMLESS", "seen")
    said = run_program(["/usr/bin/env"], tmp_path, 10).stdout
    assert "hidden-4711" not in said
    assert "HARMLESS=seen" in said


def test_a_child_left_behind_neither_delays_nor_survives(tmp_path: Path) -> None:
    started = time.monotonic()
    said = run_program(["/bin/sh", "-c", "sleep 300 & echo $!"], tmp_path, 10).stdout
    assert time.monotonic() - started < 5
    for _ in range(50):
        if not is_running(int(said)):
            return
        time.sleep(0.1)
    pytest.fail("the child is still running")


def test_too_much_output_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("release.call.programs.OUTPUT_LIMIT", 1000)
    with pytest.raises(CouldNotTellError, match="more than 1000 bytes"):
        run_program(["/bin/sh", "-c", "seq 1 1000"], tmp_path, 10)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not (state.exists() and state.read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] == "Z")
