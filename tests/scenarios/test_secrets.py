"""Where a secret of any source is while a release runs: in the environment of Git and gh alone (S1, S12)."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import canary
import pytest
from doubles import Doubles
from outside import git, peeled
from scripted import Reply, scripted_server

from release.sandbox import Sandbox
from release.sandbox.github.records import OWNER_LOGIN, Token

SECRET = "canary/4711+walrus="  # what a URL and base64 change
FORMS = canary.pattern(SECRET)
SLOW = pytest.mark.slow
# Each library says all that it can; what Git traces comes out where it fails.
TRACING = {"GIT_TRACE": "1", "GIT_TRACE_CURL": "1", "GIT_PYTHON_TRACE": "full"}
SCRIPT = """
import logging, sys
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
logging.getLogger("invoke").setLevel(logging.INFO)
logging.debug("everything is logged")
from invoke.program import Program
from release import namespace
Program(namespace=namespace).run(["inv", *sys.argv[1:]])
"""


class Watch(threading.Thread):
    """Looks, as long as a process runs, at the arguments and the environment of all that it started."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        super().__init__()
        self.process = process
        self.seen: set[str] = set()  # programs
        self.found: set[tuple[str, str]] = set()  # a program, and where it had the secret

    def run(self) -> None:
        while self.process.poll() is None:
            self._look_at_children(self.process.pid, ours=False)

    def _look_at_children(self, pid: int, ours: bool) -> None:
        for child in map(int, _read(pid, f"task/{pid}/children").split()):
            arguments = _read(child, "cmdline")
            if arguments in (b"", _read(pid, "cmdline")):  # it is not yet, or no more, what it is to be
                continue
            name = _read(child, "comm").decode().strip()  # asked before, it could be its parent's still
            if not name:  # it ended meanwhile
                continue
            self.seen.add(name)
            if FORMS.search(arguments):
                self.found.add((name, "arguments"))
            # Git and gh get theirs, and what they start is theirs.
            # While a program begins, the kernel may tell it by its arguments and not yet by its name.
            program = Path(arguments.split(b"\0")[0].decode("utf-8", "replace")).name
            theirs = ours or name.startswith(("git", "gh")) or program.startswith(("git", "gh"))
            if not theirs and FORMS.search(_read(child, "environ")):
                self.found.add((name, "environment"))
            self._look_at_children(child, theirs)


def _read(pid: int, what: str) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/{what}").read_bytes()
    return b""


def watched(sandbox: Sandbox, *typed: str, **variables: str) -> tuple[int, str, Watch]:
    """Type the call with everything logged; return its exit code, what it said, and who was seen with what."""
    environment = {**os.environ, **sandbox.environment(), "INVOKE_RELEASE_POLL": "0.2", **TRACING, **variables}
    environment = {name: value for name, value in environment.items() if value or name not in ("GITHUB_TOKEN", "HOME")}
    pipe, nobody = subprocess.PIPE, subprocess.DEVNULL
    streams = {"stdin": nobody, "stdout": pipe, "stderr": subprocess.STDOUT}
    command = [sys.executable, "-c", SCRIPT, *typed]
    with subprocess.Popen(command, cwd=sandbox.work, env=environment, text=True, **streams) as process:  # type: ignore[call-overload]
        watch = Watch(process)
        watch.start()
        said = process.communicate(timeout=240)[0]
        watch.join()
    return process.returncode, said, watch


def check_kept(sandbox: Sandbox, said: str, watch: Watch) -> None:
    assert canary.leaks(said, secret=FORMS) == []
    assert canary.leaks(*canary.written(sandbox), secret=FORMS) == []
    assert watch.found == set()


@pytest.fixture
def known(sandbox: Sandbox) -> Sandbox:
    """A world that knows this secret alone, and a clone that has no way of its own to it."""
    sandbox.github.hub.tokens = {SECRET: Token(OWNER_LOGIN)}
    git(sandbox.work, "config", "--unset-all", f"credential.{sandbox.github.url}.helper")
    return sandbox


@contextmanager
def source(sandbox: Sandbox, name: str, folder: Path) -> Iterator[dict[str, str]]:
    """Put the secret where people have theirs; yield the variables that lead to it."""
    none = {"GITHUB_TOKEN": ""}
    host = sandbox.github.url.split("/")[2]
    match name:
        case "gh":
            program = folder / "gh"
            program.write_text(f"#!/bin/sh\necho '{SECRET}'\n")
            program.chmod(0o755)
            yield {**none, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
        case "netrc":
            (sandbox.home / ".netrc").write_text(f"machine {host.split(':')[0]} login me password {SECRET}\n")
            yield none
        case "helper":
            (folder / "store").write_text(f"http://me:{quote(SECRET, safe='')}@{host}\n")
            git(sandbox.work, "config", "credential.helper", f"store --file={folder}/store")
            yield none
        case "webhook":
            with scripted_server() as server:
                server.replies = [Reply(500)]
                address = f"{server.url}/services/{SECRET}"
                yield {"GITHUB_TOKEN": SECRET, "INVOKE_RELEASE_NOTIFY_WEBHOOK": address}
        case _:
            yield {**none, name: SECRET}


GIVEN = [
    pytest.param("GITHUB_TOKEN", True, marks=SLOW), ("GITHUB_TOKEN", False),
    pytest.param("GH_TOKEN", True, marks=SLOW),
    pytest.param("GH_ENTERPRISE_TOKEN", False, marks=SLOW), ("gh", True), pytest.param("gh", False, marks=SLOW),
    pytest.param("netrc", True, marks=SLOW), pytest.param("netrc", False, marks=SLOW),
    pytest.param("helper", True, marks=SLOW), pytest.param("helper", False, marks=SLOW),
    pytest.param("webhook", True, marks=SLOW),
]  # fmt: skip


@pytest.mark.parametrize(("name", "right"), GIVEN)
def test_s01_s12_a_secret_of_any_source_stays_where_it_is_needed(
    known: Sandbox, tmp_path: Path, name: str, right: bool
) -> None:
    """With everything logged and traced, taken or refused; a branch is pushed, GitHub asked, people told."""
    if not right:
        known.github.hub.tokens = {}
    with source(known, name, tmp_path) as variables:
        typed = ("release.patch", "--line=0.6") if name == "webhook" else ("release.branch", "sdk.dispatch")
        code, said, watch = watched(known, *typed, "--yes", **variables)
    assert "DEBUG:root:everything is logged" in said
    assert "Traceback" not in said
    assert right or code != 0
    assert name != "webhook" or "took no notice" in said
    assert name not in ("gh", "GITHUB_TOKEN") or not right or known.bare.refs("refs/heads/release-0.7-*")
    check_kept(known, said, watch)


@SLOW
def test_s01_a_password_in_the_remotes_url_is_shown_nowhere(known: Sandbox) -> None:
    """Git itself gives the URL to a program of its own as an argument; where the user wrote it, it stays."""
    host = known.github.url.split("/")[2]
    git(known.work, "remote", "set-url", "origin", f"http://me:{quote(SECRET, safe='')}@{host}/acme/platform.git")
    before = canary.leaks(*canary.written(known), secret=FORMS)
    for tokens in ({SECRET: Token(OWNER_LOGIN)}, {}):
        known.github.hub.tokens = tokens
        _, said, watch = watched(known, "release.branch", "--yes", GITHUB_TOKEN="")
        assert canary.leaks(said, secret=FORMS) == []
        assert {name for name, _ in watch.found} <= {"git", "git-remote-http"}
    assert canary.leaks(*canary.written(known), secret=FORMS) == before


@SLOW
def test_s01_a_crash_shows_no_secret(known: Sandbox) -> None:
    """A bug ends in a traceback; GitHub answering what it never does stands for one: a time that is a number."""
    names = ("conclusion", "head_sha", "head_branch", "html_url", "actor", "event")
    run = {**dict.fromkeys(names), "id": "one", "status": "queued", "created_at": 7}
    known.github.faults.add("GET", "/actions/workflows", status=200, body={"total_count": 1, "workflow_runs": [run]})
    known.github.faults.add("GET", "/actions/runs", status=200, body={"total_count": 1, "workflow_runs": [run]})
    _, said, watch = watched(known, "sdk.dispatch", "--version=0.6.1", "--yes", GITHUB_TOKEN=SECRET)
    assert "Traceback" in said
    check_kept(known, said, watch)


@SLOW
def test_s01_s12_a_whole_release_keeps_its_token(known: Sandbox) -> None:
    Doubles(known)
    code, said, watch = watched(known, "release.minor", "--yes", GITHUB_TOKEN=SECRET)
    assert code == 0, said[-2000:]
    assert peeled(known, "0.7.0")
    assert {"git"} <= watch.seen
    check_kept(known, said, watch)
