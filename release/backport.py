"""Picks that go onto a protected release branch by a pull request."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from release.backported import sources
from release.checks import follow_checks, required_checks
from release.ensure import ensure
from release.errors import Conflict
from release.landing import Plan, made
from release.lines import needed_branch, short
from release.merging import merge_pull, remove_branch
from release.pulls import open_pull
from release.refs import NEW, Push, RemoteRef, brief
from release.versions import Line
from release.wanted import Change, on, title

if TYPE_CHECKING:
    from release.world import World


def by_pull(world: World, plan: Plan) -> RemoteRef:
    """Return the release branch with the plan's changes, merged by a pull request from a branch of its own."""
    there = _pushed(world, plan.head, plan.line, plan.shas)
    sha = there.sha if there else made(world, plan).head
    if sha == plan.head.sha and not world.dry:
        return plan.head
    return merged(world, plan.head, plan.line, pushed(world, plan.head, plan.line, plan.shas, sha))


def pushed(world: World, head: RemoteRef, line: Line, shas: Sequence[str], sha: str) -> RemoteRef:
    """Return the backport branch with the picks of these commits, pushed where it is missing."""
    name = branch_name(line, shas)
    return ensure(
        world,
        f"branch {name} with {len(shas)} picks",
        find=lambda: _pushed(world, head, line, shas),
        make=lambda: world.repo.push([Push(f"refs/heads/{name}", sha)]),
        planned=RemoteRef(f"refs/heads/{name}", NEW, NEW),
    )


def merged(world: World, head: RemoteRef, line: Line, backport: RemoteRef) -> RemoteRef:
    """Return the release branch with the backport merged into it, once its checks are through; writes both.

    The release branch is the base, never the head, and is looked up again afterwards (F18).
    """
    changes = [] if world.dry else _changes(world, head, backport)
    opened = open_pull(world, short(backport), short(head), _title(line, changes), _body(short(head), changes))
    if not world.dry and not opened.merged:
        follow_checks(world, backport.sha, short(backport), required_checks(world, short(head)))
    done = merge_pull(world, opened, backport.sha)
    if world.dry:
        return RemoteRef(head.name, NEW, NEW)
    now = needed_branch(world, line)
    world.repo.need_history([now])
    if not on(world.repo, done.merge_sha, now.sha):
        raise Conflict(
            f"{short(now)} is at {brief(now.sha)}, without the merged {brief(done.merge_sha)}", f"Look: {done.url}"
        )
    remove_branch(world, backport)
    return now


def branch_name(line: Line, shas: Sequence[str]) -> str:
    """Return the backport branch of these commits: the same for the same commits, so that it is found again."""
    digest = shas[0] if len(shas) == 1 else hashlib.sha256("\n".join(shas).encode()).hexdigest()
    return f"backport/{line}/{digest[:9]}"


def _pushed(world: World, head: RemoteRef, line: Line, shas: Sequence[str]) -> RemoteRef | None:
    """Return the remote's backport branch if it holds picks of these commits alone; raise Conflict otherwise."""
    name = branch_name(line, shas)
    sha = world.repo.head_sha(name)
    if sha is None:
        return None
    ref = RemoteRef(f"refs/heads/{name}", sha, sha)
    world.repo.need_history([ref])
    found = sources(world.repo, f"{head.sha}..{sha}")
    if not found or not set(found) <= set(shas):
        raise Conflict(
            f"branch {name} is at {brief(sha)} and holds other commits than these picks",
            f"Look at it, and delete it if it is a leftover: git push {world.settings.release.remote} --delete {name}",
        )
    return ref


def _changes(world: World, head: RemoteRef, backport: RemoteRef) -> list[Change]:
    found = sources(world.repo, f"{head.sha}..{backport.sha}")
    return [Change(source, title(world.repo, sha)) for source, sha in found.items()]


def _title(line: Line, changes: Sequence[Change]) -> str:
    return (
        f"Backport to {line}: {changes[0].title}" if len(changes) == 1 else f"Backport {len(changes)} commits to {line}"
    )


def _body(branch: str, changes: Sequence[Change]) -> str:
    """Return the list of what is picked; its trailers make a squashed merge known again."""
    listed = "\n".join(f"- {change.sha} {change.title}" for change in changes)
    trailers = "\n".join(f"(cherry picked from commit {change.sha})" for change in changes)
    return f"Picked onto {branch}:\n\n{listed}\n\n{trailers}\n"
