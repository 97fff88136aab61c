"""Pull requests: listed, opened, read and changed."""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from .answers import body, invalid, not_found, page, token
from .hub import Hub, hub
from .pull_shapes import pull_json, simple_pull_json
from .records import Pull, now
from .starts import close, start_pull_request

routes = Blueprint("pulls", __name__)


@routes.get("/pulls")
def pulls() -> ResponseReturnValue:
    """Answer the pull requests, newest first: `state`, `head` as owner:branch, `base`."""
    wanted = request.args
    state = wanted.get("state", "open")
    found = [
        pull
        for pull in sorted(hub().pulls.values(), key=lambda pull: -pull.number)
        if state in ("all", pull.state)
        and wanted.get("base") in (None, pull.base)
        and wanted.get("head") in (None, f"{hub().owner}:{pull.head}")
    ]
    return [simple_pull_json(hub(), pull) for pull in page(found)]


@routes.post("/pulls")
def create_pull() -> ResponseReturnValue:
    """Open a pull request; 422 when one is open already, or there is nothing to merge."""
    state, asked = hub(), body()
    head = str(asked.get("head", "")).removeprefix(f"{state.owner}:")
    base = str(asked.get("base", ""))
    with state.lock:
        _check_new_pull(state, head, base)
        number, head_sha, base_sha = state.next_number(), state.head(head) or "", state.head(base) or ""
        text = str(asked.get("body") or "")
        pull = Pull(number, str(asked.get("title") or head), text, token().login, head, base, head_sha, base_sha)
        pull.draft = bool(asked.get("draft"))
        state.pulls[number] = pull
        state.bare.update_ref(f"refs/pull/{number}/head", head_sha)
        start_pull_request(state, pull, token())
    described = pull_json(state, pull)
    pull.asked.clear()
    return described, 201


def _check_new_pull(state: Hub, head: str, base: str) -> None:
    for field, branch in (("head", head), ("base", base)):
        if state.head(branch) is None:
            raise invalid("PullRequest", "invalid", field)
    if any(pull.state == "open" and (pull.head, pull.base) == (head, base) for pull in state.pulls.values()):
        raise invalid("PullRequest", "custom", "", f"A pull request already exists for {state.owner}:{head}.")
    if state.bare.is_ancestor(f"refs/heads/{head}", f"refs/heads/{base}"):
        raise invalid("PullRequest", "custom", "", f"No commits between {base} and {head}")


def find_pull(number: int) -> Pull:
    """Find a pull request; raise 404 when there is none."""
    pull = hub().pulls.get(number)
    if pull is None:
        raise not_found()
    return pull


@routes.get("/pulls/<int:number>")
def one_pull(number: int) -> ResponseReturnValue:
    """Answer one pull request; whether it can be merged is worked out after the first asking."""
    return pull_json(hub(), find_pull(number))


@routes.patch("/pulls/<int:number>")
def change_pull(number: int) -> ResponseReturnValue:
    """Change title, body, base or state."""
    state, pull, asked = hub(), find_pull(number), body()
    with state.lock:
        pull.title = asked.get("title", pull.title)
        pull.body = asked.get("body", pull.body)
        pull.base = asked.get("base", pull.base)
        pull.updated_at = now()
        if asked.get("state") == "closed" and pull.state == "open":
            close(pull)
        elif asked.get("state") == "open" and pull.merged_at is None:
            pull.state, pull.closed_at = "open", None
    return pull_json(state, pull)
