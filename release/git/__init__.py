"""The local repository and its remote: the only GitPython.

repository.py   Git itself: commits and files read, commits, tags and pushes written; library.py: GitPython
store.py        objects, read through one process; objects.py: files of a commit by the dozen
fetch.py        a line's refs, and objects, fetched through a repository aside
scratch.py      folders and worktrees of the tool's own, there for a moment, and what a killed call left of them
snapshot.py     one look at the remote's refs a call, with what a dry call planned on top; refs.py: refs as values
lines.py        a line on the remote: versions, branch, what comes next; choice.py: what a call means of that
withdrawals.py  which versions were taken back, and why
tags.py         a version's tag: where it is, what it released, its push, who signed it
offline.py      what the clone knows without a look at its remote, for completion
remotes.py      the remote's address and the token that goes there; failures.py: what Git says when it fails
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from release import late_modules

if TYPE_CHECKING:
    from release.git import choice, failures, lines, objects, refs, remotes, repository, scratch, snapshot, tags

__getattr__ = late_modules(__name__)
