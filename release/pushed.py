"""What is in the image registry: one version's images, and all that has to stay as it is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from release.errors import Conflict, Failed
from release.versions import image_tags

if TYPE_CHECKING:
    import semver

    from release.world import World

_VERSIONED = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+")


def image_digests(world: World, version: semver.Version) -> dict[str, str | None]:
    """Return the digest of each image tag of the version, None where the registry has none."""
    image = world.settings.image
    return {
        tag: world.registry.image_digest(image.repository, tag)
        for tag in image_tags(image.tags, version, image.pythons)
    }


def taken_tags(world: World, version: semver.Version) -> list[str]:
    """Return the tags of the version that are there."""
    return [tag for tag, digest in image_digests(world, version).items() if digest]


def prints(world: World, *, bases_may_change: bool = False) -> dict[str, str]:
    """Return the digest of every tag of the repository, all pages; at will without tags that have no version."""
    found = world.registry.image_digests(world.settings.image.repository)
    return {tag: digest for tag, digest in found.items() if not bases_may_change or _VERSIONED.search(tag)}


def check_free(world: World, version: semver.Version) -> None:
    """Raise Conflict when a tag of the version exists: images are never overwritten (F21)."""
    taken = taken_tags(world, version)
    if taken:
        raise Conflict(
            f"image {world.settings.image.repository}:{taken[0]} exists already",
            "Images are never overwritten; choose the next version.",
        )


def check_images(world: World, version: semver.Version) -> dict[str, str]:
    """Return each tag's digest, saying it; raise Failed naming how many are missing (F21)."""
    digests = image_digests(world, version)
    missing = [tag for tag, digest in digests.items() if digest is None]
    for tag, digest in digests.items():
        world.report.artifact(f"image {world.settings.image.repository}:{tag}", digest)
    if missing:
        again = " --again" if len(missing) == len(digests) else ""
        raise Failed(
            f"{len(missing)} of {len(digests)} images of {version} are missing",
            f"Build them: inv image.release --version {version}{again}",
        )
    world.report.record(image_tags=" ".join(digests))
    return {tag: digest for tag, digest in digests.items() if digest}
