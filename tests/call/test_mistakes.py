"""What people mistype, and what invoke itself cannot read: said in plain words, exit 2."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Inv
from invoke.program import Program

from release import namespace
from release.sandbox import Sandbox

MISTYPED = {
    "--bogus": ("inv has no flag --bogus", "Its flags: inv --help"),
    "release.tga": ("'release.tga' is no task", "Did you mean release.tag?"),
    "release.minro --yes": ("'release.minro' is no task", "Did you mean release.minor?"),
    "release.forgotten": ("'release.forgotten' is no task", "Tasks of release: inv --list release"),
    "release.withdrawn": ("'release.withdrawn' is no task", "Did you mean release.withdraw?"),
    "minor": ("'minor' is no task", "Did you mean release.minor?"),
    "chekc": ("'chekc' is no task", "Did you mean release.check or image.check or platform.check?"),
    "release minor": ("'release' is no task", "Its tasks: inv --list release"),
    "xxqq": ("'xxqq' is no task", "All tasks: inv --list"),
    "release.tag --verison 0.7.0": (
        "release.tag has no flag --verison",
        "Did you mean --version? Its flags: inv --help release.tag",
    ),
    "release.tag --line 0.7": ("release.tag has no flag --line", "Its flags: inv --help release.tag"),
    "release.patch 0.7": ("'0.7' is no task", "Did you mean inv release.patch --line 0.7?"),
    "release.tag 0.7.1": ("'0.7.1' is no task", "Did you mean inv release.tag --version 0.7.1?"),
    "release.notes --publish 0.7": (
        "'0.7': --publish takes no value, and no task has this name",
        "Did you mean inv release.notes --version 0.7?",
    ),
    "release.patch --line": ("--line needs a value", "--line: the line, such as 0.7"),
    "release.status --last x": ("--last 'x' is not a number", "--last: how many versions to show"),
}


@pytest.mark.parametrize("call", MISTYPED)
def test_who_mistypes_is_told_what_was_meant(call: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        Program(namespace=namespace).run(["inv", *call.split()])
    problem, hint = MISTYPED[call]
    assert (end.value.code, capsys.readouterr().err) == (2, f"✘ {problem}\n  {hint}\n")


def test_a_mistyped_call_is_json_too(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVOKE_RELEASE_OUTPUT", "json")
    with pytest.raises(SystemExit) as end:
        Program(namespace=namespace).run(["inv", "release.minro"])
    said = json.loads(capsys.readouterr().out)
    assert (end.value.code, said["code"], said["hint"]) == (2, 2, "Did you mean release.minor?")


@pytest.mark.slow
def test_a_component_and_a_line_that_are_not_there_bring_the_nearest(inv: Inv) -> None:
    done = inv("release.component", "--name", "sdkk", code=2)
    assert "there is no component 'sdkk'\n  Did you mean --name sdk? Give --name, one of:" in done.stderr
    done = inv("release.patch", "--line", "0.7", code=2)
    assert "line 0.7 has no release branch\n  Did you mean 0." in done.stderr
    assert done.stderr.endswith("To cut it: inv release.branch --version 0.7\n")
    done = inv("release.patch", "--line", "9.9", code=2)
    assert done.stderr.endswith("What there is: inv release.status\n"), "9.9.0 does not come next"
    done = inv("release.pick", "--continue", "--abort", code=2)
    assert "--continue and --abort are two things" in done.stderr
    done = inv("release.status", "--line", "7", code=2)
    assert "'7' is no line: a line has two numbers, such as 0.7" in done.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("release: [\n", "invoke.yaml, line 2 cannot be read: expected the node content"),
        ("- 5\n", "invoke.yaml cannot be read: it must be keys with values"),
        ("release: 5\n", "release: 5 is not a mapping"),
        ("release:\n  components: [a, b]\n", "release.components: ['a', 'b'] is not a mapping"),
    ],
)
def test_a_settings_file_that_cannot_be_read_is_said_in_a_line(
    sandbox: Sandbox, inv: Inv, text: str, said: str
) -> None:
    (sandbox.work / "invoke.yaml").write_text(text)
    assert said in inv("release.next", code=2).stderr


@pytest.mark.slow
def test_a_settings_file_that_is_named_counts_or_is_missed(inv: Inv, tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("release: {output: json}\n")
    assert inv("-f", str(tmp_path / "other.yaml"), "release.next").stdout.startswith('{"version"')
    assert "nope.yaml: there is no such file" in inv("-f", str(tmp_path / "nope.yaml"), "release.next", code=2).stderr


def test_a_list_that_nobody_reads_to_its_end_is_no_traceback(sandbox: Sandbox) -> None:
    """A pipe to head: invoke itself prints the list, and its lines go nowhere after the first."""
    command = [sys.executable, "-m", "invoke", "--list"]
    reader = subprocess.Popen(["true"], stdin=subprocess.PIPE)
    reader.wait()
    done = subprocess.run(
        command, cwd=sandbox.work, stdout=reader.stdin, stderr=subprocess.PIPE, text=True, check=False
    )
    assert (done.stderr, done.returncode) == ("", 0)


@pytest.mark.slow
def test_the_folder_of_the_sdk_is_the_repositorys_wherever_one_stands(sandbox: Sandbox, inv: Inv) -> None:
    folder = sandbox.work / "backend"
    inv("sdk.build", "--out", "here", cwd=folder)
    assert list((folder / "here").glob("*.whl"))


def test_the_repository_is_that_of_the_task_file_named_by_its_folder(
    sandbox: Sandbox, inv: Inv, tmp_path: Path
) -> None:
    assert inv("-r", str(sandbox.work), "release.next", cwd=tmp_path).stdout == "0.7.0\n"
