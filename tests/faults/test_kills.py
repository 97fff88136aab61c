"""A call killed at each of its writes, by each signal, before, in and after it; the same typed again goes on (F27)."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from faults.kills import MOMENTS, SIGNALS, Case, Victim, cases, check_cases, is_push, victims
from faults.worlds import PIPELINES, opened

FEWEST = {"minor": 121, "patch": 64, "component": 55, "image": 57}  # kills, of which there are 297 in all
GROUPS = {name: pytest.param(name, marks=pytest.mark.xdist_group(f"kill-{name}")) for name in PIPELINES}
everywhere = pytest.mark.parametrize("victim", GROUPS.values(), indirect=True, scope="module")


@pytest.fixture(scope="module")
def victim(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    folder = tmp_path_factory.mktemp("killed")  # before the world has temporary folders of its own
    with opened(PIPELINES[request.param]) as world, victims(world, folder) as found:
        yield found


@pytest.fixture(autouse=True)
def _variables(victim: Victim, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in victim.world.variables.items():
        monkeypatch.setenv(name, value)


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
