"""Workflows, and starting one by hand."""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from release.sandbox.github.answers import VERSIONS, Refused, body, find_workflow, hub, not_found, page, token
from release.sandbox.github.events import dispatch_inputs, full_ref, start_run, workflow_files
from release.sandbox.github.permissions import needs
from release.sandbox.github.shapes.runs import workflow_json
from release.sandbox.github.state import Hub

routes = Blueprint("workflows", __name__)


@routes.get("/actions/workflows")
@needs("actions=read")
def workflows() -> ResponseReturnValue:
    """Answer the workflows of the default branch."""
    files = _files(hub())
    described = [workflow_json(hub(), path, text) for path, text in page(sorted(files.items()))]
    return {"total_count": len(files), "workflows": described}


@routes.get("/actions/workflows/<workflow>")
@needs("actions=read")
def one_workflow(workflow: str) -> ResponseReturnValue:
    """Answer one workflow, by number or file name."""
    number = find_workflow(workflow)
    path = _path(hub(), number)
    return workflow_json(hub(), path, _files(hub()).get(path, ""))


@routes.post("/actions/workflows/<workflow>/dispatches")
@needs("actions=write")
def dispatch(workflow: str) -> ResponseReturnValue:
    """Start a run with inputs, checked as GitHub checks them."""
    state, asked = hub(), body()
    path = _path(state, find_workflow(workflow))
    name = str(asked.get("ref", ""))
    details = bool(asked.get("return_run_details"))
    if details and state.settings.dispatch_answer == "reject":
        raise Refused(422, 'Invalid request.\n\n"return_run_details" is not a permitted key.')
    ref = full_ref(state, name)
    sha = state.bare.sha(ref)
    text = state.bare.file(sha, path) if sha else None
    if sha is None or text is None:
        raise not_found()
    inputs = dispatch_inputs(text, path, asked.get("inputs") or {})
    run = start_run(state, path, text, sha=sha, ref=ref, event="workflow_dispatch", actor=token().login, inputs=inputs)
    newer = request.headers.get("X-GitHub-Api-Version", "") >= VERSIONS[-1]
    if state.settings.dispatch_answer == "none" or not (details or newer):
        return "", 204
    url = f"{state.api}/actions/runs/{run.id}"
    return {"workflow_run_id": run.id, "run_url": url, "html_url": f"{state.html}/actions/runs/{run.id}"}


def _files(state: Hub) -> dict[str, str]:
    head = state.head(state.settings.default_branch)
    return workflow_files(state, head) if head else {}


def _path(state: Hub, number: int) -> str:
    return next(path for path, known in state.workflow_ids.items() if known == number)
