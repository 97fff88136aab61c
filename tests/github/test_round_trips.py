"""How often a task asks GitHub's API: the counts of docs/round-trips.md."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from conftest import FakeClock, again, open_context
from doubles import CHECKS, Doubles
from outside import git
from scripted_run import ScriptedRun

from release.call.context import Clock, Context
from release.call.parallel import side_by_side
from release.call.wait import SELDOM
from release.git.refs import short_name
from release.git.snapshot import remote
from release.github.commits import Wanted, follow_checks
from release.sandbox import Sandbox
from release.tasks import image, lines, pipelines, proofs, setup

PAGE = Path(__file__).parents[2] / "docs/round-trips.md"
ROW = r"^\| `([^`]+)` \| ([0-9]+) \| [^|]+ \|$"  # of the table of three columns: another counts what Git is asked
COUNTS = {name: int(most) for name, most in re.findall(ROW, PAGE.read_text(), re.MULTILINE)}


@pytest.fixture
def context(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, doubles: Doubles) -> Context:
    assert doubles.sandbox is sandbox
    return open_context(sandbox, monkeypatch, clock=FakeClock(time.time()))


def asked(sandbox: Sandbox, act: Callable[[], object]) -> list[str]:
    """Return the requests to the API that it sends."""
    sandbox.github.requests.clear()
    act()
    return [f"{each.method} {each.path}?{each.query}" for each in sandbox.github.requests if "/api/" in each.path]


def check(name: str, sent: list[str], *again_too: str) -> None:
    """Hold the count, and that nothing is asked twice but what is named: what may have changed meanwhile."""
    assert len(sent) == COUNTS[name], "\n".join(sent)
    twice = [one for one, times in Counter(sent).items() if times > 1]
    assert [one for one in twice if not any(re.search(path, one) for path in again_too)] == []


def test_what_git_alone_tells_asks_github_nothing(sandbox: Sandbox, context: Context) -> None:
    check("release.branch", asked(sandbox, lambda: lines.branch(context, "0.7.0")))
    check("release.tag", asked(sandbox, lambda: lines.tag(again(context), "0.7.0")))
    git(sandbox.work, "switch", "-qc", "image-0.8.0")
    git(sandbox.work, "push", "-q", str(sandbox.bare.path), "image-0.8.0")
    check("image.bump", asked(sandbox, lambda: image.bump(again(context), "0.8.0")))


def test_a_whole_release_and_what_is_read_of_it(sandbox: Sandbox, context: Context) -> None:
    looks = ("/workflows/.*/runs", "/releases[?]", "/assets[?]", "/pulls[?]", "/pulls/1[?]", "actions/runs[?]")
    check("release.minor", asked(sandbox, lambda: pipelines.minor(context, "0.7.0")), *looks)
    check("release.verify", asked(sandbox, lambda: proofs.verify(again(context), "0.7.0")))
    check("release.status", asked(sandbox, lambda: proofs.status(again(context))))
    check("release.doctor", asked(sandbox, lambda: setup.doctor(again(context, clock=Clock()))))


def test_what_is_read_once_keeps_nobody_waiting_who_reads_something_else() -> None:
    context = Context.__new__(Context)
    context.doors, context._opening, context._making = {}, threading.Lock(), {}
    meet = threading.Barrier(2, timeout=30)
    side_by_side([partial(context.once, name, meet.wait) for name in ("rules", "limits")])
    assert set(context.doors) == {"rules", "limits"}


def test_while_a_check_run_goes_on_little_else_is_asked_for(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, doubles: Doubles
) -> None:
    doubles.hang.add(CHECKS)
    clock = Ending(doubles)
    context = open_context(sandbox, monkeypatch, clock=clock)
    head = lines.branch(context, "0.7.0")
    wanted = Wanted(head.sha, short_name(head), branch=short_name(head), listening={CHECKS: True})
    clock.slept.clear()
    sent = asked(sandbox, lambda: follow_checks(context, wanted))
    looks = len(clock.slept) + 1
    count = {kind: sum(kind in one for one in sent) for kind in ("/check-runs?", "/status?", "/actions/runs?")}
    assert looks > 20
    assert count["/check-runs?"] <= looks + 1
    assert count["/status?"] == count["/actions/runs?"] <= looks // SELDOM + 2
    assert remote(context).head_sha(short_name(head)) == head.sha


class Ending(FakeClock):
    """Time in which what runs ends after twenty minutes."""

    def __init__(self, doubles: Doubles) -> None:
        super().__init__()
        self.doubles, self.end = doubles, self.time + 1200

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        going: list[ScriptedRun] = [run for run in self.doubles.started if run.status != "completed"]
        for run in going if self.time >= self.end else ():
            run.end()
