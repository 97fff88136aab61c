"""A repository with 100,000 tags, as many commits and 2,000 release branches beside one with 5 tags."""

from __future__ import annotations

from dataclasses import replace

from bench import work
from bench.big import Size
from bench.race import Bench, Contestant, Measured, race, raw
from bench.remote import Place
from bench.tables import Goal, show, show_goals
from bench.work import Work
from bench.world import World, big_place, new_world

HEAD = (
    "task", "5 tags s", "big s", "× 5 tags", "raw push s", "× (empty + raw push)", "processor s", "looks", "pushes",
    "MiB",
)  # fmt: skip
Row, Found = tuple[object, ...], dict[str, Measured]


def rows(bench: Bench, *names: str) -> None:
    """Measure what reads and what pushes, or one of these, at both sizes side by side."""
    with new_world(bench) as world:
        world.serve_git_alone()
        place = big_place(world)
        for name, works in {"reads": _reads(bench.size), "pushes": _pushes(bench.size)}.items():
            if name in names or not names:
                found = [_measured(world, place, *each) for each in works]
                show(
                    f"{bench.size}, refs {'loose' if bench.loose else 'packed'}: {name}",
                    HEAD,
                    [row for row, _ in found],
                )
                show_goals([goal for _, goals in found for goal in goals])


def _reads(size: Size) -> list[tuple[Work, Work]]:
    """Pair each task at 5 tags with the same at this size."""
    alike = [work.next_(), work.check("0.6.3"), Work("release.next", ("release.next",))]
    return [*((each, each) for each in alike), (work.dry(work.tag()), work.dry(work.tag(size.next)))]


def _pushes(size: Size) -> list[tuple[Work, Work]]:
    return [(work.tag(), work.tag(size.next)), (work.branch(), work.branch(size.next))]


def _measured(world: World, place: Place, small: Work, big: Work) -> tuple[Row, list[Goal]]:
    ours = [_named("5", small, world, world.place), _named("big", big, world, place)]
    push = [raw("push", *big.steps, place=place)] if big.steps else []
    with small.begun(world.place), big.begun(place):
        found = race(world, [world.nothing("nothing"), *ours, *push], world.bench.rounds)
        counts = world.count(ours[1])
    took, pushes = found["big"], counts.requests["pushes"]
    beside = (found["push"].seconds, _beside(found)) if push else ("", "")
    times = (found["5"].seconds, took.seconds, _ratio(found), *beside, took.processor)
    return (big.name, *times, counts.requests["looks"], pushes, took.mebibytes), _goals(big, found, pushes)


def _named(name: str, one: Work, world: World, place: Place) -> Contestant:
    return replace(world.ours(*one.typed, place=place)[0], name=name)


def _ratio(found: Found) -> float:
    return found["big"].seconds.middle / found["5"].seconds.middle


def _beside(found: Found) -> float:
    return found["big"].seconds.middle / (found["empty"].seconds.middle + found["push"].seconds.middle)


def _goals(one: Work, found: Found, pushes: int) -> list[Goal]:
    if one.steps:
        pushed = Goal(f"{one.name}: × (empty + raw push)", 1.15, _beside(found))
        return [pushed, Goal(f"{one.name}: pushes", 1, pushes)]
    if one.name == "release.next":
        return [Goal("release.next: s", 2, found["big"].seconds.middle)]
    return [Goal(f"{one.name}: × its cost at 5 tags", 1.5, _ratio(found))]
