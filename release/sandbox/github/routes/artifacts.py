"""The artifacts of workflow runs."""

from __future__ import annotations

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from release.sandbox.github.answers import blob_redirect, find_part, find_run, hub, not_found, page
from release.sandbox.github.permissions import needs
from release.sandbox.github.records import Run
from release.sandbox.github.shapes.runs import artifact_json

routes = Blueprint("artifacts", __name__)


@routes.get("/actions/artifacts")
@needs("actions=read")
def artifacts() -> ResponseReturnValue:
    """Answer the artifacts of all runs, newest run first, all or by `name`."""
    found = [
        (run, name) for run in sorted(hub().runs.values(), key=lambda run: -run.id) for name in _artifact_names(run)
    ]
    return {"total_count": len(found), "artifacts": [artifact_json(hub(), run, name) for run, name in page(found)]}


@routes.get("/actions/runs/<int:number>/artifacts")
@needs("actions=read")
def run_artifacts(number: int) -> ResponseReturnValue:
    """Answer the artifacts of a run, all or by `name`."""
    run = find_run(number)
    names = _artifact_names(run)
    return {"total_count": len(names), "artifacts": [artifact_json(hub(), run, name) for name in page(names)]}


def _artifact_names(run: Run) -> list[str]:
    wanted = request.args.get("name")
    return [name for name in sorted(run.work.artifacts) if wanted in (None, name)]


@routes.get("/actions/artifacts/<int:number>")
@needs("actions=read")
def one_artifact(number: int) -> ResponseReturnValue:
    """Answer one artifact."""
    return artifact_json(hub(), *_find_artifact(number))


@routes.get("/actions/artifacts/<int:number>/zip")
@needs("actions=read")
def artifact_zip(number: int) -> Response:
    """Send the client to the archive of an artifact."""
    run, name = _find_artifact(number)
    return blob_redirect(run.work.artifacts[name].read_bytes(), "application/zip")


def _find_artifact(number: int) -> tuple[Run, str]:
    run, attempt, name, _ = find_part(number)
    if attempt:
        raise not_found()
    return run, name
