"""The search for pull requests, as far as `is`, `repo`, `label`, `head`, `base`, `merged` and commit words go."""

from __future__ import annotations

import re
import shlex

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from .answers import Refused, page
from .hub import Hub, hub
from .pull_shapes import has_commit, label_json
from .records import Json, Pull
from .shapes import node_id, stamp, user_json

routes = Blueprint("search", __name__)


@routes.get("/search/issues")
def search_issues() -> ResponseReturnValue:
    """Answer the pull requests that hold every word of the query."""
    try:
        words = shlex.split(request.args.get("q", ""))
    except ValueError as error:
        raise Refused(422, "Validation Failed") from error
    if not words:
        raise Refused(422, "Validation Failed", [{"resource": "Search", "field": "q", "code": "missing"}])
    found = [pull for pull in hub().pulls.values() if all(_holds(hub(), pull, word) for word in words)]
    found.sort(key=lambda pull: -pull.number)
    return {
        "total_count": len(found),
        "incomplete_results": False,
        "search_type": "lexical",
        "items": [_item(hub(), pull) for pull in page(found)],
    }


def _holds(state: Hub, pull: Pull, word: str) -> bool:
    key, colon, value = word.partition(":")
    if not colon:
        is_sha = re.fullmatch(r"[0-9a-f]{7,40}", word) is not None
        sha = state.bare.sha(word) if is_sha else None
        return has_commit(state, pull, sha) if sha else word.lower() in f"{pull.title} {pull.body}".lower()
    merged = stamp(pull.merged_at)
    facts = {
        "is": {
            "pr",
            "pull-request",
            pull.state,
            "merged" if merged else "unmerged",
            *(["draft"] if pull.draft else []),
        },
        "type": {"pr"},
        "state": {pull.state},
        "repo": {state.full_name},
        "author": {pull.user},
        "head": {pull.head},
        "base": {pull.base},
        "label": {label.lower() for label in pull.labels},
    }
    if key == "merged":
        return merged is not None and _dated(value, merged)
    if key == "sha":
        return has_commit(state, pull, state.bare.sha(value) or value)
    if key not in facts:
        return True
    return bool(set(value.lower().split(",") if key == "label" else [value]) & facts[key])


def _dated(expression: str, moment: str) -> bool:
    """Compare days: `>=2026-11-01`, `2026-11-01..2026-11-22`."""
    if ".." in expression:
        first, last = expression.split("..", 1)
        return (first == "*" or first <= moment) and (last == "*" or moment[: len(last)] <= last)
    sign = expression[: len(expression) - len(expression.lstrip("<>="))]
    day = expression[len(sign) :]
    cut = moment[: len(day)]
    return {">=": cut >= day, "<=": cut <= day, ">": cut > day, "<": cut < day}.get(sign, cut == day)


def _item(state: Hub, pull: Pull) -> Json:
    """Describe a pull request as a search does (schema issue-search-result-item)."""
    url, html = f"{state.api}/issues/{pull.number}", f"{state.html}/pull/{pull.number}"
    return {
        "url": url,
        "repository_url": state.api,
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "html_url": html,
        "id": 10_000 + pull.number,
        "node_id": node_id("PullRequest", pull.number),
        "number": pull.number,
        "title": pull.title,
        "user": user_json(state, pull.user),
        "labels": [label_json(state, label) for label in pull.labels],
        "state": pull.state,
        "locked": False,
        "assignee": None,
        "assignees": [],
        "milestone": None,
        "comments": 0,
        "created_at": stamp(pull.created_at),
        "updated_at": stamp(pull.updated_at),
        "closed_at": stamp(pull.closed_at),
        "author_association": "MEMBER",
        "draft": pull.draft,
        "pull_request": {
            "url": f"{state.api}/pulls/{pull.number}",
            "html_url": html,
            "diff_url": f"{html}.diff",
            "patch_url": f"{html}.patch",
            "merged_at": stamp(pull.merged_at),
        },
        "body": pull.body,
        "score": 1.0,
    }
