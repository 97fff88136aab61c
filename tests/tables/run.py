"""Run the engines against tables that other projects keep: `python tests/tables/run.py [NAME …]`.

A table is a module of this folder with `cases()`, which yields each case's name and what is wrong with it: nothing,
when it passed. What a table is made of is fetched when it runs, and never kept here. Ends with exit 1 when a table has
a case that must never be: what the case says begins with `FALSE`.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

HERE = Path(__file__).parent
HELPERS = {"client_world", "python_package", "rehearse", "run", "sources"}
SHOWN = 200  # characters of a reason


def main(names: list[str]) -> int:
    """Print passed / total of each table with the reasons of what is left."""
    sys.path[:0] = [str(HERE), str(HERE.parent)]
    sources, wrong = importlib.import_module("sources"), 0
    for path in sorted(HERE.glob("*.py")):
        if path.stem in HELPERS or (names and path.stem not in names):
            continue
        table = importlib.import_module(path.stem)
        try:
            found = list(table.cases())
        except sources.Unreachable as error:
            print(f"{path.stem}: skipped: no network ({error})", flush=True)
            continue
        left = [(name, reason) for name, reason in found if reason]
        print(f"{path.stem}: {len(found) - len(left)} / {len(found)}", flush=True)
        for name, reason in left:
            print(f"  {name}: {reason[:SHOWN]}")
        wrong += sum(reason.startswith("FALSE") for _, reason in left)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
