"""Branches whose config.py names an image version: found, or made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from release.constants import with_constant
from release.ensure import ensure
from release.errors import Conflict, Usage
from release.named import named_version
from release.pushed import check_free
from release.refs import NEW, Push, RemoteRef
from release.release import trunk_sha
from release.versions import parse_branch

if TYPE_CHECKING:
    import semver

    from release.world import World


def own_branch(version: semver.Version) -> str:
    """Return the name of the branch that this tool makes for an image."""
    return f"image-{version}"


def bumped_here(world: World, version: semver.Version) -> RemoteRef:
    """Return the checked-out branch with the version in config.py, committing and pushing it where it is missing.

    Raises Usage for a branch that is not clean, pushed and one's own; Conflict when an image of it exists.
    """
    name = _checked_out(world)
    before = _clean_head(world, name, version)
    if branch_naming(world, name, version) is None:
        check_free(world, version)
    return ensure(
        world,
        f"{world.settings.image.config_variable} = {version} on {name}",
        find=lambda: branch_naming(world, name, version),
        make=lambda: commit_and_push(world, world.repo.root, version, Push(f"refs/heads/{name}", NEW, before)),
        planned=RemoteRef(f"refs/heads/{name}", NEW, NEW),
    )


def bumped_apart(world: World, version: semver.Version) -> RemoteRef:
    """Return the branch `image-<version>` with the version in config.py, making it from the trunk where it is missing.

    Raises Conflict when it names another version, or when an image of this one exists.
    """
    name = own_branch(version)
    if branch_naming(world, name, version, other_is_conflict=True) is None:
        check_free(world, version)
    return ensure(
        world,
        f"branch {name} from {world.trunk} with {world.settings.image.config_variable} = {version}",
        find=lambda: branch_naming(world, name, version, other_is_conflict=True),
        make=lambda: _branch_off(world, name, version),
        planned=RemoteRef(f"refs/heads/{name}", NEW, NEW),
    )


def branch_naming(
    world: World, name: str, version: semver.Version, other_is_conflict: bool = False
) -> RemoteRef | None:
    """Return the remote's branch if config.py at its head names the version, else None."""
    sha = world.repo.head_sha(name)
    if sha is None:
        return None
    world.repo.need_commit(sha, f"refs/heads/{name}")
    named = named_version(world, sha)
    if named == str(version):
        return RemoteRef(f"refs/heads/{name}", sha, sha)
    if other_is_conflict:
        raise Conflict(
            f"branch {name} names image {named}, not {version}",
            f"Look at it: git log {world.settings.release.remote}/{name}",
        )
    return None


def commit_and_push(world: World, tree: Path, version: semver.Version, push: Push) -> None:
    """Write the version into config.py in that tree, commit it there, and push the commit; writes all three."""
    image = world.settings.image
    path = tree / image.config_file
    source = path.read_bytes()
    changed = with_constant(source, image.config_variable, str(version), image.config_file)
    if changed != source:
        path.write_bytes(changed)
        world.repo.commit(f"Use image {version}", [image.config_file], tree)
    world.repo.push([Push(push.ref, world.repo.git("rev-parse", "HEAD", cwd=tree), push.expected)])


def _branch_off(world: World, name: str, version: semver.Version) -> None:
    base = trunk_sha(world)
    world.repo.need_commit(base, f"refs/heads/{world.trunk}")
    with world.repo.worktree(base) as tree:
        commit_and_push(world, tree, version, Push(f"refs/heads/{name}", NEW))


def _checked_out(world: World) -> str:
    """Return the checked-out branch; raise Usage for a detached HEAD, the trunk and release branches."""
    name = world.repo.branch()
    if name is None:
        raise Usage("no branch is checked out", "git switch -c image-VERSION")
    if name == world.trunk or parse_branch(name):
        raise Usage(
            f"{name} is {'the trunk' if name == world.trunk else 'a release branch'}",
            "The image is bumped on a branch of its own: git switch -c image-VERSION",
        )
    return name


def _clean_head(world: World, name: str, version: semver.Version) -> str:
    """Return the remote branch's head; raise Usage for what is in the way of a bump.

    One unpushed commit that does nothing but this bump is what a killed call left, and is no obstacle (F27).
    """
    changes = world.repo.changes()
    if changes:
        shown = "\n".join(changes[:10])
        raise Usage(
            f"{name} has {len(changes)} uncommitted changes:\n{shown}", "Commit or stash them, then run the same again."
        )
    remote, head = world.repo.head_sha(name), world.repo.head()
    if remote is None:
        raise Usage(f"{name} is not pushed", f"git push -u {world.settings.release.remote} {name}")
    if head != remote and not _is_bump_alone(world, remote, head, version):
        raise Usage(
            f"{name} is at {head[:9]}, but at {remote[:9]} on the remote",
            f"Push or pull it first: git status; git pull --ff-only; git push {world.settings.release.remote} {name}",
        )
    return remote


def _is_bump_alone(world: World, remote: str, head: str, version: semver.Version) -> bool:
    if not world.repo.has_commit(remote) or world.repo.parents(head) != [remote]:
        return False
    return world.repo.changed_paths(remote, head) == [world.settings.image.config_file] and named_version(
        world, head
    ) == str(version)
