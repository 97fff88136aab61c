"""The harness itself: an undisturbed run ends as the first did, whatever was there before it was put back."""

from __future__ import annotations

import pytest
from faults.calls import answered
from faults.worlds import PIPELINES, check_end, end_state, opened, user_state

OTHERS = [each for each in PIPELINES if each != "image"]


@pytest.mark.parametrize("name", ["image", *(pytest.param(each, marks=pytest.mark.slow) for each in OTHERS)])
def test_a_world_that_is_put_back_comes_to_the_same_end(name: str) -> None:
    with opened(PIPELINES[name]) as world:
        first, calls = world.undisturbed, list(world.recorded)
        world.restore()
        assert end_state(world) != first
        before = user_state(world)
        world.calls.clear()
        assert world.run() is None
        assert set(world.calls.seen) >= set(calls), "the same calls, so that each can be struck"
        check_end(world, before)
        world.restore()
        write = next(call for call in calls if call.writes)
        world.calls.strike(write, answered(403, {"message": "Not now."}))
        world.run()
        assert world.calls.struck == [write]
