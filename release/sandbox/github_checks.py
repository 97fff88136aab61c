"""Check runs of commits."""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from .answers import body, page
from .commit_shapes import simple_commit_json
from .github_commits import found_sha
from .github_jobs import attempt_jobs, job_number
from .hub import Hub, hub
from .records import Json, now
from .running import JobLike, Run
from .shapes import node_id, repository_json, stamp, user_json

routes = Blueprint("checks", __name__)


@routes.get("/commits/<path:ref>/check-runs")
def check_runs(ref: str) -> ResponseReturnValue:
    """Answer the check runs of a commit: its runs' jobs, and those that other applications made."""
    wanted = request.args
    found = [
        check
        for check in checks_of(hub(), found_sha(ref))
        if wanted.get("check_name") in (None, check["name"]) and wanted.get("status") in (None, check["status"])
    ]
    return {"total_count": len(found), "check_runs": page(found)}


@routes.get("/commits/<path:ref>/check-suites")
def check_suites(ref: str) -> ResponseReturnValue:
    """Answer the check suites of a commit: one a run."""
    state, sha = hub(), found_sha(ref)
    found = [run for run in state.runs.values() if run.start.sha == sha]
    return {"total_count": len(found), "check_suites": [_suite_json(state, run) for run in page(found)]}


def _suite_json(state: Hub, run: Run) -> Json:
    url = f"{state.api}/check-suites/{run.id}"
    return {
        "id": run.id,
        "node_id": node_id("CheckSuite", run.id),
        "head_branch": run.ref_name,
        "head_sha": run.start.sha,
        "status": run.work.status,
        "conclusion": run.work.conclusion,
        "url": url,
        "before": None,
        "after": run.start.sha,
        "pull_requests": [],
        "app": _app_json(state),
        "repository": repository_json(state),
        "created_at": stamp(run.created_at),
        "updated_at": stamp(run.created_at),
        "head_commit": simple_commit_json(state.bare.commit(run.start.sha)),
        "latest_check_runs_count": len(run.work.jobs),
        "check_runs_url": f"{url}/check-runs",
    }


@routes.post("/check-runs")
def create_check_run() -> ResponseReturnValue:
    """Report a check, as a GitHub App would."""
    asked = body()
    check = add_check(hub(), asked["head_sha"], asked["name"], asked.get("conclusion"), asked.get("status", "queued"))
    return check, 201


def add_check(state: Hub, sha: str, name: str, conclusion: str | None = None, status: str = "completed") -> Json:
    """Report a check of another application on a commit."""
    check = _check_json(state, state.next_id(), sha, name, "completed" if conclusion else status, conclusion)
    state.checks.append(check)
    return check


def checks_of(state: Hub, sha: str) -> list[Json]:
    """List the check runs of a commit, newest first: of each run the latest attempt, of other checks the newest."""
    others = {check["name"]: check for check in state.checks if check["head_sha"] == sha}
    runs = [run for run in list(state.runs.values()) if run.start.sha == sha]
    jobs = [_job_check(state, run, job) for run in runs for job in attempt_jobs(run, run.work.attempt)]
    return sorted([*others.values(), *jobs], key=lambda check: -int(check["id"]))


def _job_check(state: Hub, run: Run, job: JobLike) -> Json:
    number = job_number(state, run, run.work.attempt, job)
    html = f"{state.html}/actions/runs/{run.id}/job/{number}"
    return {
        **_check_json(state, number, run.start.sha, job.name, job.status, job.conclusion),
        "started_at": stamp(job.started_at or run.created_at),
        "completed_at": stamp(job.completed_at),
        "html_url": html,
        "details_url": html,
    }


def _check_json(state: Hub, number: int, sha: str, name: str, status: str, conclusion: str | None) -> Json:
    url = f"{state.api}/check-runs/{number}"
    moment = stamp(now())
    output: Json = {"title": None, "summary": None, "text": None, "annotations_count": 0}
    return {
        "id": number,
        "node_id": node_id("CheckRun", number),
        "head_sha": sha,
        "external_id": str(number),
        "name": name,
        "url": url,
        "html_url": f"{state.html}/runs/{number}",
        "details_url": f"{state.html}/runs/{number}",
        "status": status,
        "conclusion": conclusion,
        "started_at": moment,
        "completed_at": moment if conclusion else None,
        "check_suite": {"id": number},
        "output": {**output, "annotations_url": f"{url}/annotations"},
        "app": _app_json(state),
        "pull_requests": [],
    }


def _app_json(state: Hub) -> Json:
    return {
        "id": 15_368,
        "slug": "github-actions",
        "node_id": node_id("App", 15_368),
        "owner": user_json(state, "github"),
        "name": "GitHub Actions",
        "description": "Automate your workflow from idea to production",
        "external_url": "https://help.github.com/en/actions",
        "html_url": "https://github.com/apps/github-actions",
        "created_at": "2018-07-30T09:30:17Z",
        "updated_at": "2026-01-01T00:00:00Z",
        "permissions": {"checks": "write", "metadata": "read"},
        "events": ["push"],
    }
