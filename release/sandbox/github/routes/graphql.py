"""GraphQL for `gh pr`, `gh release` and their like; `graphql.graphql` says how far it goes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Blueprint
from flask.typing import ResponseReturnValue

from release.sandbox.github.answers import Refused, body, hub, token
from release.sandbox.github.merging import change_pull, merge_pull, open_pull
from release.sandbox.github.permissions import needs, require
from release.sandbox.github.records import Json, Pull
from release.sandbox.github.routes.pulls import STATES
from release.sandbox.github.routes.search import found_pulls
from release.sandbox.github.rules import check_review
from release.sandbox.github.shapes import node_id
from release.sandbox.github.shapes.nodes import (
    actor_node,
    connection,
    label_node,
    pull_node,
    release_node,
    repository_node,
)
from release.sandbox.github.state import add_comment, add_review, known_labels

if TYPE_CHECKING:
    from graphql import GraphQLSchema

routes = Blueprint("graphql", __name__)


@cache
def _schema() -> GraphQLSchema:
    from graphql import build_schema

    return build_schema(Path(__file__).with_suffix(".graphql").read_text(encoding="utf-8"))


@routes.post("/graphql")
@needs()
def graphql() -> ResponseReturnValue:
    """Answer a query or a mutation; what the schema lacks is an error that names it."""
    from graphql import graphql_sync

    asked = body()
    queries = {
        "repository": _repository,
        "viewer": lambda _: actor_node(token().login),
        "search": _asking(_search, "pull_requests=read"),
        "node": _asking(_node, "pull_requests=read"),
    }
    return graphql_sync(
        _schema(), str(asked.get("query")), {**queries, **_MUTATIONS}, variable_values=asked.get("variables")
    ).formatted


def _asking(resolve: Callable[..., Any], *ways: str) -> Callable[..., Any]:
    """Have a field ask for a permission first, as a route does."""

    def asked(_: object, **given: Any) -> Any:
        """Resolve the field where the token may; raise GraphQL's refusal where not."""
        from graphql import GraphQLError

        try:
            require(*ways)
        except Refused as error:
            raise GraphQLError(error.message, extensions={"type": "FORBIDDEN"}) from error
        return resolve(_, **given)

    return asked


def _missing(kind: str, words: str) -> Exception:
    from graphql import GraphQLError

    return GraphQLError(f"Could not resolve to a {kind} with the {words}.")


def _repository(_: object, owner: str, name: str, **_options: object) -> Json:
    state = hub()
    if f"{owner}/{name}".lower() != state.full_name.lower():
        raise _missing("Repository", f"name '{owner}/{name}'")
    pulls: dict[str, Callable[..., Any]] = {"pullRequest": _pull_request, "pullRequests": _pull_requests}
    releases: dict[str, Callable[..., Any]] = {"release": _release, "releases": _releases}
    return {
        **repository_node(state),
        **{name: _asking(resolve, "pull_requests=read") for name, resolve in pulls.items()},
        **{name: _asking(resolve, "contents=read") for name, resolve in releases.items()},
        "labels": _asking(_labels, "issues=read", "pull_requests=read"),
    }


def _pull_request(_: object, number: int) -> Json:
    pull = hub().pulls.get(number)
    if pull is None:
        raise _missing("PullRequest", f"number of {number}")
    return pull_node(hub(), pull)


def _newest(found: Iterable[Any], key: Callable[[Any], int], most: int) -> list[Any]:
    return sorted(found, key=key, reverse=True)[:most]


def _pull_requests(_: object, first: int = 30, **wanted: Any) -> Json:
    sides = {"base": wanted.get("baseRefName"), "head": wanted.get("headRefName")}
    found = [
        node
        for node in (pull_node(hub(), pull) for pull in hub().pulls.values())
        if node["state"] in (wanted.get("states") or [node["state"]])
        and all(name in (None, node[f"{side}RefName"]) for side, name in sides.items())
    ]
    return connection(_newest(found, lambda node: int(node["number"]), first))


def _node(_: object, **asked: str) -> Json:
    return {"__typename": "PullRequest", **pull_node(hub(), _pull({"pullRequestId": asked["id"]}))}


def _search(_: object, query: str, first: int = 30, **_options: object) -> Json:
    found = [{"__typename": "PullRequest", **pull_node(hub(), pull)} for pull in found_pulls(hub(), query)]
    return {**connection(found[:first]), "issueCount": len(found)}


def _release(_: object, tagName: str) -> Json | None:  # noqa: N803 # as GraphQL calls it
    found = [each for each in hub().releases.values() if each.tag == tagName]
    return release_node(hub(), found[-1]) if found else None


def _releases(_: object, first: int = 30, **_options: object) -> Json:
    return connection(
        [release_node(hub(), each) for each in _newest(hub().releases.values(), lambda one: one.id, first)]
    )


def _labels(_: object, first: int = 30, **_options: object) -> Json:
    return connection([label_node(hub(), label) for label in known_labels(hub())[:first]])


def _mutation(change: Callable[[Json], Pull], need: str = "pull_requests=write") -> Callable[..., Json]:
    """Make a mutation of what changes a pull request; what REST would refuse is an error."""

    def mutate(_: object, **asked: Json) -> Json:
        from graphql import GraphQLError

        try:
            return {"pullRequest": pull_node(hub(), change(asked["input"]))}
        except Refused as error:
            said = [each["message"] for each in error.errors if isinstance(each, dict) and "message" in each]
            raise GraphQLError("; ".join(said) or error.message) from error

    return _asking(mutate, need)


def _pull(asked: Json) -> Pull:
    """Find the pull request that a node's identifier names."""
    named = asked.get("pullRequestId") or asked.get("subjectId")
    for pull in hub().pulls.values():
        if node_id("PullRequest", pull.number) == named:
            return pull
    raise _missing("node", f"global id of '{named}'")


def _open(asked: Json) -> Pull:
    names = {"head": asked["headRefName"], "base": asked["baseRefName"]}
    return open_pull(hub(), {**asked, **names}, token())


def _merge(asked: Json) -> Pull:
    pull = _pull(asked)
    words = {"commit_title": asked.get("commitHeadline"), "sha": asked.get("expectedHeadOid")}
    merge_pull(hub(), pull, {**words, "merge_method": asked.get("mergeMethod", "merge").lower()}, token())
    return pull


def _changed(**changes: str) -> Callable[[Json], Pull]:
    def change(asked: Json) -> Pull:
        pull = _pull(asked)
        given = {key: asked[key] for key in ("title", "body") if asked.get(key) is not None}
        change_pull(hub(), pull, {**given, **changes})
        return pull

    return change


def _ready(asked: Json) -> Pull:
    pull = _pull(asked)
    pull.draft = False
    return pull


def _review(asked: Json) -> Pull:
    pull, outcome = _pull(asked), STATES.get(asked.get("event", ""), "PENDING")
    check_review(pull, outcome, token().login)
    add_review(hub(), pull, outcome, token().login, asked.get("body") or "")
    return pull


def _comment(_: object, **asked: Json) -> Json:
    pull = _pull(asked["input"])
    comment = add_comment(hub(), pull, token().login, asked["input"]["body"])
    return {"commentEdge": {"node": {"url": f"{hub().html}/pull/{pull.number}#issuecomment-{comment.id}"}}}


_MUTATIONS = {
    "createPullRequest": _mutation(_open),
    "mergePullRequest": _mutation(_merge, "contents=write"),
    "updatePullRequest": _mutation(_changed()),
    "closePullRequest": _mutation(_changed(state="closed")),
    "reopenPullRequest": _mutation(_changed(state="open")),
    "markPullRequestReadyForReview": _mutation(_ready),
    "addPullRequestReview": _mutation(_review),
    "addComment": _asking(_comment, "issues=write", "pull_requests=write"),
}
