"""Programs end in time, leave nothing behind and see no credentials."""

from __future__ import annotations

import ast
import os
import time
from pathlib import Path

import pytest

from release.artifacts.build import build_wheel
from release.call import programs
from release.call.programs import run_program
from release.compat.interfaces import Tools, compare
from release.compat.verdicts import Verdict
from release.errors import CouldNotTellError, Failed
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


SECRETS = [
    "GITHUB_TOKEN", "GH_TOKEN", "GH_ENTERPRISE_TOKEN", "GH_PAT", "ACTIONS_RUNTIME_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_URL", "AWS_PROFILE", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "TWINE_PASSWORD",
    "UV_PUBLISH_TOKEN", "UV_INDEX_ACME_PASSWORD", "NPM_PASSWORD", "REGISTRY_PASSWORD", "SSHPASS", "MYSQL_PWD",
    "GPG_PASSPHRASE", "DOCKER_AUTH_CONFIG", "SSH_AUTH_SOCK", "API_KEY", "APIKEY", "SIGNING_KEY_B64",
    "INVOKE_RELEASE_NOTIFY_WEBHOOK", "SLACK_HOOK_URL", "SENTRY_DSN", "GIT_CONFIG_VALUE_0",
    "GOOGLE_APPLICATION_CREDENTIALS", "AZURE_STORAGE_CONNECTION_STRING", "CI_JOB_JWT", "lower_case_token",
    "SIGNINGKEY", "USERPWD", "DB_PW",
]  # fmt: skip
RUNNER = ("GITHUB_ENV", "GITHUB_PATH", "GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_STEP_SUMMARY")
SHAPES = {
    "github": "ghs_" + "a1" * 18, "fine": "github_pat_11A", "slack": "https://hooks.slack.com/services/T/B/x",
    "aws": "AKIA" + "A1" * 8, "pypi": "pypi-" + "a1" * 20, "key": "-----BEGIN OPENSSH PRIVATE KEY-----",
    "signed": "eyJhbGciOi.eyJzdWIi.x", "docker": "dckr_pat_a1", "vault": "hvs." + "a1" * 9, "hub": "hf_" + "a1" * 9,
    "google": "AIza" + "a1" * 18, "model": "sk-proj-" + "a1" * 9, "header": "Bearer a1",
    "chat": "https://discord.example/api/webhooks/1/x", "netrc": "machine h login me password a1",
    "database": "Server=h;Password=a1", "shared": "https://blob.example/x?sp=r&sig=a1",
}  # fmt: skip
NEEDED = {
    "HARMLESS": "seen", "PATH": "/usr/bin:/bin", "HOME": "/tmp", "GIT_AUTHOR_NAME": "A",
    "PIP_INDEX_URL": "https://i.example/s",
    "HTTPS_PROXY": "http://me:word@proxy.example:8", "KEYBOARD": "x", "GITHUB_SHA": "a" * 40, "COMPAT": "1",
    "PWD_": "p", "OLDPWD": "/opt/task-runner-of-a-long-name/hf_", "WHEELS": "http://w.example:8080/x/y@1",
    "REPO": "ssh://git@h.example/o/r",
}  # fmt: skip


@pytest.fixture
def hidden(monkeypatch: pytest.MonkeyPatch) -> str:
    """What no child may see, in the environment under every name and in every shape."""
    for name in (*SECRETS, *RUNNER):
        monkeypatch.setenv(name, "hidden-4711")
    for number, value in enumerate(SHAPES.values()):
        monkeypatch.setenv(f"PLAIN_{number}", value)
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://me:hidden-4711@i.example/s https://hidden-4711@j.example/s")
    monkeypatch.setenv("DATABASE_URL", "postgres://me:hidden-4711@h4@db.example/x")
    monkeypatch.setenv("BROKER", "amqp://me:hid/den-4711@b.example/x")
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)
    return "hidden-4711"


def test_s12_a_program_sees_no_secret_of_any_name_and_what_it_needs(tmp_path: Path, hidden: str) -> None:
    said = run_program(["/usr/bin/env"], tmp_path, 10).stdout
    assert [line for line in said.splitlines() if hidden in line] == []
    assert [value for value in SHAPES.values() if value in said] == []
    seen = dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
    assert {name: seen.get(name) for name in NEEDED} == NEEDED
    assert seen["PIP_EXTRA_INDEX_URL"] == "https://i.example/s https://j.example/s", "an index stays the same index"
    assert seen["DATABASE_URL"] == "postgres://db.example/x"
    assert seen["BROKER"] == "amqp://b.example/x"


def test_s12_a_build_backend_sees_none_and_nobody_is_asked(tmp_path: Path, hidden: str) -> None:
    """pip asks for the password of an index on standard input, where that is not told otherwise."""
    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    (source / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    (source / "backend.py").write_text(BACKEND.format(seen=str(tmp_path / "seen")))
    with pytest.raises(Failed):
        build_wheel(source, out)
    said = (tmp_path / "seen").read_text()
    assert hidden not in said
    assert "PIP_NO_INPUT=1" in said
    assert "HARMLESS=seen" in said


BACKEND = """
import os
def build_wheel(folder, settings=None, metadata=None):
    with open({seen!r}, "w") as file:
        file.write("\\n".join(name + "=" + value for name, value in os.environ.items()))
    raise SystemExit("seen")
"""


def test_s12_whatever_starts_a_child_gives_it_the_one_environment() -> None:
    """GitPython alone is Git, which gets its own; the sandbox's servers and its runner begin from nothing."""
    root = Path(programs.__file__).parents[1]
    typed = ("demo", "child.py")  # what a person types in the sandbox
    files = [path for path in root.rglob("*.py") if "sandbox" not in path.parts or set(typed) & set(path.parts)]
    starts = {path: text for path in files if "import subprocess" in (text := path.read_text(encoding="utf-8"))}
    assert len(starts) == 4
    for path, text in starts.items():
        calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
        begun = [call for call in calls if ast.unparse(call.func) in ("subprocess.run", "subprocess.Popen")]
        assert all("env" in {each.arg for each in call.keywords} for call in begun), path
        assert len(begun) == text.count("child_environment(") - text.count("def child_environment("), path
        assert "**os.environ" not in text, path


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
