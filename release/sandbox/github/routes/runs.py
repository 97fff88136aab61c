"""Workflow runs: listed, read, run again, cancelled; their jobs and logs."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from release.sandbox.github.answers import (
    Refused,
    blob_redirect,
    date_matches,
    find_part,
    find_run,
    find_workflow,
    hub,
    not_found,
    page,
)
from release.sandbox.github.events import cancel_run, run_again
from release.sandbox.github.permissions import needs
from release.sandbox.github.records import Json, Run
from release.sandbox.github.shapes.runs import job_json, run_json
from release.sandbox.runner import JobLike

routes = Blueprint("runs", __name__)


@routes.get("/actions/runs")
@needs("actions=read")
def repository_runs() -> ResponseReturnValue:
    """Answer the repository's runs, newest first."""
    return _runs_page(list(hub().runs.values()))


@routes.get("/actions/workflows/<workflow>/runs")
@needs("actions=read")
def workflow_runs(workflow: str) -> ResponseReturnValue:
    """Answer the runs of one workflow, newest first."""
    wanted = find_workflow(workflow)
    return _runs_page([run for run in hub().runs.values() if run.workflow_id == wanted])


def _runs_page(runs: list[Run]) -> Json:
    found = [run for run in sorted(runs, key=lambda run: -run.id) if _is_asked(run)]
    return {"total_count": len(found), "workflow_runs": [run_json(hub(), run) for run in page(found)]}


@routes.get("/actions/runs/<int:number>")
@needs("actions=read")
def one_run(number: int) -> ResponseReturnValue:
    """Answer one run."""
    return run_json(hub(), find_run(number))


@routes.get("/actions/runs/<int:number>/attempts/<int:attempt>")
@needs("actions=read")
def one_attempt(number: int, attempt: int) -> ResponseReturnValue:
    """Answer one attempt of a run."""
    run = _find_attempt(number, attempt)
    described = run_json(hub(), run)
    if attempt < run.work.attempt:
        described |= {"run_attempt": attempt, "status": "completed", "conclusion": run.earlier[attempt - 1][0]}
    return described


def _find_attempt(number: int, attempt: int) -> Run:
    run = find_run(number)
    if not 1 <= attempt <= run.work.attempt:
        raise not_found()
    return run


@routes.delete("/actions/runs/<int:number>")
@needs("actions=write")
def delete_run(number: int) -> ResponseReturnValue:
    """Delete a run that is over."""
    if find_run(number).work.status != "completed":
        raise Refused(403, "Cannot delete a workflow run that is not completed.")
    hub().runs.pop(number)
    return "", 204


@routes.post("/actions/runs/<int:number>/rerun-failed-jobs")
@needs("actions=write")
def rerun_failed_jobs(number: int) -> ResponseReturnValue:
    """Begin another attempt with the jobs that failed; 403 while the run goes on."""
    run_again(hub(), find_run(number), only_failed=True)
    return {}, 201


@routes.post("/actions/runs/<int:number>/rerun")
@needs("actions=write")
def rerun(number: int) -> ResponseReturnValue:
    """Begin another attempt with all jobs; 403 while the run goes on."""
    run_again(hub(), find_run(number), only_failed=False)
    return {}, 201


@routes.post("/actions/runs/<int:number>/force-cancel")
@routes.post("/actions/runs/<int:number>/cancel")
@needs("actions=write")
def cancel(number: int) -> ResponseReturnValue:
    """Cancel a run; 409 when it is over."""
    cancel_run(find_run(number))
    return {}, 202


def _is_asked(run: Run) -> bool:
    """Apply the filters of the query."""
    wanted = request.args
    start = run.start
    facts = {"branch": run.ref_name, "event": start.event, "head_sha": start.sha, "actor": start.actor}
    if any(key in wanted and wanted[key] != fact for key, fact in facts.items()):
        return False
    status = wanted.get("status")
    if status and status not in (run.work.status, run.work.conclusion):
        return False
    return "created" not in wanted or date_matches(wanted["created"], run.created_at)


@routes.get("/actions/runs/<int:number>/jobs")
@needs("actions=read")
def run_jobs(number: int) -> ResponseReturnValue:
    """Answer the jobs of the latest attempt, or with `filter=all` of every attempt."""
    run = find_run(number)
    attempts = range(1, run.work.attempt + 1) if request.args.get("filter") == "all" else [run.work.attempt]
    return _jobs_page(run, [(attempt, job) for attempt in attempts for job in run.attempt_jobs(attempt)])


@routes.get("/actions/runs/<int:number>/attempts/<int:attempt>/jobs")
@needs("actions=read")
def jobs_of_attempt(number: int, attempt: int) -> ResponseReturnValue:
    """Answer the jobs of one attempt."""
    run = _find_attempt(number, attempt)
    return _jobs_page(run, [(attempt, job) for job in run.attempt_jobs(attempt)])


def _jobs_page(run: Run, jobs: list[tuple[int, JobLike]]) -> Json:
    return {"total_count": len(jobs), "jobs": [job_json(hub(), run, attempt, job) for attempt, job in page(jobs)]}


@routes.get("/actions/jobs/<int:number>")
@needs("actions=read")
def one_job(number: int) -> ResponseReturnValue:
    """Answer one job."""
    return job_json(hub(), *_find_job(number))


def _find_job(number: int) -> tuple[Run, int, JobLike]:
    run, attempt, name, nth = find_part(number)
    same = [job for job in run.attempt_jobs(attempt) if job.name == name] if attempt else []
    if nth >= len(same):
        raise not_found()
    return run, attempt, same[nth]


@routes.get("/actions/jobs/<int:number>/logs")
@needs("actions=read")
def job_logs(number: int) -> ResponseReturnValue:
    """Send the client to the log of a job, which is there once the job is over."""
    _, _, job = _find_job(number)
    if job.status != "completed":
        raise not_found()
    return blob_redirect(job.log.encode(), "text/plain; charset=utf-8")


@routes.get("/actions/runs/<int:number>/logs")
@needs("actions=read")
def run_logs(number: int) -> ResponseReturnValue:
    """Send the client to an archive of the latest attempt's logs."""
    return _archive(find_run(number).work.jobs)


@routes.get("/actions/runs/<int:number>/attempts/<int:attempt>/logs")
@needs("actions=read")
def attempt_logs(number: int, attempt: int) -> ResponseReturnValue:
    """Send the client to an archive of one attempt's logs."""
    return _archive(_find_attempt(number, attempt).attempt_jobs(attempt))


def _archive(jobs: Sequence[JobLike]) -> Response:
    """Pack a file for each job, and below its name one for each of its steps."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, job in enumerate(jobs):
            name = job.name.replace("/", "")
            archive.writestr(f"{number}_{name}.txt", job.log)
            for step in job.steps:
                archive.writestr(f"{name}/{step.number}_{step.name.replace('/', '')}.txt", step.log)
    return blob_redirect(packed.getvalue(), "application/zip")
