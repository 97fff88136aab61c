"""What is on the trunk and not on a line: a table to choose picks from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone

from release.call.context import Context
from release.call.flags import Listing
from release.errors import Usage
from release.git.lines import needed_branch
from release.git.refs import RemoteRef, short_name
from release.git.repository import Repository, repository
from release.git.snapshot import remote, trunk
from release.github.api import github
from release.picks.backported import backported_commits
from release.picks.request import pull_number
from release.versions import Line

FIX = re.compile(r"(?:hot|bug)?fix(?:e[sd])?\b", re.IGNORECASE)
_FORMAT = "%x1e%H%x1f%P%x1f%an%x1f%aI%x1f%cI%x1f%s%x1f"
_FIELDS = 7


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
    found = _filtered(context, candidates_of(repository(context), head.sha, trunk.sha), listing, (head, trunk))
    if context.report.json:
        for each in found:
            context.report.emit(
                sha=each.sha,
                pull=each.pull or None,
                title=each.title,
                author=each.author,
                date=each.date,
                files=each.files,
                fix=each.is_fix,
            )
        return found
    rows = [_row(each) for each in found]
    context.report.rows(("commit", "pull", "", "title", "author", "date", "files"), rows)
    context.report.line(f"{len(found)} on {short_name(trunk)} and not on {short_name(head)}")
    return found


def line_and_trunk(context: Context, line: Line) -> tuple[RemoteRef, RemoteRef]:
    """Return the line's release branch and the trunk as the remote has them; their history is here."""
    head = needed_branch(context, line)
    sha = remote(context).head_sha(trunk(context))
    if sha is None:
        raise Usage(f"the remote has no branch {trunk(context)}", "Set release.trunk in invoke.yaml.")
    tip = RemoteRef(f"refs/heads/{trunk(context)}", sha, sha)
    repository(context).need_history([head, tip])
    return head, tip


def candidates_of(repo: Repository, head: str, trunk: str) -> list[Candidate]:
    """Return the trunk's commits that the line has neither itself nor by patch or trailer, newest first."""
    there = backported_commits(repo, head, trunk)
    found = list(
        _parsed(repo.whole("log", "--topo-order", "-z", "--name-only", f"--format={_FORMAT}", f"{head}..{trunk}"))
    )
    pulls = _pulls(found, trunk)
    return [
        Candidate(**{**vars(each), "pull": pulls.get(each.sha, 0)})
        for each in found
        if len(each.parents) < 2 and each.sha not in there
    ]


def _filtered(
    context: Context, found: Sequence[Candidate], listing: Listing, ends: tuple[RemoteRef, RemoteRef]
) -> list[Candidate]:
    """Return the candidates that pass every filter."""
    kept = list(found)
    if listing.since:
        since = _day(listing.since)
        kept = [each for each in kept if datetime.fromisoformat(each.committed.replace("Z", "+00:00")) >= since]
    if listing.path:
        head, trunk = ends
        touching = set(repository(context).whole("rev-list", f"{head.sha}..{trunk.sha}", "--", *listing.path).split())
        kept = [each for each in kept if each.sha in touching]
    if listing.label and kept:
        labelled = labelled_pulls(context, listing.label)
        unnamed = sum(not each.pull for each in kept)
        if unnamed:
            context.report.step("note", f"{unnamed} commits name no pull request, and so have no label")
        kept = [each for each in kept if each.pull in labelled]
    return kept


def labelled_pulls(context: Context, labels: Sequence[str]) -> set[int]:
    """Return the numbers of the merged pull requests that have one of the labels: one search, all its pages."""
    if any('"' in label for label in labels):
        raise Usage("a label has no quotes in it", "Give it as GitHub shows it: --label backport")
    wanted = ",".join(f'"{label}"' for label in labels)
    query = f"repo:{github(context).repository} is:pr is:merged label:{wanted}"
    return {item["number"] for item in github(context).pages("/search/issues", key="items", q=query)}


def _parsed(log: str) -> Iterator[Candidate]:
    for entry in log.split("\x1e"):
        parts = entry.split("\x1f", _FIELDS - 1)
        if len(parts) == _FIELDS:
            sha, above, author, date, committed, title, rest = parts
            files = tuple(name for name in rest.replace("\n", "").split("\0") if name)
            yield Candidate(sha, tuple(above.split()), author, date, committed, title, files)


def _pulls(found: Sequence[Candidate], trunk: str) -> dict[str, int]:
    """Return the pull request that brought each commit: its title names it, or that of the merge above it."""
    known = {each.sha: each for each in found}
    mainline: set[str] = set()
    at = trunk
    while at in known:
        mainline.add(at)
        at = known[at].parents[0] if known[at].parents else ""
    pulls: dict[str, int] = {}
    for each in found:  # children first
        own = pull_number(each.title)
        if own:
            pulls[each.sha] = own
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
    return each.sha[:9], pull, mark, each.title, each.author, each.date[:10], _some(each.files)


def _some(files: Sequence[str]) -> str:
    shown = ", ".join(files[:2])
    return f"{shown}, +{len(files) - 2}" if len(files) > 2 else shown
