"""What leaves a job: an image that is pushed, a file that is put into a bucket.

What cannot be told of a name, or whether the step is done at all, is taken as the release needs it, and told so.
"""

from __future__ import annotations

from collections.abc import Mapping
from json import dumps
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from release.sandbox.simulation.unknown import PART, can_be, is_known, unknown
from release.sandbox.simulation.work import Refused, Work

_HUB = ("docker.io", "index.docker.io", "registry-1.docker.io")


def image_parts(name: str) -> tuple[str, str, str]:
    """Take an image's name apart: registry, repository and tag, each perhaps known in part."""
    masked = PART.sub(lambda part: "\ue010" * len(part.group()), name)
    slash = masked.find("/")
    first = masked[:slash] if slash > 0 else ""
    is_host = "." in first or ":" in first or first == "localhost" or "\ue010" in first
    host, rest = (name[:slash], name[slash + 1 :]) if is_host else ("", name)
    colon = masked.rfind(":")
    if colon > masked.rfind("/"):
        at = colon - (len(name) - len(rest))
        return host, rest[:at], rest[at + 1 :]
    return host, rest, unknown(name) if masked.endswith("\ue010") else "latest"


def is_ours(work: Work, host: str) -> bool:
    """Tell whether a registry can be the one that the release looks into."""
    registry = work.means.settings.image.registry
    if not is_known(host):
        return True
    if registry == "ecr":
        return ".dkr.ecr." in host
    wanted = urlsplit(registry if "//" in registry else f"//{registry}").netloc
    return host == wanted or (host in ("", *_HUB) and wanted in _HUB)


def push_image(work: Work, offset: int, name: str, made_of: Mapping[str, str], certain: bool = True) -> None:
    """Push an image to the sandbox's registry, where the release would find it, and tell it."""
    work.name(offset, "image", name)
    host, repository, tag = image_parts(name)
    if ".dkr.ecr." in host:
        _check_keys(work, "no basic auth credentials")
    if host == "ghcr.io" and work.own_login:
        work.machine.check_grant("packages", "denied: installation not allowed to Write organization package")
    if not is_ours(work, host) and is_known(name):
        work.tell(offset, f"push {name}: another registry than the release looks into", "listed")
        return
    if certain and is_known(repository + tag):
        pushed = _push(work, repository, tag, {**made_of, "commit": work.machine.run.sha})
        told = f"push {name}" if pushed else f"push {name}: the sandbox has no such repository"
        work.tell(offset, told, "effect" if pushed else "listed")
        return
    wanted = work.need.images if work.need else ()
    found = [each for each in wanted if can_be(repository, each[0]) and can_be(tag, each[1])]
    for other, version in found:
        _push(work, other, version, made_of)
    taken = f": taken as {', '.join(':'.join(each) for each in found)}" if found else ""
    work.tell(offset, f"push {name}{'' if certain else ', perhaps'}{taken}", "untold")


def _check_keys(work: Work, words: str) -> None:
    """Raise `Refused`, in the tool's own words, in a job that has no credentials of AWS: no step gave it any."""
    if work.machine.is_hosted() and not work.machine.has_keys:
        raise Refused(f"{words} (no step of jobs.{work.machine.job.key} takes credentials of AWS)")


def _push(work: Work, repository: str, tag: str, made_of: Mapping[str, str]) -> bool:
    """Push an image of what it is made of, the same for the same; false where there is no such repository."""
    cloud = work.means.cloud
    if repository not in cloud.settings.image_repositories:
        return False
    cloud.push_image(repository, tag, dumps({**made_of, "tag": tag}, sort_keys=True))
    return True


def has_image(work: Work, name: str) -> bool | None:
    """Tell whether an image is in the sandbox's registry; nothing where that says nothing about the real one."""
    host, repository, tag = image_parts(name)
    known = repository in work.means.settings.image_repositories and is_known(tag) and is_ours(work, host)
    return work.means.cloud.manifest(repository, tag) is not None if known else None


def put_file(work: Work, offset: int, url: str, content: bytes, certain: bool = True) -> None:
    """Put a file into the sandbox's bucket, where the release would find it, and tell it."""
    _check_keys(work, "Unable to locate credentials")
    if url.endswith(".whl") or not is_known(url):
        work.name(offset, "wheel", url)
    if certain and is_known(url):
        bucket, _, key = url.removeprefix("s3://").partition("/")
        there = bucket == work.means.cloud.bucket
        if there:
            work.means.cloud.put(key, content)
        told = f"put {url}" if there else f"put {url}: the sandbox has no such bucket"
        work.tell(offset, told, "effect" if there else "listed")
        return
    found = _needed_url(work, url)
    if found:
        work.means.cloud.put(found.removeprefix("s3://").partition("/")[2], work.wheel().read_bytes())
    taken = f": taken as {found}" if found else ""
    work.tell(offset, f"put {url}{'' if certain else ', perhaps'}{taken}", "untold")


def _needed_url(work: Work, url: str) -> str:
    """Return what the release needs, if a text known in part can be that."""
    if not work.need or not work.need.wheel:
        return ""
    name = PurePosixPath(url).name if is_known(url) else ""
    if name and not name.endswith(".whl"):
        return ""
    wanted = f"{work.need.wheel}{work.wheel().name}"
    return wanted if can_be(url, wanted) else ""
