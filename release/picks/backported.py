"""Which of the trunk's commits a line has already, in commits of its own."""

from __future__ import annotations

import re

from release.git.repository import Repository

TRAILER = re.compile(r"^\(cherry picked from commit ([0-9a-f]{40,64})\)$", re.MULTILINE)
REVERT = re.compile(r"^This reverts commit ([0-9a-f]{40,64})", re.MULTILINE)


def pick_sources(repo: Repository, revisions: str) -> dict[str, str]:
    """Return what the commits say they were picked from, each with the commit that says so, oldest first."""
    return {source: sha for sha, message in _messages(repo, revisions) for source in TRAILER.findall(message)}


def backported_commits(repo: Repository, head: str, trunk: str) -> dict[str, str]:
    """Return the trunk's commits that the line has by another commit, with that one; "" where the patch alone tells.

    A pick that was reverted on the line is not there, whatever its patch-id (git-patch-id(1)).
    """
    there: dict[str, str] = {}
    undone: set[str] = set()
    reverted: set[str] = set()
    for sha, message in reversed(_messages(repo, f"{trunk}..{head}")):
        found = set(TRAILER.findall(message))
        if sha in reverted:
            undone |= found - there.keys()
        else:
            reverted |= set(REVERT.findall(message))
            there.update(dict.fromkeys(found - undone - there.keys(), sha))
    return {**{sha: "" for sha in same_patches(repo, head, trunk) if sha not in undone}, **there}


def same_patches(repo: Repository, head: str, trunk: str) -> list[str]:
    """Return the trunk's commits whose patch some commit of the line has too."""
    marked = repo.whole("rev-list", "--cherry-mark", "--right-only", "--no-merges", f"{head}...{trunk}", "--")
    return [text[1:] for text in marked.splitlines() if text.startswith("=")]


def _messages(repo: Repository, revisions: str) -> list[tuple[str, str]]:
    """Return each commit with its message, parents first."""
    listed = repo.whole("log", "--topo-order", "--reverse", "-z", "--format=%H%n%B", revisions, "--").split("\0")
    return [(entry[: entry.index("\n")], entry) for entry in listed if "\n" in entry]
