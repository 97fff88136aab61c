"""What a pick that conflicts tells a person."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from release.call.context import Context
from release.errors import Failed
from release.git.refs import RemoteRef, short_name
from release.git.repository import Repository, repository
from release.picks.backported import backported_commits
from release.picks.history import title
from release.picks.request import Pick
from release.picks.worktree import Outcome

SHOWN = 5


def conflict(
    context: Context,
    head: RemoteRef,
    trunk: RemoteRef,
    outcome: Outcome,
    path: Path | None = None,
    via_pr: bool = False,
) -> Failed:
    """Return the error: the files, the trunk's commits that may be missing, and where to resolve it.

    Without `path` it was a trial, of which nothing is left.
    """
    change = Pick(outcome.stopped_at, title(repository(context), outcome.stopped_at))
    told = [f"{change} conflicts on {short_name(head)}:", *(f"  {each}" for each in outcome.files)]
    missing = prerequisites(repository(context), outcome, trunk.sha)
    if missing:
        told.append(f"on {short_name(trunk)} before it and not on the line, though it touches the same; newest first:")
        told += [f"  {each}" for each in missing]
    if path is None:
        return Failed("\n".join(told), "This was a trial, nothing is written. Pick what is missing too, or resolve it.")
    told.append(f"the picks wait in {path}; nothing is pushed")
    carry_on = f"inv release.pick --continue{' --via-pr' if via_pr else ''}"
    return Failed(
        "\n".join(told),
        f"Resolve it there (cd {shlex.quote(str(path))}; git status; git add …), then, back here: {carry_on}\n"
        "Or take the picks back: inv release.pick --abort",
    )


def prerequisites(repo: Repository, outcome: Outcome, trunk: str) -> list[Pick]:
    """Return the commits before the one in conflict that touch the same paths and are not picked, newest first."""
    there = backported_commits(repo, outcome.head, trunk)
    revisions = f"{outcome.head}..{outcome.stopped_at}"
    listed = repo.whole("log", "--no-merges", "--format=%H %s", revisions, "--", *_literal(outcome.paths)).splitlines()
    found = [Pick(sha, rest) for sha, _, rest in (text.partition(" ") for text in listed)]
    return [each for each in found if each.sha != outcome.stopped_at and each.sha not in there][:SHOWN]


def _literal(paths: Sequence[str]) -> list[str]:
    return [f":(top,literal){path}" for path in paths]
