"""How much of a script is followed: beyond it nothing is told, for a rehearsal has to end."""

from __future__ import annotations

import re

MOST_STATEMENTS = 20_000
MOST_WORDS = 10_000  # of one command
MOST_TURNS = 1_000  # of one loop
MOST_CALLS = 50  # of functions and scripts in each other
LONGEST = 256 * 1024  # characters of a script, a value, or what one prints
_BACKTRACKS = re.compile(r"[+*}?]\)[+*{]")  # a repetition of repetitions may take for ever


class TooMuch(Exception):
    """The script is not followed any further; the text says why."""


def check_size(what: str, size: int, most: int) -> None:
    """Raise TooMuch for more than that."""
    if size > most:
        raise TooMuch(f"{what} of more than {most:,}")


def expression(text: str) -> re.Pattern[str] | None:
    """Compile an expression of a script's; nothing for one that is none here, or that could take for ever."""
    try:
        return None if _BACKTRACKS.search(text) else re.compile(text)
    except re.error:
        return None
