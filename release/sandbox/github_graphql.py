"""GraphQL for `gh pr view` and its like, over the same pull requests; `github_graphql.graphql` says how far it goes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Blueprint
from flask.typing import ResponseReturnValue

from .answers import body, token
from .github_checks import checks_of
from .github_statuses import statuses_of
from .hub import Hub, hub
from .pull_shapes import pull_json
from .records import BOT_LOGIN, Json, Pull
from .shapes import node_id

if TYPE_CHECKING:
    from graphql import GraphQLSchema

routes = Blueprint("graphql", __name__)
_MERGEABLE = {None: "UNKNOWN", True: "MERGEABLE", False: "CONFLICTING"}


@cache
def _schema() -> GraphQLSchema:
    from graphql import build_schema

    return build_schema(Path(__file__).with_suffix(".graphql").read_text(encoding="utf-8"))


@routes.post("/graphql")
def graphql() -> ResponseReturnValue:
    """Answer a query; what the schema lacks is an error that names it."""
    from graphql import graphql_sync

    asked = body()
    root = {"repository": _repository, "viewer": lambda _: _actor(token().login)}
    return graphql_sync(_schema(), str(asked.get("query")), root, variable_values=asked.get("variables")).formatted


def _missing(kind: str, words: str) -> Exception:
    from graphql import GraphQLError

    return GraphQLError(f"Could not resolve to a {kind} with the {words}.")


def _repository(_: object, owner: str, name: str, **_options: object) -> Json:
    state = hub()
    if f"{owner}/{name}".lower() != state.full_name.lower():
        raise _missing("Repository", f"name '{owner}/{name}'")
    return {**_repository_node(state), "pullRequest": _pull_request}


def _repository_node(state: Hub) -> Json:
    return {"id": node_id("Repository", state.full_name), "name": state.name}


def _pull_request(_: object, number: int) -> Json:
    pull = hub().pulls.get(number)
    if pull is None:
        raise _missing("PullRequest", f"number of {number}")
    return _pull_node(hub(), pull)


def _pull_node(state: Hub, pull: Pull) -> Json:
    plain = pull_json(state, pull)
    merge = {"id": node_id("Commit", pull.merge_sha), "oid": pull.merge_sha} if pull.merge_sha else None
    return {
        **{name: plain[name] for name in ("number", "title", "body", "additions", "deletions", "milestone")},
        "id": plain["node_id"],
        "url": plain["html_url"],
        "state": "MERGED" if pull.merged_at else pull.state.upper(),
        "closed": pull.state != "open",
        "isDraft": pull.draft,
        "isCrossRepository": False,
        "maintainerCanModify": plain["maintainer_can_modify"],
        "mergeable": _MERGEABLE[plain["mergeable"]],
        "changedFiles": plain["changed_files"],
        "baseRefName": pull.base,
        "headRefName": pull.head,
        "headRefOid": pull.head_sha,
        "headRepository": _repository_node(state),
        "headRepositoryOwner": {"__typename": "Organization", **_actor(state.owner)},
        "author": _actor(pull.user),
        "mergedBy": _actor(pull.merged_by) if pull.merged_by else None,
        "mergeCommit": merge,
        **{f"{name}At": plain[f"{name}_at"] for name in ("created", "updated", "closed", "merged")},
        **_connections(state, pull, plain),
    }


def _connections(state: Hub, pull: Pull, plain: Json) -> Json:
    contexts = _connection(
        [*map(_check_node, checks_of(state, pull.head_sha)), *map(_status_node, statuses_of(state, pull.head_sha))]
    )
    rollup = {"contexts": contexts} if contexts["nodes"] else None
    newest = {"id": node_id("Commit", pull.head_sha), "oid": pull.head_sha, "statusCheckRollup": rollup}
    labels = [{**label, "id": label["node_id"]} for label in plain["labels"]]
    empty = {name: _connection([]) for name in ("reviewRequests", "assignees", "projectCards", "comments")}
    reviews = _connection([_review_node(review) for review in pull.reviews])
    commits = {"totalCount": plain["commits"], "nodes": [{"commit": newest}]}
    return {**empty, "commits": commits, "labels": _connection(labels), "reviews": reviews, "reactionGroups": []}


def _connection(nodes: Sequence[Any]) -> Json:
    return {"nodes": nodes, "totalCount": len(nodes), "pageInfo": {"hasNextPage": False, "endCursor": None}}


def _actor(login: str) -> Json:
    kind = "Bot" if login == BOT_LOGIN else "User"
    return {"__typename": kind, "id": node_id(kind, login), "login": login, "name": login}


def _review_node(review: Json) -> Json:
    return {
        "id": review["node_id"],
        "author": _actor(review["user"]["login"]),
        "authorAssociation": review["author_association"],
        "submittedAt": review["submitted_at"],
        "body": review["body"],
        "state": review["state"],
        "commit": {"id": node_id("Commit", review["commit_id"]), "oid": review["commit_id"]},
        "reactionGroups": [],
    }


def _check_node(check: Json) -> Json:
    return {
        "__typename": "CheckRun",
        "name": check["name"],
        "checkSuite": {"workflowRun": None},
        "status": check["status"].upper(),
        "conclusion": check["conclusion"].upper() if check["conclusion"] else None,
        "startedAt": check["started_at"],
        "completedAt": check["completed_at"],
        "detailsUrl": check["details_url"],
    }


def _status_node(status: Json) -> Json:
    return {
        "__typename": "StatusContext",
        "context": status["context"],
        "state": status["state"].upper(),
        "targetUrl": status["target_url"],
        "createdAt": status["created_at"],
    }
