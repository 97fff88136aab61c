"""AexPy's table of breaking releases that people met: https://github.com/StardustDL/aexpy."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from python_package import fault, top_packages, verdict
from sources import Unreachable, repository, wheel


def cases() -> Iterator[tuple[str, str]]:
    """Compare the two releases of each row, once; releases without a wheel are told and left out."""
    table = repository("StardustDL/aexpy") / "docs" / "data" / "assets" / "known.csv"
    rows = csv.DictReader(table.read_text(encoding="utf-8").splitlines())
    for package, old, new in sorted({(row["package"].strip(), row["old"], row["new"]) for row in rows}):
        try:
            before, after = wheel(package, old), wheel(package, new)
        except Unreachable:
            print(f"known_breaks: {package} {old} to {new} left out: no wheel", flush=True)
            continue
        faults = [fault(verdict(each, before, after), breaks=True) for each in sorted(top_packages(before))]
        yield f"{package} {old} to {new}", "" if "" in faults else "; ".join(faults)
