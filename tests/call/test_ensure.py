"""The one rule every write goes through."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from conftest import FakeClock, again, printed

from release.call.context import Context, Options
from release.call.ensure import ensure, perform, save_file
from release.call.plan import Doors, Facts, Plan
from release.call.report import Report
from release.errors import Conflict, Failed, Unknown, Usage
from release.settings import Release, Settings


class Shelf:
    """A place in the world: what is on it, and how often it was written."""

    def __init__(self, thing: str | None = None) -> None:
        self.thing = thing
        self.writes = 0
        self.looks = 0
        self.appears_after = 0

    def find(self) -> str | None:
        self.looks += 1
        return self.thing if self.looks > self.appears_after else None

    def put(self) -> None:
        self.writes += 1
        self.thing = "there"


@pytest.fixture
def context() -> Context:
    return Context(Settings(), Report(stream=io.StringIO()), Options(yes=True), clock=FakeClock())


def test_f27_what_is_there_is_said_and_not_made(context: Context) -> None:
    shelf = Shelf("there")
    assert ensure(context, "a thing", find=shelf.find, make=shelf.put, planned="") == "there"
    assert shelf.writes == 0
    assert printed(context) == "✔ a thing (already)\n"


def test_f08_what_is_missing_is_made_and_looked_up(context: Context) -> None:
    shelf = Shelf()
    assert ensure(context, "a thing", find=shelf.find, make=shelf.put, planned="") == "there"
    assert (shelf.writes, shelf.looks) == (1, 2)
    assert printed(context) == "✔ a thing\n"


def test_f08_a_write_that_left_nothing_is_unknown(context: Context) -> None:
    with pytest.raises(Unknown) as lost:
        ensure(context, "a thing", find=lambda: None, make=lambda: None, planned="")
    assert lost.value.problem == "a thing: the write was accepted, but it is not there"
    assert lost.value.hint == "Look, then run the same again."
    assert not context.clock.slept, "nobody said that it may show late"


def test_f02_a_lost_answer_is_looked_up_before_it_is_believed(context: Context) -> None:
    shelf = Shelf()

    def lost() -> None:
        shelf.put()
        raise Unknown("no answer")

    assert ensure(context, "a thing", find=shelf.find, make=lost, planned="") == "there"
    assert shelf.writes == 1


def test_f02_a_lost_answer_that_left_nothing_stays_unknown(context: Context) -> None:
    def lost() -> None:
        raise Unknown("no answer")

    with pytest.raises(Unknown, match="no answer"):
        ensure(context, "a thing", find=lambda: None, make=lost, planned="", patience=5)
    assert context.clock.slept


def test_f34_a_write_that_met_itself_as_a_conflict_is_done(context: Context) -> None:
    """Git and botocore send a write again whose answer was lost, and meet their own first one."""
    shelf = Shelf()

    def twice() -> None:
        shelf.put()
        raise Conflict("it exists already")

    assert ensure(context, "a thing", find=shelf.find, make=twice, planned="") == "there"
    with pytest.raises(Conflict, match="it exists already"):
        ensure(context, "a thing", find=lambda: None, make=twice, planned="")


def test_f07_a_refusal_fails_in_its_own_words(context: Context) -> None:
    def refused() -> None:
        raise Failed("the hook says no")

    with pytest.raises(Failed, match="the hook says no"):
        ensure(context, "a thing", find=lambda: None, make=refused, planned="", patience=60)
    assert not context.clock.slept


@pytest.mark.parametrize(("poll", "slept"), [(2.0, 2.0), (10.0, 2.0), (0.5, 0.5)])
def test_a_slow_service_gets_its_time(context: Context, poll: float, slept: float) -> None:
    context = again(context, settings=Settings(release=Release(poll=poll)))
    shelf = Shelf()
    shelf.appears_after = 4
    assert ensure(context, "a thing", find=shelf.find, make=shelf.put, planned="", patience=60) == "there"
    assert context.clock.slept == [slept] * 3, "as often as the settings say, but every two seconds at least"


def test_f08_nobody_could_look_after_a_lost_answer(context: Context) -> None:
    """Both are said, and what to do is the write's: nothing is known of it."""
    problems = iter([None, Failed("the network is gone", "Wait.")])

    def find() -> None:
        if problem := next(problems):
            raise problem

    def lost() -> None:
        raise Unknown("no answer", "Run the same again.")

    with pytest.raises(Unknown) as unknown:
        ensure(context, "a thing", find=find, make=lost, planned="", patience=60)
    assert unknown.value.problem == "no answer; then: the network is gone"
    assert unknown.value.hint == "Run the same again."


def test_something_else_there_is_a_conflict(context: Context) -> None:
    def other() -> str | None:
        raise Conflict("something else is there")

    with pytest.raises(Conflict):
        ensure(context, "a thing", find=other, make=lambda: pytest.fail("made"), planned="")


def test_a_dry_run_looks_and_makes_nothing(context: Context) -> None:
    shelf = Shelf()
    dry = again(context, dry=True, yes=False)
    assert ensure(dry, "a thing", find=shelf.find, make=shelf.put, planned="as planned") == "as planned"
    assert (shelf.writes, shelf.looks) == (0, 1)
    assert printed(dry) == "○ a thing (to do)\n"


@dataclass(frozen=True)
class Planned:
    key: str


def test_what_a_dry_run_would_have_made_is_seen_by_later_reads(context: Context) -> None:
    dry, planned = again(context, dry=True), Planned("a key")
    assert ensure(dry, "a thing", find=lambda: None, make=lambda: None, planned=planned) == planned
    assert dry.view.get(Planned, "a key") is planned


def test_a_step_of_this_machine_is_done_and_in_a_dry_run_told(context: Context) -> None:
    assert perform(context, "build it", lambda: "built", "planned") == "built"
    assert printed(context) == ""
    dry = again(context, dry=True)
    assert perform(dry, "build it", lambda: pytest.fail("built"), "planned") == "planned"
    assert printed(dry) == "○ build it (to do)\n"


def test_a_file_is_written_and_in_a_dry_run_told(context: Context, tmp_path: Path) -> None:
    file = tmp_path / "ünï"
    dry = again(context, dry=True)
    save_file(dry, "a page", file, "é\n")
    assert (file.exists(), printed(dry)) == (False, "○ a page (to do)\n")
    save_file(context, "a page", file, "é\n")
    assert (file.read_bytes(), printed(context)) == ("é\n".encode(), "✔ a page\n")
    with pytest.raises(Usage) as refused:
        save_file(context, "a page", tmp_path / "none" / "page", "x")
    assert refused.value.problem == f"{tmp_path / 'none' / 'page'} cannot be written: No such file or directory"
    assert refused.value.hint == "Name a file in a folder that is there."


class Steps(Plan):
    """A plan that takes down what it is told."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str, Facts]] = []
        self.doors: list[Doors] = []

    def step(self, doors: Doors, what: str, state: str, facts: Callable[[], Facts]) -> None:
        self.doors.append(doors)
        self.taken.append((what, state, facts()))


def test_a_plan_hears_of_a_step_before_it_is_made_and_after(context: Context) -> None:
    shelf, seen = Shelf(), Steps()
    context = replace(context, plan=seen)

    def facts(there: str | None) -> Facts:
        return {"thing": "x", "there": there}

    for _ in range(2):
        ensure(context, "a thing", find=shelf.find, make=shelf.put, planned="", facts=facts)
    there = ("a thing", "done", {"thing": "x", "there": "there"})
    assert seen.taken == [("a thing", "todo", {"thing": "x", "there": None}), there, there]
    assert seen.doors == [context.doors] * 3


def test_a_plan_hears_of_a_step_of_this_machine_in_a_dry_run(context: Context) -> None:
    seen = Steps()
    context = again(context, dry=True, plan=seen)
    perform(context, "build it", lambda: "built", "planned", {"file": "x"})
    assert seen.taken == [("build it", "todo", {"file": "x"})]
    assert seen.doors == [context.doors]


def test_nobody_agreed_and_nobody_to_ask_is_usage(context: Context) -> None:
    shelf = Shelf()
    with pytest.raises(Usage, match="Not confirmed; nothing was written: a thing"):
        ensure(again(context, yes=False), "a thing", find=shelf.find, make=shelf.put, planned="")
    assert shelf.writes == 0
