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
        self._credit -= sent
        pause = max(self._pause, -self._credit / RATE)
        self._pause = max(self._pause, min(self._pause * GROWTH, SLOWEST))
        self._credit = min(self._credit + pause * RATE, AT_ONCE)
        return pause


def wait_until(
    context: Context,
    look: Callable[[float], bool],
    *,
    late: Callable[[float], ReleaseError],
    stopped: Callable[[], Waiting],
    limit: float = 0,
) -> None:
    """Look until `look(seconds waited)` says that it is over; a dry run looks once.

    Raises what `late(limit)` returns when it is not after `limit` seconds (the call's --timeout, the setting), and
    what `stopped()` returns at Ctrl-C, which stops the waiting and nothing else.
    """
    interval, started = PollInterval(context.settings.release.poll), context.clock.now()
    limit = limit or context.options.timeout or context.settings.release.timeout
    try:
        with context.report.live():
            while True:
                sent = context.activity.requests
                if look(context.clock.now() - started) or context.dry:
                    return
                if context.clock.now() - started >= limit:
                    raise late(limit)
                context.clock.sleep(interval.pause(context.activity.requests - sent))
    except KeyboardInterrupt:
        raise stopped() from None
    finally:
        context.look_anew()  # the remote may have moved on meanwhile
