"""The one rule every write goes through."""

from __future__ import annotations

import io

import pytest
from conftest import FakeClock, again, printed

from release.call.context import Context, Options
from release.call.ensure import ensure
from release.call.report import Report
from release.errors import Conflict, Failed, Unknown, Usage
from release.settings import Settings


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
    with pytest.raises(Unknown):
        ensure(context, "a thing", find=lambda: None, make=lambda: None, planned="")


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


def test_a_slow_service_gets_its_time(context: Context) -> None:
    shelf = Shelf()
    shelf.appears_after = 4
    assert ensure(context, "a thing", find=shelf.find, make=shelf.put, planned="", patience=60) == "there"


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


def test_nobody_agreed_and_nobody_to_ask_is_usage(context: Context) -> None:
    shelf = Shelf()
    with pytest.raises(Usage, match="Not confirmed; nothing was written"):
        ensure(again(context, yes=False), "a thing", find=shelf.find, make=shelf.put, planned="")
    assert shelf.writes == 0
