"""Check runs and statuses of commits."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from .answers import body, invalid, page, token
from .github_git import found_sha
from .github_jobs import attempt_jobs, job_number
from .hub import Hub, JobLike, Json, Run, hub, now
from .shapes import node_id, repository_json, simple_commit_json, stamp, user_json

routes = Blueprint("checks", __name__)
STATES = ("error", "failure", "pending", "success")


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


@routes.post("/statuses/<sha>")
def create_status(sha: str) -> ResponseReturnValue:
    """Report a status on a commit."""
    state, asked = hub(), body()
    if asked.get("state") not in STATES:
        raise invalid("Status", "custom", "state", "state is not included in the list")
    status = add_status(state, found_sha(sha), asked["state"], asked.get("context", "default"), token().login)
    return {**status, "description": asked.get("description"), "target_url": asked.get("target_url")}, 201


def add_status(state: Hub, sha: str, outcome: str, context: str = "default", login: str = "ci") -> Json:
    """Put a status on a commit."""
    number, moment, creator = state.next_id(), stamp(now()), user_json(state, login)
    status: Json = {
        "url": f"{state.api}/statuses/{sha}",
        "avatar_url": creator["avatar_url"],
        "id": number,
        "node_id": node_id("Status", number),
        "state": outcome,
        "description": None,
        "target_url": None,
        "context": context,
        "created_at": moment,
        "updated_at": moment,
        "creator": creator,
    }
    state.statuses.append({**status, "sha": sha})
    return status


@routes.get("/commits/<path:ref>/status")
def combined_status(ref: str) -> ResponseReturnValue:
    """Answer the newest status of each context, and what they come to."""
    state, sha = hub(), found_sha(ref)
    found = statuses_of(state, sha)
    return {
        "state": _combined([status["state"] for status in found]),
        "statuses": [
            {key: value for key, value in status.items() if key not in ("sha", "creator")} for status in page(found)
        ],
        "sha": sha,
        "total_count": len(found),
        "repository": repository_json(state),
        "commit_url": f"{state.api}/commits/{sha}",
        "url": f"{state.api}/commits/{sha}/status",
    }


def statuses_of(state: Hub, sha: str) -> list[Json]:
    """List the newest status of each context on a commit."""
    return list({status["context"]: status for status in state.statuses if status["sha"] == sha}.values())


def _combined(states: list[Any]) -> str:
    if "failure" in states or "error" in states:
        return "failure"
    return "pending" if not states or "pending" in states else "success"


@routes.get("/commits/<path:ref>/statuses")
def statuses(ref: str) -> ResponseReturnValue:
    """Answer every status of a commit, newest first."""
    sha = found_sha(ref)
    found = [status for status in reversed(hub().statuses) if status["sha"] == sha]
    return page([{key: value for key, value in status.items() if key != "sha"} for status in found])
