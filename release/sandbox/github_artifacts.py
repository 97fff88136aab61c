"""The artifacts of workflow runs."""

from __future__ import annotations

import hashlib

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from .answers import blob_redirect, not_found, page
from .github_runs import find_run
from .hub import Hub, hub
from .records import Json
from .running import Run
from .shapes import node_id, stamp

routes = Blueprint("artifacts", __name__)


@routes.get("/actions/artifacts")
def artifacts() -> ResponseReturnValue:
    """Answer the artifacts of all runs, newest run first, all or by `name`."""
    found = [(run, name) for run in sorted(hub().runs.values(), key=lambda run: -run.id) for name in _names(run)]
    return {"total_count": len(found), "artifacts": [_artifact_json(hub(), run, name) for run, name in page(found)]}


@routes.get("/actions/runs/<int:number>/artifacts")
def run_artifacts(number: int) -> ResponseReturnValue:
    """Answer the artifacts of a run, all or by `name`."""
    run = find_run(number)
    names = _names(run)
    return {"total_count": len(names), "artifacts": [_artifact_json(hub(), run, name) for name in page(names)]}


def _names(run: Run) -> list[str]:
    wanted = request.args.get("name")
    return [name for name in sorted(run.work.artifacts) if wanted in (None, name)]


@routes.get("/actions/artifacts/<int:number>")
def one_artifact(number: int) -> ResponseReturnValue:
    """Answer one artifact."""
    return _artifact_json(hub(), *_find_artifact(number))


@routes.get("/actions/artifacts/<int:number>/zip")
def artifact_zip(number: int) -> Response:
    """Send the client to the archive of an artifact."""
    run, name = _find_artifact(number)
    return blob_redirect(hub(), run.work.artifacts[name].read_bytes(), "application/zip")


def _artifact_number(state: Hub, run: Run, name: str) -> int:
    with state.lock:
        key = (run.id, 0, name)
        if key not in state.job_ids:
            state.job_ids[key] = state.next_id()
        return state.job_ids[key]


def _find_artifact(number: int) -> tuple[Run, str]:
    for (run_id, attempt, name), known in hub().job_ids.items():
        if known == number and attempt == 0:
            return find_run(run_id), name
    raise not_found()


def _artifact_json(state: Hub, run: Run, name: str) -> Json:
    number = _artifact_number(state, run, name)
    archive = run.work.artifacts[name].read_bytes()
    url = f"{state.api}/actions/artifacts/{number}"
    return {
        "id": number,
        "node_id": node_id("Artifact", number),
        "name": name,
        "size_in_bytes": len(archive),
        "digest": f"sha256:{hashlib.sha256(archive).hexdigest()}",
        "url": url,
        "archive_download_url": f"{url}/zip",
        "expired": False,
        "created_at": stamp(run.created_at),
        "expires_at": stamp(run.created_at.replace(year=run.created_at.year + 1, day=1)),
        "updated_at": stamp(run.created_at),
        "workflow_run": {
            "id": run.id,
            "repository_id": 4_711,
            "head_repository_id": 4_711,
            "head_branch": run.ref_name,
            "head_sha": run.start.sha,
        },
    }
