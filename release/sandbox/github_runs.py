"""Workflow runs, their jobs, logs and artifacts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timezone

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from .answers import Refused, blob_redirect, not_found, page
from .hub import Hub, JobLike, Json, Run, StepLike, hub
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
        described |= {"run_attempt": attempt, "status": "completed", "conclusion": "failure"}
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
    moments = [run.created_at, *(at for job in run.work.jobs for at in (job.started_at, job.completed_at) if at)]
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
        "run_started_at": stamp(run.created_at),
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


@routes.get("/actions/runs/<int:number>/jobs")
def run_jobs(number: int) -> ResponseReturnValue:
    """Answer the jobs of the latest attempt, or with `filter=all` of every attempt."""
    run = find_run(number)
    attempts = range(1, run.work.attempt + 1) if request.args.get("filter") == "all" else [run.work.attempt]
    return _jobs_page(run, [(attempt, job) for attempt in attempts for job in attempt_jobs(run, attempt)])


@routes.get("/actions/runs/<int:number>/attempts/<int:attempt>/jobs")
def jobs_of_attempt(number: int, attempt: int) -> ResponseReturnValue:
    """Answer the jobs of one attempt."""
    run = find_run(number)
    if not 1 <= attempt <= run.work.attempt:
        raise not_found()
    return _jobs_page(run, [(attempt, job) for job in attempt_jobs(run, attempt)])


def attempt_jobs(run: Run, attempt: int) -> Sequence[JobLike]:
    """List the jobs of an attempt; those of earlier ones were kept when the next began."""
    return run.earlier[attempt - 1] if attempt <= len(run.earlier) else run.work.jobs


def _jobs_page(run: Run, jobs: list[tuple[int, JobLike]]) -> Json:
    return {"total_count": len(jobs), "jobs": [job_json(hub(), run, attempt, job) for attempt, job in page(jobs)]}


def job_number(state: Hub, run: Run, attempt: int, job: JobLike) -> int:
    """Find or give the number of a job."""
    with state.lock:
        key = (run.id, attempt, job.name)
        if key not in state.job_ids:
            state.job_ids[key] = state.next_id()
        return state.job_ids[key]


def job_json(state: Hub, run: Run, attempt: int, job: JobLike) -> Json:
    """Describe a job (schema job)."""
    number = job_number(state, run, attempt, job)
    return {
        "id": number,
        "run_id": run.id,
        "run_url": f"{state.api}/actions/runs/{run.id}",
        "run_attempt": attempt,
        "node_id": node_id("CheckRun", number),
        "head_sha": run.start.sha,
        "head_branch": run.ref_name,
        "workflow_name": run.name,
        "name": job.name,
        "url": f"{state.api}/actions/jobs/{number}",
        "html_url": f"{state.html}/actions/runs/{run.id}/job/{number}",
        "check_run_url": f"{state.api}/check-runs/{number}",
        "status": job.status,
        "conclusion": job.conclusion,
        "created_at": stamp(run.created_at),
        "started_at": stamp(job.started_at or run.created_at),
        "completed_at": stamp(job.completed_at),
        "steps": [_step_json(step) for step in job.steps],
        "labels": ["ubuntu-latest"],
        "runner_id": 1 if job.started_at else None,
        "runner_name": "sandbox" if job.started_at else None,
        "runner_group_id": 1 if job.started_at else None,
        "runner_group_name": "sandbox" if job.started_at else None,
    }


def _step_json(step: StepLike) -> Json:
    return {
        "name": step.name,
        "number": step.number,
        "status": step.status,
        "conclusion": step.conclusion,
        "started_at": stamp(step.started_at),
        "completed_at": stamp(step.completed_at),
    }


@routes.get("/actions/jobs/<int:number>")
def one_job(number: int) -> ResponseReturnValue:
    """Answer one job."""
    return job_json(hub(), *_find_job(number))


def _find_job(number: int) -> tuple[Run, int, JobLike]:
    for (run_id, attempt, name), known in hub().job_ids.items():
        if known == number:
            run = find_run(run_id)
            return run, attempt, next(job for job in attempt_jobs(run, attempt) if job.name == name)
    raise not_found()


@routes.get("/actions/jobs/<int:number>/logs")
def job_logs(number: int) -> ResponseReturnValue:
    """Send the client to the log of a job, which is there once the job is over."""
    _, _, job = _find_job(number)
    if job.status != "completed":
        raise not_found()
    return blob_redirect(hub(), job.log.encode(), "text/plain; charset=utf-8")


@routes.post("/actions/runs/<int:number>/rerun-failed-jobs")
def rerun_failed_jobs(number: int) -> ResponseReturnValue:
    """Begin another attempt with the jobs that failed; 403 while the run goes on."""
    run = find_run(number)
    with hub().lock:
        if run.work.status != "completed":
            raise Refused(403, "This workflow is already running")
        run.earlier.append(list(run.work.jobs))
        run.work.rerun_failed()
    return {}, 201


@routes.post("/actions/runs/<int:number>/cancel")
def cancel(number: int) -> ResponseReturnValue:
    """Cancel a run; 409 when it is over."""
    run = find_run(number)
    if run.work.status == "completed":
        raise Refused(409, "Cannot cancel a workflow run that is completed.")
    run.work.cancel()
    return {}, 202


@routes.get("/actions/runs/<int:number>/artifacts")
def run_artifacts(number: int) -> ResponseReturnValue:
    """Answer the artifacts of a run, all or by `name`."""
    run = find_run(number)
    wanted = request.args.get("name")
    names = [name for name in sorted(run.work.artifacts) if wanted in (None, name)]
    return {"total_count": len(names), "artifacts": [_artifact_json(hub(), run, name) for name in page(names)]}


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
