"""Break the source in one place, and see the test that should notice fail.

    python tests/mutants/run.py [--since COMMIT] [--part 1/6] [--workers 2] [NAME …]

Runs all mutants, those of files changed since the commit, or those so named; `--part` takes every sixth, for machines
side by side. Each mutant in this folder's *.yaml names a promise or defect, a file, the text to break (found exactly
once), what it becomes, and the tests that must catch it. Ends with exit 1 when a mutant survives or does not apply.
"""

from __future__ import annotations

import argparse
import importlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
KEPT = ("release", "tests", "tasks.py", "pyproject.toml", "docs", "noxfile.py", "README.md")
PATIENCE = 300  # seconds for the tests of one mutant
# What the tests import that is no mutant's: once here, and not once a mutant.
LIBRARIES = ("pytest", "hypothesis", "boto3", "moto.server", "flask", "git", "requests", "rich.live", "openapi_core")


@dataclass(frozen=True)
class Mutant:
    """One small break of the source, and the tests that must notice."""

    name: str
    file: str
    before: str
    after: str
    tests: list[str]
    patience: float = PATIENCE


@dataclass
class Copy:
    """A copy of the project that one mutant after the other is made in."""

    folder: Path
    writes: int = 0
    pid: int = 0
    began: float = 0.0
    mutant: Mutant | None = None
    source: str = field(default="", repr=False)

    def start(self, mutant: Mutant) -> str:
        """Break this copy and start the tests; return why that cannot be, or nothing."""
        self.source = (self.folder / mutant.file).read_text(encoding="utf-8")
        if self.source.count(mutant.before) != 1:
            return f"does not apply: its text is there {self.source.count(mutant.before)} times"
        self.mutant, self.began = mutant, time.monotonic()
        self._write(mutant, self.source.replace(mutant.before, mutant.after))
        self.pid = os.fork()
        if not self.pid:
            self._test(mutant)
        return ""

    def outcome(self) -> str:
        """Return what came of the mutant, or nothing while its tests go on; the copy is whole again after it."""
        assert self.mutant
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        hangs = time.monotonic() - self.began > self.mutant.patience
        if not pid and not hangs:
            return ""
        with suppress(ProcessLookupError):  # what the tests started and did not end
            os.killpg(self.pid, signal.SIGKILL)
        if not pid:
            os.waitpid(self.pid, 0)
        self._write(self.mutant, self.source)
        code = 1 if hangs else os.waitstatus_to_exitcode(status)
        said = (self.folder / "output").read_text(encoding="utf-8", errors="replace")
        return {0: "SURVIVED", 1: "caught"}.get(code, f"no test ran: {said[-300:]}")

    def _write(self, mutant: Mutant, text: str) -> None:
        """Write the file, each time as of another second: bytecode is known by that."""
        path, self.writes = self.folder / mutant.file, self.writes + 1
        path.write_text(text, encoding="utf-8")
        os.utime(path, (1_000_000_000 + self.writes, 1_000_000_000 + self.writes))

    def _test(self, mutant: Mutant) -> None:
        """Run the tests in this process, a child that has not imported the project yet, and end it."""
        import pytest

        os.setsid()
        os.chdir(self.folder)
        os.environ["PYTHONPATH"] = str(self.folder)
        output = os.open("output", os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
        os.dup2(output, 1)
        os.dup2(output, 2)
        sys.path[:] = [
            str(self.folder),
            *(each for each in sys.path if Path(each) not in (ROOT, Path(__file__).parent)),
        ]
        code = 3
        try:
            code = int(pytest.main(["-q", "-x", "-p", "no:cacheprovider", "-m", "", *mutant.tests]))
        finally:
            sys.stdout.flush()
            os._exit(code)


def mutants(names: Sequence[str] = ()) -> list[Mutant]:
    """Read those of these names, by their beginning; all when none is given."""
    files = sorted(Path(__file__).parent.glob("*.yaml"))
    found = [Mutant(**each) for file in files for each in yaml.safe_load(file.read_text("utf-8"))]
    return [each for each in found if not names or any(each.name.startswith(name) for name in names)]


def changed_since(commit: str) -> set[str] | None:
    """Name the files that changed since; None where Git has no such commit, as before a branch's first push."""
    command = ["git", "diff", "--name-only", f"{commit}...HEAD", "--"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return None if done.returncode else set(done.stdout.splitlines())


@contextmanager
def copies(number: int) -> Iterator[list[Copy]]:
    """Yield that many copies of the project."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        made = [Copy(Path(folder) / str(each)) for each in range(number)]
        for copy in made:
            copy.folder.mkdir()
            for name in KEPT:
                source, target = ROOT / name, copy.folder / name
                if source.is_dir():
                    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copy(source, target)
        yield made


def outcomes(chosen: Sequence[Mutant], number: int) -> Iterator[tuple[Mutant, str, float]]:
    """Run the mutants in that many copies; yield each with what came of it and its seconds, as they end."""
    for library in LIBRARIES:
        with suppress(ImportError):
            importlib.import_module(library)
    left = list(reversed(chosen))
    with copies(number) as free:
        busy: list[Copy] = []
        while left or busy:
            while left and free:
                mutant = left.pop()
                problem = free[-1].start(mutant)
                if problem:
                    yield mutant, problem, 0.0
                else:
                    busy.append(free.pop())
            for copy in list(busy):
                became = copy.outcome()
                if became and copy.mutant:
                    busy.remove(copy)
                    free.append(copy)
                    yield copy.mutant, became, time.monotonic() - copy.began
            time.sleep(0.05)


def main() -> int:
    """Run the mutants and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--since", default="")
    parser.add_argument("--part", default="1/1")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("names", nargs="*")
    given = parser.parse_args()
    chosen, changed = mutants(given.names), changed_since(given.since) if given.since else None
    if changed is not None:
        chosen = [each for each in chosen if changed.intersection([each.file, *each.tests])]
    part, parts = map(int, given.part.split("/"))
    chosen, bad = chosen[part - 1 :: parts], []
    for mutant, became, seconds in outcomes(chosen, given.workers):
        sys.stdout.write(f"{mutant.name:56} {mutant.file:42} {seconds:5.1f} s  {became}\n")
        sys.stdout.flush()
        bad += [] if became == "caught" else [mutant.name]
    sys.stdout.write(f"{len(chosen) - len(bad)} of {len(chosen)} caught\n" + "".join(f"not: {name}\n" for name in bad))
    return 1 if bad or not (chosen or given.since) else 0


if __name__ == "__main__":
    sys.exit(main())
