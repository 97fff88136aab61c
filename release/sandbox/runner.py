"""Running a workflow's steps for real."""

from __future__ import annotations

from typing import Any

from .hub import Hub
from .running import RunLike, Start
from .workflow import parse_workflow

JOB_TOKEN = "sandbox-job-token"  # noqa: S105


def run_workflow(state: Hub, start: Start) -> RunLike:
    """Make the run that really runs a workflow's steps."""
    from . import jobs

    folder = state.folder / "runs" / str(start.id)
    folder.mkdir(parents=True)
    run: RunLike = jobs.WorkflowRun(
        parse_workflow(start.text, start.path),
        repository=state.bare.path,
        sha=start.sha,
        ref=start.ref,
        event=start.event,
        inputs=start.inputs,
        env=dict(state.job_environment),
        folder=folder,
        context=run_context(state, start),
    )
    return run


def run_context(state: Hub, start: Start) -> dict[str, Any]:
    """Make the contexts that a workflow's expressions see, beside what its run knows itself."""
    github = {
        "actor": start.actor,
        "triggering_actor": start.actor,
        "api_url": f"{state.url}/api/v3",
        "repository": state.full_name,
        "repository_owner": state.owner,
        "run_id": str(start.id),
        "run_number": str(start.number),
        "server_url": state.url,
    }
    return {"github": github, "secrets": {"GITHUB_TOKEN": JOB_TOKEN, **state.secrets}, "vars": {}}
