"""The search for pull requests: those qualifiers that the sandbox knows, and no other as if it held."""

from __future__ import annotations

import re
import shlex

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from release.sandbox.github.answers import Refused, date_matches, hub, page, take_search
from release.sandbox.github.merging import has_commit
from release.sandbox.github.permissions import needs
from release.sandbox.github.records import Pull
from release.sandbox.github.shapes.pulls import issue_json
from release.sandbox.github.state import Hub

routes = Blueprint("search", __name__)
_SORTED = ("sort", "in")
_UNKNOWN = {"resource": "Search", "field": "q", "code": "invalid"}


@routes.get("/search/issues")
@needs("metadata=read")
def search_issues() -> ResponseReturnValue:
    """Answer the pull requests that hold every word of the query."""
    take_search()
    found = found_pulls(hub(), request.args.get("q", ""))
    return {
        "total_count": len(found),
        "incomplete_results": False,
        "search_type": "lexical",
        "items": [{**issue_json(hub(), pull), "score": 1.0} for pull in page(found)],
    }


def found_pulls(state: Hub, query: str) -> list[Pull]:
    """Find the pull requests that hold every word of a query, newest first; raise 422 for one without words."""
    try:
        words = shlex.split(query)
    except ValueError as error:
        raise Refused(422, "Validation Failed") from error
    if not words:
        raise Refused(422, "Validation Failed", [{"resource": "Search", "field": "q", "code": "missing"}])
    found = [pull for pull in state.pulls.values() if all(_holds(state, pull, word) for word in words)]
    return sorted(found, key=lambda pull: -pull.number)


def _holds(state: Hub, pull: Pull, word: str) -> bool:
    key, colon, value = word.partition(":")
    if not colon:
        is_sha = re.fullmatch(r"[0-9a-f]{7,40}", word) is not None
        sha = state.bare.sha(word) if is_sha else None
        return has_commit(state, pull, sha) if sha else word.lower() in f"{pull.title} {pull.body}".lower()
    facts = {
        "is": {
            "pr",
            "pull-request",
            pull.state,
            "merged" if pull.merged_at else "unmerged",
            *(["draft"] if pull.draft else []),
        },
        "type": {"pr"},
        "state": {pull.state},
        "repo": {state.full_name},
        "author": {pull.user},
        "head": {pull.head},
        "base": {pull.base},
        "milestone": {pull.milestone},
        "label": {label.lower() for label in pull.labels},
    }
    if key == "merged":
        return pull.merged_at is not None and date_matches(value, pull.merged_at)
    if key == "sha":
        return has_commit(state, pull, state.bare.sha(value) or value)
    if key in _SORTED:
        return True
    if key not in facts:
        raise Refused(422, "Validation Failed", [{**_UNKNOWN, "message": f"The sandbox has no qualifier {key}:"}])
    return bool(set(value.lower().split(",") if key == "label" else [value]) & facts[key])
