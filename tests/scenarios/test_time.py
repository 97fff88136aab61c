"""What a clock has no part in: the release branch's line, how long a wait lasts, who has a lease, which run counts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import pytest
from conftest import FakeClock, again, open_context
from doubles import SDK, Doubles
from history import cut
from outside import dispatches, peeled, remote_refs

from release.call.context import Clock, Context, View
from release.call.wait import Wait, wait_until
from release.errors import Waiting
from release.sandbox import Sandbox
from release.tasks import lines, sdk

HOUR = 3600.0
ZONES = ("UTC", "Pacific/Kiritimati", "Pacific/Niue", "America/St_Johns", "Asia/Kathmandu")
# In UTC: a year's and a day's last second, a leap day, the year 2100 that has none, and changes of summer time.
MOMENTS = {
    "2026-12-31T23:59:59": "20261231",
    "2027-01-01T00:00:00": "20270101",
    "2028-02-29T00:30:00": "20280229",
    "2028-02-29T23:59:59": "20280229",
    "2100-02-28T23:59:59": "21000228",
    "2027-03-14T05:30:00": "20270314",
    "2027-11-07T04:31:00": "20271107",
}


def at(moment: str) -> float:
    return datetime.fromisoformat(f"{moment}+00:00").timestamp()


@pytest.fixture
def context(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Context:
    Doubles(sandbox, silent={"platform.yaml"})
    return open_context(sandbox, monkeypatch, clock=FakeClock())


@pytest.fixture
def zones(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Let a test set TZ; the process has its own zone again afterwards."""
    yield monkeypatch
    monkeypatch.undo()
    time.tzset()


def test_f23_the_branchs_date_is_utc_in_every_zone(context: Context, zones: pytest.MonkeyPatch) -> None:
    found = {}
    for zone in ZONES:
        zones.setenv("TZ", zone)
        time.tzset()
        for moment in MOMENTS:
            doors = {key: door for key, door in context.doors.items() if key != "today"}  # which a call reads once
            dry = again(context, dry=True, doors=doors, clock=FakeClock(at(moment)))
            found[zone, moment] = lines.branch(replace(dry, view=View()), "0.7.0").name
    assert len(found) == 35
    assert found == {
        (zone, moment): f"refs/heads/release-0.7-{day}" for zone in ZONES for moment, day in MOMENTS.items()
    }


@pytest.mark.parametrize("calls", [1, 2], ids=["in a call", "between calls"])
def test_f23_midnight_makes_no_second_branch(context: Context, sandbox: Sandbox, calls: int) -> None:
    clock = FakeClock(at("2026-11-22T23:59:59"))
    begun = again(context, clock=clock)
    name = lines.branch(begun, "0.7.0").name
    clock.sleep(2)
    later = begun if calls == 1 else again(begun)
    assert lines.branch(later, "0.7.0").name == name == "refs/heads/release-0.7-20261122"
    lines.tag(later, "0.7.0")
    assert [ref for ref in remote_refs(sandbox) if ref.startswith("refs/heads/release-0.7-")] == [name]
    assert peeled(sandbox, "0.7.0") == sandbox.bare.sha(name)


def test_f23_a_branch_of_tomorrow_is_the_lines_too(context: Context, sandbox: Sandbox) -> None:
    """The clock went back, or somebody else's is ahead."""
    cut(sandbox, "release-0.7-20261123")
    assert lines.branch(again(context, clock=FakeClock(at("2026-11-22T23:00:00"))), "0.7.0").name[-8:] == "20261123"


class Changed(FakeClock):
    """Time of which somebody sets the clock in the midst of a wait."""

    def __init__(self, by: float) -> None:
        super().__init__()
        self._by = by

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.wrong = self._by


@pytest.mark.parametrize("by", [-HOUR, HOUR], ids=["back", "on"])
def test_a_wait_ends_by_the_time_that_passed(context: Context, by: float) -> None:
    clock = Changed(by)
    late = Waiting("late", "Run the same again.")

    def _never(_: Wait) -> bool:
        return False

    with pytest.raises(Waiting, match="late"):
        wait_until(again(context, clock=clock), _never, late=lambda _: late, stopped=lambda: late, limit=100)
    assert 100 <= sum(clock.slept) < 120


def test_the_machines_own_time_that_passed_never_goes_back() -> None:
    clock = Clock()
    told = [clock.monotonic() for _ in range(3)]
    assert told == sorted(told)
    assert abs(clock.now() - clock.monotonic()) > HOUR, "the time of day is another"


@pytest.mark.parametrize("by", [-HOUR, HOUR], ids=["back", "on"])
def test_f01_f27_a_clock_that_is_an_hour_wrong_changes_nothing(context: Context, sandbox: Sandbox, by: float) -> None:
    """Between two calls, in the midst of one, and against the server's."""
    lines.branch(context, "0.7.0")
    clock = Changed(by)
    clock.wrong = -by
    lines.tag(again(context, clock=clock), "0.7.0")
    sdk.release(again(context, clock=clock), "0.7.0")
    sdk.release(again(context), "0.7.0")
    assert dispatches(sandbox, SDK) == 1
    assert sum(clock.slept) < 200
    assert sandbox.bare.refs("refs/release") == {}
