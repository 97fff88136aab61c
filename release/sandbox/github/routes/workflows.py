"""Workflows, and starting one by hand."""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from release.sandbox.github.answers import VERSIONS, Refused, body, find_workflow, hub, not_found, page, token
from release.sandbox.github.events import InvalidInputs, check_dispatch, readable_workflow, start_run, workflow_files
from release.sandbox.github.records import Json
from release.sandbox.github.shapes.runs import workflow_json
from release.sandbox.github.state import Hub
from release.sandbox.runner import input_values

routes = Blueprint("workflows", __name__)
MOST_INPUTS = 25


@routes.get("/actions/workflows")
def workflows() -> ResponseReturnValue:
    """Answer the workflows of the default branch."""
    files = _files(hub())
    described = [workflow_json(hub(), path, text) for path, text in page(sorted(files.items()))]
    return {"total_count": len(files), "workflows": described}


@routes.get("/actions/workflows/<workflow>")
def one_workflow(workflow: str) -> ResponseReturnValue:
    """Answer one workflow, by number or file name."""
    number = find_workflow(workflow)
    path = _path(hub(), number)
    return workflow_json(hub(), path, _files(hub()).get(path, ""))


@routes.post("/actions/workflows/<workflow>/dispatches")
def dispatch(workflow: str) -> ResponseReturnValue:
    """Start a run with inputs, checked as GitHub checks them."""
    state, asked = hub(), body()
    path = _path(state, find_workflow(workflow))
    name = str(asked.get("ref", ""))
    details = bool(asked.get("return_run_details"))
    if details and state.settings.dispatch_answer == "reject":
        raise Refused(422, 'Invalid request.\n\n"return_run_details" is not a permitted key.')
    ref = _full_ref(state, name)
    sha = state.bare.sha(ref)
    text = state.bare.file(sha, path) if sha else None
    if sha is None or text is None:
        raise not_found()
    inputs = _inputs(text, path, asked.get("inputs") or {})
    run = start_run(state, path, text, sha=sha, ref=ref, event="workflow_dispatch", actor=token().login, inputs=inputs)
    newer = request.headers.get("X-GitHub-Api-Version", "") >= VERSIONS[-1]
    if state.settings.dispatch_answer == "none" or not (details or newer):
        return "", 204
    url = f"{state.api}/actions/runs/{run.id}"
    return {"workflow_run_id": run.id, "run_url": url, "html_url": f"{state.html}/actions/runs/{run.id}"}


def _inputs(text: str, path: str, given: Json) -> Json:
    """Check the inputs and fill in the defaults; raise 422 with GitHub's reason."""
    if len(given) > MOST_INPUTS:
        raise Refused(
            422, f"Invalid request.\n\nNo more than {MOST_INPUTS} properties are allowed; {len(given)} were supplied."
        )
    workflow = readable_workflow(text, path)
    if workflow is None:
        raise Refused(422, f"Invalid workflow file: {path}")
    try:
        check_dispatch(workflow, given)
    except InvalidInputs as error:
        raise Refused(422, str(error)) from error
    return input_values(workflow, given)


def _full_ref(state: Hub, name: str) -> str:
    """Find what a branch or tag name means: as on GitHub, a branch before a tag; full names are taken as they are."""
    candidates = [name] if name.startswith("refs/") else [f"refs/heads/{name}", f"refs/tags/{name}"]
    for candidate in candidates:
        if name and state.bare.says("show-ref", "--verify", "--quiet", candidate):
            return candidate
    raise Refused(422, f"No ref found for: {name}")


def _files(state: Hub) -> dict[str, str]:
    head = state.head(state.settings.default_branch)
    return workflow_files(state, head) if head else {}


def _path(state: Hub, number: int) -> str:
    return next(path for path, known in state.workflow_ids.items() if known == number)
