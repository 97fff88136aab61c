"""The runs that a release asks for: workflow, ref, commit, inputs, and what each run has to be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import semver

from release.call.context import Context
from release.git.refs import HEADS, NEW, TAGS, RemoteRef, short_name
from release.git.repository import repository
from release.git.tags import TaggedRelease
from release.settings import Component
from release.versions import parse_branch
from release.workflows import SDK, Rule, Source, image_rules, judge

FOLDER = ".github/workflows"


@dataclass(frozen=True)
class Dispatch:
    """A run to ask for: the workflow's file, full ref, its commit, the inputs, and what the run has to be."""

    workflow: str
    ref: str
    sha: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    roles: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    command: str = ""  # what a person types for this run, as hints say it
    new_run: str = ""  # and for a new one
    before: Mapping[str, str] = field(default_factory=dict)  # prints of what its run must leave alone
    also: Callable[[str], bool] | None = None  # whether a run of another commit of the branch counts too

    def is_of(self, sha: str) -> bool:
        """Whether a run of this commit may count for the request."""
        return sha == self.sha or bool(self.also and self.also(sha))

    @property
    def name(self) -> str:
        """Return the branch or tag as GitHub's dispatch takes it and its runs show it."""
        return self.ref.removeprefix(HEADS).removeprefix(TAGS)

    @property
    def ways_on(self) -> str:
        """Say how to go on from a run that failed."""
        anew = f", or for a new run: {self.new_run}" if self.new_run else ""
        return f"Once the cause is mended: {self.command or 'the same command'} --rerun-failed{anew}"


def sdk_request(context: Context, tag: RemoteRef, publish_pypi: bool = False, run_e2e: bool = False) -> Dispatch:
    """Return the run to ask for: the SDK workflow on the tag, with the settings' inputs and the flags'."""
    sdk, command = context.settings.sdk, f"inv sdk.release --version {short_name(tag)}"
    extra = {name: True for name, on in {"publish_pypi": publish_pypi, "run_e2e": run_e2e}.items() if on}
    again, inputs = f"{command} --again", {**sdk.inputs, **extra}
    roles = (*sdk.roles, *_roles_of_inputs(context, tag, sdk.workflow, inputs))
    return Dispatch(sdk.workflow, tag.name, tag.sha, inputs, tuple(dict.fromkeys(roles)), SDK, command, again)


def _roles_of_inputs(context: Context, tag: RemoteRef, workflow: str, inputs: Mapping[str, Any]) -> list[str]:
    """Return the jobs that the inputs turn on at the tag: without them a green run was not what was asked for."""
    if tag.sha == NEW:
        return []
    repository(context).need_commit(tag.sha, tag.name)
    text = repository(context).file(tag.sha, f"{FOLDER}/{workflow}")
    names = judge(Source(text, tag.name, workflow), inputs).turned_on
    return [name for name in names if not set(name) & set("*|?")]  # a role's own signs


def image_request(context: Context, version: semver.Version, head: RemoteRef, build_base: bool) -> Dispatch:
    """Return the run to ask for: the image workflow on that branch with this version."""
    image = context.settings.image
    on_line = f" --ref {short_name(head)}" if parse_branch(short_name(head)) else ""
    command = f"inv image.{'watch' if on_line else 'release'} --version {version}{on_line}"
    again = f"inv image.{'dispatch' if on_line else 'release'} --version {version}{on_line} --again"
    inputs = {"version": str(version), **image.inputs, **({"build_base": True} if build_base else {})}
    rules = image_rules(build_base=build_base)
    return Dispatch(image.workflow, head.name, head.sha, inputs, (), rules, command, again)


def platform_request(tag: RemoteRef, workflow: str) -> Dispatch:
    """Return the run of a platform workflow on the tag."""
    return Dispatch(workflow, tag.name, tag.sha, command=f"inv platform.watch --version {short_name(tag)}")


def component_request(part: Component, tag: TaggedRelease, workflow: str) -> Dispatch:
    """Return the run of a component's own workflow on its tag."""
    command = f"inv release.component --name {part.name} --version {tag.version}"
    return Dispatch(workflow, tag.ref.name, tag.ref.sha, roles=part.roles, command=command)
