"""Tasks beside the same work in raw Git commands over the same HTTP remote, nearby and 50 ms away."""

from __future__ import annotations

from bench import work
from bench.race import Bench, Counts, Measured, race
from bench.tables import Goal, show, show_goals
from bench.work import Work
from bench.world import World, new_world

WORKS = {"tag": work.tag, "branch": work.branch, "bump": work.bump, "next": work.next_, "status": work.status}
FEW, CLOSE = ("release.tag", "release.branch", "image.bump"), ("release.tag", "image.bump")
HEAD = (
    "task", "whose", "s", "× (empty + raw)", "× (empty + one look)", "processor s", "Git started (all)",
    "Git / API / AWS", "looks", "MiB",
)  # fmt: skip


def rows(bench: Bench, *names: str) -> None:
    """Measure these tasks, or all, at each latency."""
    with new_world(bench) as world:
        world.serve_git_alone()
        for latency in bench.latencies:
            found = [_measured(world, WORKS[name](), latency) for name in names or WORKS]
            show(f"Tasks, {latency * 1000:g} ms a request", HEAD, [row for each in found for row in each.rows()])
            show_goals([goal for each in found for goal in each.goals()])


class _Found:
    """What one task took, beside an empty one and a person's."""

    def __init__(self, name: str, took: dict[str, Measured], counts: dict[str, Counts]) -> None:
        self.name, self.took, self.counts = name, took, counts

    def ratio(self, whose: str, beside: str) -> float | str:
        if beside not in self.took or not whose.startswith("ours"):
            return ""
        return self.took[whose].seconds.middle / sum(self.took[each].seconds.middle for each in ("empty", beside))

    def rows(self) -> list[tuple[object, ...]]:
        return [
            (
                self.name, whose, took.seconds, self.ratio(whose, "raw"), self.ratio(whose, "one look"),
                took.processor, *_counted(self.counts.get(whose)), took.mebibytes,
            )
            for whose, took in self.took.items()
        ]  # fmt: skip

    def goals(self) -> list[Goal]:
        found, count = [], self.counts["ours"]
        if self.name in CLOSE:
            found += [Goal(f"{self.name}: × (empty + one look)", 1.5, float(self.ratio("ours", "one look")))]
            found += [Goal(f"{self.name}: MiB", 40, self.took["ours"].mebibytes)]
        if self.name in FEW:
            found += [Goal(f"{self.name}: Git started", 8, count.started)]
            found += [Goal(f"{self.name}: Git's requests", 6, count.requests.get("git", 0))]
        return found


def _counted(count: Counts | None) -> tuple[object, ...]:
    return (count, count.asked, count.requests["looks"]) if count else ("", "", "")


def _measured(world: World, one: Work, latency: float) -> _Found:
    counted = [*one.people(), *world.ours(*one.typed)]
    with one.begun(world.place), world.latency(latency):
        took = race(world, [world.nothing("nothing"), *counted], world.bench.rounds)
        return _Found(one.name, took, {each.name: world.count(each) for each in counted})
