"""One process of a step: started in a group of its own, its lines passed on, ended as a whole."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_LOOK = 0.05  # seconds between looks at whether to stop
_LONGEST = 1 << 20  # bytes that are waited for until a line ends
_GRACE = 2.0  # seconds from SIGTERM to SIGKILL
Lines = Callable[[list[str]], None]


class Stopped(Exception):
    """The process was ended before it was done."""


@dataclass(frozen=True)
class Command:
    """What is run, where and with which variables; `handed` are open files that it gets."""

    argv: Sequence[str]
    folder: Path
    env: Mapping[str, str]
    handed: tuple[int, ...] = ()


def run_command(command: Command, lines: Lines, stop: Callable[[], bool]) -> int:
    """Run a command and return its exit code; whatever it leaves running in its process group ends with it.

    Raises `Stopped` once `stop()` says so: the group gets SIGTERM, two seconds later SIGKILL.
    """
    process = subprocess.Popen(
        command.argv,
        cwd=command.folder,
        env=dict(command.env),
        pass_fds=command.handed,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        with contextlib.closing(_Reader(process, lines)) as reader:
            while not _has_ended(process):
                if stop():
                    _stop(process, reader)
                    raise Stopped
                reader.read(_LOOK)
            reader.drain()
    finally:
        # The leader is not yet waited for, so its number cannot belong to anybody else.
        _signal(process, signal.SIGKILL)
        process.wait()
    return process.returncode


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    if not hasattr(os, "waitid"):
        return process.poll() is not None
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)


def _stop(process: subprocess.Popen[bytes], reader: _Reader) -> None:
    _signal(process, signal.SIGTERM)
    deadline = time.monotonic() + _GRACE
    while time.monotonic() < deadline and not _has_ended(process):
        reader.read(_LOOK)
    reader.drain()


class _Reader:
    def __init__(self, process: subprocess.Popen[bytes], lines: Lines) -> None:
        if process.stdout is None:
            raise ValueError("the process has no pipe")
        self.pipe = process.stdout
        self.lines = lines
        self.rest = b""
        self.open = True
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.pipe, selectors.EVENT_READ)

    def read(self, timeout: float) -> bool:
        """Pass on the lines that come within a time; false when nothing came."""
        if not self.open:
            time.sleep(min(timeout, 0.005))
            return False
        if not self.selector.select(timeout):
            return False
        chunk = os.read(self.pipe.fileno(), 65_536)
        self.open = bool(chunk)
        *whole, self.rest = (self.rest + chunk).split(b"\n")
        if self.rest and (not chunk or len(self.rest) > _LONGEST):
            whole, self.rest = [*whole, self.rest], b""
        if whole:
            self.lines([line.decode("utf-8", "replace").removesuffix("\r") for line in whole])
        return self.open

    def drain(self) -> None:
        """Pass on what is in the pipe now; a child left behind may keep it open."""
        while self.read(0):
            pass

    def close(self) -> None:
        """Pass on a last line that has no end."""
        if self.rest:
            self.lines([self.rest.decode("utf-8", "replace")])
        self.selector.close()
        self.pipe.close()
