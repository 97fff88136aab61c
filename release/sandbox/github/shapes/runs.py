"""The JSON objects of workflows, their runs, jobs and artifacts."""

from __future__ import annotations

import hashlib

from release.sandbox.github.events import workflow_name
from release.sandbox.github.records import REPOSITORY_ID, Json, Run
from release.sandbox.github.shapes import node_id, repository_json, stamp, user_json
from release.sandbox.github.shapes.commits import simple_commit_json
from release.sandbox.github.state import Hub
from release.sandbox.runner import JobLike, StepLike


def workflow_json(hub: Hub, path: str, text: str) -> Json:
    """Describe a workflow (schema workflow)."""
    number = hub.workflow_id(path)
    file = path.rsplit("/", 1)[-1]
    branch = hub.settings.default_branch
    return {
        "id": number,
        "node_id": node_id("Workflow", number),
        "name": workflow_name(text, path),
        "path": path,
        "state": "active",
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        "url": f"{hub.api}/actions/workflows/{number}",
        "html_url": f"{hub.html}/blob/{branch}/{path}",
        "badge_url": f"{hub.html}/workflows/{file}/badge.svg",
    }


def run_json(hub: Hub, run: Run) -> Json:
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
        **_run_links(hub, run),
        "pull_requests": [],
        "created_at": stamp(run.created_at),
        "updated_at": stamp(max(moments)),
        "run_started_at": stamp(run.again_at or run.created_at),
        "actor": user_json(hub, run.start.actor),
        "triggering_actor": user_json(hub, run.start.actor),
        "referenced_workflows": [],
        "head_commit": simple_commit_json(hub.bare.commit(run.start.sha)),
        "repository": repository_json(hub),
        "head_repository": repository_json(hub),
    }


def _run_links(hub: Hub, run: Run) -> Json:
    url = f"{hub.api}/actions/runs/{run.id}"
    attempt = run.work.attempt
    return {
        "run_attempt": attempt,
        "url": url,
        "html_url": f"{hub.html}/actions/runs/{run.id}",
        "jobs_url": f"{url}/jobs",
        "logs_url": f"{url}/logs",
        "check_suite_url": f"{hub.api}/check-suites/{run.id}",
        "artifacts_url": f"{url}/artifacts",
        "cancel_url": f"{url}/cancel",
        "rerun_url": f"{url}/rerun",
        "previous_attempt_url": f"{url}/attempts/{attempt - 1}" if attempt > 1 else None,
        "workflow_url": f"{hub.api}/actions/workflows/{run.workflow_id}",
    }


def job_json(hub: Hub, run: Run, attempt: int, job: JobLike) -> Json:
    """Describe a job (schema job)."""
    number = hub.job_id(run, attempt, job)
    return {
        "id": number,
        "run_id": run.id,
        "run_url": f"{hub.api}/actions/runs/{run.id}",
        "run_attempt": attempt,
        "node_id": node_id("CheckRun", number),
        "head_sha": run.start.sha,
        "head_branch": run.ref_name,
        "workflow_name": run.name,
        "name": job.name,
        "url": f"{hub.api}/actions/jobs/{number}",
        "html_url": f"{hub.html}/actions/runs/{run.id}/job/{number}",
        "check_run_url": f"{hub.api}/check-runs/{number}",
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


def artifact_json(hub: Hub, run: Run, name: str) -> Json:
    """Describe an artifact (schema artifact)."""
    number = hub.part_id(run, 0, name)
    archive = run.work.artifacts[name].read_bytes()
    url = f"{hub.api}/actions/artifacts/{number}"
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
            "repository_id": REPOSITORY_ID,
            "head_repository_id": REPOSITORY_ID,
            "head_branch": run.ref_name,
            "head_sha": run.start.sha,
        },
    }
