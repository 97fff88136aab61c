"""What there is to see of versions and lines: as plain values, as tables, as JSON, and what to type next."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import semver

from release.call.context import Context
from release.call.report import Progress
from release.call.texts import amount, last_times
from release.call.wait import Wait, wait_until
from release.errors import Waiting
from release.github.runs import parse_time
from release.versions import Line, line_of

PARTS = ("tag", "platform", "wheel", "images", "pull request", "GitHub Release")
SHORT = {"GitHub Release": "Release"}
MARKS = {"out": "✔", "missing": "✘", "waiting": "…", "unknown": "?", "none": "–"}


@dataclass(frozen=True)
class Part:
    """What of a version is out: `state` is out, missing, waiting, unknown, or none where nothing belongs to it."""

    state: str
    note: str = ""
    at: str = ""
    url: str = ""

    def cell(self, now: float) -> str:
        """Return the part as a table shows it: its mark, what is missing or on its way, how long ago it came."""
        note = self.note if self.state in ("missing", "waiting") else ""
        return " ".join(text for text in (MARKS[self.state], note, age(self.at, now)) if text)


@dataclass(frozen=True)
class Version:
    """One released version: its commit, its config.py's image, its parts by name; `components` empty for all."""

    version: semver.Version
    sha: str
    at: str
    image: semver.Version | None = None
    on_branch: bool = True
    components: tuple[str, ...] = ()
    parts: Mapping[str, Part] = field(default_factory=dict)
    withdrawn: str = ""  # why it was taken back

    @property
    def label(self) -> str:
        """The version as tables show it."""
        return f"{self.version} withdrawn" if self.withdrawn else str(self.version)

    @property
    def missing(self) -> list[str]:
        """The names of the parts that should be out and are not: of a version that was taken back, none."""
        if self.withdrawn:
            return []
        return [name for name, part in self.parts.items() if part.state in ("missing", "waiting")]


@dataclass(frozen=True)
class LineState:
    """One line: its branch if it has one; the counts are None where they could not be learned."""

    line: Line
    branch: str = ""
    head: str = ""
    newest: semver.Version | None = None
    unreleased: int | None = None
    pickable: int | None = None

    @property
    def counts(self) -> tuple[str, ...]:
        """The commits unreleased and pickable, as people read them."""
        return tuple("?" if count is None else str(count) for count in (self.unreleased, self.pickable))


@dataclass(frozen=True)
class Overview:
    """What there is to see, newest first; `at` is when it was read, in seconds since the epoch.

    `more` is how many lines are not shown, `all_versions` how many versions there are to show.
    """

    repository: str
    url: str
    trunk: str
    at: float
    lines: list[LineState]
    versions: list[Version]
    more: int = 0
    all_versions: int = 0
    given_up: Mapping[str, str] = field(default_factory=dict)  # why, of each that was taken back before it was tagged


def age(at: str, now: float) -> str:
    """Say how long ago a moment was, in the largest unit that fits."""
    if not at:
        return ""
    seconds = now - parse_time(at).timestamp()
    for size, unit in ((86_400 * 365, "y"), (86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return "now"


def withdrawn_notes(found: Overview) -> list[str]:
    """Return what was taken back, and why: what was tagged, and what was given up before."""
    untagged = [f"{version} is withdrawn, before it was tagged: {why}" for version, why in found.given_up.items()]
    return untagged + [f"{each.version} is withdrawn: {each.withdrawn}" for each in found.versions if each.withdrawn]


def hints(found: Overview) -> list[tuple[str, str]]:
    """Return what is not finished, newest first, with the command that goes on; of a line its newest version alone."""
    return [hint for line in found.lines for hint in _hints(line, found)]


def _unfinished(line: LineState, found: Overview) -> Version | None:
    """Return the line's newest version if it is on its way: something of it is out, or it is the newest of all."""
    newest = next((each for each in found.versions if each.version == line.newest), None)
    begun = newest and any(part.state == "out" for name, part in newest.parts.items() if name != "tag")
    return newest if newest and newest.missing and (begun or line == found.lines[0]) else None


def usual_times(found: Overview, version: Version, most: int = 3) -> list[float]:
    """Return the seconds from tag to GitHub Release of the versions before it, of the same kind, the newest first."""
    before = [each for each in found.versions if each.version < version.version]
    alike = [each for each in before if each.components == version.components]
    ends = [(each.at, each.parts["GitHub Release"]) for each in alike]
    took = [parse_time(end.at) - parse_time(at) for at, end in ends if at and end.at and end.state == "out"]
    return [each.total_seconds() for each in took][:most]


def _hints(line: LineState, found: Overview) -> Iterator[tuple[str, str]]:
    if newest := _unfinished(line, found):
        took = usual_times(found, newest)
        usual = f"; it took {last_times(took)}" if took else ""
        yield f"{newest.version}: not out yet: {', '.join(newest.missing)}{usual}", f"inv {_next_task(newest)}"
    if line.branch and line.newest is None:
        yield f"{line.line}: cut, and nothing is tagged", f"inv release.tag --version {line.line}"
    elif line.unreleased:
        yield (
            f"{line.line}: {amount(line.unreleased, 'commit')} since {line.newest}",
            f"inv release.patch --line {line.line}",
        )
    if line.pickable and line == found.lines[0]:
        command = f"inv release.pick --line {line.line} --candidates"
        yield f"{line.line}: {amount(line.pickable, 'commit')} of {found.trunk} not on it", command


def _next_task(version: Version) -> str:
    """Return the task that makes what is missing: the part's own, or for several the whole release's, which goes on."""
    number = version.version
    kind = "patch" if number.patch else "minor" if number.minor else "major"
    if version.components:
        kind = f"component --name {version.components[0]}"
    alone = {
        "platform": f"platform.watch --version {number}",
        "wheel": f"sdk.release --version {number}",
        "images": f"image.release --version {version.image}",
        "pull request": f"image.pr --version {number} --merge",
        "GitHub Release": f"release.notes --version {number} --publish",
    }
    return alone[version.missing[0]] if len(version.missing) == 1 else f"release.{kind} --version {number}"


def print_status(context: Context, found: Overview) -> None:
    """Print the tables of lines and versions, and what to type next."""
    names = ("line", "branch", "head", "newest", "unreleased", "pickable")
    rows = [
        (one.line, one.branch or "no branch", one.head[:9], one.newest or "none", *one.counts) for one in found.lines
    ]
    context.report.rows(names, rows)
    if found.more:
        context.report.line(f"{amount(found.more, 'more line')}: inv release.status --last {found.all_versions}")
    versions = [(each.label, *(each.parts[name].cell(found.at) for name in PARTS)) for each in found.versions]
    context.report.rows(("version", *(SHORT.get(name, name) for name in PARTS)), versions)
    for note in withdrawn_notes(found):
        context.report.step("note", note)
    for each in found.versions:
        for name, part in each.parts.items():
            if part.state == "unknown" and part.note:
                context.report.step("unknown", f"{each.version} {name}: {part.note}")
    for what, command in hints(found):
        context.report.line(what)
        context.report.line(f"  {command}")


def watch_status(context: Context, look: Callable[[], Overview]) -> None:
    """Keep showing the versions, what comes next and how long it usually takes, until Ctrl-C or for --timeout.

    Raises Waiting where a version is still on its way then.
    """
    last = look()

    def _look(_: Wait) -> bool:
        nonlocal last
        context.look_anew()
        last = look()
        context.report.progress([_progress(each, last) for each in last.versions])
        return False

    def _end(_: float = 0) -> Waiting:
        return Waiting("stopped watching", "The same command watches again.")

    with suppress(Waiting):
        wait_until(context, _look, late=_end, stopped=_end)
    going = [each for line in last.lines if (each := _unfinished(line, last))]
    if going:
        what = f"{going[0].version} is not out yet: {', '.join(going[0].missing)}"
        raise Waiting(what, f"inv {_next_task(going[0])}")


def _progress(version: Version, found: Overview) -> Progress:
    """Return a version's row: the marks of its parts and, of one on its way, what is next and how long that takes."""
    marks = "  ".join(f"{MARKS[version.parts[name].state]} {SHORT.get(name, name)}" for name in PARTS)
    names = {"version": version.label, "next": "", "took": ""}
    if version not in [_unfinished(line, found) for line in found.lines]:
        return Progress(names, marks)
    if took := usual_times(found, version):
        names["took"] = last_times(took)
    names["next"] = f"inv {_next_task(version)}"
    begun = found.at - parse_time(version.at).timestamp() if version.at else None
    return Progress(names, marks, begun, ticks=begun is not None)


def emit_status(context: Context, found: Overview) -> None:
    """Print the same as JSON: an object a line, a version, a hint."""
    for line in found.lines:
        context.report.emit(event="line", **{**vars(line), "line": str(line.line), "newest": str(line.newest or "")})
    for each in found.versions:
        names = {"version": str(each.version), "line": str(line_of(each.version)), "sha": each.sha}
        parts = {name: vars(part) for name, part in each.parts.items()}
        context.report.emit(
            event="version", **names, image=str(each.image or ""), parts=parts, withdrawn=each.withdrawn
        )
    for version, why in found.given_up.items():
        context.report.emit(event="withdrawn", version=version, withdrawn=why)
    for what, command in hints(found):
        context.report.emit(event="hint", what=what, command=command)
