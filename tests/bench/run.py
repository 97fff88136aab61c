"""Measure side by side and print it: `python tests/bench/run.py [ROW …]`; nothing here is a timed test.

Rows: start, tasks (or of those: tag, branch, bump, next, status). Exits 1 when something could not be run.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from pathlib import Path

TESTS = Path(__file__).parents[1]
GROUPS = {"start": (), "tasks": ("tag", "branch", "bump", "next", "status")}  # a module of rows/, and its rows' names


def main(arguments: list[str]) -> int:
    """Measure the rows that are named, or all."""
    race, runner = import_module("bench.race"), import_module("bench.runner")
    options, failed = _options(arguments), 0
    wanted = options.rows or [*GROUPS]
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, {options.rounds} rounds: median (least–most)\n")
    with runner.Runner() as runs:
        bench = race.Bench(runs, options.rounds, [path.resolve() for path in options.checkout or [Path.cwd()]])
        for group, names in GROUPS.items():
            chosen = [name for name in names if name in wanted]
            if not chosen and group not in wanted:
                continue
            try:
                import_module(f"bench.rows.{group}").rows(bench, *(() if group in wanted else chosen))
            except runner.CouldNotRunError as error:
                print(f"{group} could not be run: {error}\n", flush=True)
                failed = 1
    return failed


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    known = [*GROUPS, *(name for names in GROUPS.values() for name in names)]
    parser.add_argument("rows", nargs="*", choices=[*known, []], metavar="ROW", help=", ".join(known))
    parser.add_argument("--rounds", type=int, default=7, help="that count; one more warms up")
    parser.add_argument(
        "--checkout",
        type=Path,
        action="append",
        help="the project's source to measure, the first one "
        "as `ours`; more than one are measured side by side (default: here)",
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.path[0] = str(TESTS)
    sys.exit(main(sys.argv[1:]))
