"""GraphQL for `gh pr view` and its like, over the same pull requests; `graphql.graphql` says how far it goes."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Blueprint
from flask.typing import ResponseReturnValue

from release.sandbox.github.answers import body, hub, token
from release.sandbox.github.records import Json
from release.sandbox.github.shapes.pulls import actor_node, pull_node, repository_node

if TYPE_CHECKING:
    from graphql import GraphQLSchema

routes = Blueprint("graphql", __name__)


@cache
def _schema() -> GraphQLSchema:
    from graphql import build_schema

    return build_schema(Path(__file__).with_suffix(".graphql").read_text(encoding="utf-8"))


@routes.post("/graphql")
def graphql() -> ResponseReturnValue:
    """Answer a query; what the schema lacks is an error that names it."""
    from graphql import graphql_sync

    asked = body()
    root = {"repository": _repository, "viewer": lambda _: actor_node(token().login)}
    return graphql_sync(_schema(), str(asked.get("query")), root, variable_values=asked.get("variables")).formatted


def _missing(kind: str, words: str) -> Exception:
    from graphql import GraphQLError

    return GraphQLError(f"Could not resolve to a {kind} with the {words}.")


def _repository(_: object, owner: str, name: str, **_options: object) -> Json:
    state = hub()
    if f"{owner}/{name}".lower() != state.full_name.lower():
        raise _missing("Repository", f"name '{owner}/{name}'")
    return {**repository_node(state), "pullRequest": _pull_request}


def _pull_request(_: object, number: int) -> Json:
    pull = hub().pulls.get(number)
    if pull is None:
        raise _missing("PullRequest", f"number of {number}")
    return pull_node(hub(), pull)
