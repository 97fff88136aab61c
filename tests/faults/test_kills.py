"""A call killed at each of its writes, by each signal, before, in and after it; the same typed again goes on (F27)."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from faults.calls import Call
from faults.kills import MOMENTS, SIGNALS, Outliving, Victim, is_push, killing, victims
from faults.worlds import PIPELINES, check_end, check_sound, opened, renew_clone, user_state

TRIES = 2  # a lease of the killed call may cost the first one its time
FEWEST = {"minor": 121, "patch": 64, "component": 55, "image": 57}  # kills, of which there are 297 in all
GROUPS = {name: pytest.param(name, marks=pytest.mark.xdist_group(f"kill-{name}")) for name in PIPELINES}
everywhere = pytest.mark.parametrize("victim", GROUPS.values(), indirect=True, scope="module")


@dataclass(frozen=True)
class Case:
    """One kill; `alone`: what the call started lives on; `fresh`: the next is typed in another clone."""

    call: Call
    moment: str
    number: signal.Signals
    alone: bool = False
    fresh: bool = False

    def __str__(self) -> str:
        how = f"{self.number.name} to {'it alone' if self.alone else 'its group'}"
        return f"{how} {self.moment} {self.call}, then in {'a fresh' if self.fresh else 'the same'} clone"


@pytest.fixture(scope="module")
def victim(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    folder = tmp_path_factory.mktemp("killed")  # before the world has temporary folders of its own
    with opened(PIPELINES[request.param]) as world, victims(world, folder) as found:
        yield found


@pytest.fixture(autouse=True)
def _variables(victim: Victim, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in victim.world.variables.items():
        monkeypatch.setenv(name, value)


def cases(victim: Victim, moment: str, number: signal.Signals) -> list[Case]:
    """A kill at each write; group and process, same and fresh clone take turns, so that each meets each.

    Half an answer is the same to all who do not live to read it: one signal each, in turn.
    """
    calls = [call for call in victim.world.recorded if call.writes]
    turn = MOMENTS.index(moment) + [*SIGNALS.values()].index(number)
    return [
        Case(call, moment, number, _alone(index + turn, moment, number), (index // 2 + turn) % 2 == 1)
        for index, call in enumerate(calls)
        if moment != "middle" or is_push(call) or index % len(SIGNALS) == turn % len(SIGNALS)
    ]


def _alone(turn: int, moment: str, number: signal.Signals) -> bool:
    return number != signal.SIGINT and moment != "middle" and turn % 2 == 0


def check_case(victim: Victim, case: Case) -> list[str]:
    """Kill the call, and hold what the next ones come to; return how those ended that did not come to the end."""
    world = victim.world
    world.restore()
    before, outliving = user_state(world), Outliving(lambda: victim.kill(case.number, case.alone))
    late = case.moment == "late"
    act = outliving.push if late else killing(outliving.kill, case.moment, case.call, case.alone)
    world.calls.strike(case.call, act)
    code = victim.type(*world.pipeline.words)
    assert world.calls.struck == [case.call]
    printed = victim.output.read_text()
    assert code == (4 if case.number == signal.SIGINT else -case.number), f"exit {code}\n{printed}"
    assert "Traceback" not in printed, printed
    check_sound(world)
    if late:
        world.calls.strike_writes(outliving.write)
    else:
        assert victim.children() == []
    if case.fresh:
        renew_clone(world)
        before = user_state(world)
    ended = typed_again(victim)
    outliving.end()
    assert victim.children() == []
    check_end(world, before)
    return ended


def typed_again(victim: Victim) -> list[str]:
    """Make the call until it comes to its end; return how those ended that did not."""
    ended = []
    for _ in range(TRIES):
        error = victim.world.run()
        if error is None:
            return ended
        ended.append(f"exit {error.code}: {error.problem}")
    raise AssertionError("\n".join(ended))


def check_cases(victim: Victim, chosen: list[Case]) -> None:
    """Try each, and tell all that fell in one go."""
    fell, tries = [], Counter[str]()
    for case in chosen:
        try:
            tries.update(check_case(victim, case))
        except Exception as error:  # noqa: BLE001 each case is told
            fell.append(f"{case}:\n{error}")
    print(f"{len(chosen)} kills, {len(fell)} fell; other ends first: {dict(tries)}")
    assert not fell, "\n\n".join([f"{len(fell)} of {len(chosen)} fell", *fell])


@everywhere
@pytest.mark.faults
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("how", SIGNALS)
def test_f27_at_each_write(victim: Victim, how: str, moment: str) -> None:
    check_cases(victim, cases(victim, moment, SIGNALS[how]))


@everywhere
@pytest.mark.faults
def test_f27_at_some_of_the_reads(victim: Victim) -> None:
    reads = [call for call in victim.world.recorded if not call.writes][5::20]
    check_cases(victim, [Case(call, "after", signal.SIGKILL) for call in reads])


@everywhere
@pytest.mark.faults
def test_f34_a_push_that_outlives_its_call_lands_in_the_midst_of_the_next(victim: Victim) -> None:
    pushes = [call for call in victim.world.recorded if is_push(call)]
    check_cases(victim, [Case(call, "late", signal.SIGKILL, alone=True) for call in pushes])


@everywhere
@pytest.mark.faults
def test_there_are_as_many_kills_as_there_have_to_be(victim: Victim) -> None:
    """They are those of the writes that were recorded: one that went missing would take its own along."""
    found = [len(cases(victim, moment, number)) for moment in MOMENTS for number in SIGNALS.values()]
    assert sum(found) >= FEWEST[victim.world.pipeline.name]


@pytest.mark.parametrize("victim", [GROUPS["image"]], indirect=True, scope="module")
def test_f01_f27_at_a_dispatch_and_at_a_merge(victim: Victim) -> None:
    found = cases(victim, "after", signal.SIGKILL)
    check_cases(victim, [each for each in found if each.call.route.endswith(("/dispatches", "/merge"))])


@pytest.mark.slow
@pytest.mark.parametrize("victim", [GROUPS["component"]], indirect=True, scope="module")
def test_f27_in_the_middle_of_its_pushes(victim: Victim) -> None:
    found = cases(victim, "middle", signal.SIGTERM)
    check_cases(victim, [each for each in found if is_push(each.call)])
