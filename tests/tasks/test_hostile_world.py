"""A world whose every name is hostile, and calls typed with them: what Git and gh are told, and what people see."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from doubles import SDK
from hostile import FEW, HOSTILE, Wrapped, commands, names_for_git, raw
from outside import git, remote_refs
from scripted_run import ScriptedRun
from typed import Type, typing_in

from release.sandbox import Sandbox
from release.sandbox.github.events import start_run
from release.sandbox.github.records import Pull

FLAGS = [
    ("release.check", "--version={}"),
    ("release.next", "--bump=patch", "--line={}"),
    ("release.branch", "--yes", "--ref={}"),
    ("release.branch", "--yes", "--version={}"),
    ("release.tag", "--yes", "--version=0.6.3", "--ref={}"),
    ("release.pick", "--yes", "--line=0.6", "--commit={}"),
    ("release.pick", "--line=0.6", "--candidates", "--since={}"),
    ("release.pick", "--line=0.6", "--candidates", "--path={}"),
    ("release.component", "--yes", "--name={}"),
    ("release.compat", "--name=web", "--ref={}"),
    ("sdk.dispatch", "--yes", "--version={}"),
    ("sdk.publish", "--yes", "--wheel={}"),
    ("image.watch", "--version=0.6.1", "--run={}"),
    ("image.watch", "--version=0.6.1", "--ref={}"),
    ("release.verify", "--version=0.6.1", "--receipt={}"),
    ("{}",),
]


@pytest.fixture(scope="module")
def world() -> Iterator[Sandbox]:
    with Sandbox(cloud=False) as made:
        yield made


@pytest.fixture
def wrapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wrapped:
    """Git and a `gh` that is signed in nowhere, whose arguments are written down."""
    found = {"git": shutil.which("git") or "", "gh": "/bin/false"}
    made = Wrapped(tmp_path / "bin", found)
    monkeypatch.setenv("PATH", f"{made.folder}{os.pathsep}{os.environ['PATH']}")
    return made


@pytest.fixture
def typed(
    world: Sandbox, wrapped: Wrapped, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Type:
    found = typing_in(world, monkeypatch, capsys)
    # The sandbox's PATH begins with this Python's own programs.
    monkeypatch.setenv("PATH", f"{wrapped.folder}{os.pathsep}{os.environ['PATH']}")
    return found


@pytest.mark.parametrize(
    ("texts", "each"),
    [
        pytest.param(FEW, 1, id="few", marks=pytest.mark.slow),
        pytest.param(HOSTILE, 1, id="all", marks=pytest.mark.faults),
    ],
)
def test_s03_s04_s11_what_is_typed_is_no_option_of_gits_and_never_shown_raw(
    world: Sandbox, typed: Type, wrapped: Wrapped, monkeypatch: pytest.MonkeyPatch, texts: list[str], each: int
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    before = remote_refs(world), git(world.work, "status", "--porcelain")
    calls = 0
    # No program can be given a NUL, nor more than 128 KiB in one argument (execve(2)).
    for number, text in enumerate(text.replace("\0", "\x01")[:100_000] for text in texts):
        for step in range(each):
            call = [word.replace("{}", text) for word in FLAGS[(number + 5 * step) % len(FLAGS)]]
            said = typed(*call)
            calls += 1
            assert said.code in ((0, 1, 2, 3) if "--path" in call[-1] else (1, 2, 3)), (call[:-1], ascii(text)[:99])
            assert raw(said.out + said.err) == [], (call[:-1], ascii(text)[:99])
            assert commands(said.out + said.err) == [], (call[:-1], ascii(text)[:99])
    assert calls == len(texts) * each
    assert len(wrapped.calls()) > 20, "it is this Git that was asked"
    assert wrapped.options() == []
    assert (remote_refs(world), git(world.work, "status", "--porcelain")) == before


# --- a world of others' making ---


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape" if "\udc80" in text else "strict")


KINDS = (b"heads", b"tags")


def fill(world: Sandbox, texts: list[str]) -> None:
    """Give the remote a branch, a tag, a commit's title, a pull request, a job and a log line of each text."""
    bare, sha = world.bare, world.bare.sha("main") or ""
    stream = [b"feature done\n"]
    for number, text in enumerate(texts):
        title = _bytes(text.replace("\0", ""))
        begin = f"from {sha}\n".encode() if not number else b""
        person = f"committer {'A'} <a@b.example> {1_700_000_000 + number} +0000\n".encode()
        stream.append(b"commit refs/heads/main\n" + person + b"data %d\n%s\n" % (len(title), title) + begin + b"\n")
    for name in names_for_git(texts):
        stream += [
            b"reset refs/%s/%s\nfrom %s\n\n" % (kind, _bytes(name), sha.encode()) for kind in (b"heads", b"tags")
        ]
    command = ["git", "fast-import", "--quiet", "--force"]
    subprocess.run(command, input=b"".join([*stream, b"done\n"]), cwd=bare.path, check=True, capture_output=True)
    hub = world.github.hub
    for number, text in enumerate(texts[::5], 100):
        hub.pulls[number] = Pull(number, text, text, "x", f"topic-{number}", "main", sha, sha)


def failing(world: Sandbox, texts: list[str]) -> None:
    """A run of the SDK's workflow at the tag 0.6.1 whose jobs, steps and log lines are hostile."""
    work = ScriptedRun({text[:300]: "failure" for text in texts[::20]})
    world.github.use_runner(lambda hub, start: work)
    sha, path = world.bare.sha("refs/tags/0.6.1") or "", f".github/workflows/{SDK}"
    begin = {"sha": sha, "ref": "refs/tags/0.6.1", "event": "workflow_dispatch", "actor": "me"}
    start_run(world.github.hub, path, world.bare.file(sha, path) or "", inputs={}, **begin)
    for number, job in enumerate(work.jobs):
        job.log = "\n".join(texts[number::20])
        job.steps = [replace(step, name=job.name) for step in job.steps]


HOOK = "#!/bin/sh\ncat >&2 {words}\nexit 1\n"


@pytest.fixture(
    scope="module",
    params=[pytest.param(FEW, id="few"), pytest.param(HOSTILE, id="all", marks=pytest.mark.faults)],
)
def filled(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with Sandbox() as made:
        made.github.hub.settings.search_limit = 10_000  # else a minute passes for each thirty of what is typed
        fill(made, request.param)
        failing(made, request.param)
        words = made.folder / "words"
        words.write_bytes(b"\n".join(_bytes(text) for text in FEW))
        hook = made.bare.path / "hooks" / "pre-receive"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(HOOK.format(words=words))
        hook.chmod(0o755)
        settings = "sdk:\n  inputs:\n" + "".join(f"    {ascii_yaml(text)}: {ascii_yaml(text)}\n" for text in FEW[:60])
        (made.folder / "inputs.yaml").write_text(settings)
        yield made


def ascii_yaml(text: str) -> str:
    """Return the text as YAML takes it, whatever it is."""
    escaped = "".join(f"\\u{ord(each):04x}" if ord(each) < 2**16 else "?" for each in text[:300])
    return f'"{escaped}"'


SEEN = [
    ("release.status",),
    ("release.pick", "--line=0.6", "--candidates"),
    ("sdk.watch", "--version=0.6.1"),
    ("release.branch", "--yes"),
    ("release.doctor",),
    ("release.verify", "--version=0.6.1"),
    ("-f", "{folder}/inputs.yaml", "--dry", "sdk.dispatch", "--version=0.6.1"),
]


WHERE = [
    pytest.param(False, id="by-hand", marks=pytest.mark.slow),
    pytest.param(True, id="in-actions", marks=pytest.mark.slow),
]


@pytest.mark.parametrize("actions", WHERE)
def test_s03_s04_s11_names_of_others_are_no_options_and_never_shown_raw(
    filled: Sandbox,
    wrapped: Wrapped,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    actions: bool,
) -> None:
    typed = typing_in(filled, monkeypatch, capsys)
    monkeypatch.setenv("PATH", f"{wrapped.folder}{os.pathsep}{os.environ['PATH']}")
    if actions:
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
    shown = ""
    for call in SEEN:
        said = typed(*(word.replace("{folder}", str(filled.folder)) for word in call))
        shown += said.out + said.err
        assert raw(said.out + said.err) == [], call
        assert not actions or commands(said.out + said.err) == [], call
    assert shown.count("zyx") > 100
    assert wrapped.options() == []


def test_s04_names_of_others_are_never_shown_raw_at_a_terminal(filled: Sandbox) -> None:
    environment = {**os.environ, **filled.environment(), "TERM": "xterm", "INVOKE_RELEASE_POLL": "0.2", "CI": "true"}
    for call in SEEN[1:4]:
        shown = at_a_terminal([sys.executable, "-m", "invoke", *call], filled.work, environment)
        assert "zyx" in shown, call
        assert raw(shown) == [], call


def at_a_terminal(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    """Run a program at a pseudo-terminal of its own, and return all that this shows."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs) as program:
        os.close(theirs)
        shown = b""
        try:
            while piece := os.read(ours, 2**16):
                shown += piece
        except OSError:  # Linux says so of a terminal that nobody has open
            pass
        os.close(ours)
        program.wait(60)
    return shown.decode("utf-8")
