"""The status as one page of HTML, with the lines over time drawn to scale: no scripts, nothing loaded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from html import escape
from importlib import resources

from release.audit.status import LINE_COLUMNS, PARTS, LineState, Overview, Part, Version, moment
from release.call.report import printable
from release.versions import line_of, parse_branch

WORDS = {"out": "out", "missing": "missing", "waiting": "on its way", "unknown": "unknown", "none": "not part of it"}
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
WIDTH, LEFT, RIGHT = 960, 90, 40
ROW, TOP = 64, 26
LABEL = 46  # the width that a label needs
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Scale:
    """Where a moment is on the picture, in its units."""

    first: datetime
    last: datetime

    def x(self, at: datetime) -> float:
        """Return the moment's place from the left."""
        part = (at - self.first) / (self.last - self.first)
        return round(LEFT + min(max(part, 0.0), 1.0) * (WIDTH - LEFT - RIGHT), 1)


def page(found: Overview, hints: Iterable[tuple[str, str]]) -> str:
    """Return the whole file; it stands alone, in light and in dark, on a desk and on a phone."""
    style = resources.files("release").joinpath("templates/status.css").read_text(encoding="utf-8")
    read = datetime.fromtimestamp(found.at, timezone.utc)
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="referrer" content="no-referrer">',
            f"<title>Releases of {html_text(found.repository)}</title>",
            '<link rel="icon" href="data:,">',
            f"<style>{style}</style>",
            "</head>",
            "<body>",
            f"<h1>Releases of {_link(found.url, found.repository)}</h1>",
            f'<p class="dim">as read at {read:%Y-%m-%d %H:%M} UTC</p>',
            *_hints(hints),
            f'<h2>Lines</h2>\n<div class="wide">{timeline(found)}</div>',
            *_lines(found),
            "<h2>Versions</h2>",
            *_versions(found),
            "</body>",
            "</html>",
            "",
        ]
    )


def _hints(hints: Iterable[tuple[str, str]]) -> Iterator[str]:
    for what, command in hints:
        yield f"<p>{html_text(what)}<br><code>{html_text(command)}</code></p>"


def _lines(found: Overview) -> Iterator[str]:
    names = "".join(f"<th>{name}" for name in LINE_COLUMNS if name != "head")
    yield f'<div class="wide"><table><thead><tr>{names}</tr></thead><tbody>'
    for line in found.lines:
        branch = _link(f"{found.url}/tree/{line.branch}", line.branch) if line.branch else "–"
        cells = (html_text(line.line), branch, html_text(line.newest or "–"), *line.counts)
        yield "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
    yield "</tbody></table></div>"


def _versions(found: Overview) -> Iterator[str]:
    names = "".join(f"<th>{html_text(name)}" for name in ("version", *PARTS))
    yield f'<div class="wide"><table class="parts"><thead><tr>{names}</tr></thead><tbody>'
    for each in found.versions:
        yield f"<tr><th>{_link(f'{found.url}/commit/{each.sha}', str(each.version))}</th>"
        for name in PARTS:
            yield f'<td data-part="{html_text(name)}">{_part(each.parts[name], found.at)}</td>'
        yield "</tr>"
    yield "</tbody></table></div>"


def _part(part: Part, now: float) -> str:
    label = html_text(" ".join(word for word in (WORDS[part.state], part.note) if word))
    return f'<span class="{part.state}" title="{label}">{_link(part.url, part.cell(now))}</span>'


def _link(url: str, shown: str) -> str:
    """Return a link, to the web alone: no other scheme's address becomes one."""
    if not url.startswith(("https://", "http://")):
        return html_text(shown)
    return f'<a href="{html_text(url, 2000)}">{html_text(shown)}</a>'


def html_text(found: object, most: int = 200) -> str:
    """Return text from outside as HTML: escaped, control and bidi characters visible (S4), at most so long."""
    shown = printable(found)
    return escape(shown if len(shown) <= most else f"{shown[: most - 1]}…")


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
        f'<text class="name" x="{LEFT - 10}" y="{base + 4}">{html_text(found.trunk, 12)}</text>',
    ]
    for number, line in enumerate(found.lines):
        begin = begins[number]
        if begin:
            parts += _row(line, found, scale, (TOP + ROW * number + 20, base, scale.x(begin), scale.x(now)))
    return "\n".join([*parts, "</svg>"])


def _begin(line: LineState, found: Overview) -> datetime | None:
    """Return when the line's branch was cut: its name tells the day, in UTC; else its first version shown."""
    parsed = parse_branch(line.branch)
    first = min((moment(each.at) for each in _line_versions(line, found)), default=None)
    if not parsed:
        return first
    cut = datetime(parsed[1].year, parsed[1].month, parsed[1].day, tzinfo=timezone.utc)
    return min(cut, first) if first else cut


def _line_versions(line: LineState, found: Overview) -> list[Version]:
    return sorted((each for each in found.versions if line_of(each.version) == line.line), key=lambda each: each.at)


def _row(line: LineState, found: Overview, scale: Scale, place: tuple[float, float, float, float]) -> Iterator[str]:
    y, base, x, end = place
    kind = "branch" if line.branch else "branch none"
    yield f'<g class="{kind}"><title>{html_text(line.branch or "no branch")}</title>'
    yield f'<path d="M {x} {base} C {x} {y + 14}, {x} {y}, {min(x + 14, end)} {y} L {end} {y}"/></g>'
    yield f'<text class="name" x="{LEFT - 10}" y="{y + 4}">{html_text(line.line)}</text>'
    yield from _tags(_line_versions(line, found), scale, y)


def _tags(versions: Sequence[Version], scale: Scale, y: float) -> Iterator[str]:
    """Yield each version's dot at its moment; a label goes below, or is left to the tooltip, where it has no room."""
    ends = {-12: 0.0, 22: 0.0}
    for each in versions:
        x = scale.x(moment(each.at))
        state = "missing" if each.missing else "out"
        yield f'<g class="tag {state}"><title>{html_text(each.version)}, {html_text(each.at[:10])}</title>'
        yield f'<circle cx="{x}" cy="{y}" r="5"/>'
        room = next((offset for offset, end in ends.items() if x - LABEL / 2 >= end), None)
        if room is not None:
            ends[room] = x + LABEL / 2
            yield f'<text x="{x}" y="{y + room}">{html_text(each.version, 14)}</text>'
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
