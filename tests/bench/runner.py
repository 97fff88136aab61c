"""Run commands, each to its end, and say what each took: `Runner`, and the small process that it keeps for that.

A child's peak memory begins at that of the process which starts it, and this one has a GitHub and a cloud in it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

LIMIT = 300.0  # seconds that a command may take
UNIT = 1 if sys.platform == "darwin" else 1024  # bytes, of a peak


class CouldNotRunError(Exception):
    """A command that is measured ended other than well; the text is what it said."""


@dataclass(frozen=True)
class Took:
    """What one command took: seconds, of them on a processor in itself and in its children, and bytes at its peak."""

    seconds: float
    own: float
    children: float
    memory: int


class Runner:
    """Runs commands from a process that stays small; from `with` to its end."""

    def __enter__(self) -> Runner:
        command = [sys.executable, "-I", "-S", __file__]
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind:
            self._child.send_signal(signal.SIGINT)  # what is running is of no use any more
        self._child.communicate()

    def run(self, command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Took:
        """Run it in the folder; raise CouldNotRunError unless it exits 0."""
        asked, answers = cast(IO[str], self._child.stdin), cast(IO[str], self._child.stdout)
        told = {"command": [*command], "folder": str(folder), "environment": dict(environment)}
        print(json.dumps(told), file=asked, flush=True)
        answer = json.loads(answers.readline())
        if answer["code"]:
            raise CouldNotRunError(f"{' '.join(command)[:200]}: exit {answer['code']}\n{answer['said']}")
        return Took(*answer["took"])


GOING: list[int] = []  # the command that runs
ENDED: list[int] = []


def _end(*told: object) -> None:
    """End the command that runs, and each one to come: at Ctrl-C, by a handler that raises nowhere."""
    ENDED.append(len(told))
    for number in GOING:
        os.killpg(number, signal.SIGKILL)


def _answer(command: list[str], folder: str, environment: dict[str, str]) -> dict[str, Any]:
    said = os.memfd_create("said") if hasattr(os, "memfd_create") else os.open(os.devnull, os.O_RDWR)
    where = {"cwd": folder, "env": environment, "start_new_session": True}
    begun = time.perf_counter()
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, **where)
    GOING.append(child.pid)
    if ENDED:
        _end()
    ends = threading.Timer(LIMIT, os.killpg, (child.pid, signal.SIGKILL))
    ends.start()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    seconds, own = time.perf_counter() - begun, _own_time(child.pid)
    ends.cancel()
    GOING.clear()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    whole = usage.ru_utime + usage.ru_stime
    text = os.pread(said, 1_000_000, 0).decode(errors="replace")[-2000:]
    os.close(said)
    took = [seconds, whole if own is None else own, 0.0 if own is None else whole - own, usage.ru_maxrss * UNIT]
    return {"code": child.returncode, "took": took, "said": text}


def _own_time(number: int) -> float | None:
    """Read what a process that ended, and was not waited for yet, took itself; None where there is no /proc."""
    try:
        with open(f"/proc/{number}/stat") as told:  # noqa: PTH123 - pathlib would double this process
            fields = told.read().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, _end)
    for line in sys.stdin:
        print(json.dumps(_answer(**json.loads(line))), flush=True)
