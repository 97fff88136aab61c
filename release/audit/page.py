"""The status as one page of HTML, with the lines over time drawn to scale: no scripts, nothing loaded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from html import escape
from importlib import resources
from string import Template

from release.audit.status import PARTS, LineState, Overview, Part, Version, withdrawn_notes
from release.call.texts import printable
from release.github.runs import parse_time
from release.versions import line_of, parse_branch

WORDS = {"out": "out", "missing": "missing", "waiting": "on its way", "unknown": "unknown", "none": "not part of it"}
WIDTH, LEFT, RIGHT, ROW, TOP = 960, 90, 40, 64, 26
LINES = ("line", "branch", "newest", "unreleased", "pickable")
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
    template = resources.files("release").joinpath("templates/status.html").read_text(encoding="utf-8")
    return Template(template).substitute(
        name=html_text(found.repository),
        link=_link(found.url, found.repository),
        read=f"{datetime.fromtimestamp(found.at, timezone.utc):%Y-%m-%d %H:%M}",
        hints="".join([*(f"<p>{html_text(note, 300)}</p>\n" for note in withdrawn_notes(found)), *map(_hint, hints)]),
        timeline=timeline(found),
        lines=_table("", LINES, (_line(line, found) for line in found.lines)),
        versions=_table(' class="parts"', ("version", *PARTS), (_version(each, found) for each in found.versions)),
    )


def _hint(hint: tuple[str, str]) -> str:
    what, command = hint
    return f"<p>{html_text(what)}<br><code>{html_text(command)}</code></p>\n"


def _table(kind: str, names: Iterable[str], rows: Iterable[str]) -> str:
    head = "".join(f"<th>{html_text(name)}" for name in names)
    begin = f'<div class="wide"><table{kind}><thead><tr>{head}</tr></thead><tbody>'
    return "\n".join([begin, *rows, "</tbody></table></div>"])


def _line(line: LineState, found: Overview) -> str:
    branch = _link(f"{found.url}/tree/{line.branch}", line.branch) if line.branch else "–"
    cells = (html_text(line.line), branch, html_text(line.newest or "–"), *line.counts)
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _version(version: Version, found: Overview) -> str:
    head = f"<tr><th>{_link(f'{found.url}/commit/{version.sha}', version.label)}</th>"
    cells = (f'<td data-part="{html_text(name)}">{_part(version.parts[name], found.at)}</td>' for name in PARTS)
    return "\n".join([head, *cells, "</tr>"])


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
    versions = [[each for each in found.versions if line_of(each.version) == line.line] for line in found.lines]
    begins = [_begin(line, tagged) for line, tagged in zip(found.lines, versions, strict=True)]
    first = min([*filter(None, begins), now - 7 * DAY]) - 2 * DAY
    scale = Scale(first, now + (now - first) / 20)  # what began today needs room too
    height = TOP + ROW * (len(found.lines) + 1)
    base, end = height - 34, scale.x(now)
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">',
        "<title>The lines over time</title>",
        *_months(scale, base),
        f'<line class="trunk" x1="{LEFT}" y1="{base}" x2="{end}" y2="{base}"/>',
        f'<text class="name" x="{LEFT - 10}" y="{base + 4}">{html_text(found.trunk, 12)}</text>',
    ]
    for number, (line, begin, tagged) in enumerate(zip(found.lines, begins, versions, strict=True)):
        if begin:
            y = TOP + ROW * number + 20
            parts += [*_branch(line, (scale.x(begin), base), (end, y)), *_tags(tagged, scale, y)]
    return "\n".join([*parts, "</svg>"])


def _begin(line: LineState, tagged: Sequence[Version]) -> datetime | None:
    """Return when the line's branch was cut: its name tells the day, in UTC; else its first version shown."""
    begins = [parse_time(each.at).astimezone(timezone.utc) for each in tagged]
    parsed = parse_branch(line.branch)
    if parsed:
        begins.append(datetime(parsed[1].year, parsed[1].month, parsed[1].day, tzinfo=timezone.utc))
    return min(begins, default=None)


def _branch(line: LineState, begin: tuple[float, float], end: tuple[float, float]) -> Iterator[str]:
    (x, base), (right, y) = begin, end
    kind = "branch" if line.branch else "branch none"
    yield f'<g class="{kind}"><title>{html_text(line.branch or "no branch")}</title>'
    yield f'<path d="M {x} {base} C {x} {y + 14}, {x} {y}, {min(x + 14, right)} {y} L {right} {y}"/></g>'
    yield f'<text class="name" x="{LEFT - 10}" y="{y + 4}">{html_text(line.line)}</text>'


def _tags(versions: Sequence[Version], scale: Scale, y: float) -> Iterator[str]:
    """Yield each version's dot at its moment; a label goes below, or is left to the tooltip, where it has no room."""
    ends = {-12: 0.0, 22: 0.0}
    moments = [(parse_time(each.at), each) for each in versions]
    for at, each in sorted(moments, key=lambda pair: pair[0]):
        x = scale.x(at)
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
    span = scale.last - scale.first
    step = 1 if span < 800 * DAY else 12
    # How many months apart labels have room.
    every = next((every for every in (1, 2, 3, 6) if span // (30 * DAY) / every <= 13), 12)
    month = scale.first.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while month <= scale.last:
        if month >= scale.first and (step == 1 or month.month == 1):
            x = scale.x(month)
            yield f'<line class="tick" x1="{x}" y1="{TOP - 8}" x2="{x}" y2="{base}"/>'
            if (month.month - 1) % every == 0:
                yield f'<text class="month" x="{x}" y="{base + 22}">{month:%Y-%m}</text>'
        month = (month + 32 * DAY).replace(day=1)
