"""The images in the registry: which belong to a version, their digests, and which one config.py names."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import semver

from release import artifacts
from release.call.context import Context
from release.call.ensure import perform
from release.call.parallel import side_by_side
from release.call.plan import LATER
from release.config_py import constant
from release.errors import Blocked, Conflict, Failed, Usage
from release.git.refs import NEW
from release.git.repository import repository
from release.github.http import http
from release.versions import image_tags, parse, parse_image_tag

if TYPE_CHECKING:
    from release.artifacts.aws import Ecr
    from release.artifacts.oci import OciRegistry

LOOKS = 500  # tags of a repository that are compared where each takes a request of its own
NO_VERSION = semver.Version(0)
Digests = Mapping[str, str | None]  # of images, None where the registry has none


def digests(context: Context, images: Iterable[str]) -> dict[str, str | None]:
    """Return the digest of each image (`repository:tag`), None where the registry has none."""
    found = {image: context.view.get(str, image) for image in images}
    asked: dict[str, list[str]] = {}
    for name, _, tag in (image.partition(":") for image, planned in found.items() if not planned):
        asked.setdefault(name, []).append(tag)
    reads = [partial(_digests_of, context, name, tags) for name, tags in asked.items()]
    return found | {image: digest for answer in side_by_side(reads) for image, digest in answer.items()}


def _digests_of(context: Context, name: str, tags: Sequence[str]) -> dict[str, str | None]:
    answer = registry(context).digests_of(name, tags)
    return {f"{name}:{tag}": digest for tag, digest in answer.items()}


def runner_images(context: Context, version: semver.Version) -> list[str]:
    """Return the names of the runner's images of the version, one a Python."""
    image = context.settings.image
    return [f"{image.repository}:{tag}" for tag in image_tags(image.tags, version, image.pythons)]


def tagged_images(names: Iterable[str], version: semver.Version) -> list[str]:
    """Return the images of these repositories whose tag is the version, as a platform's and a component's are."""
    return [f"{name}:{version}" for name in names]


def image_fingerprints(
    context: Context, known: Mapping[str, str] | None = None, *, bases_may_change: bool = False
) -> dict[str, str]:
    """Return the digests of the tags: of those `known` before, else of all, or of those with a version alone.

    The same before and after a build, they prove that it overwrote no image (F21): none at all where the registry
    lists digests, as ECR and Google's do. Others take a request a tag: there they prove it of up to LOOKS tags, those
    that a mistake hits first and that most people use; of more, it is said that the rest was not looked at.
    """

    def _is_compared(tag: str) -> bool:
        return tag in known if known is not None else not bases_may_change or bool(parse_image_tag(tag))

    def _chosen(tags: Iterable[str]) -> list[str]:
        compared = [tag for tag in tags if _is_compared(tag)]
        return compared if known is not None else _most_at_risk(context, compared)

    found = registry(context).image_digests(context.settings.image.repository, _chosen)
    compared = {tag: digest for tag, digest in found.items() if _is_compared(tag)}
    context.plan.see(context.doors, f"images of {context.settings.image.repository}", compared, whole=False)
    return compared


def _most_at_risk(context: Context, tags: list[str]) -> list[str]:
    """Choose LOOKS of the tags at most: images of this template, newest first, and at least half without a version."""
    if len(tags) <= LOOKS:
        return tags
    image = context.settings.image
    shapes, start = image_tags(image.tags, NO_VERSION, image.pythons), image.tags.partition("{")[0]
    ranks = {}
    for tag in tags:
        if found := parse_image_tag(tag):
            ranks[tag] = (str(replace(found, version=NO_VERSION)) in shapes, *found.version.to_tuple()[:3])
    newest = sorted(ranks, key=lambda tag: ranks[tag], reverse=True)
    bases = sorted((tag for tag in tags if tag not in ranks), key=lambda tag: (not tag.startswith(start), tag))
    bases = bases[: max(LOOKS // 2, LOOKS - len(newest))]
    left = f"{LOOKS} of {len(tags)} images of {image.repository} are compared, the newest and those without a version"
    context.report.step("note", f"{left}: {image.registry} lists no digests")
    return [*bases, *newest[: LOOKS - len(bases)]]


def check_image_free(found: Digests, because: str = "") -> None:
    """Raise Conflict when one of the images looked up exists: images are never overwritten (F21)."""
    taken = next((image for image, digest in found.items() if digest), None)
    if taken:
        raise Conflict(
            f"image {taken} exists already{because}", "Images are never overwritten; choose the next version."
        )


def check_runner_images(context: Context, version: semver.Version, known: Digests | None = None) -> None:
    """Raise Failed unless every image of the version is out, saying each one's digest (F21); `known` are looked up."""
    found = known or digests(context, runner_images(context, version))
    again = "" if any(found.values()) else " --again"
    _check_digests(context, found, str(version), f"Build them: inv image.release --version {version}{again}")
    context.report.record(image_tags=" ".join(image.partition(":")[2] for image in found))


def check_tagged_images(context: Context, version: semver.Version, names: Sequence[str], whose: str) -> None:
    """Raise Failed unless every one of these repositories has the version, saying each one's digest (F21)."""
    _check_tagged(context, version, digests(context, tagged_images(names, version)), whose)


def _check_tagged(context: Context, version: semver.Version, found: Digests, whose: str) -> None:
    look = f"See what the tag started: inv platform.watch --version {version}"
    _check_digests(context, found, f"{whose} {version}", look)


def _check_digests(context: Context, found: Digests, whose: str, hint: str) -> None:
    if not found:  # silence would read as a proof
        context.report.step("note", f"no images of {whose} to prove: the settings name none")
    for image, digest in found.items():
        context.report.artifact(f"image {image}", digest)
    missing = [image for image, digest in found.items() if not digest]
    if missing:
        raise Failed(f"{len(missing)} of {len(found)} images of {whose} are missing: {', '.join(missing)}", hint)


def prove_tagged_images(context: Context, version: semver.Version, known: Digests, whose: str, how: str) -> None:
    """Raise Failed unless these images are out, looking again where not all were; a dry run says how they would be."""
    found = known if all(known.values()) else digests(context, known)
    check = partial(_check_tagged, context, version, found, whose)
    if all(found.values()):
        check()
    else:
        made = {"images": f"{whose} {version}", "digests": {image: digest or LATER for image, digest in found.items()}}
        perform(context, f"images {', '.join(found)}, by {how}", check, None, made)


def image_in_config(context: Context, sha: str) -> str:
    """Return the image version that config.py names at the commit; raise Usage when it names none (S6)."""
    image = context.settings.image
    content = repository(context).file(sha, image.config_file)
    if content is None:
        raise Usage(f"{image.config_file} is not in {sha[:9]}", "Set image.config_file in invoke.yaml.")
    return constant(content, image.config_variable, image.config_file)


def image_version_in_config(context: Context, sha: str) -> semver.Version | None:
    """Return the image version that config.py names at the commit, or None when it names none."""
    try:
        return parse(image_in_config(context, sha))
    except Usage:
        return None


def check_image_in_config(context: Context, sha: str, version: semver.Version) -> None:
    """Raise Blocked unless every image that config.py names at the commit to be tagged is in the registry.

    One of another version than the release is fine, and said.
    """
    image = context.settings.image
    if sha == NEW or not image.config_file:  # a commit that a dry run would make; a project without the constant
        return
    named = parse(image_in_config(context, sha))
    found = digests(context, runner_images(context, named))
    missing = [name.partition(":")[2] for name, digest in found.items() if digest is None]
    if missing:
        others = f", nor are {len(missing) - 1} others" if len(missing) > 1 else ""
        where = f"{missing[0]} is not in {image.repository}{others}"
        what = f"{image.config_file} at {sha[:9]} names image {named}, but {where}"
        raise Blocked(what, f"Build it: inv image.release --version {named}")
    if named != version:
        names = f"{image.config_file} names image {named}, {'older' if named < version else 'newer'} than the release"
        context.once(names, lambda: context.report.step("note", f"{names}; it is in the registry"))


def registry(context: Context) -> Ecr | OciRegistry:
    """Return the registry that images are released to, opened once a call.

    An OCI registry that asks who is there is shown REGISTRY_USERNAME and REGISTRY_PASSWORD.
    """
    address = context.settings.image.registry
    if address == "ecr":
        return context.once(registry, artifacts.aws.Ecr)
    name, password = os.environ.get("REGISTRY_USERNAME"), os.environ.get("REGISTRY_PASSWORD")
    shown = (name, password) if name and password else None
    return context.once(registry, lambda: artifacts.oci.OciRegistry(http(context), address, shown))
