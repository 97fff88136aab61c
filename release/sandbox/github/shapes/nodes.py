"""The nodes of GraphQL: the repository, its pull requests and releases, as `gh` asks for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from release.sandbox.github.records import BOT_LOGIN, Json, Pull, Release
from release.sandbox.github.rules import required_checks, violations
from release.sandbox.github.shapes import node_id, release_json
from release.sandbox.github.shapes.commits import check_json, status_json
from release.sandbox.github.shapes.pulls import label_json, pull_json, review_json
from release.sandbox.github.state import Hub, checks_of, latest_release, statuses_of

_MERGEABLE = {None: "UNKNOWN", True: "MERGEABLE", False: "CONFLICTING"}


def repository_node(hub: Hub) -> Json:
    """Describe the repository as GraphQL does."""
    settings = hub.settings
    allowed = {f"{name}MergeAllowed": getattr(settings, f"allow_{name}_merge") for name in ("rebase", "squash")}
    return {
        "id": node_id("Repository", hub.full_name),
        "name": hub.name,
        "nameWithOwner": hub.full_name,
        "url": hub.html,
        "owner": {"__typename": "Organization", **actor_node(hub.owner)},
        "hasIssuesEnabled": True,
        "hasWikiEnabled": False,
        "viewerPermission": "WRITE",
        "defaultBranchRef": {"name": settings.default_branch},
        "mergeCommitAllowed": settings.allow_merge_commit,
        **allowed,
    }


def pull_node(hub: Hub, pull: Pull) -> Json:
    """Describe a pull request as GraphQL does."""
    plain = pull_json(hub, pull)
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
        "mergeStateStatus": plain["mergeable_state"].upper(),
        "reviewDecision": "REVIEW_REQUIRED" if any("review" in each for each in violations(hub, pull)) else None,
        "changedFiles": plain["changed_files"],
        "baseRefName": pull.base,
        "headRefName": pull.head,
        "headRefOid": pull.head_sha,
        "headRepository": repository_node(hub),
        "headRepositoryOwner": {"__typename": "Organization", **actor_node(hub.owner)},
        "author": actor_node(pull.user),
        "mergedBy": actor_node(pull.merged_by) if pull.merged_by else None,
        "mergeCommit": merge,
        **{f"{name}At": plain[f"{name}_at"] for name in ("created", "updated", "closed", "merged")},
        **_connections(hub, pull, plain),
    }


def _connections(hub: Hub, pull: Pull, plain: Json) -> Json:
    required = required_checks(hub, pull.base)
    contexts = connection(
        [
            *(_check_node(check_json(hub, check), required) for check in checks_of(hub, pull.head_sha)),
            *(_status_node(status_json(hub, status), required) for status in statuses_of(hub, pull.head_sha)),
        ]
    )
    rollup = {"contexts": contexts} if contexts["nodes"] else None
    newest = {"id": node_id("Commit", pull.head_sha), "oid": pull.head_sha, "statusCheckRollup": rollup}
    labels = [{**label, "id": label["node_id"]} for label in plain["labels"]]
    empty = {name: connection([]) for name in ("reviewRequests", "assignees", "projectCards", "comments")}
    reviews = connection([_review_node(review_json(hub, pull, review)) for review in pull.reviews])
    commits = {"totalCount": plain["commits"], "nodes": [{"commit": newest}]}
    return {**empty, "commits": commits, "labels": connection(labels), "reviews": reviews, "reactionGroups": []}


def connection(nodes: Sequence[Any]) -> Json:
    """Describe a list as GraphQL does: whole, as its one page."""
    return {"nodes": nodes, "totalCount": len(nodes), "pageInfo": {"hasNextPage": False, "endCursor": None}}


def actor_node(login: str) -> Json:
    """Describe a user or bot as GraphQL does."""
    kind = "Bot" if login == BOT_LOGIN else "User"
    return {"__typename": kind, "id": node_id(kind, login), "login": login, "name": login}


def _review_node(review: Json) -> Json:
    return {
        "id": review["node_id"],
        "author": actor_node(review["user"]["login"]),
        "authorAssociation": review["author_association"],
        "submittedAt": review["submitted_at"],
        "body": review["body"],
        "state": review["state"],
        "commit": {"id": node_id("Commit", review["commit_id"]), "oid": review["commit_id"]},
        "reactionGroups": [],
    }


def _check_node(check: Json, required: list[str]) -> Json:
    return {
        "__typename": "CheckRun",
        "isRequired": check["name"] in required,
        "name": check["name"],
        "checkSuite": {"workflowRun": None},
        "status": check["status"].upper(),
        "conclusion": check["conclusion"].upper() if check["conclusion"] else None,
        "startedAt": check["started_at"],
        "completedAt": check["completed_at"],
        "detailsUrl": check["details_url"],
    }


def _status_node(status: Json, required: list[str]) -> Json:
    return {
        "__typename": "StatusContext",
        "isRequired": status["context"] in required,
        "context": status["context"],
        "state": status["state"].upper(),
        "targetUrl": status["target_url"],
        "createdAt": status["created_at"],
    }


def label_node(hub: Hub, label: str) -> Json:
    """Describe a label as GraphQL does."""
    plain = label_json(hub, label)
    return {**plain, "id": plain["node_id"], "isDefault": False}


def release_node(hub: Hub, release: Release) -> Json:
    """Describe a release as GraphQL does."""
    plain = release_json(hub, release)
    return {
        "id": plain["node_id"],
        "databaseId": release.id,
        "name": plain["name"],
        "tagName": release.tag,
        "isDraft": release.draft,
        "isPrerelease": release.prerelease,
        "isLatest": release is latest_release(hub),
        "createdAt": plain["created_at"],
        "publishedAt": plain["published_at"],
        "url": plain["html_url"],
    }
