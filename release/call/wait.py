"""Wait for what takes its time: one loop, whatever is waited for."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from release.call.context import Context
from release.errors import ReleaseError, Waiting

SLOWEST = 90.0  # seconds between looks
GROWTH = 1.25  # so nobody hears of an end later than a quarter of the time that it took
SELDOM = 5  # looks, of which one asks for more than what is waited for
RATE = 880 / 3600  # requests a second: a workflow's own token has 1,000 an hour
CREDIT = 60  # requests that may be sent before any of that hour has passed


class Wait:
    """One wait under way; its pauses grow with it, and are longer where so many requests would use up an hour's."""

    def __init__(self, context: Context, limit: float = inf) -> None:
        self._context, self._limit, self._looks = context, limit, 0
        self._pause = context.settings.release.poll
        self._credit = float(CREDIT)
        self._started = context.clock.monotonic()
        self._sent = context.activity.requests

    @property
    def seconds(self) -> float:
        """Return for how many seconds it has lasted."""
        return self._context.clock.monotonic() - self._started

    @property
    def seldom(self) -> bool:
        """Whether this look, the first and then one of SELDOM, is one to ask for more than what is waited for."""
        return self._looks % SELDOM == 0

    def breathe(self, least: float = 0) -> None:
        """Sleep in the midst of a look, as long as the requests sent so far ask for (F19): not while they are few."""
        self._credit -= self._context.activity.requests - self._sent
        self._sent = self._context.activity.requests
        seconds = max(least, -self._credit / RATE)
        self._credit = min(self._credit + seconds * RATE, CREDIT)
        self._context.clock.sleep(seconds)

    def pause(self) -> None:
        """Sleep until the next look; the last one is at the limit, not after it."""
        self._looks += 1
        self.breathe(min(self._pause, max(0.0, self._limit - self.seconds)))
        self._pause = max(self._pause, min(self._pause * GROWTH, SLOWEST))


def wait_until(
    context: Context,
    look: Callable[[Wait], bool],
    *,
    late: Callable[[float], ReleaseError],
    stopped: Callable[[], Waiting],
    limit: float = 0,
) -> None:
    """Look until `look` says that it is over; a dry run looks once.

    Raises what `late(limit)` returns when it is not after `limit` seconds (the call's --timeout, the setting), and
    what `stopped()` returns at Ctrl-C, which stops the waiting and nothing else.
    """
    limit = limit or context.options.timeout or context.settings.release.timeout
    wait = Wait(context, limit)
    try:
        with context.report.live():
            while not look(wait):
                if context.dry:
                    if context.options.asking:  # else nothing is to do, and the call would end without having waited
                        context.report.step("todo", "wait until that is over")
                    return
                if wait.seconds >= limit:
                    raise late(limit)
                wait.pause()
    except KeyboardInterrupt:
        raise stopped() from None
    finally:
        context.look_anew()  # the remote may have moved on meanwhile
