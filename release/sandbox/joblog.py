"""A job's log: a timestamp a line, secrets masked, workflow commands as GitHub shows them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from typing import Protocol

_COMMAND = re.compile(r"\s*::([a-z-]+)(?: [^\n]*?)?::(.*)")
_SHOWN = ("error", "warning", "notice", "debug", "group", "endgroup")
_ESCAPES = (("%0D", "\r"), ("%0A", "\n"), ("%25", "%"))


class Logged(Protocol):
    """What has a log: a job, a step."""

    log: str


def now() -> datetime:
    """Read the clock, in UTC."""
    return datetime.now(timezone.utc)


class Log:
    """Writes lines to the logs of a job and of the step it is in."""

    def __init__(self, job: Logged, secrets: Iterable[str]) -> None:
        self.job = job
        self.step: Logged | None = None
        self.masks: set[str] = set()
        for secret in secrets:
            self.mask(secret)

    def mask(self, secret: str) -> None:
        """Show `***` for a value, and for each line of it, from now on."""
        self.masks.update(line for line in (secret, *secret.splitlines()) if line.strip())

    def write(self, *lines: str) -> None:
        """Write lines as the runner's own."""
        stamp = now().strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
        written = "".join(f"{stamp} {self.masked(part)}\n" for line in lines for part in line.splitlines() or [""])
        self.job.log += written
        if self.step is not None:
            self.step.log += written

    def write_output(self, lines: Iterable[str]) -> None:
        """Write what a step printed; workflow commands in it take effect."""
        self.write(*(shown for line in lines for shown in self._shown(line)))

    def masked(self, text: str) -> str:
        """Replace every masked value in a text."""
        for secret in sorted(self.masks, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text

    def _shown(self, line: str) -> Iterator[str]:
        found = _COMMAND.fullmatch(line)
        if not found:
            yield line
            return
        name, value = found.groups()
        for escape, plain in _ESCAPES:
            value = value.replace(escape, plain)
        if name == "add-mask":
            self.mask(value)
        elif name in _SHOWN:
            yield f"##[{name}]{value}"
        else:
            yield f"##[warning]The sandbox does not support the workflow command {name!r}: it has no effect."
