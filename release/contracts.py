"""Read a workflow's file where its run would read it, and judge it before the run is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release.errors import Conflict
from release.refs import NEW
from release.workflows import Source, check_contract, contract

if TYPE_CHECKING:
    from release.runs import Dispatch
    from release.world import World

FOLDER = ".github/workflows"


def check_workflow(world: World, dispatch: Dispatch) -> None:
    """Raise unless the workflow's file at the commit does what is wanted of the run; say what cannot be known.

    A dry run's commit that is not made yet has the trunk's file. Raises Failed for the file, Usage for the
    call, Conflict when the ref's short name, all that a dispatch takes, is a branch's and a tag's (F11).
    """
    planned = dispatch.sha == NEW
    sha = world.repo.head_sha(world.trunk) if planned else dispatch.sha
    ref = f"refs/heads/{world.trunk}" if planned else dispatch.ref
    if sha is None:
        return
    world.repo.need_commit(sha, ref)
    text = world.repo.file(sha, f"{FOLDER}/{dispatch.workflow}")
    judged = contract(Source(text, ref, dispatch.workflow), dispatch.inputs, dispatch.roles, dispatch.rules)
    check_contract(judged)
    for note in judged.notes:
        world.report.step("note", f"{judged.source.where} {note}")
    if not planned:
        _check_unambiguous(world, dispatch)


def _check_unambiguous(world: World, dispatch: Dispatch) -> None:
    other = (
        world.repo.head_sha(dispatch.name) if dispatch.ref.startswith("refs/tags/") else world.repo.tag(dispatch.name)
    )
    if other:
        raise Conflict(
            f"{dispatch.name} is a branch and a tag: GitHub could run {dispatch.workflow} on either",
            "Delete or rename the one that is not meant.",
        )
