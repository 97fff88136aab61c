"""The gate before an individual release: does everything in the line still fit together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, partial

from release.call.context import Context
from release.compat.components import COMMIT, Pair, pairs
from release.compat.interfaces import Answer, Snapshot, Tools, answer
from release.compat.verdicts import Change, Verdict, could_not_tell, overall
from release.errors import Blocked, CouldNotTellError, Usage
from release.git.lines import line_versions, newest_line
from release.git.objects import existing_paths, files
from release.git.refs import RemoteRef, brief
from release.git.repository import repository
from release.git.tags import TaggedRelease, last_release
from release.settings import Component, components_of
from release.versions import Line, next_version

SHOWN = 5  # changes of one comparison
Place = tuple[str, RemoteRef]


def gate(context: Context, part: Component, sha: str, there: Sequence[TaggedRelease]) -> list[Answer]:
    """Answer every comparison that the release of the component at the commit needs, against the line's tags."""
    known = components(context)
    read = cache(partial(_snapshot, context, known))
    tools = Tools(oasdiff=context.settings.release.oasdiff)
    answers = []
    for pair in pairs(part.name, known):
        before, after = _place(pair.before, sha, there), _place(pair.after, sha, there)
        try:
            answers.append(answer(pair, read(pair.owner, before), read(pair.owner, after), tools))
        except CouldNotTellError as error:
            answers.append(Answer(pair, _name(before), _name(after), could_not_tell(str(error))))
    return answers


def show_answers(context: Context, answers: Sequence[Answer]) -> None:
    """Print the table: each pair's verdict with its first breaking changes, then what was not looked at."""
    if context.report.json:
        for answer in answers:
            context.report.emit(**_facts(answer))
        return
    rows = [row for answer in answers for row in _rows(answer)]
    context.report.rows(("pair", "from", "to", "verdict", "why"), rows)
    left = dict.fromkeys(each for answer in answers for each in answer.comparison.not_covered)
    if left:
        context.report.line(f"Not looked at: {'; '.join(left)}.")


def check_open(context: Context, part: Component, sha: str, line: Line, answers: Sequence[Answer]) -> None:
    """Raise Blocked unless every comparison came out compatible: could not tell blocks as incompatible does."""
    verdict = overall(answer.comparison.verdict for answer in answers)
    what = f"{part.name} at {brief(sha)}"
    if verdict is Verdict.COMPATIBLE:
        context.report.step("made", f"{what} may be released alone in {line}")
        return
    together = f"inv release.minor --version {next_version(line_versions(context), 'minor')}"
    if verdict is Verdict.INCOMPATIBLE:
        raise Blocked(f"{what} is incompatible with {line}", f"Make a coordinated release: {together}")
    reasons = [answer.comparison.why for answer in answers if answer.comparison.verdict is Verdict.UNDECIDED]
    raise Blocked(
        f"could not tell whether {what} is compatible with {line}:\n" + "\n".join(dict.fromkeys(reasons)),
        f'Mend that; or answer for it: inv release.component --name {part.name} --accept "REASON"\n'
        f"Or make a coordinated release: {together}",
    )


def components(context: Context) -> dict[str, Component]:
    """Return the components of the settings, by name."""
    return components_of(context.settings.release.components)


def component_named(context: Context, name: str) -> Component:
    """Return the component; raise Usage naming those there are."""
    known = components(context)
    if name not in known:
        problem = f"there is no component {name!r}" if name else "which component?"
        raise Usage(problem, f"Give --name, one of: {', '.join(sorted(known))} (release.components in invoke.yaml)")
    return known[name]


def current_line(context: Context) -> Line:
    """Return the newest line; raise Blocked when nothing is released: there is nothing to fit in with."""
    try:
        return newest_line(context)
    except Usage as error:
        first = next_version(line_versions(context), "minor")
        raise Blocked(
            "could not tell: nothing is released yet",
            f"Make the first coordinated release: inv release.minor --version {first}",
        ) from error


def _place(moment: str, sha: str, there: Sequence[TaggedRelease]) -> Place | None:
    """Return a moment's name for people and its commit, or None when the line has no such release."""
    if moment == COMMIT:
        return brief(sha), RemoteRef("", sha, sha)
    found = last_release(there, moment)
    return (str(found.version), found.ref) if found else None


def _name(place: Place | None) -> str:
    return place[0] if place else "no release"


def _snapshot(
    context: Context, known: Mapping[str, Component], owner: Component, place: Place | None
) -> Snapshot | None:
    """Return the owner's interface at the place; raises CouldNotTellError where it cannot be read."""
    if place is None:
        return None
    name, ref = place
    if ref.name:
        repository(context).need_objects([ref])
    there = existing_paths(repository(context), ref.sha, [part.path for part in known.values()])
    content = files(repository(context), ref.sha, owner.source_path) if owner.kind != "none" else {}
    return Snapshot(name, content, frozenset(part.name for part in known.values() if part.path in there))


def _label(pair: Pair) -> str:
    """Say in a few words what is compared; its direction is in the columns: what is at `from` has to be at `to`."""
    if pair.after != COMMIT:
        return f"what it uses of {pair.owner.name}"
    return pair.owner.name if pair.before == pair.owner.name else f"what {pair.before} uses of it"


def _rows(answer: Answer) -> Iterator[tuple[str, ...]]:
    found = answer.comparison
    yield _label(answer.pair), answer.before, answer.after, found.verdict.value, found.why
    for change in found.changes[:SHOWN]:
        yield "", "", "", "", _change(change)
    if len(found.changes) > SHOWN:
        yield "", "", "", "", f"and {len(found.changes) - SHOWN} more (--json lists all)"


def _change(change: Change) -> str:
    where = f"{change.file}:{change.line}" if change.line else change.file
    before = " (before)" if change.gone else ""
    return f"{where}{before}  {change.what}" if where else change.what


def _facts(answer: Answer) -> dict[str, object]:
    found = answer.comparison
    return {
        "pair": answer.pair.question,
        "component": answer.pair.owner.name,
        "from": answer.before,
        "to": answer.after,
        "verdict": found.verdict.value,
        "why": found.why,
        "changes": [
            {"what": each.what, "file": each.file, "line": each.line, "certain": each.certain, "gone": each.gone}
            for each in found.changes
        ],
        "not_covered": list(found.not_covered),
    }
