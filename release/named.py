"""The image that config.py names at a commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release.constants import constant
from release.errors import Blocked, Usage
from release.pushed import image_digests
from release.refs import NEW
from release.versions import parse

if TYPE_CHECKING:
    import semver

    from release.world import World


def named_version(world: World, sha: str) -> str:
    """Return the image version that config.py names at the commit; raise Usage when it names none (S6)."""
    image = world.settings.image
    world.repo.need_commit(sha)
    content = world.repo.file(sha, image.config_file)
    if content is None:
        raise Usage(f"{image.config_file} is not in {sha[:9]}", "Set image.config_file in invoke.yaml.")
    return constant(content, image.config_variable, image.config_file)


def check_named(world: World, sha: str, version: semver.Version) -> None:
    """Raise Blocked unless every image that config.py names at the commit to be tagged is in the registry.

    One older than the release is fine, and said. Nothing is asked about a commit that a dry run would make, nor
    where `image.config_file` is set to nothing.
    """
    image = world.settings.image
    if sha == NEW or not image.config_file:
        return
    named = parse(named_version(world, sha))
    missing = [tag for tag, digest in image_digests(world, named).items() if digest is None]
    if missing:
        raise Blocked(
            f"{image.config_file} at {sha[:9]} names image {named}, but {missing[0]} is not in {image.repository}"
            + (f", nor are {len(missing) - 1} others" if len(missing) > 1 else ""),
            f"Build it: inv image.release --version {named}",
        )
    if named != version:
        age = "older than" if named < version else "newer than"
        world.report.step("note", f"{image.config_file} names image {named}, {age} the release; it is in the registry")
