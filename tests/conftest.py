"""What the tests share: a sandbox of one's own, and the tasks run against it."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import canary
import pytest
from recording import Exchange, Recording
from scripted_run import scripted

from release.call.context import Activity, Context, Facts, Options, View
from release.call.report import Report
from release.sandbox import Sandbox
from release.settings import Release, Settings

pytest_plugins = ["doubles", "sandbox_client", "sandbox_runner"]  # their fixtures
Inv = Callable[..., "subprocess.CompletedProcess[str]"]


class FakeClock:
    """Time that passes only when somebody sleeps; the time of day may be `wrong` by some seconds."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.time = now
        self.wrong = 0.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time + self.wrong

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            self.slept.append(seconds)
            self.time += seconds


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Keep tests that share a whole release in one process."""
    if getattr(config.option, "numprocesses", None):
        config.option.dist = "loadgroup"


def pytest_configure(config: pytest.Config) -> None:
    """Say so to each of xdist's processes, which read the command line anew; and watch for the canary."""
    if hasattr(config, "workerinput"):
        config.option.loadgroup = True
    watch_for_the_canary()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a file whose tests have one world together and others their own: moto has one state a process."""
    taken: dict[Path, set[str]] = {}
    for item in items:
        worlds = taken.setdefault(item.path, set())
        worlds |= {"released", "sandbox"} & {*getattr(item, "fixturenames", ())}
        if len(worlds) > 1:
            raise pytest.UsageError(f"{item.path}: {item.name} takes the world of the other tests away")


def watch_for_the_canary() -> None:
    """Look at what each sandbox holds when it closes, and keep all that a test was shown for the end of it."""
    read, close = pytest.CaptureFixture.readouterr, Sandbox.close

    def readouterr(self: pytest.CaptureFixture[str]) -> Any:
        shown = read(self)
        canary.seen += [shown.out, shown.err]
        return shown

    def close_and_look(self: Sandbox) -> None:
        written = canary.written(self)
        close(self)
        assert canary.leaks(*written) == [], "the token was written"

    pytest.CaptureFixture.readouterr = readouterr  # type: ignore[method-assign]
    Sandbox.close = close_and_look  # type: ignore[method-assign]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[Any]:
    """Fail a test that printed, logged, or wrote below its own folder what S1 keeps to itself."""
    report = yield
    if report.when == "teardown":
        shown = [content for _, content in report.sections]
        folder = getattr(item, "funcargs", {}).get("tmp_path")
        left = canary.files(folder, but=("objects", "home")) if folder and folder.exists() else []
        told = [stream.getvalue() for stream in STREAMS if isinstance(stream, io.StringIO)]
        if leaks := canary.leaks(*map(str, canary.seen), *told, *shown, *left):
            report.outcome, report.longrepr = "failed", f"S1: the token was shown or written: {leaks}"
        canary.seen.clear()
        STREAMS.clear()
    return report


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what the developer's or CI's own machine has set away from the tests."""
    for name in list(os.environ):
        if name.startswith(("INVOKE_", "GITHUB_", "GH_", "AWS_", "GIT_")) or name in ("CI", "NO_COLOR"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("INVOKE_SDK_SMOKE", "0")  # most wheels of the tests are none to install; test_smoke.py has some


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A whole world of the test's own, its runs without end unless `Doubles` run them; every exchange with its GitHub
    is held against GitHub's description."""
    with Sandbox() as made:
        made.github.use_runner(scripted(ends=False))
        recording = made.github.front.application = Recording(made.github.front.application)
        yield made
    from conformance import Conformance  # its library takes as long to load as all the rest

    Conformance.load().check_all(few_of_a_kind(recording.exchanges))


STREAMS: list[Any] = []  # that the calls of the test at hand print to
SEEN: Counter[tuple[object, ...]] = Counter()
OF_A_KIND = 3  # exchanges alike that are judged in one process: a judgement takes some 10 ms


def few_of_a_kind(exchanges: Iterable[Exchange]) -> Iterator[Exchange]:
    """Yield the exchanges but those of which enough alike were judged: same route, query names, fields and status."""
    for one in exchanges:
        route = re.sub(r"[0-9a-f]{40}|\d+", "#", one.path)
        names = re.findall(r"(?:^|&)([^=&]*)=", one.query)
        fields = re.findall(rb'"(\w+)":', one.request_body)
        kind = (one.method, route, tuple(names), tuple(fields), one.status)
        SEEN[kind] += 1
        if SEEN[kind] <= OF_A_KIND:
            yield one


@pytest.fixture
def context(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Context:
    """A call in the sandbox's clone, agreed to, in this process."""
    return open_context(sandbox, monkeypatch)


def open_context(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> Context:
    """Open a call in the sandbox's clone; what it prints is in `context.report.stream`."""
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(sandbox.work)
    # The second between writes is for GitHub's sake; test_github.py holds it on a clock of its own.
    monkeypatch.setattr("release.github.http.WRITE_PAUSE", 0)
    # Where time is made up, looks as far apart as people's cost less.
    poll = 2.0 if isinstance(changes.get("clock"), FakeClock) else 0.1
    settings = changes.pop("settings", Settings(release=Release(poll=poll)))
    settings = settings if changes.pop("smoke", False) else untried(settings)
    fresh = Context(settings, Report(stream=io.StringIO()), Options(yes=True), folder=sandbox.work)
    return again(fresh, **changes)


def untried(settings: Settings) -> Settings:
    """The settings, but nothing that is released is installed or started: most of the tests' wheels are none."""
    return replace(settings, sdk=replace(settings.sdk, smoke=False), image=replace(settings.image, smoke=False))


def again(context: Context, **changes: Any) -> Context:
    """Open the same world anew, as the next call does: nothing settled, no door open, nothing planned."""
    if "settings" in changes and not context.settings.sdk.smoke:
        changes["settings"] = untried(changes["settings"])
    told = {each.name: changes.pop(each.name) for each in fields(Options) if each.name in changes}
    fresh = {
        "report": Report(stream=io.StringIO()), "options": replace(context.options, **told),
        "facts": Facts(), "view": View(), "doors": {}, "activity": Activity(),
    }  # fmt: skip
    made = replace(context, **{**fresh, **changes})
    STREAMS.append(made.report.stream)
    return made


def printed(context: Context) -> str:
    """What the world's tasks printed."""
    stream = context.report.stream
    assert isinstance(stream, io.StringIO)
    return stream.getvalue()


@pytest.fixture
def inv(sandbox: Sandbox) -> Inv:
    """`inv(...)` as a person types it in the sandbox's clone; returns the finished process."""

    def run(
        *arguments: str, code: int | None = 0, cwd: Path | None = None, **extra: str
    ) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **sandbox.environment(), "INVOKE_RELEASE_POLL": "0.2", **extra}
        done = subprocess.run(
            [sys.executable, "-m", "invoke", *arguments],
            cwd=cwd or sandbox.work,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if code is not None:
            assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr, done.stderr
        canary.seen += [done.stdout, done.stderr]
        return done

    return run
