"""Which tests run which lines of the source."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from run import ROOT, copies

PLUGIN = Path(__file__).with_name("reach.py")


@dataclass(frozen=True)
class Reached:
    """By file and line the tests that run it, and how long each test takes."""

    lines: dict[str, dict[str, list[str]]]
    seconds: dict[str, float]

    def tests(self, file: str, lines: Iterable[int], folders: Sequence[str], most: int = 0) -> list[str]:
        """Name the tests that run one of these lines, the shortest first: the first folder's, then so many others'."""
        seen = self.lines.get(file, {})
        found = {test for line in lines for test in seen.get(str(line), [])}
        inside = [test for test in found if test.startswith(tuple(folders))]
        inside.sort(key=lambda test: (not test.startswith(folders[0]), self.seconds[test]))
        own = sum(test.startswith(folders[0]) for test in inside)
        return inside[: own + most] if most else inside


def reached(tests: Sequence[str], kept: Path | None = None) -> Reached:
    """Run tests once, in a copy of the project, see what each runs, or read what was kept; raises if one fails."""
    if kept and kept.exists() and (found := json.loads(kept.read_text(encoding="utf-8"))).pop("of") == _digest():
        return Reached(**found)
    with copies(1) as (copy,), tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "reach.json"
        path = os.pathsep.join([str(copy.folder), str(PLUGIN.parent)])
        options = ["-q", "-p", PLUGIN.stem, "-p", "no:cacheprovider", "-p", "no:xdist"]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *tests],
            cwd=copy.folder,
            env={**os.environ, "PYTHONPATH": path, "REACH": str(told.absolute())},
            stdout=sys.stderr,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"the tests fail before anything is broken: pytest {' '.join(tests)}")
        found = json.loads(told.read_text(encoding="utf-8"))
        if kept:
            kept.write_text(json.dumps({**found, "of": _digest()}), encoding="utf-8")
        return Reached(**found)


def _digest() -> str:
    """Return what tells the sources and tests from others: the lines that were kept are theirs alone."""
    files = sorted(path for room in ("release", "tests") for path in (ROOT / room).rglob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
