"""The platform: what the tag's push starts, and its images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from release.binding import EVENT
from release.cli import reads, reruns, waits
from release.errors import Failed, Unknown
from release.follow import follow
from release.outcomes import check_run, state
from release.refs import RemoteRef
from release.release import needed_tag
from release.runs import Run, runs
from release.sdk import tagged_version
from release.tag_workflows import asked_runs, request_for

if TYPE_CHECKING:
    import semver

    from release.world import World

APPEARS = 60.0  # seconds within which GitHub shows the run that a push starts


@reruns
@waits
@reads
def watch(world: World, version: str = "") -> None:
    """Follow what the tag's push started to its end.

    Example: inv platform.watch --version 0.7.0
    """
    tag = needed_tag(world, tagged_version(world, version))
    for finished in follow(world, started_runs(world, tag)).values():
        check_run(world, finished, request_for(tag, finished.name))
        world.report.step("note", f"run {finished.id} of {finished.name}: {state(finished)}", url=finished.url)


@reads
def check(world: World, version: str = "") -> dict[str, str]:
    """Prove that every platform image has the tag.

    Example: inv platform.check --version 0.7.0
    """
    wanted = tagged_version(world, version)
    return check_images(world, wanted, image_digests(world, wanted), "the platform")


def check_images(
    world: World, version: semver.Version, digests: Mapping[str, str | None], whose: str
) -> dict[str, str]:
    """Return the images' digests, saying each; raise Failed naming those that are missing."""
    for name, digest in digests.items():
        world.report.artifact(f"image {name}:{version}", digest)
    missing = [name for name, digest in digests.items() if not digest]
    if missing:
        raise Failed(
            f"images of {whose} {version} are missing: {', '.join(missing)}",
            f"See what the tag started: inv platform.watch --version {version}",
        )
    return {name: digest for name, digest in digests.items() if digest}


def image_digests(world: World, version: semver.Version) -> dict[str, str | None]:
    """Return the digest of each platform image at the version, None where the registry has none."""
    return {name: world.registry.image_digest(name, str(version)) for name in world.settings.platform.images}


def started_runs(world: World, tag: RemoteRef) -> dict[str, Run]:
    """Return the runs that the tag's push started, by workflow; the newest of each.

    Raises Unknown when none appears in time: a push by the workflow's own token starts none (F14).
    """
    deadline = world.clock.now() + APPEARS
    while True:
        found = pushed_runs(world, tag)
        if found or world.dry:
            return found
        if world.clock.now() >= deadline:
            raise Unknown(
                f"the push of {tag.name} started no run within {APPEARS:.0f} s",
                "Does a workflow run on tags? Was the tag pushed with a token that starts workflows?",
            )
        world.clock.sleep(world.settings.release.poll)


def needed_runs(world: World, tag: RemoteRef) -> dict[str, Run]:
    """Return the tag's runs as `started_runs` does, asking for them where its push starts none (F14); writes that."""
    return pushed_runs(world, tag) or asked_runs(world, tag) or started_runs(world, tag)


def pushed_runs(world: World, tag: RemoteRef) -> dict[str, Run]:
    """Return the runs of the tag that GitHub shows now, the newest of each workflow: its push's, else those asked for.

    The SDK's and the image's are asked for on their own.
    """
    name, settings = tag.name.removeprefix("refs/tags/"), world.settings
    others = (settings.sdk.workflow, settings.image.workflow)
    for event in ("push", EVENT):
        found = runs(world.github, tag.sha, event, settings.platform.workflow)
        ours = {run.name: run for run in reversed(found) if run.head_branch == name and run.name not in others}
        if ours:
            return ours
    return {}
