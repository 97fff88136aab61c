"""When nothing is released: days, weekly and daily hours of a time zone, as the settings say them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timezone
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from release.errors import Usage

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WEEK = 7 * 24 * 60  # minutes
_SPAN = re.compile(r"(?P<begin>.+?)\.\.(?P<end>\S+(?: \d\d?:\d\d)?)(?: (?P<zone>[A-Za-z][\w+/-]*))?")
_MOMENT = re.compile(r"(?:(?P<day>mon|tue|wed|thu|fri|sat|sun))?\s*(?:(?P<hour>\d\d?):(?P<minute>\d\d))?")
FORMS = "2026-12-20..2027-01-02, fri 16:00..mon 08:00 Europe/Berlin, sat..sun, 22:00..06:00, or label:NAME"


@dataclass(frozen=True)
class Span:
    """A span of time that comes once or again and again; `zone` tells what its days and hours are."""

    text: str
    zone: ZoneInfo | timezone
    dates: tuple[date, date] | None = None  # the first and the last day
    minutes: tuple[int, int] = (0, 0)  # of the week, or of the day; the end is not in it
    period: int = WEEK

    def holds(self, now: float) -> bool:
        """Whether a moment, in seconds since the epoch, is in it."""
        at = datetime.fromtimestamp(now, self.zone)
        if self.dates:
            return self.dates[0] <= at.date() <= self.dates[1]
        begin, end = self.minutes
        minute = (at.weekday() * 24 * 60 + at.hour * 60 + at.minute) % self.period
        return begin <= minute < end if begin < end else not end <= minute < begin


def span(text: str) -> Span:
    """Read a span; raise Usage with the forms there are."""
    found = _SPAN.fullmatch(" ".join(text.split()))
    if not found:
        raise _wrong(text)
    zone = _zone(text, found["zone"] or "")
    try:
        days = date.fromisoformat(found["begin"]), date.fromisoformat(found["end"])
    except ValueError:
        return _weekly(text, zone, found["begin"].lower(), found["end"].lower())
    if days[0] > days[1]:
        raise _wrong(text)
    return Span(text, zone, days)


def _weekly(text: str, zone: ZoneInfo | timezone, begin: str, end: str) -> Span:
    first, last = _MOMENT.fullmatch(begin), _MOMENT.fullmatch(end)
    if not (first and last and begin and end) or bool(first["day"]) != bool(last["day"]):
        raise _wrong(text)
    whole = last["hour"] is None  # a day's end is the next day's begin
    minutes = (_minute(text, first), _minute(text, last) + (24 * 60 if whole else 0))
    period = WEEK if first["day"] else 24 * 60
    return Span(text, zone, None, (minutes[0], minutes[1] % period), period)


def _minute(text: str, moment: re.Match[str]) -> int:
    try:
        at = time(int(moment["hour"] or 0), int(moment["minute"] or 0))
    except ValueError as error:
        raise _wrong(text) from error
    return (DAYS.index(moment["day"]) if moment["day"] else 0) * 24 * 60 + at.hour * 60 + at.minute


def _zone(text: str, name: str) -> ZoneInfo | timezone:
    if name in ("", "UTC"):
        return timezone.utc
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        hint = "Name one of the IANA database, such as Europe/Berlin; where the machine has none: pip install tzdata"
        raise Usage(f"release.gates.freeze: {text!r}: there is no time zone {name} here", hint) from error


def _wrong(text: str) -> Usage:
    return Usage(f"release.gates.freeze: {text!r} is no span of time", f"Such as {FORMS}")
