"""A whole minor release against a GitHub whose jobs take no time: what the tool itself takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from bench.race import Bench, Contestant, Counts, Measured
from bench.runner import Took
from bench.tables import Goal, Spread, show, show_goals
from bench.world import World, new_world
from doubles import Doubles

T = TypeVar("T")
HEAD = (
    "whose", "s", "processor s: its own", "its children's", "Git started (all)", "Git / API / AWS", "looks", "MiB",
)  # fmt: skip


def rows(bench: Bench) -> None:
    """Release in a world of its own each time: what GitHub and a registry keep is not put back."""
    found: list[dict[str, Took]] = [_released(bench, World.run) for _ in range(bench.rounds + 1)]
    counts: dict[str, Counts] = _released(bench, World.count)
    took = {name: Measured([each[name] for each in found[1:]]) for name in counts}
    show("release.minor, jobs that take no time", HEAD, [_row(name, took[name], counts[name]) for name in counts])
    show_goals(
        [
            Goal("release.minor: processor s, children's too", 2.5, took["ours"].processor.middle),
            Goal("release.minor: Git started", 60, counts["ours"].started),
            Goal("release.minor: looks at the remote", 14, counts["ours"].requests["looks"]),
        ]
    )


def _row(name: str, took: Measured, counts: Counts) -> tuple[object, ...]:
    own, children = Spread([each.own for each in took.rounds]), Spread([each.children for each in took.rounds])
    return name, took.seconds, own, children, counts, counts.asked, counts.requests["looks"], took.mebibytes


def _released(bench: Bench, measure: Callable[[World, Contestant], T]) -> dict[str, T]:
    """Release once with each checkout."""
    found: dict[str, T] = {}
    for number in range(len(bench.checkouts)):
        with new_world(bench) as world:
            Doubles(world.sandbox)
            one = world.ours("release.minor", "--yes")[number]
            found[one.name] = measure(world, one)
    return found
