"""What the release of one component starts and leaves behind, and the proof of that alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from release import platform, sdk
from release.binding import dispatched_run
from release.errors import Conflict
from release.follow import follow
from release.outcomes import check_run
from release.roles import check_roles
from release.runs import Dispatch, jobs

if TYPE_CHECKING:
    import semver

    from release.components import Component
    from release.runs import Run
    from release.tagged import Tagged
    from release.world import World


def is_sdk(world: World, part: Component) -> bool:
    """Whether the component is the Python package, which has tasks of its own."""
    return part.name == "sdk" or part.workflow == world.settings.sdk.workflow


def release_part(world: World, part: Component, tag: Tagged) -> None:
    """Release this component of the tag, and prove it: the wheel, or what builds its images and those alone."""
    if is_sdk(world, part):
        sdk.release(world, str(tag.version))
        return
    finished = follow(world, _runs(world, part, tag))
    _check_runs(world, part, tag, finished)
    if world.dry and not all(image_digests(world, part, tag.version).values()):
        images = ", ".join(f"{name}:{tag.version}" for name in part.images)
        how = f"run {part.workflow}" if part.workflow else "the tag's push"
        world.report.step("todo", f"images {images or 'none'}, by {how}")
        return
    prove_part(world, part, tag.version)


def prove_part(world: World, part: Component, version: semver.Version) -> None:
    """Raise Failed unless the wheel, or each image of this component, is out with the version."""
    if is_sdk(world, part):
        sdk.wheel(world, str(version))
        return
    platform.check_images(world, version, image_digests(world, part, version), part.name)


def check_unbuilt(world: World, part: Component, version: semver.Version) -> None:
    """Raise Conflict when something of a version that is not tagged yet is out: nobody knows what it is (F20, F21)."""
    there = [f"image {name}:{version}" for name, digest in image_digests(world, part, version).items() if digest]
    if is_sdk(world, part) and sdk.already(world, version):
        there.append(f"the wheel of {version}")
    if there:
        raise Conflict(
            f"{there[0]} exists already, and {version} is not tagged",
            f"Find out who made it, or take another version: inv release.component --name {part.name} --version …",
        )


def image_digests(world: World, part: Component, version: semver.Version) -> dict[str, str | None]:
    """Return the digest of each of the component's images at the version, None where the registry has none."""
    return {name: world.registry.image_digest(name, str(version)) for name in part.images}


def _runs(world: World, part: Component, tag: Tagged) -> dict[str, Run]:
    if not part.workflow:
        return platform.needed_runs(world, tag.ref)
    return {part.name: dispatched_run(world, _request(part, tag, part.workflow))}


def _request(part: Component, tag: Tagged, workflow: str) -> Dispatch:
    command = f"inv release.component --name {part.name} --version {tag.version}"
    return Dispatch(workflow, tag.ref.name, tag.ref.sha, roles=part.roles, command=command)


def _check_runs(world: World, part: Component, tag: Tagged, finished: dict[str, Run]) -> None:
    """Raise unless the runs did what this component needs: its roles' jobs, or without roles every job (F26)."""
    ended = [run for run in finished.values() if run.id and not (world.dry and run.status != "completed")]
    if part.roles and ended:
        check_part_roles(world, ended, part.roles, _request(part, tag, "").ways_on)
        return
    for run in ended:
        check_run(world, run, _request(part, tag, run.name))


def check_part_roles(world: World, ended: Iterable[Run], roles: Sequence[str], hint: str) -> None:
    """Raise Failed unless all jobs of the runs that play these roles succeeded, and each role has one (F26)."""
    listed = list(ended)
    shown = [(job.name, job.status, job.conclusion) for run in listed for job in jobs(world.github, run.id)]
    links = [f"Look: {run.url}" for run in listed]
    check_roles(shown, roles, {}, "\n".join([*links, hint]))
