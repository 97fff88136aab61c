"""Workflow runs: listed, read, run again, cancelled."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from .answers import Refused, not_found, page
from .hub import Hub, Json, Run, hub, now
from .shapes import node_id, repository_json, simple_commit_json, stamp, user_json
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
    found = [run for run in sorted(runs, key=lambda run: -run.id) if _asked(run)]
    return {"total_count": len(found), "workflow_runs": [run_json(hub(), run) for run in page(found)]}


def _asked(run: Run) -> bool:
    """Apply the filters of the query."""
    wanted = request.args
    facts = {
        "branch": run.ref_name,
        "event": run.start.event,
        "head_sha": run.start.sha,
        "actor": run.start.actor,
    }
    if any(key in wanted and wanted[key] != fact for key, fact in facts.items()):
        return False
    status = wanted.get("status")
    if status and status not in (run.work.status, run.work.conclusion):
        return False
    return "created" not in wanted or _created(wanted["created"], run.created_at)


def _created(expression: str, moment: datetime) -> bool:
    """Apply GitHub's date syntax: `>=DATE`, `<DATE`, `A..B`, `*..B`, `DATE`."""
    second = moment.replace(microsecond=0)
    if ".." in expression:
        first, last = expression.split("..", 1)
        return (first == "*" or second >= _moment(first)) and (last == "*" or second <= _moment(last, end=True))
    sign = expression[: len(expression) - len(expression.lstrip("<>="))]
    at = _moment(expression[len(sign) :], end=sign in ("<=", ">"))
    outcomes = {">=": second >= at, "<=": second <= at, ">": second > at, "<": second < at}
    return outcomes[sign] if sign else at <= second <= _moment(expression, end=True)


def _moment(text: str, end: bool = False) -> datetime:
    if len(text) == len("2026-01-01"):
        text += "T23:59:59" if end else "T00:00:00"
    try:
        # A plus sign in a query that was not quoted arrives as a space.
        moment = datetime.fromisoformat(text.replace("Z", "+00:00").replace(" ", "+"))
    except ValueError as error:
        raise Refused(422, "Invalid value for parameter 'created'") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


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


def run_json(state: Hub, run: Run) -> Json:
    """Describe a run (schema workflow-run)."""
    url = f"{state.api}/actions/runs/{run.id}"
    attempt = run.work.attempt
    moments = [
        run.again_at or run.created_at,
        *(at for job in run.work.jobs for at in (job.started_at, job.completed_at) if at),
    ]
    return {
        "id": run.id,
        "name": run.name,
        "node_id": node_id("WorkflowRun", run.id),
        "check_suite_id": run.id,
        "check_suite_node_id": node_id("CheckSuite", run.id),
        "head_branch": run.ref_name,
        "head_sha": run.start.sha,
        "path": run.start.path,
        "run_number": run.start.number,
        "run_attempt": attempt,
        "event": run.start.event,
        "display_title": run.name,
        "status": run.work.status,
        "conclusion": run.work.conclusion,
        "workflow_id": run.workflow_id,
        "url": url,
        "html_url": f"{state.html}/actions/runs/{run.id}",
        "pull_requests": [],
        "created_at": stamp(run.created_at),
        "updated_at": stamp(max(moments)),
        "run_started_at": stamp(run.again_at or run.created_at),
        "actor": user_json(state, run.start.actor),
        "triggering_actor": user_json(state, run.start.actor),
        "jobs_url": f"{url}/jobs",
        "logs_url": f"{url}/logs",
        "check_suite_url": f"{state.api}/check-suites/{run.id}",
        "artifacts_url": f"{url}/artifacts",
        "cancel_url": f"{url}/cancel",
        "rerun_url": f"{url}/rerun",
        "previous_attempt_url": f"{url}/attempts/{attempt - 1}" if attempt > 1 else None,
        "workflow_url": f"{state.api}/actions/workflows/{run.workflow_id}",
        "referenced_workflows": [],
        "head_commit": simple_commit_json(state.bare.commit(run.start.sha)),
        "repository": repository_json(state),
        "head_repository": repository_json(state),
    }


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
