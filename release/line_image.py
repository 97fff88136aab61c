"""The runner image of a patch, built from its release branch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release import image as images
from release.bumps import branch_naming, commit_and_push
from release.ensure import ensure
from release.lines import short
from release.pushed import check_free
from release.refs import NEW, Push, RemoteRef

if TYPE_CHECKING:
    import semver

    from release.world import World


def built_on_line(world: World, version: semver.Version, head: RemoteRef) -> RemoteRef:
    """Return the release branch with the version in config.py and every image of it in the registry.

    Writes the bump onto the branch, where it is missing, and starts the image workflow on it.
    """
    bumped = _bumped(world, version, head)
    images.build_from(world, version, bumped)
    return bumped


def _bumped(world: World, version: semver.Version, head: RemoteRef) -> RemoteRef:
    def find() -> RemoteRef | None:
        return None if head.sha == NEW else branch_naming(world, short(head), version)

    if find() is None:
        check_free(world, version)
    return ensure(
        world,
        f"{world.settings.image.config_variable} = {version} on {short(head)}",
        find=find,
        make=lambda: _bump(world, version, head),
        planned=RemoteRef(head.name, NEW, NEW),
    )


def _bump(world: World, version: semver.Version, head: RemoteRef) -> None:
    world.repo.need_commit(head.sha, head.name)
    with world.repo.worktree(head.sha) as tree:
        commit_and_push(world, tree, version, Push(head.name, NEW, expected=head.sha))
