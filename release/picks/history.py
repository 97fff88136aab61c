"""What the history tells of commits and of picks, beyond a shallow clone's cut too."""

from __future__ import annotations

import re

from release.git.refs import printed_lines
from release.git.repository import Repository

TRAILER = re.compile(r"^\(cherry picked from commit ([0-9a-f]{40,64})\)$", re.MULTILINE)
REVERT = re.compile(r"^This reverts commit ([0-9a-f]{40,64})", re.MULTILINE)


def titles(repo: Repository, *revisions: str) -> dict[str, str]:
    """Return the titles of the commits that git-log(1) lists for these, newest first."""
    listed = printed_lines(repo.whole("log", "--format=%H %s", *revisions))
    return {sha: title for sha, _, title in (text.partition(" ") for text in listed)}


def title(repo: Repository, sha: str) -> str:
    """Return the commit's title."""
    return titles(repo, "--max-count=1", sha, "--")[sha]


def pick_sources(repo: Repository, revisions: str) -> dict[str, str]:
    """Return what the commits say they were picked from, each with the commit that says so, oldest first.

    A pick of a pick says both; the last one is what it was made from.
    """
    return {source: sha for sha, message in _messages(repo, revisions) for source in TRAILER.findall(message)[-1:]}


def backported_commits(repo: Repository, head: str, trunk: str) -> dict[str, str]:
    """Return the trunk's commits that the line has by another commit, with that one; "" where the patch alone tells.

    A pick that was reverted on the line is not there, whatever its patch-id (git-patch-id(1)).
    """
    there: dict[str, str] = {}
    undone: set[str] = set()
    reverted: set[str] = set()
    # Newest first: a revert is met before what it reverts, and a pick made again before the revert of the first.
    for sha, message in reversed(_messages(repo, f"{trunk}..{head}")):
        found = set(TRAILER.findall(message))
        if sha in reverted:
            undone |= found - there.keys()
        else:
            reverted |= set(REVERT.findall(message))
            there.update(dict.fromkeys(found - undone - there.keys(), sha))
    options = ("--cherry-mark", "--right-only", "--no-merges")
    marked = repo.whole("rev-list", *options, f"{head}...{trunk}", "--").splitlines()
    alike = [text[1:] for text in marked if text.startswith("=")]
    return {**{sha: "" for sha in alike if sha not in undone}, **there}


def _messages(repo: Repository, revisions: str) -> list[tuple[str, str]]:
    """Return each commit with its message, parents first."""
    listed = repo.whole("log", "--topo-order", "--reverse", "-z", "--format=%H%n%B", revisions, "--").split("\0")
    return [(entry[: entry.index("\n")], entry) for entry in listed if "\n" in entry]
