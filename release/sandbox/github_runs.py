"""Workflow runs: listed, read, run again, cancelled."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint
from flask.typing import ResponseReturnValue

from .answers import Refused, not_found, page
from .hub import Hub, hub
from .records import Json, now
from .run_filters import is_asked
from .run_shapes import run_json
from .running import Run
from .starts import workflow_id

routes = Blueprint("runs", __name__)


@routes.get("/actions/runs")
def repository_runs() -> ResponseReturnValue:
    """Answer the repository's runs, newest first."""
    return _runs_page(list(hub().runs.values()))


@routes.get("/actions/workflows/<workflow>/runs")
def workflow_runs(workflow: str) -> ResponseReturnValue:
    """Answer the runs of one workflow, newest first."""
    wanted = workflow_number(hub(), workflow)
    return _runs_page([run for run in hub().runs.values() if run.workflow_id == wanted])


def workflow_number(state: Hub, workflow: str) -> int:
    """Find a workflow by its number or file name; raise 404 for one that was never seen."""
    if workflow.isdigit() and int(workflow) in state.workflow_ids.values():
        return int(workflow)
    path = f".github/workflows/{workflow}"
    known = state.bare.file(f"refs/heads/{state.settings.default_branch}", path) is not None
    if not known and path not in state.workflow_ids:
        raise not_found()
    return workflow_id(state, path)


def _runs_page(runs: list[Run]) -> Json:
    found = [run for run in sorted(runs, key=lambda run: -run.id) if is_asked(run)]
    return {"total_count": len(found), "workflow_runs": [run_json(hub(), run) for run in page(found)]}


@routes.get("/actions/runs/<int:number>")
def one_run(number: int) -> ResponseReturnValue:
    """Answer one run."""
    return run_json(hub(), find_run(number))


@routes.get("/actions/runs/<int:number>/attempts/<int:attempt>")
def one_attempt(number: int, attempt: int) -> ResponseReturnValue:
    """Answer one attempt of a run."""
    run = find_run(number)
    if not 1 <= attempt <= run.work.attempt:
        raise not_found()
    described = run_json(hub(), run)
    if attempt < run.work.attempt:
        described |= {"run_attempt": attempt, "status": "completed", "conclusion": run.earlier[attempt - 1][0]}
    return described


def find_run(number: int) -> Run:
    """Find a run; raise 404 when there is none."""
    run = hub().runs.get(number)
    if run is None:
        raise not_found()
    return run


@routes.post("/actions/runs/<int:number>/rerun-failed-jobs")
def rerun_failed_jobs(number: int) -> ResponseReturnValue:
    """Begin another attempt with the jobs that failed; 403 while the run goes on."""
    run = find_run(number)
    return _begin_again(run, run.work.rerun_failed)


@routes.post("/actions/runs/<int:number>/rerun")
def rerun(number: int) -> ResponseReturnValue:
    """Begin another attempt with all jobs; 403 while the run goes on."""
    run = find_run(number)
    return _begin_again(run, run.work.rerun)


def _begin_again(run: Run, begin: Callable[[], None]) -> ResponseReturnValue:
    with hub().lock:
        if run.work.status != "completed":
            raise Refused(403, "This workflow is already running")
        run.earlier.append((run.work.conclusion, list(run.work.jobs)))
        run.again_at = now()
        begin()
    return {}, 201


@routes.post("/actions/runs/<int:number>/cancel")
def cancel(number: int) -> ResponseReturnValue:
    """Cancel a run; 409 when it is over."""
    run = find_run(number)
    if run.work.status == "completed":
        raise Refused(409, "Cannot cancel a workflow run that is completed.")
    run.work.cancel()
    return {}, 202
