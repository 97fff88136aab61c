"""The sandbox's own tasks: what the demo proves, a rehearsal, and the served world's end."""

from __future__ import annotations

import contextlib
import io
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Inv, printed
from doubles import released_sandbox
from outside import everything, git, writes
from sandbox_runner import wait_for
from typed import typing_in

from release.call.context import Context, Options
from release.call.report import Report
from release.errors import Failed
from release.sandbox import Sandbox
from release.settings import Settings
from release.tasks.sandbox import _show_evidence

ROOT = Path(__file__).parents[2]


def quick(first: object, *others: object) -> list[object]:
    """The first of a matrix always, the others where all of it runs."""
    return [first, *(pytest.param(each, marks=pytest.mark.slow) for each in others)]


STOPS = quick(signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
INV = (sys.executable, "-m", "invoke")
SERVE = """
import signal
from invoke.program import Program
from release import namespace, sandbox
from release.sandbox.world import Sandbox

signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background begins without it
sandbox.Sandbox = lambda **_: Sandbox({"a.txt": "a"}, cloud=False)
Program(namespace=namespace).run(["inv", "sandbox.serve"])
"""
RUN = """
from invoke.program import Program
from release import namespace
Program(namespace=namespace).run("""


def test_the_demo_shows_everything_that_is_out_or_fails(tmp_path: Path) -> None:
    context = Context(Settings(), Report(stream=io.StringIO()), Options(), folder=tmp_path)
    with released_sandbox() as world:
        _show_evidence(context, world, "0.7.0")
        for expected in (
            r"tag +refs/tags/0\.7\.0 +[0-9a-f]{9}",
            r"wheel +s3://lepton-sdk/release/leptonai-0\.7\.0-py3-none-any\.whl +sha256:[0-9a-f]{64}",
            r"image +lepton:photon-py3\.11-runner-0\.7\.0",
            r"image +lepton-web:0\.7\.0",
            r"pull request +#1 Use image 0\.7\.0 +merged as [0-9a-f]{9}",
            r"GitHub Release +0\.7\.0 +published",
        ):
            assert re.search(expected, printed(context)), expected
        asked = {"repositoryName": "lepton-web", "imageIds": [{"imageTag": "0.7.0"}]}
        world.cloud.client("ecr").batch_delete_image(**asked)  # type: ignore[union-attr]
        with pytest.raises(Failed, match=r"not out of 0\.7\.0: 1 of 8 image"):
            _show_evidence(context, world, "0.7.0")


@pytest.mark.slow
def test_a_rehearsal_leaves_the_repository_as_it_is(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with Sandbox(cloud=False) as sandbox:
        typed = typing_in(sandbox, monkeypatch, capfd)
        before = sandbox.bare.git("for-each-ref")
        done = typed("sandbox.rehearse", "--task", "release.next")
        assert done.code == 0, done.err
        assert done.out.count("\n0.7.0\n") == 1, "what only reads is typed once"
        assert sandbox.bare.git("for-each-ref") == before
        assert not [asked for asked in sandbox.github.requests if asked.method not in ("GET", "POST")]
        failed = typed("sandbox.rehearse", "--task", "release.tag --version v1")
        assert failed.code == 1
        assert "versions here have no v" in failed.err


def test_f36_what_a_rehearsal_writes_stays_in_its_world(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The remote and the GitHub that the user's own variables and settings name get nothing of it."""
    with Sandbox(cloud=False) as sandbox:  # a process has one cloud, which the rehearsal's is
        typed = typing_in(sandbox, monkeypatch, capfd)
        before = everything(sandbox)
        done = typed("sandbox.rehearse", "--task", "release.branch release.tag release.notes")
        assert done.code == 0, done.err
        for what in ("release branch release-0.7-", "tag 0.7.0", "GitHub Release 0.7.0"):
            assert [line for line in done.out.splitlines() if line.startswith(f"✔ {what}")]
        assert everything(sandbox) == before
        assert writes(sandbox) == []


@pytest.mark.slow
def test_a_rehearsal_takes_the_task_file_and_settings_that_are_not_pushed_yet(sandbox: Sandbox, inv: Inv) -> None:
    for name in ("tasks.py", "invoke.yaml"):
        (sandbox.work / name).unlink(missing_ok=True)
    (sandbox.work / "tasks.py").write_text("from release import namespace\n\n__all__ = ['namespace']\n# mine\n")
    (sandbox.work / "invoke.yaml").write_text("release: {output: json, trunk: main}\n")
    git(sandbox.work, "remote", "set-url", "origin", "https://github.com/our-team/their.repo.git")
    done = inv("sandbox.rehearse", "--task", "release.next")
    assert '"version": "0.7.0"' in done.stdout
    assert "A copy of our-team/their.repo with a GitHub" in done.stdout


def _partial(sandbox: Sandbox) -> str:
    git(sandbox.bare.path, "config", "uploadpack.allowFilter", "true")
    url = f"file://{sandbox.bare.path}"
    git(sandbox.folder, "clone", "-q", "--filter=blob:none", "--no-checkout", url, "copy")
    git(sandbox.folder / "copy", "remote", "set-url", "origin", f"{url}-is-gone")
    return r"[0-9]+ of [0-9]+ files that a release reads are not in this partial clone\n  git archive origin/main "


def _corrupt(sandbox: Sandbox) -> str:
    git(sandbox.folder, "clone", "-q", f"file://{sandbox.bare.path}", "copy")
    for pack in (sandbox.folder / "copy" / ".git" / "objects" / "pack").glob("*.pack"):
        pack.chmod(0o600)
        pack.write_bytes(pack.read_bytes()[:2000] + bytes(1000) + pack.read_bytes()[3000:])
    return "(remote: )?fatal: "


def _no_room(sandbox: Sandbox) -> str:
    git(sandbox.folder, "clone", "-q", f"file://{sandbox.bare.path}", "copy")
    return ""


@pytest.mark.parametrize("broken", quick(_partial, _corrupt, _no_room))
@pytest.mark.slow
def test_a_repository_that_cannot_be_copied_is_said_in_two_lines(
    context: Context, sandbox: Sandbox, tmp_path: Path, broken: Callable[[Sandbox], str]
) -> None:
    says, limit = broken(sandbox), "ulimit -f 8" if broken is _no_room else ":"
    (sandbox.folder / "copy" / "tasks.py").write_text("from release import namespace\n\n__all__ = ['namespace']\n")
    done = subprocess.run(
        ["sh", "-c", f'{limit}; exec "$@"', "", *INV, "sandbox.rehearse", "--task", "release.next"],
        cwd=sandbox.folder / "copy",
        env={**os.environ, "TMPDIR": str(tmp_path), "INVOKE_RELEASE_TRUNK": "main"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.match(f"✘ the sandbox cannot be made: {says}", done.stderr), done.stderr
    assert len(done.stderr.strip().splitlines()) == 2, done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("task", ["demo", "serve", "shell", "rehearse"])
def test_a_dry_call_makes_no_sandbox(
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    task: str,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    done = typing_in(sandbox, monkeypatch, capsys)("--dry", f"sandbox.{task}")
    assert (done.code, len(done.out.splitlines())) == (0, 1)
    assert "(to do)" in done.out
    assert list(tmp_path.iterdir()) == []


def test_a_task_to_rehearse_that_no_shell_would_take_is_named(sandbox: Sandbox, inv: Inv) -> None:
    assert "No closing quotation" in inv("sandbox.rehearse", "--task", "release.next 'x", code=2).stderr


def started(tmp_path: Path, *command: str, **variables: str) -> subprocess.Popen[str]:
    """Start it with a folder of its own for what is temporary."""
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path), **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )


def said(process: subprocess.Popen[str], pattern: str) -> str:
    """Read what the process prints up to a line that matches; return its group."""
    assert process.stdout
    for line in process.stdout:
        if found := re.match(pattern, line):
            return found[found.re.groups]
    raise AssertionError(f"it ended without {pattern}")


def living_below(folder: Path) -> list[str]:
    """The processes that work below the folder."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cwd"):
        with contextlib.suppress(OSError):
            found += [place.parent.name] if str(folder) in str(place.readlink()) else []
    return found


def names_below(folder: Path) -> list[str]:
    found = []
    for process in living_below(folder):
        with contextlib.suppress(OSError):
            found.append(Path("/proc", process, "comm").read_text().strip())
    return found


@pytest.mark.parametrize("stop", STOPS, ids=lambda stop: stop.name)
@pytest.mark.slow
def test_what_ends_the_demo_ends_its_child_and_leaves_no_folder(tmp_path: Path, stop: signal.Signals) -> None:
    """The task that it types is in the middle of its work."""
    script = f"import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n{RUN}"
    process = started(tmp_path, sys.executable, "-c", f"{script}['inv', 'sandbox.demo'])")
    said(process, r"\$ inv release.minor")
    said(process, "Release 0.7.0 of")
    assert living_below(tmp_path)
    process.send_signal(stop)
    assert process.wait(30) == 4
    assert living_below(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_sandbox_that_shall_outlive_its_terminal_does(tmp_path: Path) -> None:
    script = f"import signal\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\n{SERVE}"
    process = started(tmp_path, sys.executable, "-c", script)
    said(process, "Then")
    process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1)
    process.terminate()
    assert process.wait(30) == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("stop", STOPS, ids=lambda stop: stop.name)
def test_the_served_sandbox_ends_when_told(tmp_path: Path, stop: signal.Signals) -> None:
    process = started(tmp_path, sys.executable, "-c", SERVE)
    file = Path(said(process, r"  source (.*)\n"))
    said(process, "Then")
    shown = subprocess.run(
        ["sh", "-c", f". {file} && echo $GITHUB_API_URL && pwd"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert shown[0].startswith("http://127.0.0.1:")
    assert shown[1].startswith(str(tmp_path.resolve()))
    assert file.stat().st_mode & 0o777 == 0o600
    process.send_signal(stop)
    assert process.wait(30) == 0
    assert list(tmp_path.iterdir()) == []


def test_a_shell_in_the_sandbox_sees_it_and_leaves_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [*INV, "sandbox.shell"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path), "SHELL": "/bin/sh"},
        input="git remote get-url origin; inv release.next; exit 3\n",
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    assert "http://127.0.0.1:" in done.stdout
    assert "0.7.0" in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "code"),
    [("inv release.next", 0), ("exit 7", 7), pytest.param("kill -9 $$", 137, marks=pytest.mark.slow)],
)
@pytest.mark.slow
def test_a_command_in_the_sandbox_ends_the_call_with_its_code(tmp_path: Path, command: str, code: int) -> None:
    process = started(tmp_path, *INV, "sandbox.shell", "--command", command, SHELL="/bin/sh")
    assert process.stdout
    assert process.stdout.read() == ("" if code else "0.7.0\n")
    assert process.wait(30) == code
    assert list(tmp_path.iterdir()) == []


class Terminal:
    """A process at a terminal of its own, and what that shows."""

    def __init__(self, command: list[str], **variables: str) -> None:
        self.pid, self.file = pty.fork()
        if not self.pid:
            os.chdir(ROOT)
            os.execve(command[0], command, {**os.environ, "TERM": "dumb", **variables})
        self.shown = ""

    def type(self, text: str) -> None:
        os.write(self.file, f"{text}\n".encode())

    def until(self, wanted: str) -> str:
        """Return what is shown up to a text."""
        deadline = time.monotonic() + 60
        while wanted not in self.shown:
            assert select.select([self.file], [], [], max(0.0, deadline - time.monotonic()))[0], self.shown
            self.shown += os.read(self.file, 4096).decode()
        before, _, self.shown = self.shown.partition(wanted)
        return before

    def end(self) -> int:
        """Return the exit code."""
        with contextlib.suppress(OSError):  # Linux says so of a terminal that nobody has open
            while os.read(self.file, 4096):
                pass
        os.close(self.file)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


SHELLS = [path for path in map(shutil.which, ("bash", "dash", "zsh")) if path]


@pytest.mark.parametrize("shell", quick(*SHELLS), ids=lambda path: Path(path).name)
@pytest.mark.slow
def test_a_person_gets_a_shell_whose_prompt_says_where_it_is(tmp_path: Path, shell: str) -> None:
    at = Terminal([*INV, "sandbox.shell"], SHELL=shell, TMPDIR=str(tmp_path), PS1="mine ")
    at.until("(sandbox) $ ")
    at.type("git remote get-url origin")
    assert "http://127.0.0.1:" in at.until("(sandbox) $ ")
    at.type("sleep 60")
    wait_for(lambda: "sleep" in names_below(tmp_path))
    os.write(at.file, b"\x03")  # Ctrl-C ends what runs in the shell, not the sandbox
    at.until("(sandbox) $ ")
    at.type("inv release.next")
    assert "0.7.0" in at.until("(sandbox) $ ")
    at.type("exit 5")
    assert at.end() == 5
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("stop", quick(signal.SIGTERM, signal.SIGHUP), ids=lambda stop: stop.name)
@pytest.mark.slow
def test_what_ends_the_sandbox_ends_its_shell(tmp_path: Path, stop: signal.Signals) -> None:
    at = Terminal([*INV, "sandbox.shell"], SHELL=SHELLS[0], TMPDIR=str(tmp_path))
    at.until("(sandbox) $ ")
    at.type("sleep 60")
    wait_for(lambda: "sleep" in names_below(tmp_path))
    os.kill(at.pid, stop)
    assert at.end() == 4
    assert living_below(tmp_path) == []
    assert list(tmp_path.iterdir()) == []
