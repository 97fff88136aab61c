"""Every call of every pipeline answered in every wrong way: the release ends as its exit code says, and goes on.

What passes meets all reads of a run at once, each goes on at its second try. What stops a release meets the first and
the last call of each shape, and each write, one by one.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from faults.calls import Call
from faults.http_faults import KINDS, PASSING, STOPPING, Kind, no_time_lost
from faults.outcome import entered, first_and_last, judged, of_http, swept
from faults.worlds import PIPELINES, World, check_end, opened, user_state

# At least so many (call, fault): all reads of a run at once; reads one by one, of one kind; writes, of one kind.
READS = {"minor": 65, "patch": 40, "component": 30, "image": 20}
ALONE = {"patch": 20, "component": 20, "image": 14}
WRITES = {"minor": 7, "patch": 4, "component": 4, "image": 3}
# The longest pipeline does what the component's and the image's do, and the patch what the component's does.
FEW = {"minor": ("read-timeout", "reset", "bad-json-after", "401", "403"), "patch": ("bad-json", "403", "404")}


@pytest.fixture(scope="module", params=PIPELINES)
def made(request: pytest.FixtureRequest) -> Iterator[World]:
    """One world for all faults of a pipeline; a process has one at a time."""
    with no_time_lost(), opened(PIPELINES[request.param]) as world:
        yield world


@pytest.fixture
def world(made: World, monkeypatch: pytest.MonkeyPatch) -> World:
    return entered(made, monkeypatch)


@pytest.fixture(scope="module")
def small() -> Iterator[World]:
    """The world of the shortest pipeline, for what runs often."""
    with no_time_lost(), opened(PIPELINES["image"]) as world:
        yield world


@pytest.fixture
def image(small: World, monkeypatch: pytest.MonkeyPatch) -> World:
    return entered(small, monkeypatch)


def named(kind: Kind) -> str:
    return kind.name


def wrongs(world: World, calls: list[Call], kinds: list[Kind]) -> list[str]:
    return [wrong for call in calls for kind in kinds for wrong in judged(world, (call, kind))]


@pytest.mark.faults
@pytest.mark.parametrize("kind", PASSING, ids=named)
def test_f19_every_read_goes_on(world: World, kind: Kind) -> None:
    count, wrong = swept(world, kind)
    assert wrong == []
    assert count >= READS[world.pipeline.name] // (3 if kind.name == "truncated" else 1)


@pytest.mark.faults
@pytest.mark.parametrize("kind", STOPPING, ids=named)
def test_f27_a_read_that_stops_the_release_is_told_and_it_goes_on_afterwards(world: World, kind: Kind) -> None:
    name = world.pipeline.name
    if name == "minor" or kind.name not in FEW.get(name, KINDS):
        pytest.skip("covered by the shorter pipelines")
    calls = first_and_last(of_http(world, writes=False))
    assert len(calls) >= ALONE[name]
    assert wrongs(world, calls, [kind]) == []


@pytest.mark.faults
@pytest.mark.parametrize("kind", KINDS.values(), ids=named)
def test_f02_f34_a_write_ends_as_its_code_says(world: World, kind: Kind) -> None:
    name = world.pipeline.name
    if name == "minor" and kind.name not in FEW[name]:
        pytest.skip("covered by the shorter pipelines")
    calls = of_http(world, writes=True)
    assert len(calls) >= WRITES[name]
    assert wrongs(world, calls, [kind]) == []


@pytest.mark.slow
def test_f01_whatever_meets_a_dispatch(image: World) -> None:
    call = next(each for each in of_http(image, writes=True) if each.route.endswith("/dispatches"))
    assert wrongs(image, [call], list(KINDS.values())) == []


@pytest.mark.slow
def test_a_corner_of_all_that(image: World) -> None:
    before = user_state(image)
    dispatch, pull, merge = of_http(image, writes=True)
    jobs = next(each for each in of_http(image, writes=False) if each.route.endswith("/jobs"))
    met = ((dispatch, KINDS["bad-json"]), (pull, KINDS["reset-after"]), (merge, KINDS["403"]), (jobs, KINDS["html"]))
    assert [wrong for each in met for wrong in judged(image, each)] == []
    check_end(image, before)
    count, wrong = swept(image, KINDS["429"])
    assert (count >= READS["image"], wrong) == (True, [])
