"""What merging a pull request means: the next version, what it breaks, and whether each line can have it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import semver

from release.call.context import Context
from release.call.ensure import ensure
from release.call.texts import markdown_text
from release.compat import Answer, Verdict, change_text, current_line, gate, verdict_of
from release.errors import Blocked, Usage
from release.git.lines import release_branches, taken_versions
from release.git.refs import RemoteRef, short_name
from release.git.repository import repository
from release.git.tags import tagged_releases, trunk_ref
from release.github.api import github
from release.github.pulls import PullRequest, pull_request
from release.picks.candidates import Candidate, missing_backports
from release.picks.prediction import CLEAN, NEEDS, THERE, Prediction, merged_commit, predictions
from release.versions import Line, next_version

MARK = "<!-- release.preview -->"
SHOWN = 20  # changes of a component
STATUS = {CLEAN: "holds", THERE: "note", NEEDS: "note"}


@dataclass(frozen=True)
class Change:
    """What would be merged: a ref, the branch it goes to, and its pull request where there is one."""

    head: RemoteRef
    base: RemoteRef
    pull: PullRequest | None = None

    @property
    def name(self) -> str:
        """What people call it."""
        return f"#{self.pull.number} {self.pull.title}" if self.pull else f"commit {self.head.sha[:9]}"


@dataclass(frozen=True)
class Preview:
    """What there is to see before a change is merged; `fits` are the gate's answers by component."""

    change: Change
    version: semver.Version
    fits: Mapping[str, Sequence[Answer]]
    picks: Sequence[Prediction]
    missing: Mapping[Line, Sequence[Candidate]]


def change_of(context: Context, pr: str) -> Change:
    """Return the pull request's change: of the number, the one of Actions' event, or else what is checked out.

    Raises Usage for one that is not open or goes to another branch than the trunk, and where there is none.
    """
    number = pr.lstrip("#") or _event_number()
    repo, trunk = repository(context), trunk_ref(context)
    if not number:
        return Change(RemoteRef("HEAD", repo.head(), repo.head()), trunk)
    if not (number.isascii() and number.isdigit()):
        raise Usage(f"--pr {pr} is no pull request's number", "Give one such as --pr 123.")
    pull = pull_request(github(context), int(number))
    if pull.state != "open":
        became = "merged" if pull.merged else "closed"
        raise Usage(f"#{number} is {became}", f"To see a pick of it: inv --dry release.pick --pr {number}")
    if pull.base != short_name(trunk):
        raise Usage(f"#{number} goes to {pull.base}, not to {short_name(trunk)}", f"Look: {pull.url}")
    # Its own ref: the branch may be a fork's, or gone.
    return Change(RemoteRef(f"refs/pull/{number}/head", pull.head_sha, pull.head_sha), trunk, pull)


def _event_number() -> str:
    """Return the number of the pull request that started this job of Actions, or nothing."""
    path = os.environ.get("GITHUB_EVENT_PATH", "") if os.environ.get("GITHUB_ACTIONS") == "true" else ""
    try:
        event: Any = json.loads(Path(path).read_text(encoding="utf-8")) if path else {}
        return str((event.get("pull_request") or {}).get("number") or "")
    except (OSError, ValueError, AttributeError) as error:
        raise Usage(f"GITHUB_EVENT_PATH: {path} is no event of GitHub's", "Name the pull request: --pr") from error


def preview(context: Context, change: Change) -> Preview:
    """Return what merging the change means; nothing is written, here or there.

    Raises Failed where it conflicts with the branch it goes to.
    """
    sha = merged_commit(context, change.base, change.head)
    picks = predictions(context, sha, change.base)
    fits = dict(_fits(context, sha))
    missing = {line: missing_backports(context, line) for line in sorted(release_branches(context), reverse=True)}
    return Preview(change, next_version(taken_versions(context), "minor"), fits, picks, missing)


def _fits(context: Context, sha: str) -> Iterator[tuple[str, Sequence[Answer]]]:
    """Yield the gate's answers for each component that has an interface; none where nothing is released yet."""
    try:
        there = tagged_releases(context, current_line(context))
    except Blocked:
        return
    for name, part in sorted(context.settings.components.items()):
        yield name, gate(context, part, sha, there)


def show_preview(context: Context, found: Preview) -> None:
    """Print it: a line a component, a line a release line, a line a backport that is missing."""
    report = context.report
    report.line(f"{found.change.name} → {short_name(found.change.base)}")
    report.step("note", f"the next version is {found.version}", version=str(found.version))
    for name, answers in found.fits.items():
        verdict = verdict_of(answers).value
        status = {"compatible": "holds", "incompatible": "failed"}.get(verdict, "unknown")
        facts = {"component": name, "verdict": verdict, "breaks": _breaks(answers)}
        report.step(status, f"{name} alone: {verdict}{_why(answers)}", **facts)
        report.lines(_breaks(answers))
    for each in found.picks:
        facts = {"line": str(each.line), "pick": each.comes_to, "files": list(each.files)}
        needs = [pick.sha for pick in each.needs]
        report.step(STATUS.get(each.comes_to, "failed"), f"{each.line}: {_words(each)}", **facts, needs=needs)
    for line, missing in found.missing.items():
        for candidate in missing:
            what = f"{line}: #{candidate.pull} {candidate.title} is labelled for it, and not on it"
            report.step("note", what, line=str(line), pull=candidate.pull, sha=candidate.sha)


def _words(found: Prediction) -> str:
    if found.needs:
        return f"the pick needs first: {', '.join(map(str, found.needs))}"
    if found.files:
        return f"the pick conflicts in {', '.join(found.files)}"
    return "it is there already" if found.comes_to == THERE else "the pick is clean"


def _why(answers: Sequence[Answer]) -> str:
    """Return why it could not be told, where nothing else says so."""
    whys = [each.comparison.why for each in answers if each.comparison.verdict is Verdict.UNDECIDED]
    return f": {whys[0]}" if whys and not _breaks(answers) else ""


def _breaks(answers: Sequence[Answer]) -> list[str]:
    return [change_text(change) for answer in answers for change in answer.comparison.changes][:SHOWN]


def comment_preview(context: Context, found: Preview) -> None:
    """Keep one comment on the pull request up to date; writes at most once, and nothing where it says that already."""
    if found.change.pull is None:
        raise Usage("--comment needs a pull request", "Name it: --pr 123")
    number, text = found.change.pull.number, f"{MARK}\n{_markdown(found)}"

    def _mine() -> dict[str, Any] | None:
        listed = github(context).pages(f"issues/{number}/comments")
        return next((each for each in listed if str(each.get("body") or "").startswith(MARK)), None)

    def _find() -> bool | None:
        there = _mine()
        return True if there and there["body"] == text else None

    def _write() -> None:
        there = _mine()
        method, path = ("PATCH", f"issues/comments/{there['id']}") if there else ("POST", f"issues/{number}/comments")
        github(context).send(method, path, {"body": text})

    ensure(context, f"the comment on #{number}", find=_find, make=_write, planned=True)


def _markdown(found: Preview) -> str:
    rows = [f"| {each.line} | {markdown_text(_words(each))} |" for each in found.picks]
    fits = [f"* {name} alone: {verdict_of(answers).value}" for name, answers in found.fits.items()]
    breaks = [f"  * {markdown_text(text)}" for answers in found.fits.values() for text in _breaks(answers)]
    pulls = [(line, each.pull) for line, some in found.missing.items() for each in some]
    late = [f"* {line}: #{pull} is labelled for it, and not on it" for line, pull in pulls]
    table = ["| line | if it is picked |", "|---|---|", *rows] if rows else []
    return "\n".join([f"The next version is **{found.version}**.", "", *fits, *breaks, "", *table, "", *late, ""])
