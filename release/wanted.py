"""The commits that a person asks for: by commit or by pull request, put into the trunk's order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from release.errors import Failed, ReleaseError, Usage
from release.refs import RemoteRef

if TYPE_CHECKING:
    from release.repo import Repo
    from release.world import World


@dataclass(frozen=True)
class Wanted:
    """What to pick, as flags say it, and how."""

    commit: tuple[str, ...] = ()
    pr: tuple[str, ...] = ()
    mainline: str = ""
    keep_order: bool = False
    via_pr: bool = False

    @property
    def anything(self) -> bool:
        """Whether any commit is asked for."""
        return bool(self.commit or self.pr)


NOTHING = Wanted()


@dataclass(frozen=True)
class Change:
    """One commit to pick; `mainline` is the parent that a merge commit's change is against."""

    sha: str
    title: str
    mainline: int = 0

    def __str__(self) -> str:
        return f"{self.sha[:9]} {self.title}"


def changes(world: World, wanted: Wanted, trunk: RemoteRef, head: RemoteRef) -> list[Change]:
    """Return the commits to pick, each once, in the trunk's order unless told otherwise; their history is here.

    Raises Usage for a commit that is not there, a merge commit without a parent to compare with, a pull
    request that is not merged, and for a commit off the trunk when nobody says yes to it.
    """
    found = [_change(world.repo, world.repo.commit_sha(text), wanted.mainline) for text in wanted.commit]
    for text in wanted.pr:
        found += [_of_pull(world.repo, sha, wanted.mainline) for sha in pull_shas(world, text, trunk)]
    once = list({change.sha: change for change in found}.values())
    _check_on_trunk(world, once, trunk)
    return once if wanted.keep_order else _in_order(world.repo, once, trunk, head)


def pull_shas(world: World, text: str, trunk: RemoteRef) -> list[str]:
    """Return the trunk's commits that a merged pull request became: a merge, a squash, or a rebased range.

    GitHub tells; where it does not answer or knows no such number, the trunk's titles do.
    """
    if not text.lstrip("#").isdigit():
        raise Usage(f"--pr {text} is no pull request's number", "Give one such as --pr 123.")
    number = int(text.lstrip("#"))
    try:
        body = world.github.find(f"pulls/{number}")
    except (Failed, Usage):
        body = None
    if body is None:
        return _titled(world.repo, number, trunk)
    merged = body.get("merge_commit_sha")
    if not (body.get("merged") or body.get("merged_at")) or not merged:
        raise Usage(f"pull request #{number} is not merged", f"Merge it into {world.trunk} first: {body['html_url']}")
    world.repo.need_commit(merged)
    messages = [each["commit"]["message"].strip() for each in world.github.pages(f"pulls/{number}/commits")]
    return _landed(world.repo, merged, messages)


def _landed(repo: Repo, merged: str, messages: Sequence[str]) -> list[str]:
    """Return the rebased range that ends in `merged` if that many commits say the same, else `merged` alone."""
    if len(messages) < 2 or len(parents(repo, merged)) > 1:
        return [merged]
    listed = repo.whole("log", "--first-parent", f"--max-count={len(messages)}", "-z", "--format=%H%n%B", merged, "--")
    entries = [entry.partition("\n") for entry in reversed(listed.split("\0")) if entry]
    same = [message.strip() for _, _, message in entries] == list(messages)
    return [sha for sha, _, _ in entries] if same else [merged]


def _titled(repo: Repo, number: int, trunk: RemoteRef) -> list[str]:
    """Return the trunk's commit whose title names the pull request."""
    listed = repo.whole("log", "--first-parent", "--format=%H %s", trunk.sha, "--").splitlines()
    found = [sha for sha, _, title in (text.partition(" ") for text in listed) if pull_number(title) == number]
    if not found:
        raise Usage(
            f"there is no merged pull request #{number}, on GitHub or in the trunk's titles",
            "Name its commits instead: --commit SHA",
        )
    return found[:1]


def pull_number(title: str) -> int:
    """Return the number of the pull request that a commit's title names as GitHub writes it, else 0."""
    merge = re.match(r"Merge pull request #([0-9]+) from ", title)
    squash = re.search(r"\(#([0-9]+)\)$", title)
    found = merge or squash
    return int(found[1]) if found else 0


def parents(repo: Repo, sha: str) -> list[str]:
    """Return the commit's parents, those beyond a shallow clone's cut too."""
    return repo.whole("rev-list", "--parents", "--max-count=1", sha, "--").split(" ")[1:]


def title(repo: Repo, sha: str) -> str:
    """Return the commit's title."""
    return repo.whole("log", "--max-count=1", "--format=%s", sha, "--")


def _of_pull(repo: Repo, sha: str, mainline: str) -> Change:
    """Return the commit; for GitHub's merge commits the change is against the first parent, its base."""
    return _change(repo, sha, mainline or ("1" if len(parents(repo, sha)) > 1 else ""))


def _change(repo: Repo, sha: str, mainline: str) -> Change:
    above = parents(repo, sha)
    found = Change(sha, title(repo, sha))
    if len(above) < 2:
        return found
    listed = "\n".join(f"  {number}  {Change(each, title(repo, each))}" for number, each in enumerate(above, 1))
    if not mainline:
        raise Usage(
            f"{found} is a merge commit; its parents are\n{listed}",
            "Say which one its change is against: --mainline 1 is mostly the trunk.",
        )
    if not mainline.isdigit() or not 1 <= int(mainline) <= len(above):
        raise Usage(f"--mainline {mainline}: {found} has these parents\n{listed}", "Give a number of this list.")
    return replace(found, mainline=int(mainline))


def _check_on_trunk(world: World, found: Sequence[Change], trunk: RemoteRef) -> None:
    """Raise Usage for a commit that is not on the trunk, unless a person says yes to it."""
    off = [change for change in found if not on(world.repo, change.sha, trunk.sha)]
    if not off:
        return
    listed = "\n".join(f"  {change}" for change in off)
    if not world.report.interactive:
        raise Usage(f"not on {world.trunk}:\n{listed}", f"Merge it into {world.trunk} first, then pick it from there.")
    world.report.step("note", f"not on {world.trunk}: {', '.join(str(change) for change in off)}")
    if not world.dry and not world.report.ask(f"Pick what is not on {world.trunk}?"):
        raise Usage("not done", "Nothing was written.")


def on(repo: Repo, sha: str, head: str) -> bool:
    """Whether the commit is in the history of `head`, beyond a shallow clone's cut too."""
    try:
        repo.whole("merge-base", "--is-ancestor", sha, head)
    except ReleaseError:
        return False
    return True


def _in_order(repo: Repo, found: Sequence[Change], trunk: RemoteRef, head: RemoteRef) -> list[Change]:
    """Return the commits in the trunk's order; those that are not beyond the line come last."""
    if len(found) < 2:
        return list(found)
    listed = repo.whole("rev-list", "--topo-order", "--reverse", f"{head.sha}..{trunk.sha}", "--").split()
    place = {sha: number for number, sha in enumerate(listed)}
    return sorted(found, key=lambda change: place.get(change.sha, len(place)))
