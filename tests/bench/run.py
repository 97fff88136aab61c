"""Measure side by side, and print it: `python tests/bench/run.py [ROW …]`; nothing here is a timed test.

Exits 1 when something could not be run.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from importlib import import_module
from pathlib import Path

# A module of rows/, and what of it can be asked for alone.
GROUPS = {
    "start": (),
    "tasks": ("tag", "branch", "bump", "next", "status"),
    "peers": ("near", "big"),
    "sizes": ("reads", "pushes"),
    "minor": (),
    "gate": (),
}


def main(arguments: list[str]) -> int:
    """Measure the rows that are named, or all."""
    race, runner = import_module("bench.race"), import_module("bench.runner")
    options, failed = _options(arguments), 0
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was made is taken away then, too
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, {options.rounds} rounds: median (least–most)\n")
    with tempfile.TemporaryDirectory(prefix="release-bench-") as folder, runner.Runner() as runs:
        checkouts = [path.resolve() for path in options.checkout or [Path.cwd()]]
        latencies = [each / 1000 for each in options.latency or (0, 50)]
        size = import_module("bench.big").Size(options.lines)
        bench = race.Bench(runs, options.rounds, checkouts, Path(folder), latencies, size, options.loose)
        for group, names in _wanted(options.rows):
            try:
                import_module(f"bench.rows.{group}").rows(bench, *names)
            except runner.CouldNotRunError as error:
                print(f"{group} could not be run: {error}\n", flush=True)
                failed = 1
    return failed


def _wanted(rows: list[str]) -> list[tuple[str, list[str]]]:
    """Return each group to measure with the names that were asked for alone."""
    alone = {group: [name for name in names if name in rows] for group, names in GROUPS.items()}
    return [(group, names) for group, names in alone.items() if names or group in rows or not rows]


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    known = [name for group, names in GROUPS.items() for name in (group, *names)]
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"all, or of these: {', '.join(known)}")
    parser.add_argument("--rounds", type=int, default=7, help="that count; one more warms up")
    parser.add_argument("--latency", type=int, action="append", help="milliseconds a request (0 and 50)")
    parser.add_argument("--loose", action="store_true", help="have each ref of the big repository in a file")
    parser.add_argument("--lines", type=int, default=2000, help="of the big repository, each with 50 tags")
    whose = "a folder with the project's source; with more than one each is measured, the first as `ours` (here)"
    parser.add_argument("--checkout", type=Path, action="append", help=whose)
    options = parser.parse_args(arguments)
    if unknown := {*options.rows} - {*known}:
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    return options


if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[1])
    sys.exit(main(sys.argv[1:]))
