"""Break the source in one place, and see the test that should notice fail: `python tests/mutants/run.py [NAME …]`.

Each mutant in a *.yaml here names a promise or defect, a file, the text to break (found exactly once), what it
becomes, and the tests that must catch it. Ends with exit 1 when a mutant survives or no longer applies.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
KEPT = ("release", "tests", "tasks.py", "pyproject.toml", "docs", "noxfile.py", "README.md")
PATIENCE = 300  # seconds for the tests of one mutant


@dataclass(frozen=True)
class Mutant:
    """One small break of the source, and the tests that must notice."""

    name: str
    file: str
    before: str
    after: str
    tests: list[str]


def mutants(names: list[str]) -> list[Mutant]:
    """Read those of these names, by their beginning; all when none is given."""
    files = sorted(Path(__file__).parent.glob("*.yaml"))
    found = [Mutant(**each) for file in files for each in yaml.safe_load(file.read_text("utf-8"))]
    return [each for each in found if not names or any(each.name.startswith(name) for name in names)]


def outcome(mutant: Mutant) -> str:
    """Break a copy, run the tests, and say what came of it: caught is all that is well."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        for name in KEPT:
            source, target = ROOT / name, Path(folder) / name
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)
        path = Path(folder) / mutant.file
        text = path.read_text(encoding="utf-8")
        if text.count(mutant.before) != 1:
            return f"does not apply: its text is there {text.count(mutant.before)} times"
        path.write_text(text.replace(mutant.before, mutant.after), encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-m", "", *mutant.tests]
        environment = {**os.environ, "PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            done = subprocess.run(
                command, cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
            )
        except subprocess.TimeoutExpired:
            return "caught (the tests hang)"
    return {0: "SURVIVED", 1: "caught"}.get(done.returncode, f"no test ran: {done.stdout[-300:]}")


def main(names: list[str]) -> int:
    """Run the mutants, two at a time, and print the table."""
    chosen = mutants(names)
    with ThreadPoolExecutor(max_workers=2) as pool:
        outcomes = list(pool.map(outcome, chosen))
    for mutant, became in zip(chosen, outcomes, strict=True):
        sys.stdout.write(f"{mutant.name:34} {mutant.file:38} {became}\n")
    bad = sum(not became.startswith("caught") for became in outcomes)
    sys.stdout.write(f"{len(chosen) - bad} of {len(chosen)} caught\n")
    return 1 if bad or not chosen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
