"""Workflows, and starting one by hand."""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from .answers import Refused, body, not_found, page, token
from .github_runs import workflow_number
from .hub import Hub, hub
from .records import Json
from .shapes import node_id
from .starts import parsed, start_run, workflow_files, workflow_id, workflow_name
from .triggers import InvalidInputs, check_dispatch, input_values

routes = Blueprint("workflows", __name__)
MOST_INPUTS = 25


@routes.get("/actions/workflows")
def workflows() -> ResponseReturnValue:
    """Answer the workflows of the default branch."""
    files = _files(hub())
    described = [_workflow_json(hub(), path, text) for path, text in page(sorted(files.items()))]
    return {"total_count": len(files), "workflows": described}


@routes.get("/actions/workflows/<workflow>")
def one_workflow(workflow: str) -> ResponseReturnValue:
    """Answer one workflow, by number or file name."""
    number = workflow_number(hub(), workflow)
    path = _path(hub(), number)
    return _workflow_json(hub(), path, _files(hub()).get(path, ""))


@routes.post("/actions/workflows/<workflow>/dispatches")
def dispatch(workflow: str) -> ResponseReturnValue:
    """Start a run with inputs, checked as GitHub checks them."""
    state, asked = hub(), body()
    path = _path(state, workflow_number(state, workflow))
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
    newer = request.headers.get("X-GitHub-Api-Version", "") >= "2026-03-10"
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
    workflow = parsed(text, path)
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


def _workflow_json(state: Hub, path: str, text: str) -> Json:
    number = workflow_id(state, path)
    file = path.rsplit("/", 1)[-1]
    branch = state.settings.default_branch
    return {
        "id": number,
        "node_id": node_id("Workflow", number),
        "name": workflow_name(text, path),
        "path": path,
        "state": "active",
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        "url": f"{state.api}/actions/workflows/{number}",
        "html_url": f"{state.html}/blob/{branch}/{path}",
        "badge_url": f"{state.html}/workflows/{file}/badge.svg",
    }
