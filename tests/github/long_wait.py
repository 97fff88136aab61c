"""A wait on a clock that takes no time, in a process of its own; prints the memory that it holds, in KiB.

Typed with the run's id, its commit and a number of looks: a line at every tenth of them, the most of all as the last.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from release.call.context import Clock, Context, Options
from release.call.report import Report
from release.call.wait import SLOWEST
from release.errors import Waiting
from release.github.follow import follow_runs
from release.github.runs import Run
from release.settings import Settings


class Counted(Clock):
    """Time that passes only when somebody sleeps, and tells at every tenth look."""

    def __init__(self, every: int) -> None:
        self.time, self.looks, self.every = 1_800_000_000.0, 0, every

    def now(self) -> float:
        return self.time

    monotonic = now

    def sleep(self, seconds: float) -> None:
        self.time += max(0.0, seconds)
        self.looks += seconds > 0
        if seconds > 0 and self.looks % self.every == 0:
            print(resident(), flush=True)


def resident(most: bool = False) -> int:
    """Of this program alone: what `getrusage` tells as the most begins with that of whoever started it."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(fields["VmHWM" if most else "VmRSS"].split()[0])


def main(number: str, sha: str, looks: int) -> None:
    clock = Counted(looks // 10)
    run = Run(int(number), "sdk-release.yaml", "in_progress", "", sha, "main")
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        options = Options(yes=True, timeout=SLOWEST * looks)
        context = Context(Settings(), Report(stream=nowhere), options, folder=Path.cwd(), clock=clock)
        with suppress(Waiting):
            follow_runs(context, {"sdk": run})
    print(clock.looks, resident(most=True))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
