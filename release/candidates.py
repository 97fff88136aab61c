"""What is on the trunk and not on a line: a table to choose picks from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from release.backported import backported
from release.errors import Usage
from release.lines import needed_branch, short
from release.refs import RemoteRef
from release.versions import Line
from release.wanted import pull_number

if TYPE_CHECKING:
    from release.repo import Repo
    from release.world import World

FIX = re.compile(r"(?:hot|bug)?fix(?:e[sd])?\b", re.IGNORECASE)
_FORMAT = "%x1e%H%x1f%P%x1f%an%x1f%aI%x1f%cI%x1f%s%x1f"
_FIELDS = 7


@dataclass(frozen=True)
class Listing:
    """The candidates to show: all, or those of labels, from a day on, or that touch paths."""

    candidates: bool = False
    label: tuple[str, ...] = ()
    since: str = ""
    path: tuple[str, ...] = ()


NO_LIST = Listing()


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


def show(world: World, line: Line, listing: Listing) -> list[Candidate]:
    """Print the table of candidates, newest first, and return them."""
    head, trunk = heads(world, line)
    found = filtered(world, candidates(world.repo, head.sha, trunk.sha), listing, (head, trunk))
    if world.report.json:
        for each in found:
            world.report.emit(
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
    world.report.rows(("commit", "pull", "", "title", "author", "date", "files"), rows)
    world.report.line(f"{len(found)} on {world.trunk} and not on {short(head)}")
    return found


def heads(world: World, line: Line) -> tuple[RemoteRef, RemoteRef]:
    """Return the line's release branch and the trunk as the remote has them; their history is here."""
    head = needed_branch(world, line)
    sha = world.repo.head_sha(world.trunk)
    if sha is None:
        raise Usage(f"the remote has no branch {world.trunk}", "Set release.trunk in invoke.yaml.")
    trunk = RemoteRef(f"refs/heads/{world.trunk}", sha, sha)
    world.repo.need_history([head, trunk])
    return head, trunk


def candidates(repo: Repo, head: str, trunk: str) -> list[Candidate]:
    """Return the trunk's commits that the line has neither itself nor by patch or trailer, newest first."""
    there = backported(repo, head, trunk)
    found = list(
        _parsed(repo.whole("log", "--topo-order", "-z", "--name-only", f"--format={_FORMAT}", f"{head}..{trunk}"))
    )
    pulls = _pulls(found, trunk)
    return [
        Candidate(**{**vars(each), "pull": pulls.get(each.sha, 0)})
        for each in found
        if len(each.parents) < 2 and each.sha not in there
    ]


def filtered(
    world: World, found: Sequence[Candidate], listing: Listing, ends: tuple[RemoteRef, RemoteRef]
) -> list[Candidate]:
    """Return the candidates that pass every filter."""
    kept = list(found)
    if listing.since:
        since = _day(listing.since)
        kept = [each for each in kept if datetime.fromisoformat(each.committed.replace("Z", "+00:00")) >= since]
    if listing.path:
        head, trunk = ends
        touching = set(world.repo.whole("rev-list", f"{head.sha}..{trunk.sha}", "--", *listing.path).split())
        kept = [each for each in kept if each.sha in touching]
    if listing.label and kept:
        labelled = labelled_pulls(world, listing.label)
        unnamed = sum(not each.pull for each in kept)
        if unnamed:
            world.report.step("note", f"{unnamed} commits name no pull request, and so have no label")
        kept = [each for each in kept if each.pull in labelled]
    return kept


def labelled_pulls(world: World, labels: Sequence[str]) -> set[int]:
    """Return the numbers of the merged pull requests that have one of the labels: one search, all its pages."""
    if any('"' in label for label in labels):
        raise Usage("a label has no quotes in it", "Give it as GitHub shows it: --label backport")
    wanted = ",".join(f'"{label}"' for label in labels)
    query = f"repo:{world.github.repository} is:pr is:merged label:{wanted}"
    return {item["number"] for item in world.github.pages("/search/issues", key="items", q=query)}


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
