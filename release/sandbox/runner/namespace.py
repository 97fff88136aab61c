"""A program of its own: run a command where it sees loopback alone, a home and temporary folders of its own.

Everything else of the file system is read-only, `/run` and `/dev` are nearly empty, and other processes are not there.
What the command takes of the machine is bounded: beyond that it ends, and all that it started, with a word why.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import re
import resource
import select
import signal
import socket
import stat
import struct
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

# <linux/sched.h>, <linux/mount.h>, <linux/prctl.h>, <linux/if.h>; the call's number is the same on every architecture.
NEWNS, NEWIPC, NEWUSER, NEWPID, NEWNET = 0x00020000, 0x08000000, 0x10000000, 0x20000000, 0x40000000
MOUNT_SETATTR, AT_RECURSIVE, ATTR_RDONLY = 442, 0x8000, 1
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 8, 4096, 16384, 1 << 18
PDEATHSIG, CAPBSET_DROP, NO_NEW_PRIVS = 1, 24, 38
GET_FLAGS, SET_FLAGS, IFF_UP = 0x8913, 0x8914, 1
MOST_CAPABILITIES = 64
SHARE = 0.75  # of the memory and of the disk that are free when the command begins
MOST_THREADS = 4096  # of all its processes
LOOK = 0.1  # seconds between looks at what it takes
THREADS = 17  # where their number is in /proc/PID/stat, after the name
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
LINKS = {"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"}

_libc = ctypes.CDLL(None, use_errno=True)


def main(told: dict[str, Any], command: list[str]) -> None:
    """Run the command and end as it does.

    `own` has a folder for each place that is hidden, `kept` is what is shown of them nevertheless, read-only;
    `writable` can be written, `ports` are listened on, and the listening sockets are handed out by `socket`; `env`
    are the command's variables.
    """
    _libc.prctl(PDEATHSIG, signal.SIGKILL)  # a rehearsal that is killed leaves no step behind
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # meant for the command, which ends by it
    _unshare()
    _serve_loopback(told["socket"], told["ports"])
    _mount(told)
    os.chdir(told["folder"])
    free = _free()
    if first := os.fork():
        _end_as(first)
    _libc.prctl(PDEATHSIG, signal.SIGKILL)
    _check("mount /proc", _libc.mount(b"proc", b"/proc", b"proc", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, None))
    # The first process of a namespace would not end by SIGTERM, and all others end with it.
    if second := os.fork():
        _watch(second, free)
    _bound(free)
    _drop_privileges()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.execvpe(command[0], command, told["env"])  # noqa: S606  # nosec B606


def _check(what: str, answer: int) -> None:
    if answer:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _unshare() -> None:
    user, group = os.getuid(), os.getgid()
    spaces = NEWNS | NEWIPC | NEWPID | NEWNET
    if _libc.unshare(NEWUSER | spaces) == 0:
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")
    else:
        _check("unshare", _libc.unshare(spaces))  # what root may do where nobody has user namespaces


def _serve_loopback(handed: int, ports: list[int]) -> None:
    with socket.socket(fileno=handed) as channel, socket.socket() as any_socket:
        flags = fcntl.ioctl(any_socket, GET_FLAGS, struct.pack("16sH14x", b"lo", 0))
        up = struct.unpack_from("16sH", flags)[1] | IFF_UP
        fcntl.ioctl(any_socket, SET_FLAGS, struct.pack("16sH14x", b"lo", up))
        listeners = [socket.create_server(("127.0.0.1", port)) for port in ports]
        socket.send_fds(channel, [b"."], [each.fileno() for each in listeners])
        for each in listeners:
            each.close()


def _mount(told: dict[str, Any]) -> None:
    """Make all read-only and private, then put own folders over what is hidden, and the kept ones back into them."""
    _set_read_only("/", True)
    own = {place: os.open(folder, os.O_PATH) for place, folder in told["own"].items()}
    writable = {place: os.open(place, os.O_PATH) for place in told["writable"]}
    shown = [*told["kept"], *(f"/dev/{name}" for name in DEVICES if "/dev" in own)]
    kept = {place: os.open(place, os.O_PATH) for place in shown if Path(place).exists()}
    for place, source in {**own, **kept, **writable}.items():
        _make_place(Path(place), source)
        _check(f"mount {place}", _libc.mount(_path(source), os.fsencode(place), None, MS_BIND | MS_REC, None))
        if place not in kept:
            _set_read_only(place, False)
        os.close(source)
    for name, target in LINKS.items() if "/dev" in own else ():
        if not (link := Path("/dev", name)).is_symlink():
            link.symlink_to(target)


def _make_place(place: Path, source: int) -> None:
    """Make something to mount on, where the place is hidden by now."""
    if place.exists():
        return
    if stat.S_ISDIR(os.stat(source).st_mode):
        place.mkdir(parents=True)
    else:
        place.touch()


def _path(descriptor: int) -> bytes:
    return b"/proc/self/fd/%d" % descriptor


def _set_read_only(place: str, on: bool) -> None:
    flags = (ATTR_RDONLY, 0, MS_PRIVATE, 0) if on else (0, ATTR_RDONLY, 0, 0)
    attributes = struct.pack("QQQQ", *flags)
    recursive = AT_RECURSIVE if on else 0
    answer = _libc.syscall(MOUNT_SETATTR, -100, os.fsencode(place), recursive, attributes, len(attributes))
    _check(f"mount_setattr {place}", answer)


def _drop_privileges() -> None:
    """Leave no way back: no mount can be undone, and no program gives rights."""
    for capability in range(MOST_CAPABILITIES):
        _libc.prctl(CAPBSET_DROP, capability, 0, 0, 0)
    _check("no_new_privs", _libc.prctl(NO_NEW_PRIVS, 1, 0, 0, 0))


def _end_as(child: int) -> NoReturn:
    """Wait for a process and end as it does."""
    _exit_as(os.waitpid(child, 0)[1])


def _exit_as(status: int) -> NoReturn:
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)


def _free() -> dict[str, int]:
    """Read the bytes that are free of the machine's memory and of the disk that the command writes to."""
    disk = os.statvfs(".")
    memory = re.search(r"MemAvailable: +(\d+)", Path("/proc/meminfo").read_text(encoding="ascii"))
    return {"memory": int(memory[1]) << 10 if memory else 0, "disk": disk.f_bavail * disk.f_frsize}


def _bound(free: dict[str, int]) -> None:
    """Have the kernel refuse what one process asks for beyond the bounds; it counts no processes of root's."""
    most = {"RLIMIT_DATA": int(free["memory"] * SHARE), "RLIMIT_FSIZE": int(free["disk"] * SHARE)}
    for name, value in {**most, "RLIMIT_NPROC": MOST_THREADS}.items():
        kind = getattr(resource, name)
        hard = resource.getrlimit(kind)[1]
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (bound, bound))


def _watch(child: int, free: dict[str, int]) -> NoReturn:
    """Wait for a process, and for all that it leaves to this one, and end as it does; or all of them beyond bounds."""
    ends = select.poll()
    ends.register(os.pidfd_open(child), select.POLLIN)
    while True:
        ends.poll(LOOK * 1000)
        while (ended := _ended()) != (0, 0):
            if ended[0] == child:
                _exit_as(ended[1])
        if words := _excess(free):
            os.kill(-1, signal.SIGKILL)  # all but this one
            os.write(2, f"\n::error::The step is ended: {words}\n".encode())
            os._exit(1)


def _ended() -> tuple[int, int]:
    """Return a process that ended with its status, zeros while there is none."""
    return os.waitpid(-1, os.WNOHANG)


def _excess(free: dict[str, int]) -> str:
    """Say what is taken beyond the bounds."""
    for what, left in _free().items():
        if left < free[what] * (1 - SHARE):
            return f"{SHARE:.0%} of the {free[what] >> 20} MiB of {what} that were free when it began are taken"
    return f"it has more than {MOST_THREADS} processes and threads" if _threads() > MOST_THREADS else ""


def _threads() -> int:
    """Count the threads of all processes of this namespace."""
    number = 0
    for place in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            number += int(place.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[THREADS])
    return number


if __name__ == "__main__":
    try:
        with open(int(sys.argv[1]), encoding="utf-8") as file:  # noqa: PTH123
            words = json.load(file)
        main(words, sys.argv[2:])
    except OSError as error:
        sys.exit(f"this machine cannot set a step apart: {error.strerror or error}")
