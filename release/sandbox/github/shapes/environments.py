"""The JSON objects of environments, and of the deployments that wait for them."""

from __future__ import annotations

from urllib.parse import quote

from release.sandbox.github.records import BOT_LOGIN, Json, Run
from release.sandbox.github.shapes import node_id, stamp, user_json
from release.sandbox.github.state import Hub
from release.sandbox.runner import Deployment, Environment

SINCE = "2026-01-01T00:00:00Z"


def named_environment_json(hub: Hub, environment: Environment) -> Json:
    """Describe an environment without what protects it."""
    name = quote(environment.name, safe="")
    return {
        "id": environment.id,
        "node_id": node_id("Environment", environment.id),
        "name": environment.name,
        "url": f"{hub.api}/environments/{name}",
        "html_url": f"{hub.html}/deployments/activity_log?environments_filter={name}",
        "created_at": SINCE,
        "updated_at": SINCE,
    }


def environment_json(hub: Hub, environment: Environment) -> Json:
    """Describe an environment (schema environment)."""
    hub.gates.environment(environment.name)  # has a number from then on
    rules = _rules(hub, environment)
    protected = environment.protected_branches
    policy = {"protected_branches": protected, "custom_branch_policies": not protected}
    return {
        **named_environment_json(hub, environment),
        "protection_rules": [
            {"id": number, "node_id": node_id("GateRule", number), **rule} for number, rule in enumerate(rules, 1)
        ],
        "deployment_branch_policy": None if environment.is_open else policy,
    }


def _rules(hub: Hub, environment: Environment) -> list[Json]:
    reviewed = {
        "type": "required_reviewers",
        "prevent_self_review": environment.prevents_self_review,
        "reviewers": _reviewers(hub, environment),
    }
    timer = {"type": "wait_timer", "wait_timer": environment.wait_minutes}
    found: list[Json] = [timer] if environment.wait_minutes else []
    found += [reviewed] if environment.reviewers else []
    return found if environment.is_open else [*found, {"type": "branch_policy"}]


def _reviewers(hub: Hub, environment: Environment) -> list[Json]:
    return [{"type": "User", "reviewer": user_json(hub, login)} for login in environment.reviewers]


def policies(environment: Environment) -> list[tuple[str, str]]:
    """List the patterns of an environment's branches and tags."""
    found = [("branch", each) for each in environment.branches or ()]
    return found + [("tag", each) for each in environment.tags or ()]


def policy_json(number: int, kind: str, pattern: str) -> Json:
    """Describe a pattern (schema deployment-branch-policy)."""
    return {"id": number, "node_id": node_id("GateBranchPolicy", number), "name": pattern, "type": kind}


def pending_json(hub: Hub, waiting: Deployment, may_review: bool) -> Json:
    """Describe what a run waits for (schema pending-deployment)."""
    named = named_environment_json(hub, waiting.environment)
    environment = {key: named[key] for key in ("id", "node_id", "name", "url", "html_url")}
    minutes = waiting.environment.wait_minutes
    return {
        "environment": environment,
        "wait_timer": minutes,
        "wait_timer_started_at": stamp(waiting.asked_at) if minutes else None,
        "current_user_can_approve": may_review,
        "reviewers": _reviewers(hub, waiting.environment),
    }


def deployment_json(hub: Hub, run: Run, reviewed: Deployment) -> Json:
    """Describe a deployment (schema deployment)."""
    url = f"{hub.api}/deployments/{reviewed.id}"
    return {
        "url": url,
        "id": reviewed.id,
        "node_id": node_id("Deployment", reviewed.id),
        "sha": run.start.sha,
        "ref": run.ref_name,
        "task": "deploy",
        "payload": {},
        "original_environment": reviewed.environment.name,
        "environment": reviewed.environment.name,
        "description": None,
        "creator": user_json(hub, BOT_LOGIN),
        "created_at": stamp(reviewed.asked_at),
        "updated_at": stamp(reviewed.asked_at),
        "statuses_url": f"{url}/statuses",
        "repository_url": hub.api,
        "transient_environment": False,
        "production_environment": False,
    }
