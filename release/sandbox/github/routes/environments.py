"""Environments, and the deployments of runs that wait for them: listed, read, reviewed."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from release.sandbox.github.answers import Refused, body, find_run, hub, not_found, page, token
from release.sandbox.github.permissions import needs
from release.sandbox.github.records import Json, Run
from release.sandbox.github.shapes import user_json
from release.sandbox.github.shapes.environments import (
    deployment_json,
    environment_json,
    named_environment_json,
    pending_json,
    policies,
    policy_json,
)
from release.sandbox.runner import Environment, Review

routes = Blueprint("environments", __name__)
STATES = ("approved", "rejected")


@routes.get("/environments")
@needs("actions=read")
def environments() -> ResponseReturnValue:
    """Answer the environments, each with what protects it."""
    found = list(hub().gates.environments.values())
    return {"total_count": len(found), "environments": [environment_json(hub(), each) for each in page(found)]}


@routes.get("/environments/<path:name>")
@needs("actions=read")
def one_environment(name: str) -> ResponseReturnValue:
    """Answer one environment."""
    return environment_json(hub(), _find_environment(name))


@routes.get("/environments/<path:name>/deployment-branch-policies")
@needs("actions=read")
def branch_policies(name: str) -> ResponseReturnValue:
    """Answer which branches and tags may use an environment."""
    found = policies(_find_environment(name))
    described = [policy_json(number, kind, pattern) for number, (kind, pattern) in enumerate(page(found), 1)]
    return {"total_count": len(found), "branch_policies": described}


def _find_environment(name: str) -> Environment:
    gates = hub().gates
    if name.lower() not in map(str.lower, list(gates.environments)):
        raise not_found()
    return gates.environment(name)


@routes.get("/actions/runs/<int:number>/pending_deployments")
@needs("actions=read")
def pending_deployments(number: int) -> ResponseReturnValue:
    """Answer which environments a run waits for, and who may review it."""
    run = find_run(number)
    waiting = {each.environment.name: each for each in hub().gates.waiting(run.work)}
    return [pending_json(hub(), each, each.may_review(token().login, run.start.actor)) for each in waiting.values()]


@routes.post("/actions/runs/<int:number>/pending_deployments")
@needs("deployments=write")
def review_deployments(number: int) -> ResponseReturnValue:
    """Approve or reject what a run waits for; 422 for whoever may not."""
    run, asked = find_run(number), body()
    if asked.get("state") not in STATES or not isinstance(asked.get("comment"), str):
        raise Refused(422, "Invalid request.\n\nstate and comment are needed.")
    reviewed = _reviewed(run, asked.get("environment_ids") or [])
    review = Review(run.work, tuple(reviewed), token().login, asked["state"], asked["comment"])
    return [deployment_json(hub(), run, each) for each in hub().gates.review(review)]


def _reviewed(run: Run, ids: list[int]) -> list[Environment]:
    waiting = {each.environment.id: each for each in hub().gates.waiting(run.work)}
    for each in ids:
        if each not in waiting:
            raise Refused(422, "Validation Failed", [f"No pending deployment requests to approve or reject for {each}"])
        if not waiting[each].may_review(token().login, run.start.actor):
            name = waiting[each].environment.name
            raise Refused(422, "Validation Failed", [f"{token().login} cannot review deployments to {name}"])
    return [waiting[each].environment for each in ids]


@routes.get("/actions/runs/<int:number>/approvals")
@needs("actions=read")
def approvals(number: int) -> ResponseReturnValue:
    """Answer the reviews of a run's deployments."""
    run, state = find_run(number), hub()
    found = [each for each in state.gates.reviews if each.run is run.work]
    return [_review_json(each) for each in reversed(found)]


def _review_json(review: Review) -> Json:
    named = [named_environment_json(hub(), each) for each in review.environments]
    said = {"state": review.state, "comment": review.comment}
    return {"environments": named, **said, "user": user_json(hub(), review.login)}
