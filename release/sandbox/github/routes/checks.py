"""The checks and statuses of a commit: read, reported and changed."""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from release.sandbox.github.answers import Refused, body, find_commit, find_run, hub, invalid, not_found, page, token
from release.sandbox.github.permissions import needs
from release.sandbox.github.records import Check, Json, now
from release.sandbox.github.shapes import repository_json
from release.sandbox.github.shapes.commits import check_json, check_suite_json, status_json
from release.sandbox.github.state import add_check, add_status, checks_of, statuses_of

routes = Blueprint("checks", __name__)
STATES = ("error", "failure", "pending", "success")


@routes.get("/commits/<path:ref>/check-runs")
@needs("checks=read")
def check_runs(ref: str) -> ResponseReturnValue:
    """Answer the check runs of a commit: its runs' jobs, and those that other applications made."""
    wanted = request.args
    found = [
        check
        for check in checks_of(hub(), find_commit(ref))
        if wanted.get("check_name") in (None, check.name) and wanted.get("status") in (None, check.status)
    ]
    return {"total_count": len(found), "check_runs": [check_json(hub(), check) for check in page(found)]}


@routes.get("/commits/<path:ref>/check-suites")
@needs("checks=read")
def check_suites(ref: str) -> ResponseReturnValue:
    """Answer the check suites of a commit: one a run."""
    state, sha = hub(), find_commit(ref)
    found = [run for run in state.runs.values() if run.start.sha == sha]
    return {"total_count": len(found), "check_suites": [check_suite_json(state, run) for run in page(found)]}


@routes.get("/check-suites/<int:number>/check-runs")
@needs("checks=read")
def check_runs_of_suite(number: int) -> ResponseReturnValue:
    """Answer the check runs of a check suite: the jobs of a run."""
    run = find_run(number)
    found = [check for check in checks_of(hub(), run.start.sha) if check.page.startswith(f"actions/runs/{run.id}/")]
    return {"total_count": len(found), "check_runs": [check_json(hub(), check) for check in page(found)]}


@routes.post("/check-runs")
@needs("checks=write")
def create_check_run() -> ResponseReturnValue:
    """Report a check, as a GitHub App would."""
    asked = body()
    check = add_check(hub(), find_commit(asked["head_sha"]), asked["name"], status="queued")
    _change(check, asked)
    return check_json(hub(), check), 201


@routes.get("/check-runs/<int:number>")
@needs("checks=read")
def one_check_run(number: int) -> ResponseReturnValue:
    """Answer one check run."""
    return check_json(hub(), _find_check(number))


@routes.patch("/check-runs/<int:number>")
@needs("checks=write")
def change_check_run(number: int) -> ResponseReturnValue:
    """Change a check run that was reported here; the jobs of runs are GitHub's own."""
    check = _find_check(number)
    if check not in hub().checks:
        raise Refused(403, "Invalid app_id `15368` - check run can only be modified by the GitHub App that created it.")
    _change(check, body())
    return check_json(hub(), check)


@routes.get("/check-runs/<int:number>/annotations")
@needs("checks=read")
def check_annotations(number: int) -> ResponseReturnValue:
    """Answer what a check run says of lines."""
    return page(_find_check(number).output.get("annotations", []))


def _find_check(number: int) -> Check:
    shas = {*(check.sha for check in hub().checks), *(run.start.sha for run in hub().runs.values())}
    found = [*hub().checks, *(check for sha in shas for check in checks_of(hub(), sha))]
    check = next((each for each in found if each.id == number), None)
    if check is None:
        raise not_found()
    return check


def _change(check: Check, asked: Json) -> None:
    """Take over what was said of a check; a conclusion completes it."""
    check.name = asked.get("name", check.name)
    check.output |= asked.get("output", {})
    check.conclusion = asked.get("conclusion", check.conclusion)
    check.status = "completed" if "conclusion" in asked else asked.get("status", check.status)
    check.completed_at = now() if check.status == "completed" else None


@routes.post("/statuses/<sha>")
@needs("statuses=write")
def create_status(sha: str) -> ResponseReturnValue:
    """Report a status on a commit."""
    state, asked = hub(), body()
    if asked.get("state") not in STATES:
        raise invalid("Status", "custom", "state", "state is not included in the list")
    status = add_status(state, find_commit(sha), asked["state"], asked.get("context", "default"), token().login)
    status.description, status.target_url = asked.get("description"), asked.get("target_url")
    return status_json(state, status), 201


@routes.get("/commits/<path:ref>/status")
@needs("statuses=read")
def combined_status(ref: str) -> ResponseReturnValue:
    """Answer the newest status of each context, and what they come to."""
    state, sha = hub(), find_commit(ref)
    found = statuses_of(state, sha)
    return {
        "state": _combined_state({status.state for status in found}),
        "statuses": [
            {key: value for key, value in status_json(state, status).items() if key != "creator"}
            for status in page(found)
        ],
        "sha": sha,
        "total_count": len(found),
        "repository": repository_json(state),
        "commit_url": f"{state.api}/commits/{sha}",
        "url": f"{state.api}/commits/{sha}/status",
    }


def _combined_state(states: set[str]) -> str:
    if states & {"failure", "error"}:
        return "failure"
    return "pending" if not states or "pending" in states else "success"


@routes.get("/statuses/<ref>")
@routes.get("/commits/<path:ref>/statuses")
@needs("statuses=read")
def statuses(ref: str) -> ResponseReturnValue:
    """Answer every status of a commit, newest first."""
    sha = find_commit(ref)
    found = [status for status in reversed(hub().statuses) if status.sha == sha]
    return [status_json(hub(), status) for status in page(found)]
