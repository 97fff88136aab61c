"""What a version has to be, by its tag: where it is, and what belongs to it."""

from __future__ import annotations

from dataclasses import dataclass

import semver

from release.artifacts.component_release import is_sdk
from release.artifacts.images import digests, image_version_in_config, tagged_images
from release.artifacts.s3 import bucket, wheel_key
from release.call.context import Context
from release.errors import ReleaseError
from release.git.lines import line_branch
from release.git.refs import RemoteRef
from release.git.repository import repository
from release.git.tags import needed_tag, rival_versions, tagged_release, trunk_sha
from release.github.commits import contains
from release.settings import Component
from release.versions import line_of


@dataclass(frozen=True)
class ExpectedState:
    """One version as its tag says.

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


def expected_state(context: Context, version: semver.Version, name: str = "", shared: bool = False) -> ExpectedState:
    """Return what the version has to be, from the remote alone; `name` says which component it releases alone.

    Raises Usage when there is no such tag, and for a component that there is not.
    """
    tag = needed_tag(context, version)
    repository(context).need_commit(tag.sha, tag.name)
    cut = line_branch(context, line_of(version))
    branch = cut if cut and contains(context, cut.sha, tag.sha) else None
    on_trunk = contains(context, trunk_sha(context), tag.sha)
    told = tagged_release(context, version)
    alone = [context.settings.component(each) for each in ([name] if name else told.components if told else ())]
    if not alone and branch is None and on_trunk:
        alone = _visible_components(context, version)
    every = tuple(context.settings.platform.images)
    images = tuple(image for part in alone for image in part.images) if alone else every
    wheel = not alone or any(is_sdk(context, part) for part in alone)
    # Components are released from the same commit one by one.
    shared = shared or bool(told and told.components) or not rival_versions(context, version, tag.sha)
    names = ", ".join(part.name for part in alone)
    pushed = not alone or any(part.images and not part.workflow for part in alone)
    roles = tuple(role for part in alone for role in part.roles) if all(part.roles for part in alone) else ()
    named = image_version_in_config(context, tag.sha)
    return ExpectedState(version, tag, branch, on_trunk, named, images, wheel, names, shared, pushed, roles)


def _visible_components(context: Context, version: semver.Version) -> list[Component]:
    """Return the components of which anything of the version is out: one that is out in part has to be whole."""
    built = digests(context, tagged_images(context.settings.platform.images, version))
    out = {image for image, digest in built.items() if digest}
    try:
        wheel = bucket(context).object(wheel_key(context, version)) is not None
    except ReleaseError:
        wheel = True  # nobody knows: its proof is asked for, and says so
    known = [(part, tagged_images(part.images, version)) for part in context.settings.components.values()]
    return [part for part, images in known if out.intersection(images) or (wheel and is_sdk(context, part))]
