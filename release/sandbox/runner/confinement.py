"""Steps set apart from the machine: what a job's namespaces show of it, and the way to the sandbox's servers."""

from __future__ import annotations

import json
import os
import pwd
import re
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import release
from release.errors import Usage
from release.sandbox.git import Bare
from release.sandbox.runner.actions.python import setup_python
from release.sandbox.runner.machine import Machine, check_inside
from release.sandbox.runner.process import Command
from release.sandbox.runner.stand_ins import OWN
from release.sandbox.runner.steps import run_job

_PROGRAM = Path(__file__).with_name("namespace.py")
_HIDDEN = ("/tmp", "/var/tmp", "/run", "/dev", "/dev/shm")  # noqa: S108  # nosec B108
_ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)")
_PYTHONS = (".pyenv", ".local/share/uv")  # interpreters below a home
_CHUNK = 65_536


@cache
def check_confinement() -> None:
    """Check that this machine can set steps apart; raises Usage where it cannot."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            with confined(Command(["true"], Path(folder), {"PATH": os.defpath}), Path(folder)) as command:
                said = subprocess.run(
                    command.argv, env=command.env, pass_fds=command.handed, capture_output=True, text=True, check=False
                )
        except OSError as error:
            said = subprocess.CompletedProcess([], 1, "", str(error))
    if said.returncode:
        raise Usage(
            said.stderr.strip() or "this machine cannot set a step apart",
            "It takes Linux from 5.12 on with user namespaces (sysctl user.max_user_namespaces). "
            "Without --execute the jobs are simulated.",
        )


def run_confined_job(machine: Machine) -> str:
    """Run a job's steps, each in namespaces of its own, and return the job's conclusion."""
    check_confinement()
    ports = [int(port) for port in _ADDRESS.findall(" ".join(machine.run.env.values()))]

    # A token may stand in the settings of the clone that is rehearsed.
    hidden = [each.parent for each in Bare(machine.run.repository).lenders]
    machine.confine = partial(confined, folder=machine.folder, ports=ports, hidden=hidden)
    machine.log.write("Each step is set apart: loopback alone, a home and temporary folders of its own")
    setup_python(machine, {}, {})
    machine.variables["TMPDIR"] = _HIDDEN[0]
    return run_job(machine)


@contextmanager
def confined(
    command: Command, folder: Path, ports: Sequence[int] = (), shown: Sequence[Path] = (), hidden: Sequence[Path] = ()
) -> Iterator[Command]:
    """Make of a command one that is set apart, with a folder that it may write and ports that lead outside.

    `shown` can be read wherever it is, in a place that is `hidden` too.
    """
    ours, theirs = socket.socketpair()
    places = [each for each in (*_HIDDEN, *map(str, hidden)) if Path(each).is_dir()]
    own = {place: folder / "places" / place.strip("/").replace("/", "-") for place in places}
    own |= dict.fromkeys(_homes(), folder / "home")
    for each in own.values():
        check_inside(each, folder)
        each.mkdir(parents=True, exist_ok=True)
    served, kept = sorted(set(ports)), [*_kept(), *map(str, shown)]
    told = {
        "own": {place: str(each) for place, each in own.items()},
        "kept": [each for each in kept if any(Path(each).is_relative_to(place) for place in own)],
        "writable": [str(folder)],
        "ports": served,
        "socket": theirs.fileno(),
        "folder": str(command.folder),
        "env": dict(command.env),
    }
    words = _file_of(json.dumps(told).encode())
    argv = [sys.executable, "-I", "-S", str(_PROGRAM), str(words), *command.argv]
    forwarder = _Forwarder(ours, served)
    try:
        # A step names variables for those to come (LD_PRELOAD): what sets them apart begins without any.
        yield replace(command, argv=argv, env={}, handed=(theirs.fileno(), words))
    finally:
        os.close(words)
        theirs.close()
        forwarder.close()


def _file_of(content: bytes) -> int:
    """Return a file without a name that has the content, open at its beginning."""
    made = os.memfd_create("told")
    with open(made, "wb", closefd=False) as file:
        file.write(content)
    os.lseek(made, 0, os.SEEK_SET)
    return made


def _homes() -> list[str]:
    """List the user's homes: what HOME says, and what the machine knows, which HOME may hide."""
    listed = dict.fromkeys((Path.home(), *_account_home()))
    return [str(each) for each in listed if each.is_dir() and each != Path("/")]


def _account_home() -> Iterator[Path]:
    with suppress(KeyError):  # a user of a container that has no name
        yield Path(pwd.getpwuid(os.getuid()).pw_dir)


def _kept() -> list[str]:
    """List what steps need of the machine, wherever it is: interpreters, this package, the programs on PATH."""
    homes = [Path(each) for each in _homes()]
    found = [sys.prefix, sys.base_prefix, str(Path(release.__file__).parent)]
    found += [str(home / each) for home in homes for each in _PYTHONS]
    found += [str(Path(each).resolve()) for each in os.get_exec_path() if Path(each).is_dir()]
    found += [os.environ[OWN]] if OWN in os.environ else []
    return [each for each in dict.fromkeys(found) if Path(each).exists() and Path(each) not in (*homes, Path("/"))]


class _Forwarder:
    """Takes the connections to loopback inside to the servers that listen outside."""

    def __init__(self, channel: socket.socket, ports: list[int]) -> None:
        self.channel = channel
        self.ports = ports
        self.listeners: list[socket.socket] = []
        self.is_closed = False
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self.is_closed = True
        for each in (self.channel, *self.listeners):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)  # ends a wait for it
            each.close()

    def _serve(self) -> None:
        with suppress(OSError):
            _, descriptors, _, _ = socket.recv_fds(self.channel, 1, len(self.ports))
            self.listeners = [socket.socket(fileno=each) for each in descriptors]
            for listener, port in zip(self.listeners, self.ports, strict=True):
                threading.Thread(target=self._accept, args=(listener, port), daemon=True).start()
        if self.is_closed:
            self.close()

    def _accept(self, listener: socket.socket, port: int) -> None:
        with suppress(OSError):
            while True:
                inner, _ = listener.accept()
                threading.Thread(target=_relay, args=(inner, port), daemon=True).start()


def _relay(inner: socket.socket, port: int) -> None:
    with inner, suppress(OSError), socket.create_connection(("127.0.0.1", port)) as outer:
        back = threading.Thread(target=_copy, args=(outer, inner), daemon=True)
        back.start()
        _copy(inner, outer)
        back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(_CHUNK):
            target.sendall(chunk)
        target.shutdown(socket.SHUT_WR)
