"""Statuses of commits."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue

from .answers import body, invalid, page, token
from .github_commits import found_sha
from .hub import Hub, hub
from .records import Json, now
from .shapes import node_id, repository_json, stamp, user_json

routes = Blueprint("statuses", __name__)

STATES = ("error", "failure", "pending", "success")


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
