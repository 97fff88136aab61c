"""Tasks beside the same work in raw Git commands over the same HTTP remote, nearby and 50 ms away."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from bench.race import Bench, Counts, Measured, race, raw
from bench.tables import Goal, show, show_goals
from bench.world import World, new_world

VERSION, LINE, IMAGE = "0.7.0", "release-0.7-20261101", "image-0.7.0"
CONFIG = "sdk/leptonai/config.py"


@dataclass(frozen=True)
class Task:
    """A task as it is typed; what a careful person types: a look before, the work, its proof; and what is there."""

    name: str
    typed: Sequence[str]
    before: str
    work: Sequence[str] = ()
    proof: Sequence[str] = ()
    branch: str = ""
    check_out: bool = False
    reach: bool = False

    def place(self, world: World) -> AbstractContextManager[None]:
        """Make what it begins with."""
        return world.branch(self.branch, self.check_out) if self.branch else nullcontext()


TASKS = [
    Task(
        "release.tag",
        ("release.tag", "--version", VERSION, "--yes"),
        "git ls-remote origin",
        (f"git tag -a -m 'Release {VERSION}' {VERSION} origin/{LINE}", f"git push -q origin refs/tags/{VERSION}"),
        (f"git ls-remote --exit-code origin refs/tags/{VERSION}",),
        branch=LINE,
        reach=True,
    ),
    Task(
        "release.branch",
        ("release.branch", "--version", VERSION, "--yes"),
        "git ls-remote origin",
        (f"git push -q origin origin/main:refs/heads/{LINE}",),
        (f"git ls-remote --exit-code origin refs/heads/{LINE}",),
    ),
    Task(
        "image.bump",
        ("image.bump", "--version", VERSION, "--yes"),
        "git ls-remote origin",
        (
            f"sed -i.bak 's/^BASE_IMAGE_VERSION = .*/BASE_IMAGE_VERSION = \"{VERSION}\"/' {CONFIG}",
            f"git commit -q -m 'Use image {VERSION}' -- {CONFIG}",
            "git push -q origin HEAD",
        ),
        (f"git ls-remote --exit-code origin refs/heads/{IMAGE}",),
        branch=IMAGE,
        check_out=True,
        reach=True,
    ),
    Task("release.next --line", ("release.next", "--line", "0.6"), "git ls-remote origin"),
    Task("release.status", ("release.status",), "git ls-remote origin"),
]
HEAD = (
    "task", "whose", "s", "× (empty + raw)", "× (empty + one look)", "processor s", "Git started (all)",
    "Git / API / AWS", "looks", "MiB",
)  # fmt: skip


def rows(bench: Bench, *names: str) -> None:
    """Measure these tasks, or all, at each latency."""
    chosen = [task for task in TASKS if not names or task.name.split()[0].partition(".")[2] in names]
    with new_world(bench) as world:
        world.serve_git_alone()
        for latency in bench.latencies:
            found = [(task, *_measured(world, task, latency)) for task in chosen]
            body = [row for task, took, counts in found for row in _rows(task, took, counts)]
            show(f"Tasks, {latency * 1000:g} ms a request", HEAD, body)
            show_goals([goal for task, took, counts in found for goal in _goals(task, took, counts["ours"])])


def _measured(world: World, task: Task, latency: float) -> tuple[dict[str, Measured], dict[str, Counts]]:
    work = [*task.work, *task.proof]
    people = [raw("raw", task.before, *work), *([raw("one look", *work)] if work else [])]
    counted = [*people, *world.ours(*task.typed)]
    with task.place(world), world.latency(latency):
        took = race(world, [world.nothing("nothing"), *counted], world.bench.rounds)
        return took, {each.name: world.count(each) for each in counted}


def _ratio(found: dict[str, Measured], whose: str, beside: str) -> float:
    return found[whose].seconds.middle / (found["empty"].seconds.middle + found[beside].seconds.middle)


def _rows(task: Task, found: dict[str, Measured], counts: dict[str, Counts]) -> list[tuple[object, ...]]:
    body: list[tuple[object, ...]] = []
    for whose, took in found.items():
        beside = ("raw", "one look") if whose.startswith("ours") else ()
        ratios = [_ratio(found, whose, each) if each in found else "" for each in beside] or ["", ""]
        count = counts.get(whose)
        counted = (count, count.asked, count.requests["looks"]) if count else ("", "", "")
        body.append((task.name, whose, took.seconds, *ratios, took.processor, *counted, took.mebibytes))
    return body


def _goals(task: Task, found: dict[str, Measured], counts: Counts) -> list[Goal]:
    if not task.work:
        return []
    few = [
        Goal(f"{task.name}: Git started", 8, counts.started),
        Goal(f"{task.name}: Git's requests", 6, counts.requests.get("git", 0)),
    ]
    if not task.reach:
        return few
    ratio = Goal(f"{task.name}: × (empty + one look)", 1.5, _ratio(found, "ours", "one look"))
    return [ratio, *few, Goal(f"{task.name}: MiB", 40, found["ours"].mebibytes)]
