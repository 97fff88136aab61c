"""What is under the release prefix in S3: one version's wheel, and all that has to stay as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from release.errors import Conflict, Failed
from release.wheels import Wheel, python_version, read_wheel, wheel_filename_matches

if TYPE_CHECKING:
    import semver

    from release.world import World

SHOWN = 10


def place(world: World, key: str = "") -> str:
    """Return the key's address, or the release prefix's."""
    sdk = world.settings.sdk
    return f"s3://{sdk.bucket}/{key or sdk.prefix}"


def wheel_key(world: World, version: semver.Version) -> str:
    """Return the wheel's key: the one below the prefix whose name is of package and version, else the usual name."""
    sdk = world.settings.sdk
    start = f"{sdk.prefix}{sdk.package.replace('-', '_')}-{python_version(version)}-"
    found = [
        each.key
        for each in world.bucket.objects(start)
        if wheel_filename_matches(each.key.rpartition("/")[2], sdk.package, version)
    ]
    if len(found) > 1:
        raise Conflict(
            f"{len(found)} wheels of {version} are out: {', '.join(found)}",
            "There must be one; find out who put the other there.",
        )
    return found[0] if found else f"{start}py3-none-any.whl"


def released_wheel(world: World, version: semver.Version) -> tuple[Wheel | None, str]:
    """Return the wheel under the release prefix, and its key; raise Conflict when it is not what it has to be.

    Its bytes are hashed and compared with the SHA-256 that S3 stored when it was made, where it did.
    """
    key = wheel_key(world, version)
    content = world.bucket.content(key)
    if content is None:
        return None, key
    try:
        found = read_wheel(content, key.rpartition("/")[2])
        check_wheel(world, found, version)
        stored = world.bucket.object(key)
        if stored and stored.sha256 not in ("", found.sha256):
            raise Failed(f"its bytes are sha256:{found.sha256[:12]}, S3 stored sha256:{stored.sha256[:12]}")
    except Failed as error:
        raise Conflict(
            f"{place(world, key)}: {error.problem}",
            "A released file is never overwritten; take the next version.",
        ) from error
    return found, key


def check_wheel(world: World, found: Wheel, wanted: semver.Version | None) -> None:
    """Raise Failed unless the wheel is of the settings' package, has their command, and is of the version, if given."""
    sdk = world.settings.sdk
    if wanted and not wheel_filename_matches(found.filename, sdk.package, wanted):
        raise Failed(
            f"the wheel is {found.name} {found.version}, not {sdk.package} {python_version(wanted)}",
            "Build it at its tag, with the tag fetched.",
        )
    if sdk.command and sdk.command not in found.entry_points:
        raise Failed(f"the wheel {found.filename} has no command {sdk.command}", "Set sdk.command in invoke.yaml.")


def prints(world: World) -> dict[str, str]:
    """Return a print of every object under the release prefix, by key, all pages: its ETag and when it was made."""
    listed = world.bucket.objects(world.settings.sdk.prefix)
    return {each.key: f"{each.etag} of {each.modified:%Y-%m-%d %H:%M:%S} UTC" for each in listed}


def check_unchanged(before: Mapping[str, str], after: Mapping[str, str], where: str) -> None:
    """Raise Conflict, naming them, when something that was there before is another or gone; what is new may be."""
    changed = [
        f"{name}: was {old}, is {after.get(name, 'gone')}" for name, old in before.items() if after.get(name) != old
    ]
    if changed:
        shown = "\n".join(changed[:SHOWN] + (["…"] if len(changed) > SHOWN else []))
        raise Conflict(
            f"{len(changed)} of {len(before)} in {where} changed meanwhile:\n{shown}",
            "What is released is never overwritten: find out who did that before anything else is released.",
        )
