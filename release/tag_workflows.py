"""The workflows of a tag where its push starts none: the token is a workflow's own (F14)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from release.actions import check_token_starts_workflows
from release.binding import dispatched_run
from release.contracts import FOLDER
from release.errors import Failed, Usage
from release.refs import RemoteRef
from release.release import trunk_sha
from release.runs import Dispatch, Run
from release.workflow_yaml import InvalidYaml, document

if TYPE_CHECKING:
    from release.world import World

TAGS = ("tags", "tags-ignore")
BRANCHES = ("branches", "branches-ignore")


def check_starts(world: World, sha: str = "") -> None:
    """Raise Usage, before anything is written, where a tag's push will start nothing and nothing can stand in for it.

    A workflow of the commit (the trunk's head) that tags start can be asked for as well, if it has
    `workflow_dispatch`: an event which that token may make.
    """
    try:
        check_token_starts_workflows(world)
    except Usage:
        names = dispatchable(world, sha or trunk_sha(world))
        if not names:
            raise
        world.report.step("note", f"a push with this token starts no workflow: {', '.join(names)} will be asked for")


def asked_runs(world: World, tag: RemoteRef) -> dict[str, Run]:
    """Return the runs of the tag's workflows asked for by name, where its push starts none; else nothing."""
    try:
        check_token_starts_workflows(world)
    except Usage:
        names = dispatchable(world, tag.sha)
        return {name: dispatched_run(world, request_for(tag, name)) for name in names}
    return {}


def request_for(tag: RemoteRef, workflow: str) -> Dispatch:
    """Return the run of a platform workflow on the tag."""
    version = tag.name.removeprefix("refs/tags/")
    return Dispatch(workflow, tag.name, tag.sha, command=f"inv platform.watch --version {version}")


def dispatchable(world: World, sha: str) -> list[str]:
    """Return the files of the commit's workflows that a tag starts and that can be asked for too."""
    only = world.settings.platform.workflow
    return [name for name, on in _triggers(world, sha) if only in ("", name) and _tag_starts(on) and _can_be_asked(on)]


def _triggers(world: World, sha: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    world.repo.need_commit(sha)
    try:
        listed = world.repo.git("ls-tree", "--full-tree", "--name-only", "-z", sha, "--", f"{FOLDER}/")
    except Failed:
        return
    for path in (name for name in listed.split("\0") if name.endswith((".yml", ".yaml"))):
        try:
            top = document(world.repo.file(sha, path) or b"")
        except InvalidYaml:
            continue
        on = top.get("on") if isinstance(top, Mapping) else None
        events = on if isinstance(on, Mapping) else dict.fromkeys(map(str, on if isinstance(on, list) else [on]))
        yield path.rpartition("/")[2], events


def _tag_starts(on: Mapping[str, Any]) -> bool:
    filters = on.get("push") or {}
    return "push" in on and (any(name in filters for name in TAGS) or not any(name in filters for name in BRANCHES))


def _can_be_asked(on: Mapping[str, Any]) -> bool:
    return "workflow_dispatch" in on
