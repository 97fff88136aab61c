"""The status in people's tables and as JSON, with what to type next."""

from __future__ import annotations

from collections.abc import Iterator

from release.audit.status_model import MARKS, PARTS, LineState, Overview, Part, Version, age
from release.call.context import Context
from release.versions import line_of

SHORT = {"pull request": "pull", "GitHub Release": "Release"}


def hints(found: Overview) -> list[tuple[str, str]]:
    """Return what is not finished, newest first, with the command that goes on; of a line its newest version alone."""
    return [hint for line in found.lines for hint in _hints(line, found)]


def _hints(line: LineState, found: Overview) -> Iterator[tuple[str, str]]:
    newest = next((each for each in found.versions if each.version == line.newest), None)
    begun = newest and any(part.state == "out" for name, part in newest.parts.items() if name != "tag")
    if newest and newest.missing and (begun or line == found.lines[0]):
        what = ", ".join(newest.missing)
        yield f"{newest.version}: not out yet: {what}", f"inv {_command(newest)}"
    if line.unreleased:
        yield f"{line.line}: {line.unreleased} commits since {line.newest}", f"inv release.patch --line {line.line}"
    if line.pickable and line == found.lines[0]:
        yield (
            f"{line.line}: {line.pickable} commits of {found.trunk} are not on it",
            f"inv release.pick --line {line.line} --candidates",
        )


def _command(version: Version) -> str:
    """Return the task that makes what is missing: the part's own, or for several the whole release's, which goes on."""
    alone = {
        "platform": f"platform.watch --version {version.version}",
        "wheel": f"sdk.release --version {version.version}",
        "images": f"image.release --version {version.image}",
        "pull request": f"image.pr --version {version.version} --merge",
        "GitHub Release": f"release.notes --version {version.version} --publish",
    }
    if len(version.missing) == 1:
        return alone[version.missing[0]]
    number = version.version
    kind = "patch" if number.patch else "minor" if number.minor else "major"
    return f"release.{kind} --version {number}"


def print_status(context: Context, found: Overview) -> None:
    """Print the tables of lines and versions, and what to type next."""
    lines = [
        (
            each.line,
            each.branch or "no branch",
            each.head[:9],
            each.newest or "none",
            _count(each.unreleased),
            _count(each.pickable),
        )
        for each in found.lines
    ]
    context.report.rows(("line", "branch", "head", "newest", "unreleased", "pickable"), lines)
    columns = ("version", *(SHORT.get(name, name) for name in PARTS))
    context.report.rows(
        columns, [(each.version, *(_cell(each.parts[name], found.at) for name in PARTS)) for each in found.versions]
    )
    for each in found.versions:
        for name, part in each.parts.items():
            if part.state == "unknown" and part.note:
                context.report.step("unknown", f"{each.version} {name}: {part.note}")
    for what, command in hints(found):
        context.report.line(what)
        context.report.line(f"  {command}")


def _cell(part: Part, now: float) -> str:
    note = "" if part.state == "unknown" else part.note
    shown = note if part.state in ("missing", "waiting") else ""
    return " ".join(text for text in (MARKS[part.state], shown, age(part.at, now)) if text)


def _count(number: int | None) -> str:
    return "?" if number is None else str(number)


def emit_status(context: Context, found: Overview) -> None:
    """Print the same as JSON: an object a line, a version, a hint."""
    for line in found.lines:
        context.report.emit(
            event="line",
            line=str(line.line),
            branch=line.branch,
            head=line.head,
            newest=str(line.newest or ""),
            unreleased=line.unreleased,
            pickable=line.pickable,
        )
    for each in found.versions:
        parts = {
            name: {"state": part.state, "note": part.note, "at": part.at, "url": part.url}
            for name, part in each.parts.items()
        }
        context.report.emit(
            event="version",
            version=str(each.version),
            line=str(line_of(each.version)),
            sha=each.sha,
            image=str(each.image or ""),
            parts=parts,
        )
    for what, command in hints(found):
        context.report.emit(event="hint", what=what, command=command)
