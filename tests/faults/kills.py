"""A call killed in the midst of a request, as a process of its own: by which signal, when, and what is left of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from socket import SHUT_RDWR
from typing import IO, TYPE_CHECKING

from faults.calls import Call, swallow
from faults.worlds import NOON, World, check_end, check_sound, renew_clone, user_state
from werkzeug.wsgi import ClosingIterator, get_input_stream

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from faults.calls import Act

TRIES = 2  # calls until the end: a lease of the killed one may cost the first its time
LATE = 20.0  # seconds at most for which a push outlives the call that began it
SIGNALS = {"killed": signal.SIGKILL, "terminated": signal.SIGTERM, "interrupted": signal.SIGINT}
MOMENTS = ("before", "middle", "after")
PATIENCE = 300.0  # seconds until a call that was killed, and what it started, has to be gone: machines are busy


@dataclass
class Victim:
    """Calls that are typed in processes of their own, one after the other; `number` is the last one's."""

    world: World
    _forks: subprocess.Popen[str]
    output: Path
    number: int = 0
    _dead: threading.Event = field(default_factory=threading.Event)

    def type(self, *words: str) -> int:
        """Type a call in the clone, and return its exit code when it has ended."""
        self._dead.clear()
        folder = str(self.world.sandbox.work)
        asked = {"words": [*words, "--yes"], "folder": folder, "output": str(self.output)}
        _stream(self._forks.stdin).write(json.dumps(asked) + "\n")
        self.number = int(_stream(self._forks.stdout).readline())
        late = threading.Timer(PATIENCE, os.killpg, (self.number, signal.SIGKILL))
        late.start()
        code = int(_stream(self._forks.stdout).readline())
        late.cancel()
        self._dead.set()
        return code

    def kill(self, number: signal.Signals, alone: bool) -> None:
        """Send the signal to the call's process `alone`, or to all that it started too, as a terminal does."""
        with suppress(ProcessLookupError):
            (os.kill if alone else os.killpg)(self.number, number)
        if number != signal.SIGINT:  # that one may have words with the server first
            assert self._dead.wait(PATIENCE)

    def children(self) -> list[str]:
        """Return what still runs of all that the call started, after it had its time."""
        deadline = time.monotonic() + PATIENCE
        while (found := list(_session(self.number))) and time.monotonic() < deadline:
            time.sleep(0.01)
        return found


def _stream(stream: IO[str] | None) -> IO[str]:
    assert stream
    return stream


def _session(number: int) -> Iterator[str]:
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            name, _, rest = (place / "stat").read_text().rpartition(")")
            if int(rest.split()[3]) == number and rest.split()[0] != "Z":
                yield name


@contextmanager
def victims(world: World, folder: Path, **variables: str) -> Iterator[Victim]:
    """Have calls typed in the world, with these variables on top of its own."""
    environment = {**os.environ, **world.variables, "INVOKE_RELEASE_POLL": "0.05", **variables}
    command = [sys.executable, str(Path(__file__).parent / "forks.py"), str(NOON)]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as forks:
        yield Victim(world, forks, folder / "output")
        _stream(forks.stdin).close()


def is_push(call: Call) -> bool:
    """Whether Git asks, and goes on without the call that began it."""
    return call.route.endswith("receive-pack")


class Outliving:
    """A push whose call was killed: it is held until another's first write, and lands just before that."""

    def __init__(self, kill: Callable[[], None]) -> None:
        self.kill, self._goes, self._landed = kill, threading.Event(), threading.Event()

    def push(
        self, application: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Kill the call, and hold its push."""
        self.kill()
        self._goes.wait(LATE)
        answer = swallow(application, environ)
        self._landed.set()
        return answer(environ, start_response)

    def write(
        self, application: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Let the push land, then do the other's write."""
        self.end()
        self._landed.wait(LATE)
        return application(environ, start_response)

    def end(self) -> None:
        """Let the push land now."""
        self._goes.set()


def killing(kill: Callable[[], None], moment: str, call: Call, orphaned: bool) -> Act:
    """Kill the call at this request: `before` the server acts, in the `middle`, or `after` it acted.

    An `orphaned` push goes on without the call that began it.
    """
    push = is_push(call)

    def _act(application: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if moment == "before" and orphaned and push:
            kill()
            return application(environ, start_response)
        if moment == "after":
            answer = swallow(application, environ)
            kill()
            return answer(environ, start_response)
        if moment == "middle" and not push:
            answer = swallow(application, environ)
            start_response(answer.status, [*answer.headers.items()])
            return ClosingIterator(_half(answer.get_data(), kill))
        content = get_input_stream(environ).read()
        kill()
        if moment == "middle":
            part = content[: len(content) // 2]
            swallow(application, {**environ, "wsgi.input": BytesIO(part), "CONTENT_LENGTH": str(len(part))})
        environ["werkzeug.socket"].shutdown(SHUT_RDWR)
        return ClosingIterator(_nothing())

    return _act


def _half(content: bytes, kill: Callable[[], None]) -> Iterable[bytes]:
    yield content[: len(content) // 2]
    kill()
    raise ConnectionResetError("cut on purpose")


def _nothing() -> Iterable[bytes]:
    yield from ()
    raise ConnectionResetError("cut on purpose")


# --- a case, from the kill to the end ---


@dataclass(frozen=True)
class Case:
    """One kill; `alone`: what the call started lives on; `fresh`: the next is typed in another clone."""

    call: Call
    moment: str
    number: signal.Signals
    alone: bool = False
    fresh: bool = False

    def __str__(self) -> str:
        how = f"{self.number.name} to {'it alone' if self.alone else 'its group'}"
        return f"{how} {self.moment} {self.call}, then in {'a fresh' if self.fresh else 'the same'} clone"


def cases(victim: Victim, moment: str, number: signal.Signals) -> list[Case]:
    """A kill at each write; group and process, same and fresh clone take turns, so that each meets each.

    Half an answer is the same to all who do not live to read it: one signal each, in turn.
    """
    calls = [call for call in victim.world.recorded if call.writes]
    turn = MOMENTS.index(moment) + [*SIGNALS.values()].index(number)
    return [
        Case(call, moment, number, _alone(index + turn, moment, number), (index // 2 + turn) % 2 == 1)
        for index, call in enumerate(calls)
        if moment != "middle" or is_push(call) or index % len(SIGNALS) == turn % len(SIGNALS)
    ]


def _alone(turn: int, moment: str, number: signal.Signals) -> bool:
    return number != signal.SIGINT and moment != "middle" and turn % 2 == 0


def check_case(victim: Victim, case: Case) -> list[str]:
    """Kill the call, and hold what the next ones come to; return how those ended that did not come to the end."""
    world = victim.world
    world.restore()
    before, outliving = user_state(world), Outliving(lambda: victim.kill(case.number, case.alone))
    late = case.moment == "late"
    act = outliving.push if late else killing(outliving.kill, case.moment, case.call, case.alone)
    world.calls.strike(case.call, act)
    code = victim.type(*world.pipeline.words)
    assert world.calls.struck == [case.call]
    printed = victim.output.read_text()
    assert code == (4 if case.number == signal.SIGINT else -case.number), f"exit {code}\n{printed}"
    assert "Traceback" not in printed, printed
    check_sound(world)
    if late:
        world.calls.strike_writes(outliving.write)
    else:
        assert victim.children() == []
    if case.fresh:
        renew_clone(world)
        before = user_state(world)
    ended = typed_again(victim)
    outliving.end()
    assert victim.children() == []
    check_end(world, before)
    return ended


def typed_again(victim: Victim) -> list[str]:
    """Make the call until it comes to its end; return how those ended that did not."""
    ended = []
    for _ in range(TRIES):
        error = victim.world.run()
        if error is None:
            return ended
        ended.append(f"exit {error.code}: {error.problem}")
    raise AssertionError("\n".join(ended))


def check_cases(victim: Victim, chosen: list[Case]) -> None:
    """Try each, and tell all that fell in one go."""
    fell, tries = [], Counter[str]()
    for case in chosen:
        try:
            tries.update(check_case(victim, case))
        except Exception as error:  # noqa: BLE001 each case is told
            fell.append(f"{case}:\n{error}")
    print(f"{len(chosen)} kills, {len(fell)} fell; other ends first: {dict(tries)}")
    assert not fell, "\n\n".join([f"{len(fell)} of {len(chosen)} fell", *fell])
