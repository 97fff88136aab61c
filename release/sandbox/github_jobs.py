"""The jobs of workflow runs, and their logs."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from .answers import blob_redirect, not_found, page
from .github_runs import find_run
from .hub import Hub, hub
from .records import Json
from .running import JobLike, Run, StepLike
from .shapes import node_id, stamp

routes = Blueprint("jobs", __name__)


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
    return run.earlier[attempt - 1][1] if attempt <= len(run.earlier) else run.work.jobs


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
