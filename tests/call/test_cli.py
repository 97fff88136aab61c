"""The tasks as people meet them: the list, the help, the settings, another repository."""

from __future__ import annotations

import importlib
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Inv
from invoke.context import Context
from invoke.program import Program

from release import settings, tasks
from release.call.flags import HELP
from release.call.task import Recipe
from release.sandbox import Sandbox
from release.settings import DEFAULTS, read

# Built anew: invoke takes a task's help away from it when it first reads its arguments.
TASKS: dict[str, Recipe] = {
    f"{collection}.{name}": task
    for collection, found in importlib.reload(tasks).namespace.collections.items()
    for name, task in found.tasks.items()
}
ARGUMENTS = {name: task.arguments() for name, task in TASKS.items()}
WIDTH = 80
EXPECTED = {
    *(f"release.{name}" for name in ("next", "check", "branch", "pick", "tag", "notes", "verify", "status", "doctor")),
    "release.withdraw",
    "release.ready",
    "release.preview",
    *(f"release.{name}" for name in ("init", "approve", "major", "minor", "patch", "component", "compat")),
    *(f"sdk.{name}" for name in ("build", "test", "publish", "dispatch", "watch", "wheel", "release")),
    *(f"image.{name}" for name in ("bump", "dispatch", "watch", "check", "smoke", "pr", "release")),
    *(f"platform.{name}" for name in ("watch", "check")),
    *(f"sandbox.{name}" for name in ("demo", "serve", "shell", "rehearse")),
}


def typed(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Type `inv …` in a folder, its output 80 columns wide."""
    command = [sys.executable, "-m", "invoke", *arguments]
    found = {"PATH": "/usr/bin:/bin", "COLUMNS": str(WIDTH), "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run(
        command, cwd=folder, env={**found, **environment}, capture_output=True, text=True, check=False
    )


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Another repository, with the two-line task file."""
    (tmp_path / "tasks.py").write_text('from release import namespace\n\n__all__ = ["namespace"]\n')
    return tmp_path


def test_every_task_is_there() -> None:
    assert set(TASKS) == EXPECTED


def test_each_task_has_one_line_that_fits(other: Path) -> None:
    done = typed(other, "--list")
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if re.match(r"  [a-z]+\.[a-z]", line)]
    assert {line.split()[0] for line in lines} == set(TASKS)
    assert all(len(line) <= WIDTH and len(line.split()) > 3 for line in lines)
    assert len(done.stdout.strip().splitlines()) == len(TASKS) + 2, "no line goes over two"


@pytest.mark.parametrize("name", TASKS)
def test_each_task_has_an_example_that_names_it(name: str) -> None:
    text = TASKS[name].__doc__ or ""
    (example,) = re.findall(r"^\s*Example: inv (.*)$", text, re.MULTILINE)
    assert name in example.split()
    flags = {argument.name.replace("_", "-") for argument in ARGUMENTS[name]}
    given = {word.removeprefix("--").removeprefix("no-") for word in shlex.split(example) if word.startswith("--")}
    assert given <= flags


@pytest.mark.parametrize("name", TASKS)
def test_each_flag_has_its_help(name: str) -> None:
    for argument in ARGUMENTS[name]:
        assert argument.help, f"{name} --{argument.name}"


def test_every_help_is_used() -> None:
    used = {argument.attr_name or argument.name for given in ARGUMENTS.values() for argument in given}
    assert {name for name in HELP if name.strip("_") not in {each.strip("_") for each in used}} == set()


def test_help_of_a_task(other: Path) -> None:
    done = typed(other, "--help", "release.tag")
    assert done.returncode == 0
    assert "--version" in done.stdout
    assert "Example: inv release.tag --version 0.7.0" in done.stdout


@pytest.mark.parametrize("name", TASKS)
def test_a_letter_means_one_thing_in_every_task_and_each_takes_a_version(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """invoke makes up letters of its own for each task: `-v` was a version here and a pull request there."""
    Program(namespace=tasks.namespace).run(["inv", "--help", name], exit=False)
    shown = capsys.readouterr().out
    letters = dict(re.findall(r"^ +(-\w)(?: STRING)?, (--[\w-]+)", shown, re.MULTILINE))
    assert letters.items() <= {"-v": "--version", "-y": "--yes", "-j": "--json"}.items()
    assert letters["-v"] == "--version"
    assert set(re.findall(r"(?<![\w-])-\w\b", shown.partition("Options:")[2])) == set(letters)


@pytest.mark.parametrize(
    ("yaml", "named"),
    [
        ("release:\n  trunc: main\n", "release.trunc"),
        ("sdk:\n  buckett: x\n", "sdk.buckett"),
        ("image:\n  pythons: 3.11\n", "image.pythons"),
        ("release:\n  poll: soon\n", "release.poll"),
        ("platform: lepton-web\n", "platform"),
        ("release:\n  components: [backend, web]\n", "release.components: ['backend', 'web'] is not a mapping"),
        ("release:\n  components:\n    web: {consumes: [backend]}\n", "release.components.web.consumes: 'backend'"),
        ("release:\n  components:\n    web: {foler: web}\n", "release.components.web.foler"),
    ],
)
def test_a_wrong_setting_names_its_key(other: Path, yaml: str, named: str) -> None:
    (other / "invoke.yaml").write_text(yaml)
    done = typed(other, "release.next")
    assert done.returncode == 2, done.stderr
    assert named in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("text", ["soon", ""])
@pytest.mark.parametrize("yaml", ["", "release:\n  poll: 5.0\n"])  # where it has a number, invoke reads the variable
def test_a_wrong_variable_names_itself(other: Path, yaml: str, text: str) -> None:
    (other / "invoke.yaml").write_text(yaml)
    done = typed(other, "release.next", INVOKE_RELEASE_POLL=text)
    assert done.returncode == 2
    assert "INVOKE_RELEASE_POLL" in done.stderr
    assert "Traceback" not in done.stderr


VALUES: dict[type, tuple[str, object]] = {str: ("other", "other"), bool: ("1", True), float: ("7.5", 7.5)}
NAMESPACES = {name.partition(".")[0]: name for name in reversed(TASKS)}  # the first of each: no two are called alike


def settings_of_a_call(monkeypatch: pytest.MonkeyPatch, folder: Path, *arguments: str) -> list[settings.Settings]:
    """Type the call in that folder; return the settings that each of its tasks, which do nothing, was given."""
    seen: list[settings.Settings] = []
    for name in TASKS:
        section, _, task = name.partition(".")
        found = tasks.namespace.collections[section].tasks[task]
        monkeypatch.setattr(found, "body", lambda context: seen.append(context.settings))
    monkeypatch.chdir(folder)
    monkeypatch.setattr("sys.argv", ["inv", *arguments])
    Program().run(["inv", *arguments])
    return seen


@pytest.mark.parametrize("source", ["environment", "invoke.yaml", "the user's file"])
def test_f28_a_setting_holds_in_every_task_whatever_namespace_it_is_under(
    source: str, other: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("INVOKE_SDK_SMOKE")
    wanted: dict[str, dict[str, object]] = {}
    for section, keys in DEFAULTS.items():
        for key, default in keys.items():
            if type(default) in VALUES:
                text, value = ("json", "json") if key == "output" else VALUES[type(default)]
                wanted.setdefault(section, {})[key] = value
                if source == "environment":
                    monkeypatch.setenv(f"INVOKE_{section}_{key}".upper(), text)
    if source != "environment":
        file = other / "invoke.yaml" if source == "invoke.yaml" else home / ".invoke.yaml"
        file.write_text(json.dumps(wanted))
    assert len(NAMESPACES) == 5
    seen = settings_of_a_call(monkeypatch, other, *NAMESPACES.values())
    assert len(seen) == len(NAMESPACES)
    for found in seen:
        for section, keys in wanted.items():
            assert {key: getattr(getattr(found, section), key) for key in keys} == keys


@pytest.mark.parametrize("name", TASKS)
def test_f28_a_variable_without_effect_stops_every_task(
    name: str, other: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INVOKE_SDK_BUKET", "other")
    with pytest.raises(SystemExit) as ended:
        settings_of_a_call(monkeypatch, other, name)
    assert ended.value.code == 2
    assert "did you mean INVOKE_SDK_BUCKET?" in capsys.readouterr().err


def test_f28_a_variable_of_an_input_that_no_setting_names_stops_the_call(other: Path) -> None:
    done = typed(other, "release.next", INVOKE_SDK_INPUTS_RUN_E2E="1")
    assert done.returncode == 2
    assert "INVOKE_SDK_INPUTS_RUN_E2E" in done.stderr


def test_f28_a_variable_beside_a_whole_number_in_the_file_is_said_in_words(other: Path) -> None:
    """invoke reads a variable as what stands in the file: 0.2 is no whole number."""
    (other / "invoke.yaml").write_text("release:\n  poll: 5\n")
    done = typed(other, "release.next", INVOKE_RELEASE_POLL="0.2")
    assert done.returncode == 2
    assert "does not fit what invoke.yaml has" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_empty_variable_is_false(other: Path) -> None:
    done = typed(other, "release.next", INVOKE_RELEASE_YES="", GIT_CEILING_DIRECTORIES=str(other.parent))
    assert "no Git repository here" in done.stderr, "the settings were read"


def test_outside_a_repository_it_says_so(other: Path) -> None:
    done = typed(other, "release.next", GIT_CEILING_DIRECTORIES=str(other.parent))
    assert done.returncode == 2
    assert "no Git repository here" in done.stderr


@pytest.mark.slow
def test_another_repository_with_settings_of_its_own(sandbox: Sandbox, inv: Inv) -> None:
    (sandbox.work / "invoke.yaml").write_text("release:\n  remote: upstream\n")
    done = inv("release.next", code=2)
    assert "no remote upstream" in done.stderr
    subprocess.run(["git", "remote", "rename", "origin", "upstream"], cwd=sandbox.work, check=True, capture_output=True)
    assert inv("release.next").stdout == "0.7.0\n"
    assert inv("release.next", INVOKE_RELEASE_REMOTE="origin", code=2).stdout == ""


@pytest.mark.parametrize("given", ["soon", "-1", "0", "1e3"])
def test_a_timeout_that_is_no_number_of_seconds_is_usage(other: Path, given: str) -> None:
    done = typed(other, "platform.watch", f"--timeout={given}")
    assert done.returncode == 2
    assert "is no number of seconds" in done.stderr


def test_settings_of_one_call_do_not_change_the_defaults() -> None:
    found = read(dict(Context().config) | DEFAULTS)
    found.sdk.inputs["is_release"] = False
    assert DEFAULTS["sdk"]["inputs"]["is_release"] is True
