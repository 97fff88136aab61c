"""The images in the registry: one version's, the platform's, a component's, and which one config.py names."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Protocol

from release.artifacts.ecr import Ecr
from release.artifacts.oci import OciRegistry
from release.call.context import Context
from release.call.ensure import perform
from release.config_py import constant
from release.errors import Blocked, Conflict, Failed, Usage
from release.git.refs import NEW
from release.git.repository import repository
from release.github.http import http
from release.versions import image_tags, parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    import semver

    from release.call.context import Context
    from release.settings import Component


class Registry(Protocol):
    """A container registry: ECR, or any that speaks OCI's HTTP API."""

    def image_digest(self, repository: str, tag: str) -> str | None:
        """Return the tag's digest, or None when there is no such image."""

    def image_digests(self, repository: str) -> dict[str, str]:
        """Return every tag's digest."""


_VERSIONED = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+")


def image_digests(context: Context, version: semver.Version) -> dict[str, str | None]:
    """Return the digest of each image tag of the version, None where the registry has none."""
    image = context.settings.image
    return {
        tag: registry(context).image_digest(image.repository, tag)
        for tag in image_tags(image.tags, version, image.pythons)
    }


def taken_tags(context: Context, version: semver.Version) -> list[str]:
    """Return the tags of the version that are there."""
    return [tag for tag, digest in image_digests(context, version).items() if digest]


def image_fingerprints(context: Context, *, bases_may_change: bool = False) -> dict[str, str]:
    """Return the digest of every tag of the repository, all pages; at will without tags that have no version."""
    found = registry(context).image_digests(context.settings.image.repository)
    return {tag: digest for tag, digest in found.items() if not bases_may_change or _VERSIONED.search(tag)}


def check_image_free(context: Context, version: semver.Version) -> None:
    """Raise Conflict when a tag of the version exists: images are never overwritten (F21)."""
    taken = taken_tags(context, version)
    if taken:
        raise Conflict(
            f"image {context.settings.image.repository}:{taken[0]} exists already",
            "Images are never overwritten; choose the next version.",
        )


def check_images(context: Context, version: semver.Version) -> dict[str, str]:
    """Return each tag's digest, saying it; raise Failed naming how many are missing (F21)."""
    digests = image_digests(context, version)
    missing = [tag for tag, digest in digests.items() if digest is None]
    for tag, digest in digests.items():
        context.report.artifact(f"image {context.settings.image.repository}:{tag}", digest)
    if missing:
        again = " --again" if len(missing) == len(digests) else ""
        raise Failed(
            f"{len(missing)} of {len(digests)} images of {version} are missing",
            f"Build them: inv image.release --version {version}{again}",
        )
    context.report.record(image_tags=" ".join(digests))
    return {tag: digest for tag, digest in digests.items() if digest}


def image_in_config(context: Context, sha: str) -> str:
    """Return the image version that config.py names at the commit; raise Usage when it names none (S6)."""
    image = context.settings.image
    repository(context).need_commit(sha)
    content = repository(context).file(sha, image.config_file)
    if content is None:
        raise Usage(f"{image.config_file} is not in {sha[:9]}", "Set image.config_file in invoke.yaml.")
    return constant(content, image.config_variable, image.config_file)


def check_image_in_config(context: Context, sha: str, version: semver.Version) -> None:
    """Raise Blocked unless every image that config.py names at the commit to be tagged is in the registry.

    One older than the release is fine, and said. Nothing is asked about a commit that a dry run would make, nor
    where `image.config_file` is set to nothing.
    """
    image = context.settings.image
    if sha == NEW or not image.config_file:
        return
    named = parse(image_in_config(context, sha))
    missing = [tag for tag, digest in image_digests(context, named).items() if digest is None]
    if missing:
        raise Blocked(
            f"{image.config_file} at {sha[:9]} names image {named}, but {missing[0]} is not in {image.repository}"
            + (f", nor are {len(missing) - 1} others" if len(missing) > 1 else ""),
            f"Build it: inv image.release --version {named}",
        )
    if named != version:
        age = "older than" if named < version else "newer than"
        context.report.step(
            "note", f"{image.config_file} names image {named}, {age} the release; it is in the registry"
        )


def image_version_in_config(context: Context, sha: str) -> semver.Version | None:
    """Return the image version that config.py names at the commit, or None when it names none."""
    try:
        return parse(image_in_config(context, sha))
    except Usage:
        return None


def platform_digests(context: Context, version: semver.Version) -> dict[str, str | None]:
    """Return the digest of each platform image at the version, None where the registry has none."""
    return {name: registry(context).image_digest(name, str(version)) for name in context.settings.platform.images}


def check_tagged_images(
    context: Context, version: semver.Version, digests: Mapping[str, str | None], whose: str
) -> dict[str, str]:
    """Return the images' digests, saying each; raise Failed naming those that are missing."""
    for name, digest in digests.items():
        context.report.artifact(f"image {name}:{version}", digest)
    missing = [name for name, digest in digests.items() if not digest]
    if missing:
        raise Failed(
            f"images of {whose} {version} are missing: {', '.join(missing)}",
            f"See what the tag started: inv platform.watch --version {version}",
        )
    return {name: digest for name, digest in digests.items() if digest}


def prove_platform(context: Context, version: semver.Version) -> None:
    """Raise Failed unless every platform image is out; a dry run says what the tag's push would build."""
    prove_built(context, version, platform_digests(context, version), "the platform", "the tag's push")


def prove_built(
    context: Context, version: semver.Version, digests: Mapping[str, str | None], whose: str, how: str
) -> None:
    """Raise Failed unless these images are out; a dry run says how those that are not would be built."""
    if all(digests.values()):
        check_tagged_images(context, version, digests, whose)
        return
    images = ", ".join(f"{name}:{version}" for name in digests)
    perform(
        context,
        f"images {images}, by {how}",
        lambda: check_tagged_images(context, version, digests, whose),
        dict[str, str](),
    )


def component_digests(context: Context, part: Component, version: semver.Version) -> dict[str, str | None]:
    """Return the digest of each of the component's images at the version, None where the registry has none."""
    return {name: registry(context).image_digest(name, str(version)) for name in part.images}


def registry(context: Context) -> Registry:
    """Return the registry that images are released to, opened once a call.

    An OCI registry that asks who is there is shown REGISTRY_USERNAME and REGISTRY_PASSWORD.
    """
    return context.once(registry, lambda: _open(context))


def _open(context: Context) -> Registry:
    address = context.settings.image.registry
    if address == "ecr":
        return Ecr()
    name, password = os.environ.get("REGISTRY_USERNAME", ""), os.environ.get("REGISTRY_PASSWORD", "")
    return OciRegistry(http(context), address, (name, password) if name and password else None)
