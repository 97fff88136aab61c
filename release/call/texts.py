"""Texts for people: times, amounts, and what others wrote, made safe to read."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Sequence

# Zero-width and direction characters can make a line read as something else (S4); "Cf" holds them all.
HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def duration(seconds: float | None) -> str:
    """Return the time for people: 45 s, 12 min 3 s, 1 h 2 min."""
    if seconds is None:
        return ""
    minutes, rest = divmod(int(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def last_times(seconds: Sequence[float]) -> str:
    """Say how long something took the last times, the newest first: 12 min 3 s and 11 min 9 s the last 2 times."""
    *before, oldest = map(duration, seconds)
    if not before:
        return f"{oldest} the last time"
    return f"{', '.join(before)} and {oldest} the last {len(seconds)} times"


def markdown_text(text: str) -> str:
    """Return what others wrote as Markdown that shows it, and does nothing: no link, no mention, no HTML."""
    shown = re.sub(r"([\\`*_{}\[\]<>|~!&])", r"\\\1", printable(text).strip())
    shown = re.sub(r"^(\d+(?=[.)])|(?=[-+=]))", r"\1\\", shown)  # a list, a rule, what makes the line above a heading
    return re.sub("[@#]", r"\g<0>&#8203;", shown)  # GitHub looks for these after Markdown, which takes backslashes away


def amount(number: int, noun: str) -> str:
    """Return the number of things for people: 1 commit, 2 commits."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def typed_call(*options: str) -> str:
    """Return this call as it was typed, with options of invoke's own."""
    return shlex.join(["inv", *options, *(word for word in sys.argv[1:] if word not in options)])


def printable(text: object) -> str:
    """Return the text with control, escape and bidi characters as visible escapes (S4)."""
    from unicodedata import category  # a library of its own, which a listing need not load

    return "".join(_escape(character) if category(character) in HIDDEN else character for character in str(text))


def _escape(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
