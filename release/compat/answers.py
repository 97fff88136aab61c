"""The gate before an individual release: does everything in the line still fit together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cache, partial

from release.call.context import Context
from release.call.parallel import side_by_side
from release.compat.interfaces import COMMIT, Answer, Pair, Side, Tools, answer, is_compared, pairs
from release.compat.verdicts import Change, Verdict, could_not_tell, worst_verdict
from release.errors import Blocked, CouldNotTellError, Usage
from release.git.fetch import need_objects
from release.git.lines import newest_line, taken_versions
from release.git.objects import existing_paths, files
from release.git.refs import RemoteRef, brief
from release.git.repository import repository
from release.git.tags import TaggedRelease, last_release
from release.git.withdrawals import withdrawn_versions
from release.settings import Component
from release.versions import Line, line_of, next_version

SHOWN = 5  # changes of one comparison


def gate(context: Context, part: Component, sha: str, there: Sequence[TaggedRelease]) -> list[Answer]:
    """Answer every comparison that the release of the component at the commit needs, against the line's tags.

    What was withdrawn is none to fit in with: mending it may take back what it brought.
    """
    gone = {version for each in there[:1] for version in withdrawn_versions(context, line_of(each.version))}
    there = [each for each in there if each.version not in gone]
    known = context.settings.components
    read = cache(partial(_side, context, known))
    tools = Tools(oasdiff=context.settings.release.oasdiff)
    comparisons: list[Callable[[], Answer]] = []
    for pair in pairs(part.name, known):
        before, after = _place(pair.before, sha, there), _place(pair.after, sha, there)
        try:
            comparisons.append(partial(answer, pair, read(pair.owner, *before), read(pair.owner, *after), tools))
        except CouldNotTellError as error:
            comparisons.append(partial(Answer, pair, before[0], after[0], could_not_tell(str(error))))
    return side_by_side(comparisons)


def verdict_of(answers: Sequence[Answer]) -> Verdict:
    """Return the worst verdict of the gate's answers."""
    return worst_verdict(answer.comparison.verdict for answer in answers)


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
    verdict = verdict_of(answers)
    what = f"{part.name} at {brief(sha)}"
    if verdict is Verdict.COMPATIBLE:
        context.report.step("holds", f"{what} may be released alone in {line}")
        return
    together = f"inv release.minor --version {next_version(taken_versions(context), 'minor')}"
    if verdict is Verdict.INCOMPATIBLE:
        raise Blocked(f"{what} is incompatible with {line}", f"Make a coordinated release: {together}")
    reasons = [answer.comparison.why for answer in answers if answer.comparison.verdict is Verdict.UNDECIDED]
    why = "\n".join([f"could not tell whether {what} is compatible with {line}:", *dict.fromkeys(reasons)])
    hint = f'Mend that; or answer for it: inv release.component --name {part.name} --accept "REASON"'
    raise Blocked(why, f"{hint}\nOr make a coordinated release: {together}")


def current_line(context: Context) -> Line:
    """Return the newest line; raise Blocked when nothing is released: there is nothing to fit in with."""
    try:
        return newest_line(context)
    except Usage as error:
        first = f"inv release.minor --version {next_version(taken_versions(context), 'minor')}"
        hint = f"Make the first coordinated release: {first}"
        raise Blocked("could not tell: nothing is released yet", hint) from error


def _place(moment: str, sha: str, there: Sequence[TaggedRelease]) -> tuple[str, RemoteRef | None]:
    """Return a moment's name for people and its commit; None for that when the line has no such release."""
    if moment == COMMIT:
        return brief(sha), RemoteRef("", sha, sha)
    found = last_release(there, moment)
    return (str(found.version), found.ref) if found else ("no release", None)


def _side(
    context: Context, known: Mapping[str, Component], owner: Component, name: str, ref: RemoteRef | None
) -> Side | None:
    """Return the owner's interface at the place; raises CouldNotTellError where it cannot be read."""
    if ref is None:
        return None
    repo = repository(context)
    if ref.name:
        need_objects(repo, [ref])
    there = existing_paths(repo, ref.sha, [part.path for part in known.values()])
    wanted = partial(is_compared, owner)
    content = files(repo, ref.sha, owner.source_path, wanted) if owner.kind != "none" else {}
    return Side(name, content, frozenset(part.name for part in known.values() if part.path in there))


def _label(pair: Pair) -> str:
    """Say in a few words what is compared; its direction is in the columns: what is at `from` has to be at `to`."""
    if pair.after != COMMIT:
        return f"what it uses of {pair.owner.name}"
    return pair.owner.name if pair.before == pair.owner.name else f"what {pair.before} uses of it"


def _rows(answer: Answer) -> Iterator[tuple[str, ...]]:
    found = answer.comparison
    yield _label(answer.pair), answer.before, answer.after, found.verdict.value, found.why
    for change in found.changes[:SHOWN]:
        yield "", "", "", "", change_text(change)
    if len(found.changes) > SHOWN:
        yield "", "", "", "", f"and {len(found.changes) - SHOWN} more (--json lists all)"


def change_text(change: Change) -> str:
    """Return a change as people read it: where it is, and what breaks."""
    where = f"{change.file}:{change.line}" if change.line else change.file
    before = " (before)" if change.gone else ""
    return f"{where}{before}  {change.what}" if where else change.what


def _facts(answer: Answer) -> dict[str, object]:
    found, pair = asdict(answer.comparison), {"pair": answer.pair.question, "component": answer.pair.owner.name}
    return {**pair, "from": answer.before, "to": answer.after, **found, "verdict": found["verdict"].value}
