"""What a version claims to be: where its tag is, what belongs to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from release.components import Component, components_of
from release.errors import Failed, ReleaseError, Usage
from release.lines import TAGS, contains, line_branch
from release.named import named_version
from release.parts import is_sdk
from release.platform import image_digests
from release.published import wheel_key
from release.refs import RemoteRef
from release.release import trunk_sha
from release.tagged import Tagged, tagged_as
from release.versions import line_of, parse, released_versions

if TYPE_CHECKING:
    import semver

    from release.world import World


@dataclass(frozen=True)
class Claim:
    """One version as its tag claims it.

    `branch` is the line's branch when the tag is on it; an individual release is on the trunk alone, and only
    what is in `images` (the platform's) and `wheel` belongs to it. `image` is the version that config.py names.
    `pushed` says that the tag's push builds the images; `roles` are those of its jobs that count, if not all do.
    """

    version: semver.Version
    tag: RemoteRef
    branch: RemoteRef | None
    on_trunk: bool
    image: semver.Version | None
    images: tuple[str, ...]
    wheel: bool
    component: str = ""
    shared: bool = False
    pushed: bool = True
    roles: tuple[str, ...] = ()

    @property
    def individual(self) -> bool:
        """Whether the trunk alone has the commit."""
        return self.branch is None and self.on_trunk


def claim(world: World, version: semver.Version, name: str = "", shared: bool = False) -> Claim:
    """Return what the version claims to be, from the remote alone; `name` says which component it releases alone.

    Raises Failed when there is no such tag, Usage for a component that there is not.
    """
    tag = world.repo.tag(str(version))
    if tag is None:
        raise Failed(f"there is no tag {version}", f"Tag it: inv release.tag --version {version}")
    world.repo.need_commit(tag.sha, tag.name)
    branch = line_branch(world, line_of(version))
    if branch and not contains(world, branch.sha, tag.sha):
        branch = None
    on_trunk = contains(world, trunk_sha(world), tag.sha)
    told = tagged_as(world, version)
    alone = [_component(world, each) for each in ([name] if name else told.components if told else ())]
    if not alone and branch is None and on_trunk:
        alone = _components_out(world, version)
    images = tuple(image for part in alone for image in part.images) if alone else tuple(world.settings.platform.images)
    wheel = any(is_sdk(world, part) for part in alone) if alone else True
    shared = shared or _shares(world, tag, told)
    names = ", ".join(part.name for part in alone)
    pushed = not alone or any(part.images and not part.workflow for part in alone)
    roles = tuple(role for part in alone for role in part.roles) if all(part.roles for part in alone) else ()
    named = image_version(world, tag.sha)
    return Claim(version, tag, branch, on_trunk, named, images, wheel, names, shared, pushed, roles)


def _shares(world: World, tag: RemoteRef, told: Tagged | None) -> bool:
    """Whether its commit may have other versions: components are released from the same commit one by one."""
    if told and told.components:
        return True
    others = [ref.name.removeprefix(TAGS) for ref in world.repo.remote_tags() if ref.sha == tag.sha]
    found = [tagged_as(world, each) for each in released_versions(others) if str(each) != tag.name.removeprefix(TAGS)]
    return all(each is not None and each.components for each in found)


def image_version(world: World, sha: str) -> semver.Version | None:
    """Return the image version that config.py names at the commit, or None when it names none."""
    try:
        return parse(named_version(world, sha))
    except Usage:
        return None


def image_commit(world: World, sha: str) -> str:
    """Return the last commit up to `sha` that changed config.py, or nothing."""
    path = world.settings.image.config_file
    found = world.github.get("commits", sha=sha, path=path, per_page=1)
    return str(found[0]["sha"]) if found else ""


def _components_out(world: World, version: semver.Version) -> list[Component]:
    """Return the components of which anything of the version is out: one that is out in part has to be whole."""
    digests = image_digests(world, version)
    return [
        part
        for part in components_of(world.settings.release.components).values()
        if any(digests.get(image) for image in part.images) or (is_sdk(world, part) and _has_wheel(world, version))
    ]


def _has_wheel(world: World, version: semver.Version) -> bool:
    try:
        return world.bucket.object(wheel_key(world, version)) is not None
    except ReleaseError:
        return True


def _component(world: World, name: str) -> Component:
    known = components_of(world.settings.release.components)
    if name not in known:
        raise Usage(f"there is no component {name!r}", f"one of: {', '.join(known)}")
    return known[name]
