"""The contexts that a run gives its jobs' expressions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from release.sandbox.triggers import input_values
from release.workflows import expressions

if TYPE_CHECKING:
    from release.sandbox.job import Job
    from release.sandbox.jobs import WorkflowRun


def job_contexts(run: WorkflowRun, key: str) -> dict[str, Any]:
    """Give what a job's own keys, such as `if` and `strategy`, are evaluated in."""
    results = {run.result(ancestor) for ancestor in run.workflow.ancestors(key)}
    status = next((word for word in ("failure", "cancelled", "skipped") if word in results), "success")
    return {
        "github": github_context(run),
        "inputs": _inputs(run),
        "needs": {need: _need(run, need) for need in run.workflow.needs(key)},
        "vars": run.context.get("vars", {}),
        expressions.STATUS: "cancelled" if run.is_cancelled else status,
    }


def step_contexts(run: WorkflowRun, job: Job) -> dict[str, Any]:
    """Give what a job's steps are evaluated in; its machine adds the rest."""
    group = run.group(job.key)
    return {
        **job_contexts(run, job.key),
        "matrix": job.matrix,
        "strategy": {"job-index": group.index(job), "job-total": len(group)},
        "secrets": run.context.get("secrets", {}),
    }


def _need(run: WorkflowRun, key: str) -> dict[str, Any]:
    outputs: dict[str, str] = {}
    for job in run.group(key):
        outputs |= {name: value for name, value in job.outputs.items() if value or name not in outputs}
    return {"result": run.result(key), "outputs": outputs}


def _inputs(run: WorkflowRun) -> dict[str, Any]:
    return input_values(run.workflow, run.inputs) if run.event == "workflow_dispatch" else {}


def github_context(run: WorkflowRun) -> dict[str, Any]:
    """Give the `github` context: what the run knows itself, then what it was given."""
    given: Mapping[str, Any] = run.context.get("github", {})
    texts = {name: expressions.text(value) for name, value in _inputs(run).items()}
    event = {"inputs": texts, "ref": run.ref, "workflow": run.workflow.path} if texts else {"ref": run.ref}
    repository = str(given.get("repository", ""))
    own = {
        "event_name": run.event,
        "event": event,
        "ref": run.ref,
        "ref_name": run.ref.split("/", 2)[-1],
        "ref_type": "tag" if run.ref.startswith("refs/tags/") else "branch",
        "sha": run.sha,
        "repository_owner": repository.partition("/")[0],
        "workflow": run.workflow.name,
        "workflow_ref": f"{repository}/{run.workflow.path}@{run.ref}",
        "workflow_sha": run.sha,
        "token": run.context.get("secrets", {}).get("GITHUB_TOKEN", ""),
    }
    return {**own, **given, "run_attempt": str(run.attempt)}
