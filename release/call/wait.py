"""Wait for what takes its time: one loop, whatever is waited for."""

from __future__ import annotations

from collections.abc import Callable

from release.call.context import Context
from release.errors import ReleaseError, Waiting

SLOWEST = 15.0  # seconds between looks
GROWTH = 1.25
AN_HOUR = 880  # requests; a workflow's own token has 1,000 of them
AT_ONCE = 60  # requests that may be sent before any of that hour has passed
RATE = AN_HOUR / 3600


class PollInterval:
    """The pauses of one wait: growing to 15 s, and longer where so much is looked at that an hour's limit would go."""

    def __init__(self, first: float) -> None:
        """`first` is the number of seconds before the second look."""
        self._pause = first
        self._credit = float(AT_ONCE)

    def pause(self, sent: int = 0) -> float:
        """Return the seconds to sleep after a look that sent so many requests (F19)."""
        pause = max(self._pause, self.debt(sent))
        self._pause = max(self._pause, min(self._pause * GROWTH, SLOWEST))
        self._credit = min(self._credit + pause * RATE, AT_ONCE)
        return pause

    def debt(self, sent: int) -> float:
        """Return the seconds to sleep in the midst of a look, after so many more requests: none while few are sent."""
        self._credit -= sent
        pause = max(0.0, -self._credit / RATE)
        self._credit += pause * RATE
        return pause


class Wait:
    """One wait under way."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._interval = PollInterval(context.settings.release.poll)
        self._started = context.clock.now()
        self._sent = context.activity.requests

    @property
    def seconds(self) -> float:
        """Return for how many seconds it has lasted."""
        return self._context.clock.now() - self._started

    def breathe(self) -> None:
        """Sleep in the midst of a look as long as the requests sent so far ask for (F19)."""
        self._context.clock.sleep(self._interval.debt(self._count()))

    def pause(self) -> None:
        """Sleep until the next look."""
        self._context.clock.sleep(self._interval.pause(self._count()))

    def _count(self) -> int:
        sent, self._sent = self._context.activity.requests - self._sent, self._context.activity.requests
        return sent


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
    wait = Wait(context)
    limit = limit or context.options.timeout or context.settings.release.timeout
    try:
        with context.report.live():
            while True:
                if look(wait) or context.dry:
                    return
                if wait.seconds >= limit:
                    raise late(limit)
                wait.pause()
    except KeyboardInterrupt:
        raise stopped() from None
    finally:
        context.look_anew()  # the remote may have moved on meanwhile
