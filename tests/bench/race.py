"""What is measured side by side, how often, and what of it is counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bench.big import Size
from bench.runner import Runner, Took
from bench.tables import Spread

if TYPE_CHECKING:
    from bench.remote import Place
    from bench.world import World

LATENCIES = (0.0, 0.05)


@dataclass(frozen=True)
class Bench:
    """A session: what runs the commands, how many rounds count, whose sources, how far the server, and how refs lie.

    `bytecode` is a folder for what Python compiles.
    """

    runner: Runner
    rounds: int
    checkouts: Sequence[Path]
    bytecode: Path
    latencies: Sequence[float] = LATENCIES
    size: Size = field(default_factory=Size)
    loose: bool = False


@dataclass(frozen=True)
class Contestant:
    """Something to measure: a command, variables of its own, and where it runs if not in the sandbox's clone."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    place: Place | None = None


def raw(name: str, *lines: str, place: Place | None = None) -> Contestant:
    """Make a contestant of the commands that a person would type."""
    return Contestant(name, ["sh", "-ec", "\n".join(lines)], place=place)


@dataclass(frozen=True)
class Counts:
    """What a command asked for: Git processes by itself and in all; requests by what answers them."""

    started: int
    processes: int
    requests: Mapping[str, int]

    def __str__(self) -> str:
        """Such as `12 (45)`: the Git processes."""
        return f"{self.started} ({self.processes})"

    @property
    def asked(self) -> str:
        """The requests: Git's, those of the API, those of AWS."""
        return " / ".join(str(self.requests.get(door, 0)) for door in ("git", "api", "aws"))


@dataclass(frozen=True)
class Measured:
    """A contestant's rounds."""

    rounds: Sequence[Took]

    @property
    def seconds(self) -> Spread:
        return Spread([each.seconds for each in self.rounds])

    @property
    def processor(self) -> Spread:
        """Seconds on a processor, its children's too: what a busy machine changes little."""
        return Spread([each.own + each.children for each in self.rounds])

    @property
    def mebibytes(self) -> float:
        """The highest peak."""
        return max(each.memory for each in self.rounds) / 2**20


def race(world: World, contestants: Sequence[Contestant], rounds: int) -> dict[str, Measured]:
    """Run each in turn, round after round; the first round warms up and is not kept."""
    found: dict[str, list[Took]] = {each.name: [] for each in contestants}
    for _ in range(rounds + 1):
        for each in contestants:
            found[each.name].append(world.run(each))
    return {name: Measured(took[1:]) for name, took in found.items()}
