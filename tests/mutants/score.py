"""Break the source by rule (mutmut's), one place at a time: what share of that do the tests of its room notice?

    python tests/mutants/score.py [ROOM …] [--sample 60] [--seed 14] [--jobs 2] [--most 25] [--reached FILE]

All places, or a sample of each room's. A mutant meets those tests alone that run the lines it changes: the room's own,
then all of whole tasks and releases, or the shortest few (`--most`: the score can only be lower for it). Which test
runs which line is kept in FILE, and read from there. What survives is shown as a diff: what no input can show stands in
equivalent.yml, each with why, and is left out; of the rest, words that only a person reads are told apart. Ends with
exit 1 where a room is below 90 % without those.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from by_rule import Change, changes
from reached import Reached, reached
from run import ROOT, Mutant, outcomes

# What is broken, and the tests that have to notice: the room's own first.
WIDE = ("tests/artifacts", "tests/audit", "tests/tasks", "tests/scenarios")
ROOMS = {
    "versions": ("release/versions.py", ("tests/test_versions.py",)),
    "config_py": ("release/config_py.py", ("tests/test_config_py.py",)),
    "ensure": ("release/call/ensure.py", ("tests/call", *WIDE)),
    "git": ("release/git/*.py", ("tests/git", *WIDE)),
    "github": ("release/github/*.py", ("tests/github", *WIDE)),
    "picks": ("release/picks/*.py", ("tests/picks", *WIDE)),
}
ENOUGH = 0.9
EQUIVALENT = Path(__file__).with_name("equivalent.yml")  # .yaml are the mutants made by hand


def chosen(room: str, sample: int, seed: int) -> list[Change]:
    """Return the changes to a room's files, or a sample of them, always the same of one seed."""
    files = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob(ROOMS[room][0]))
    found = [each for file in files for each in changes(file, (ROOT / file).read_text(encoding="utf-8"))]
    taken = random.Random(seed).sample(found, sample) if 0 < sample < len(found) else found
    return [each for each in taken if each.is_python]


def equivalent() -> set[tuple[str, str, str, str]]:
    """Return what no input can show: the file, the function, and the text before and after."""
    listed: list[dict[str, Any]] = yaml.safe_load(EQUIVALENT.read_text(encoding="utf-8"))
    return {(each["file"], each["function"], each["before"].strip(), each["after"].strip()) for each in listed}


def tried(
    room: str, made: Sequence[Change], by: Reached, given: argparse.Namespace
) -> Iterator[tuple[Change, str, float, int]]:
    """Yield each change with what came of it, its seconds and its number of tests."""
    mutants = {}
    for number, each in enumerate(made):
        tests = by.tests(each.file, each.lines, ROOMS[room][1], given.most)
        patience = 60 + 10 * sum(by.seconds[test] for test in tests)
        mutants[f"{each.place}#{number}"] = (
            each,
            Mutant(f"{each.place}#{number}", each.file, each.source, each.broken, tests, patience),
        )
        if not tests:
            yield each, "SURVIVED", 0.0, 0
    for mutant, became, seconds in outcomes([mutant for _, mutant in mutants.values() if mutant.tests], given.jobs):
        yield mutants[mutant.name][0], became, seconds, len(mutant.tests)


def score(room: str, by: Reached, given: argparse.Namespace) -> Counter[str]:
    """Try a room's changes and print each, and what survives as a diff; count what came of them."""
    made, known, count = chosen(room, given.sample, given.seed), equivalent(), Counter[str]()
    left = [each for each in made if each.key not in known]
    count["equivalent"] = len(made) - len(left)
    for change, became, seconds, tests in tried(room, left, by, given):
        kind = "wording" if became == "SURVIVED" and change.is_wording else became.partition(":")[0]
        if "during collection" in became:  # the project cannot even be loaded
            kind = "caught"
        count[kind] += 1
        print(f"{change.place:64} {tests:3} tests {seconds:5.1f} s  {kind}", flush=True)
        if kind != "caught":
            print("\n".join(f"    {line}" for line in change.diff), flush=True)
    return count


def summary(room: str, count: Counter[str]) -> str:
    """Say what came of a room's changes, and its score with words that only a person reads and without."""
    caught, words = count["caught"], count["wording"]
    real = count.total() - count["equivalent"]
    shares = f"{caught / max(real, 1):.1%}, without wording {caught / max(real - words, 1):.1%}"
    return f"{room}: {', '.join(f'{number} {kind}' for kind, number in sorted(count.items()))}: {shares}"


def main() -> int:
    """Print the score of the rooms that are named, or of all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rooms", nargs="*", metavar="ROOM", help=", ".join(ROOMS))
    parser.add_argument("--sample", type=int, default=0, help="how many of each room; 0 for all")
    parser.add_argument("--seed", type=int, default=14)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--most", type=int, default=0, help="how many tests beside the room's own; 0 for all")
    parser.add_argument("--reached", type=Path, help="where it is kept which test runs which line")
    given = parser.parse_args()
    if strange := sorted(set(given.rooms) - ROOMS.keys()):
        parser.error(f"no room {', '.join(strange)}; there are {', '.join(ROOMS)}")
    rooms = given.rooms or list(ROOMS)
    by = reached(sorted({tests for room in rooms for tests in ROOMS[room][1]}), given.reached)
    counts = {room: score(room, by, given) for room in rooms}
    for room, count in counts.items():
        print(summary(room, count))
    real = {room: count.total() - count["equivalent"] - count["wording"] for room, count in counts.items()}
    return int(any(count["caught"] < ENOUGH * real[room] for room, count in counts.items()))


if __name__ == "__main__":
    sys.exit(main())
