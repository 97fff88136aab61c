"""The gate: is the sample's SDK compatible?"""

from __future__ import annotations

from dataclasses import replace

from bench.race import Bench, race
from bench.tables import Goal, show, show_goals
from bench.world import new_world

# The sample's trunk breaks what its newest line has, and the gate says so by its exit.
TOLD = ("sh", "-c", '"$@" || test $? = 6', "sh")


def rows(bench: Bench) -> None:
    """Measure `release.compat --name sdk`."""
    with new_world(bench) as world:
        world.serve_git_alone()
        ours = [replace(each, command=[*TOLD, *each.command]) for each in world.ours("release.compat", "--name", "sdk")]
        found = race(world, [world.nothing("nothing"), *ours], bench.rounds)
    body = [(name, each.seconds, each.processor, each.mebibytes) for name, each in found.items()]
    show("The gate: release.compat --name sdk", ("whose", "s", "processor s", "MiB"), body)
    show_goals([Goal("release.compat --name sdk: s", 1, found["ours"].seconds.middle)])
