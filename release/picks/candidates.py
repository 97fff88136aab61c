"""What is on the trunk and not on a line: a table to choose picks from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone

from release.call.context import Context
from release.call.flags import Listing
from release.call.texts import amount
from release.errors import Usage
from release.git.fetch import need_history
from release.git.lines import needed_branch
from release.git.refs import RemoteRef, short_name
from release.git.repository import Repository, repository
from release.git.tags import trunk_ref
from release.github.api import github
from release.picks.history import backported_commits
from release.picks.request import pull_number
from release.versions import Line

FIX = re.compile(r"(?:hot|bug)?fix(?:e[sd])?\b", re.IGNORECASE)
# NUL alone is in no author's name, title or path: one begins an entry, and ends each field and each path.
_FORMAT = "%x00%H%x00%P%x00%an%x00%aI%x00%cI%x00%s%x00"
_ENTRY = re.compile(r"\0" + r"([^\0]*)\0" * 6 + r"\0\n?((?:[^\0]+\0)*)")


@dataclass(frozen=True)
class Candidate:
    """One commit that could be picked; `pull` is 0 where the trunk's history names no pull request."""

    sha: str
    parents: tuple[str, ...]
    author: str
    date: str
    committed: str
    title: str
    files: tuple[str, ...]
    pull: int = field(default=0, compare=False)

    @property
    def is_fix(self) -> bool:
        """Whether the title says that it mends something."""
        return FIX.match(self.title) is not None


def show_candidates(context: Context, line: Line, listing: Listing) -> list[Candidate]:
    """Print the table of candidates, newest first, and return them."""
    head, trunk = line_and_trunk(context, line)
    every = candidates_of(repository(context), head.sha, trunk.sha)
    found = _selection(context, every, listing, f"{head.sha}..{trunk.sha}")
    if context.report.json:
        for each in found:
            shown = {"title": each.title, "author": each.author, "date": each.date, "files": each.files}
            context.report.emit(sha=each.sha, pull=each.pull or None, **shown, fix=each.is_fix)
        return found
    context.report.rows(("commit", "pull", "", "title", "author", "date", "files"), [_row(each) for each in found])
    context.report.line(f"{len(found)} on {short_name(trunk)} and not on {short_name(head)}")
    return found


def line_and_trunk(context: Context, line: Line) -> tuple[RemoteRef, RemoteRef]:
    """Return the line's release branch and the trunk as the remote has them; their history is here."""
    head = needed_branch(context, line)
    tip = trunk_ref(context)
    need_history(repository(context), [head, tip])
    return head, tip


def candidates_of(repo: Repository, head: str, trunk: str) -> list[Candidate]:
    """Return the trunk's commits that the line has neither itself nor by patch or trailer, newest first."""
    there = backported_commits(repo, head, trunk)
    log = repo.whole("log", "--topo-order", "-z", "--name-only", f"--format={_FORMAT}", f"{head}..{trunk}")
    found = list(_log_entries(log))
    pulls = _pulls(found, trunk)
    left = [each for each in found if len(each.parents) < 2 and each.sha not in there]
    return [replace(each, pull=pulls.get(each.sha, 0)) for each in left]


def _selection(context: Context, kept: list[Candidate], listing: Listing, revisions: str) -> list[Candidate]:
    """Return the candidates among these that pass every filter."""
    if listing.since:
        since = _day(listing.since)
        kept = [each for each in kept if datetime.fromisoformat(each.committed.replace("Z", "+00:00")) >= since]
    if listing.path:
        # Git's own pathspecs, and its own idea of what touches one: not the names in the table.
        touching = set(repository(context).whole("rev-list", revisions, "--", *listing.path).split())
        kept = [each for each in kept if each.sha in touching]
    if listing.label and kept:
        labelled = _labelled_pulls(context, listing.label)
        unnamed = sum(not each.pull for each in kept)
        if unnamed:
            context.report.step(
                "note", f"no pull request is named by {amount(unnamed, 'commit')}: without one there is no label"
            )
        kept = [each for each in kept if each.pull in labelled]
    return kept


def missing_backports(context: Context, line: Line) -> list[Candidate]:
    """Return the trunk's commits whose merged pull requests are labelled for the line, and that it lacks."""
    head, trunk = line_and_trunk(context, line)
    label = context.settings.release.backport_label.replace("{line}", str(line))
    labelled = _labelled_pulls(context, [label])
    found = candidates_of(repository(context), head.sha, trunk.sha) if labelled else []
    return [each for each in found if each.pull in labelled]


def _labelled_pulls(context: Context, labels: Sequence[str]) -> set[int]:
    """Return the numbers of the merged pull requests that have one of the labels: one search, all its pages."""
    if any('"' in label for label in labels):
        raise Usage("a label has no quotes in it", "Give it as GitHub shows it: --label backport")
    wanted = ",".join(f'"{label}"' for label in labels)
    query = f"repo:{github(context).repository} is:pr is:merged label:{wanted}"
    return {item["number"] for item in github(context).pages("/search/issues", key="items", q=query)}


def _log_entries(log: str) -> Iterator[Candidate]:
    for sha, above, author, date, committed, title, files in _ENTRY.findall(log):
        yield Candidate(sha, tuple(above.split()), author, date, committed, title, tuple(files.split("\0")[:-1]))


def _pulls(found: Sequence[Candidate], trunk: str) -> dict[str, int]:
    """Return the pull request that brought each commit: its title names it, or that of the merge above it."""
    parents = {each.sha: each.parents for each in found}
    mainline: set[str] = set()
    at = trunk
    while at in parents:
        mainline.add(at)
        at = next(iter(parents[at]), "")
    pulls: dict[str, int] = {}
    for each in found:  # children first
        own = pull_number(each.title)
        if own:
            pulls[each.sha] = own
        # A merge on the trunk brought what is above its other parents; below it, all parents came with the branch.
        brought = each.parents[1:] if each.sha in mainline else each.parents
        for parent in brought:
            if each.sha in pulls and parent not in mainline:
                pulls.setdefault(parent, pulls[each.sha])
    return pulls


def _day(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Usage(f"--since {text} is no day", "Give one such as --since 2026-11-01.") from error
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)


def _row(each: Candidate) -> tuple[str, ...]:
    pull, mark = f"#{each.pull}" if each.pull else "", "fix" if each.is_fix else ""
    more = f", +{len(each.files) - 2}" if len(each.files) > 2 else ""
    return each.sha[:9], pull, mark, each.title, each.author, each.date[:10], ", ".join(each.files[:2]) + more
