"""How long to wait between looks."""

from __future__ import annotations


class PollInterval:
    """The pauses of one wait: growing to 15 s, and longer where so much is looked at that an hour's limit would go."""

    def __init__(self, first: float) -> None:
        """`first` is the number of seconds before the second look."""
        self._pause = first
        self._credit = float(AT_ONCE)

    def pause(self, sent: int = 0) -> float:
        """Return the seconds to sleep after a look that sent so many requests (F19)."""
        pause = max(self._pause, self.owed(sent))
        self._pause = max(self._pause, min(self._pause * GROWTH, SLOWEST))
        self._credit = min(self._credit + pause * RATE, AT_ONCE)
        return pause

    def owed(self, sent: int) -> float:
        """Return the seconds to sleep in the midst of a look, after so many more requests: none while few are sent."""
        self._credit -= sent
        pause = max(0.0, -self._credit / RATE)
        self._credit += pause * RATE
        return pause


SLOWEST = 15.0  # seconds between looks
GROWTH = 1.25
AN_HOUR = 880  # requests; a workflow's own token has 1,000 of them
AT_ONCE = 60  # requests that may be sent before any of that hour has passed
RATE = AN_HOUR / 3600
