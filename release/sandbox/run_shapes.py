"""The JSON object of a workflow run."""

from __future__ import annotations

from .commit_shapes import simple_commit_json
from .hub import Hub
from .records import Json
from .running import Run
from .shapes import node_id, repository_json, stamp, user_json


def run_json(state: Hub, run: Run) -> Json:
    """Describe a run (schema workflow-run)."""
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
        "event": run.start.event,
        "display_title": run.name,
        "status": run.work.status,
        "conclusion": run.work.conclusion,
        "workflow_id": run.workflow_id,
        **_links(state, run),
        "pull_requests": [],
        "created_at": stamp(run.created_at),
        "updated_at": stamp(max(moments)),
        "run_started_at": stamp(run.again_at or run.created_at),
        "actor": user_json(state, run.start.actor),
        "triggering_actor": user_json(state, run.start.actor),
        "referenced_workflows": [],
        "head_commit": simple_commit_json(state.bare.commit(run.start.sha)),
        "repository": repository_json(state),
        "head_repository": repository_json(state),
    }


def _links(state: Hub, run: Run) -> Json:
    url = f"{state.api}/actions/runs/{run.id}"
    attempt = run.work.attempt
    return {
        "run_attempt": attempt,
        "url": url,
        "html_url": f"{state.html}/actions/runs/{run.id}",
        "jobs_url": f"{url}/jobs",
        "logs_url": f"{url}/logs",
        "check_suite_url": f"{state.api}/check-suites/{run.id}",
        "artifacts_url": f"{url}/artifacts",
        "cancel_url": f"{url}/cancel",
        "rerun_url": f"{url}/rerun",
        "previous_attempt_url": f"{url}/attempts/{attempt - 1}" if attempt > 1 else None,
        "workflow_url": f"{state.api}/actions/workflows/{run.workflow_id}",
    }
