"""The lines over time as an SVG drawn to scale. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from html import escape

from release.audit.status_model import LineState, Overview, Version
from release.call.report import printable
from release.versions import line_of, parse_branch

WIDTH, LEFT, RIGHT = 960, 90, 40
ROW, TOP = 64, 26
LABEL = 46  # the width that a label needs
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Scale:
    """Where a moment is on the picture, in its units."""

    first: datetime
    last: datetime

    def x(self, moment: datetime) -> float:
        """Return the moment's place from the left."""
        part = (moment - self.first) / (self.last - self.first)
        return round(LEFT + min(max(part, 0.0), 1.0) * (WIDTH - LEFT - RIGHT), 1)


def timeline(found: Overview) -> str:
    """Return the picture: the trunk below, each line above it from the day it was cut, its versions on it."""
    now = datetime.fromtimestamp(found.at, timezone.utc)
    begins = [_begin(line, found) for line in found.lines]
    first = min([*(begin for begin in begins if begin), now - 7 * DAY]) - 2 * DAY
    scale = Scale(first, now + (now - first) / 20)  # what began today needs room too
    height = TOP + ROW * (len(found.lines) + 1)
    base = height - 34
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">',
        "<title>The lines over time</title>",
        *_months(scale, base),
        f'<line class="trunk" x1="{LEFT}" y1="{base}" x2="{scale.x(now)}" y2="{base}"/>',
        f'<text class="name" x="{LEFT - 10}" y="{base + 4}">{text(found.trunk, 12)}</text>',
    ]
    for number, line in enumerate(found.lines):
        begin = begins[number]
        if begin:
            parts += _row(line, found, scale, (TOP + ROW * number + 20, base, scale.x(begin), scale.x(now)))
    return "\n".join([*parts, "</svg>"])


def text(found: object, most: int = 200) -> str:
    """Return text from outside as HTML: escaped, control and bidi characters visible (S4), at most so long."""
    shown = printable(found)
    return escape(shown if len(shown) <= most else f"{shown[: most - 1]}…")


def _begin(line: LineState, found: Overview) -> datetime | None:
    """Return when the line's branch was cut: its name tells the day, in UTC; else its first version shown."""
    parsed = parse_branch(line.branch)
    first = min((moment(each.at) for each in _of(line, found)), default=None)
    if not parsed:
        return first
    cut = datetime(parsed[1].year, parsed[1].month, parsed[1].day, tzinfo=timezone.utc)
    return min(cut, first) if first else cut


def moment(at: str) -> datetime:
    """Read a moment as Git and GitHub write it."""
    return datetime.fromisoformat(at.replace("Z", "+00:00")).astimezone(timezone.utc)


def _of(line: LineState, found: Overview) -> list[Version]:
    return sorted((each for each in found.versions if line_of(each.version) == line.line), key=lambda each: each.at)


def _row(line: LineState, found: Overview, scale: Scale, place: tuple[float, float, float, float]) -> Iterator[str]:
    y, base, x, end = place
    kind = "branch" if line.branch else "branch none"
    yield f'<g class="{kind}"><title>{text(line.branch or "no branch")}</title>'
    yield f'<path d="M {x} {base} C {x} {y + 14}, {x} {y}, {min(x + 14, end)} {y} L {end} {y}"/></g>'
    yield f'<text class="name" x="{LEFT - 10}" y="{y + 4}">{text(line.line)}</text>'
    yield from _tags(_of(line, found), scale, y)


def _tags(versions: Sequence[Version], scale: Scale, y: float) -> Iterator[str]:
    """Yield each version's dot at its moment; a label goes below, or is left to the tooltip, where it has no room."""
    ends = {-12: 0.0, 22: 0.0}
    for each in versions:
        x = scale.x(moment(each.at))
        state = "missing" if each.missing else "out"
        yield f'<g class="tag {state}"><title>{text(each.version)}, {text(each.at[:10])}</title>'
        yield f'<circle cx="{x}" cy="{y}" r="5"/>'
        room = next((offset for offset, end in ends.items() if x - LABEL / 2 >= end), None)
        if room is not None:
            ends[room] = x + LABEL / 2
            yield f'<text x="{x}" y="{y + room}">{text(each.version, 14)}</text>'
        yield "</g>"


def _months(scale: Scale, base: float) -> Iterator[str]:
    """Yield a tick at each first of a month, or of a year where months would crowd."""
    step = 1 if (scale.last - scale.first) < 800 * DAY else 12
    month = scale.first.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while month <= scale.last:
        if month >= scale.first and (step == 1 or month.month == 1):
            x = scale.x(month)
            yield f'<line class="tick" x1="{x}" y1="{TOP - 8}" x2="{x}" y2="{base}"/>'
            if (month.month - 1) % _every(scale) == 0:
                yield f'<text class="month" x="{x}" y="{base + 22}">{month:%Y-%m}</text>'
        month = (month + 32 * DAY).replace(day=1)


def _every(scale: Scale) -> int:
    """Return how many months apart labels have room."""
    months = max(1, (scale.last - scale.first) // (30 * DAY))
    return next(every for every in (1, 2, 3, 6, 12) if months / every <= 13 or every == 12)
