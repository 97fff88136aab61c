"""The commits that a person asks for: by commit or by pull request, put into the trunk's order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from release.call.context import Context
from release.call.flags import PickRequest
from release.errors import Failed, Usage
from release.git.refs import RemoteRef, short_name
from release.git.repository import Repository, repository
from release.github.api import github
from release.picks.history import title, titles


@dataclass(frozen=True)
class Pick:
    """One commit to pick; `mainline` is the parent that a merge commit's change is against."""

    sha: str
    title: str
    mainline: int = 0

    def __str__(self) -> str:
        return f"{self.sha[:9]} {self.title}"


def requested_picks(context: Context, wanted: PickRequest, trunk: RemoteRef, head: RemoteRef) -> list[Pick]:
    """Return the commits to pick, each once, in the trunk's order unless told otherwise; their history is here.

    Raises Usage for a commit that is not there, a merge commit without a parent to compare with, a pull
    request that is not merged, and for a commit off the trunk when nobody says yes to it.
    """
    repo = repository(context)
    found = [_pick(repo, repo.commit_sha(text), wanted.mainline) for text in wanted.commit]
    for text in wanted.pr:
        # The first parent of GitHub's merge commits is the base, which their change is against.
        found += [_pick(repo, sha, wanted.mainline or "1") for sha in pull_request_shas(context, text, trunk)]
    once = list({pick.sha: pick for pick in found}.values())
    _check_on_trunk(context, once, trunk)
    return once if wanted.keep_order or len(once) < 2 else _trunk_order(repo, once, trunk, head)


def pull_request_shas(context: Context, text: str, trunk: RemoteRef) -> list[str]:
    """Return the trunk's commits that a merged pull request became: a merge, a squash, or a rebased range.

    GitHub tells; where it does not answer or knows no such number, the trunk's titles do.
    """
    if not text.lstrip("#").isdigit():
        raise Usage(f"--pr {text} is no pull request's number", "Give one such as --pr 123.")
    number = int(text.lstrip("#"))
    repo, body = repository(context), None
    with suppress(Failed, Usage):
        body = github(context).find(f"pulls/{number}")
    if body is None:
        return _sha_by_title(repo, number, trunk)
    is_merged = body.get("merged") or body.get("merged_at")
    merged = (body.get("merge_commit_sha") or github(context).merge_commit(number)) if is_merged else ""
    if not merged:
        hint = f"Merge it into {short_name(trunk)} first: {body['html_url']}"
        raise Usage(f"pull request #{number} is not merged", hint)
    repo.need_commit(merged)
    messages = [each["commit"]["message"].strip() for each in github(context).pages(f"pulls/{number}/commits")]
    return _rebased_range(repo, merged, messages)


def _rebased_range(repo: Repository, merged: str, messages: Sequence[str]) -> list[str]:
    """Return the rebased range that ends in `merged` if that many commits say the same, else `merged` alone."""
    if len(messages) < 2 or len(repo.parents(merged)) > 1:
        return [merged]
    listed = repo.whole("log", "--first-parent", f"--max-count={len(messages)}", "-z", "--format=%H%n%B", merged, "--")
    entries = [entry.partition("\n") for entry in reversed(listed.split("\0")) if entry]
    same = [message.strip() for _, _, message in entries] == list(messages)
    return [sha for sha, _, _ in entries] if same else [merged]


def _sha_by_title(repo: Repository, number: int, trunk: RemoteRef) -> list[str]:
    """Return the trunk's commit whose title names the pull request."""
    listed = titles(repo, "--first-parent", trunk.sha, "--")
    found = [sha for sha, text in listed.items() if pull_number(text) == number][:1]
    if not found:
        problem = f"there is no merged pull request #{number}, on GitHub or in the trunk's titles"
        raise Usage(problem, "Name its commits instead: --commit SHA")
    return found


def pull_number(title: str) -> int:
    """Return the number of the pull request that a commit's title names as GitHub writes it, else 0."""
    found = re.match(r"Merge pull request #([0-9]+) from ", title) or re.search(r"\(#([0-9]+)\)$", title)
    return int(found[1]) if found else 0


def _pick(repo: Repository, sha: str, mainline: str) -> Pick:
    """Return the commit as a pick; `mainline` is for merge commits alone, which need one."""
    above, found = repo.parents(sha), Pick(sha, title(repo, sha))
    if len(above) < 2:
        return found
    listed = "\n".join(f"  {number}  {Pick(each, title(repo, each))}" for number, each in enumerate(above, 1))
    if not mainline:
        hint = "Say which one its change is against: --mainline 1 is mostly the trunk."
        raise Usage(f"{found} is a merge commit; its parents are\n{listed}", hint)
    if not mainline.isdigit() or not 1 <= int(mainline) <= len(above):
        raise Usage(f"--mainline {mainline}: {found} has these parents\n{listed}", "Give a number of this list.")
    return replace(found, mainline=int(mainline))


def _check_on_trunk(context: Context, found: Sequence[Pick], trunk: RemoteRef) -> None:
    """Raise Usage for a commit that is not on the trunk, unless a person says yes to it."""
    repo, name = repository(context), short_name(trunk)
    off = [pick for pick in found if not repo.is_ancestor(pick.sha, trunk.sha)]
    if not off:
        return
    if not context.report.interactive:
        listed = "\n".join(f"  {pick}" for pick in off)
        raise Usage(f"not on {name}:\n{listed}", f"Merge it into {name} first, then pick it from there.")
    context.report.step("note", f"not on {name}: {', '.join(map(str, off))}")
    if not context.dry and not context.report.ask(f"Pick what is not on {name}?"):
        raise Usage("Not confirmed; nothing was written", f"Merge it into {name} first, then pick it from there.")


def _trunk_order(repo: Repository, found: Sequence[Pick], trunk: RemoteRef, head: RemoteRef) -> list[Pick]:
    """Return the commits in the trunk's order; those that are not beyond the line come last."""
    listed = repo.whole("rev-list", "--topo-order", "--reverse", f"{head.sha}..{trunk.sha}", "--").split()
    place = {sha: number for number, sha in enumerate(listed)}
    return sorted(found, key=lambda pick: place.get(pick.sha, len(place)))
