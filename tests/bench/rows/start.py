"""Start-up: the list of the project's tasks beside that of an empty `tasks.py`."""

from __future__ import annotations

from bench.race import Bench, race
from bench.tables import Goal, show, show_goals
from bench.world import new_world


def rows(bench: Bench) -> None:
    """Measure `inv --list`."""
    with new_world(bench) as world:
        found = race(world, [world.nothing("--list"), *world.ours("--list")], bench.rounds)
    floor = found["empty"].seconds.middle
    ratios = {name: each.seconds.middle / floor for name, each in found.items()}
    body = [(name, each.seconds, ratios[name], each.processor, each.mebibytes) for name, each in found.items()]
    show("Start-up: inv --list", ("whose", "s", "× empty", "processor s", "MiB"), body)
    show_goals([Goal("inv --list × empty", 1.15, ratios["ours"])])
