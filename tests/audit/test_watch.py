"""The view that is kept up to date, and what people who wait are told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from conftest import FakeClock, again, open_context, printed
from doubles import Doubles
from outside import everything, writes

from release.audit.status import LineState, Overview, Part, Version, hints, usual_times
from release.call.context import Context
from release.call.report import Report
from release.call.texts import last_times
from release.errors import Waiting
from release.sandbox import Sandbox
from release.tasks import lines, pipelines, proofs
from release.versions import Line, parse

HOURS = ("10:00:00Z", "10:40:00+00:00", "10:50:05Z")


class Busy(FakeClock):
    """Time in which one thing after another happens while somebody sleeps; at last Ctrl-C."""

    def __init__(self, *events: Callable[[], object]) -> None:
        super().__init__()
        self.events = iter(events)

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        try:
            next(self.events)()
        except StopIteration:
            raise KeyboardInterrupt from None


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as made:
        yield made


@pytest.fixture
def context(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Context:
    Doubles(sandbox)
    return open_context(sandbox, monkeypatch, clock=FakeClock())


def test_the_view_follows_a_release_to_its_end(sandbox: Sandbox, context: Context) -> None:
    def tag() -> None:
        other = again(context)
        lines.branch(other, "0.7.0")
        lines.tag(other, "0.7.0", ref="main")

    def rest() -> None:
        pipelines.ship(again(context), parse("0.7.0"), lines.tag(again(context), "0.7.0", ref="main"))

    def look() -> None:
        """Nothing happens."""

    watching = again(context, clock=Busy(look, tag, look, rest))
    proofs.status(watching, line="0.7", watch=True)
    rows = [line for line in printed(watching).splitlines() if "✔ tag" in line]
    assert len(rows) == 2, "what does not change is said once"
    assert rows[0].startswith("0.7.0  inv release.minor --version 0.7.0  ")
    assert "✘ wheel" in rows[0]
    assert rows[1] == "0.7.0  ✔ tag  ✔ platform  ✔ wheel  ✔ images  – pull request  ✔ Release"


def test_a_view_that_is_left_while_a_version_is_on_its_way_waits(sandbox: Sandbox, context: Context) -> None:
    lines.branch(context, "0.7.0")
    lines.tag(again(context), "0.7.0", ref="main")
    before, asked = everything(sandbox), writes(sandbox)
    for left in (again(context, clock=Busy()), again(context, timeout=30.0)):
        with pytest.raises(Waiting, match=r"0\.7\.0 is not out yet: .*wheel") as waiting:
            proofs.status(left, last=1, watch=True)
        assert waiting.value.hint == "inv release.minor --version 0.7.0"
    assert (everything(sandbox), writes(sandbox)) == (before, asked)


def test_json_is_an_object_a_change(sandbox: Sandbox, context: Context) -> None:
    watching = again(context, clock=Busy(lambda: None))
    watching.report = Report("json", watching.report.stream)
    with pytest.raises(Waiting):
        proofs.status(watching, last=1, watch=True)
    events = [json.loads(line) for line in printed(watching).splitlines()]
    changes = [each for each in events if each["event"] == "change"]
    assert [each["version"] for each in changes] == ["0.6.2"]


def version(number: str, day: int, released: str, **more: object) -> Version:
    """A version whose tag is of ten o'clock, with its Release at another time."""
    parts = {"tag": Part("out"), "wheel": Part("out")}
    state = "out" if released else "missing"
    parts["GitHub Release"] = Part(state, at=f"2026-11-{day:02}T{released}" if released else "")
    return Version(parse(number), "a" * 40, f"2026-11-{day:02}T10:00:00Z", parts=parts, **more)  # type: ignore[arg-type]


def test_it_is_said_how_long_the_last_three_of_its_kind_took() -> None:
    newest = version("0.7.4", 9, "")
    alone = version("0.7.3", 8, "10:01:00Z", components=("sdk",))
    before = [version(f"0.7.{n}", n + 1, time) for n, time in zip((2, 1, 0), HOURS, strict=True)]
    found = Overview("a/b", "", "main", 0, [LineState(Line(0, 7), newest=newest.version)], [newest, alone, *before])
    assert usual_times(found, newest) == [0, 2400, 3005]
    assert usual_times(found, before[0]) == [2400, 3005]
    assert usual_times(found, alone) == usual_times(found, before[2]) == []
    assert hints(found)[0] == (
        "0.7.4: not out yet: GitHub Release; it took 0 s, 40 min 0 s and 50 min 5 s the last 3 times",
        "inv release.notes --version 0.7.4 --publish",
    )
    unfinished = Overview("a/b", "", "main", 0, [], [newest, version("0.7.3", 8, "")])
    assert usual_times(unfinished, newest) == []


def test_times_are_told_newest_first() -> None:
    assert last_times([61]) == "1 min 1 s the last time"
    assert last_times([5, 61]) == "5 s and 1 min 1 s the last 2 times"
