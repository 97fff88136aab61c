"""The status as one page of HTML: no scripts, nothing loaded, all text from outside escaped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from importlib import resources

from release.audit.status_model import MARKS, PARTS, Overview, Part, Version, age
from release.audit.timeline import text, timeline

WORDS = {"out": "out", "missing": "missing", "waiting": "on its way", "unknown": "unknown", "none": "not part of it"}
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


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
            f"<title>Releases of {text(found.repository)}</title>",
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
        yield f"<p>{text(what)}<br><code>{text(command)}</code></p>"


def _lines(found: Overview) -> Iterator[str]:
    names = "".join(f"<th>{name}" for name in ("line", "branch", "newest", "unreleased", "pickable"))
    yield f'<div class="wide"><table><thead><tr>{names}</tr></thead><tbody>'
    for line in found.lines:
        branch = _link(f"{found.url}/tree/{line.branch}", line.branch) if line.branch else "–"
        counts = ("?" if count is None else str(count) for count in (line.unreleased, line.pickable))
        cells = (text(line.line), branch, text(line.newest or "–"), *counts)
        yield "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
    yield "</tbody></table></div>"


def _versions(found: Overview) -> Iterator[str]:
    names = "".join(f"<th>{text(name)}" for name in ("version", *PARTS))
    yield f'<div class="wide"><table class="parts"><thead><tr>{names}</tr></thead><tbody>'
    for each in found.versions:
        yield f"<tr><th>{_version(found, each)}</th>"
        for name in PARTS:
            yield f'<td data-part="{text(name)}">{_part(each.parts[name], found.at)}</td>'
        yield "</tr>"
    yield "</tbody></table></div>"


def _version(found: Overview, each: Version) -> str:
    return _link(f"{found.url}/commit/{each.sha}", str(each.version))


def _part(part: Part, now: float) -> str:
    label = text(" ".join(word for word in (WORDS[part.state], part.note) if word))
    note = part.note if part.state in ("missing", "waiting") else ""
    shown = " ".join(word for word in (MARKS[part.state], note, age(part.at, now)) if word)
    return f'<span class="{part.state}" title="{label}">{_link(part.url, shown)}</span>'


def _link(url: str, shown: str) -> str:
    """Return a link, to the web alone: no other scheme's address becomes one."""
    if not url.startswith(("https://", "http://")):
        return text(shown)
    return f'<a href="{text(url, 2000)}">{text(shown)}</a>'
