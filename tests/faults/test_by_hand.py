"""A person who pushes by hand at the moment of any write of a release: nobody's work is lost, and it goes on."""

from __future__ import annotations

from collections.abc import Callable

from faults.worlds import World
from history import advance

from release.sandbox.git import ZERO
from release.sandbox.github.events import notice_refs

VERSIONS = {"minor": "0.7.0", "patch": "0.6.3"}


def branch_of(world: World) -> str:
    """Name the line's release branch, or what it will be called."""
    line = VERSIONS[world.pipeline.name].rpartition(".")[0]
    return next(iter(world.sandbox.bare.refs(f"refs/heads/release-{line}-*")), f"refs/heads/release-{line}-20261122")


def to_the_trunk(world: World) -> str:
    advance(world.sandbox, "main", "docs: say hello")
    return "refs/heads/main"


def to_the_branch(world: World) -> str:
    """Push a commit onto the release branch; cut it where there is none."""
    name = branch_of(world)
    if world.sandbox.bare.sha(name):
        advance(world.sandbox, name.removeprefix("refs/heads/"), "docs: say hello")
    else:
        world.sandbox.bare.update_ref(name, str(world.sandbox.bare.sha("refs/heads/main")))
    return name


def the_tag(world: World) -> str:
    """Push the very tag, where a person would put it."""
    name, bare = f"refs/tags/{VERSIONS[world.pipeline.name]}", world.sandbox.bare
    if not bare.sha(name):
        bare.update_ref(name, str(bare.sha(branch_of(world)) or bare.sha("refs/heads/main")))
    return name


def the_branch_away(world: World) -> str:
    """Delete the release branch."""
    if world.sandbox.bare.sha(branch_of(world)):
        world.sandbox.bare.update_ref(branch_of(world), ZERO)
    return ""


HANDS: tuple[Callable[[World], str], ...] = (to_the_trunk, to_the_branch, the_tag, the_branch_away)


def push(world: World, hand: Callable[[World], str], pushed: dict[str, str]) -> None:
    """Have it done, GitHub notice it, and remember what must be kept."""
    name = hand(world)
    pushed[name] = world.sandbox.bare.refs().get(name, "")
    notice_refs(world.sandbox.github.hub)


def ending(world: World) -> str:
    ended = world.run()
    return "0" if ended is None else f"{ended.code}: {ended.problem} >> {ended.hint}"
