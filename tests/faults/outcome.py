"""What became of a release whose calls met something, and of the same command after that."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from functools import partial
from itertools import groupby

import pytest
from faults.calls import Call
from faults.http_faults import Kind
from faults.worlds import World, check_nothing_left, check_sound, end_state

from release.errors import ReleaseError

# What differs between two calls of one shape: the version, the image, the branch, the wheel.
NAMES = re.compile(r"(?<=Images ).*|\d+\.\d+(\.\d+)?|[\w.-]+\.whl|(?<=branches/).*")
EVERY = tuple(range(7))  # exit codes


def entered(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Set the world's variables for a test, which begins without any."""
    for name, value in world.variables.items():
        monkeypatch.setenv(name, value)
    return world


def of_http(world: World, writes: bool | None = None) -> list[Call]:
    """Return the calls of the tool's own, those of its Git aside: all, the writes, or the reads."""
    return [call for call in world.recorded if ".git/" not in call.route and writes in (None, call.writes)]


def first_and_last(calls: list[Call]) -> list[Call]:
    """Return the first and the last call of each shape."""
    alike = groupby(sorted(calls, key=_shape), key=_shape)
    ends = [(found[0], found[-1]) for found in (list(group) for _, group in alike)]
    return list(dict.fromkeys(call for pair in ends for call in pair))


def _shape(call: Call) -> tuple[str, str, str]:
    return call.door, call.method, NAMES.sub("*", call.route)


def swept(world: World, kind: Kind) -> tuple[int, list[str]]:
    """Have every read meet that, and pass when it is sent again; return how many did, and what was wrong."""
    world.calls.clear()
    world.restore()
    # botocore takes half a body for a whole one: that stops a release, told as an answer that is not the service's.
    calls = [call for call in of_http(world, writes=False) if kind.name != "truncated" or call.door == "github"]
    reads = {(call.door, call.method, call.route): call for call in calls}
    for key, call in reads.items():
        world.calls.strike_all(partial(_first_try, key), kind.act(call))
    wrong = [f"{kind.name}: {each}" for each in _of_this_run(world, (0,))]
    return len(world.calls.struck), wrong


def _first_try(key: tuple[str, str, str], call: Call) -> bool:
    return (call.door, call.method, call.route) == key and call.nth % 2 == 0


def judged(world: World, *met: tuple[Call, Kind], codes: tuple[int, ...] = (), later: bool = False) -> list[str]:
    """Have calls meet that, the last one with `later` in the run after; return what was wrong about the release."""
    world.calls.clear()
    world.restore()
    now = met[:-1] if later else met
    for call, kind in now:
        world.calls.strike(call, kind.act(call), kind.onwards)
    name = " and ".join(f"{kind.name} at {call}" for call, kind in met)
    return [f"{name}: {wrong}" for wrong in _outcome(world, codes or met[0][1].codes(met[0][0]), met[len(now) :])]


def _outcome(world: World, codes: tuple[int, ...], then: tuple[tuple[Call, Kind], ...]) -> Iterator[str]:
    """Yield what is wrong; a bug's traceback is one of those."""
    try:
        yield from _of_this_run(world, codes)
        world.calls.clear()
        for call, kind in then:
            world.calls.strike(call, kind.act(call), kind.onwards)
            yield from _of_this_run(world, EVERY)
            world.calls.clear()
        yield from _of_the_next(world)
    except Exception as error:  # noqa: BLE001 one list of all that fell
        yield "".join(traceback.format_exception(error)[-3:])


def _of_this_run(world: World, codes: tuple[int, ...]) -> Iterator[str]:
    ended = world.run()
    if not world.calls.struck and codes != EVERY:
        yield "was not asked for"
    code = ended.exit_code if ended else 0
    if code not in codes:
        yield f"ended with {code}: {ended or 'well'}"
    if ended:
        yield from badly_told(ended)
    elif end_state(world) != world.undisturbed:
        yield "ended well, and is not what an undisturbed run comes to"
    check_sound(world)


def _of_the_next(world: World) -> Iterator[str]:
    ended = world.run()
    if ended:
        yield f"cannot go on: {ended.exit_code} {ended}"
    elif end_state(world) != world.undisturbed:
        yield "went on to another end"
    check_sound(world)
    check_nothing_left(world)


def badly_told(error: ReleaseError) -> Iterator[str]:
    """Yield what a person would miss in the message."""
    lines = len(error.problem.splitlines())
    if not 1 <= lines <= 2:
        yield f"is told in {lines} lines: {error.problem}"
    if not error.hint:
        yield f"has no hint: {error.problem}"
