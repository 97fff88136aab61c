"""What the release of one component starts and leaves behind, and the proof of that alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import semver

from release.artifacts.images import component_digests
from release.artifacts.wheel_release import is_wheel_out
from release.call.context import Context
from release.errors import Conflict
from release.git.tags import TaggedRelease
from release.github.api import github
from release.github.dispatch import dispatch_run
from release.github.events import needed_runs
from release.github.outcomes import check_run
from release.github.requests import component_request
from release.github.runs import Run, jobs_of
from release.settings import Component
from release.workflows import check_roles


def is_sdk(context: Context, part: Component) -> bool:
    """Whether the component is the Python package, which has tasks of its own."""
    return part.name == "sdk" or part.workflow == context.settings.sdk.workflow


def check_unbuilt(context: Context, part: Component, version: semver.Version) -> None:
    """Raise Conflict when something of a version that is not tagged yet is out: nobody knows what it is (F20, F21)."""
    there = [f"image {name}:{version}" for name, digest in component_digests(context, part, version).items() if digest]
    if is_sdk(context, part) and is_wheel_out(context, version):
        there.append(f"the wheel of {version}")
    if there:
        raise Conflict(
            f"{there[0]} exists already, and {version} is not tagged",
            f"Find out who made it, or take another version: inv release.component --name {part.name} --version …",
        )


def component_runs(context: Context, part: Component, tag: TaggedRelease) -> dict[str, Run]:
    if not part.workflow:
        return needed_runs(context, tag.ref)
    return {part.name: dispatch_run(context, component_request(part, tag, part.workflow))}


def check_component_runs(context: Context, part: Component, tag: TaggedRelease, finished: dict[str, Run]) -> None:
    """Raise unless the runs did what this component needs: its roles' jobs, or without roles every job (F26)."""
    ended = [run for run in finished.values() if run.id and not (context.dry and run.status != "completed")]
    if part.roles and ended:
        check_component_roles(context, ended, part.roles, component_request(part, tag, "").ways_on)
        return
    for run in ended:
        check_run(context, run, component_request(part, tag, run.name))


def check_component_roles(context: Context, ended: Iterable[Run], roles: Sequence[str], hint: str) -> None:
    """Raise Failed unless all jobs of the runs that play these roles succeeded, and each role has one (F26)."""
    listed = list(ended)
    shown = [(job.name, job.status, job.conclusion) for run in listed for job in jobs_of(github(context), run.id)]
    links = [f"Look: {run.url}" for run in listed]
    check_roles(shown, roles, {}, "\n".join([*links, hint]))
