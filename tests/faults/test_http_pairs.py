"""Two faults at once, drawn by seeds: in one run, or the second in the run after; then the release comes to its end."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from faults.http_faults import KINDS, no_time_lost
from faults.outcome import EVERY, entered, judged, of_http
from faults.worlds import PIPELINES, World, opened

PAIRS = 40  # of one test
TESTS = {"image": 36, "component": 14}


@pytest.fixture(scope="module", params=TESTS)
def made(request: pytest.FixtureRequest) -> Iterator[World]:
    with no_time_lost(), opened(PIPELINES[request.param]) as world:
        yield world


@pytest.fixture
def world(made: World, monkeypatch: pytest.MonkeyPatch) -> World:
    return entered(made, monkeypatch)


def pair(world: World, seed: int) -> list[str]:
    """Draw two calls, what each meets, and whether the second is of the run after; return what was wrong."""
    drawn = random.Random(seed)
    calls = drawn.sample(of_http(world), 2)
    met = [(call, drawn.choice(list(KINDS.values()))) for call in calls]
    return [f"seed {seed}: {wrong}" for wrong in judged(world, *met, codes=EVERY, later=drawn.random() < 0.5)]


@pytest.mark.faults
@pytest.mark.parametrize("number", range(max(TESTS.values())))
def test_f27_two_faults(world: World, number: int) -> None:
    if number >= TESTS[world.pipeline.name]:
        pytest.skip("so many are of the other pipeline")
    seeds = range(number * PAIRS, (number + 1) * PAIRS)
    assert [wrong for seed in seeds for wrong in pair(world, seed)] == []
