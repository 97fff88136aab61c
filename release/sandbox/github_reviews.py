"""Reviews of pull requests."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from .answers import Refused, body, page, token
from .github_pulls import find_pull
from .hub import Hub, hub
from .records import Json, Pull, now
from .shapes import node_id, stamp, user_json

routes = Blueprint("reviews", __name__)


@routes.get("/pulls/<int:number>/reviews")
def reviews(number: int) -> ResponseReturnValue:
    """Answer the reviews, oldest first."""
    return page(find_pull(number).reviews)


@routes.post("/pulls/<int:number>/reviews")
def create_review(number: int) -> ResponseReturnValue:
    """Review a pull request; nobody approves their own."""
    pull, asked = find_pull(number), body()
    states = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}
    outcome = states.get(asked.get("event", ""), "PENDING")
    if outcome == "APPROVED" and token().login == pull.user:
        raise Refused(422, "Unprocessable Entity", ["Review Can not approve your own pull request"])
    return add_review(hub(), pull, outcome, token().login, asked.get("body", ""))


def add_review(state: Hub, pull: Pull, outcome: str = "APPROVED", login: str = "reviewer", text: str = "") -> Json:
    """Have somebody review a pull request."""
    number = state.next_id()
    html = f"{state.html}/pull/{pull.number}#pullrequestreview-{number}"
    url = f"{state.api}/pulls/{pull.number}"
    review: Json = {
        "id": number,
        "node_id": node_id("PullRequestReview", number),
        "user": user_json(state, login),
        "body": text,
        "state": outcome,
        "commit_id": pull.head_sha,
        "html_url": html,
        "pull_request_url": url,
        "author_association": "MEMBER",
        "_links": {"html": {"href": html}, "pull_request": {"href": url}},
        "submitted_at": stamp(now()),
    }
    pull.reviews.append(review)
    return review
