"""The JSON objects of pull requests."""

from __future__ import annotations

from .commit_shapes import files_json
from .hub import Hub
from .merging import mergeable
from .records import Json, Pull
from .shapes import node_id, repository_json, stamp, user_json


def fork_point(state: Hub, pull: Pull) -> str:
    """Find where a pull request left its base branch."""
    base = pull.base_sha if pull.merged_at else state.head(pull.base) or pull.base_sha
    return state.bare.merge_base(base, pull.head_sha) or base


def has_commit(state: Hub, pull: Pull, sha: str) -> bool:
    """Tell whether a commit is of a pull request: in its head, or made by merging it."""
    revisions = f"{fork_point(state, pull)}..{pull.head_sha}"
    shas = state.bare.git("rev-list", revisions).split()
    if pull.merge_sha:
        shas += state.bare.git("rev-list", "--first-parent", f"{pull.base_sha}..{pull.merge_sha}").split()
    return sha in shas


def label_json(state: Hub, label: str) -> Json:
    """Describe a label."""
    number = sum(label.encode())
    return {
        "id": number,
        "node_id": node_id("Label", number),
        "url": f"{state.api}/labels/{label}",
        "name": label,
        "description": "",
        "color": "ededed",
        "default": False,
    }


def simple_pull_json(state: Hub, pull: Pull) -> Json:
    """Describe a pull request in a list (schema pull-request-simple)."""
    url, html = f"{state.api}/pulls/{pull.number}", f"{state.html}/pull/{pull.number}"
    issue = f"{state.api}/issues/{pull.number}"
    statuses = f"{state.api}/statuses/{pull.head_sha}"
    return {
        "url": url,
        "id": 10_000 + pull.number,
        "node_id": node_id("PullRequest", pull.number),
        "html_url": html,
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
        "issue_url": issue,
        "number": pull.number,
        "state": pull.state,
        "locked": False,
        "title": pull.title,
        "user": user_json(state, pull.user),
        "body": pull.body or None,
        "created_at": stamp(pull.created_at),
        "updated_at": stamp(pull.updated_at),
        "closed_at": stamp(pull.closed_at),
        "merged_at": stamp(pull.merged_at),
        "merge_commit_sha": pull.merge_sha or None,
        "assignee": None,
        **{name: [] for name in ("assignees", "requested_reviewers", "requested_teams")},
        "labels": [label_json(state, label) for label in pull.labels],
        "milestone": None,
        "draft": pull.draft,
        "commits_url": f"{url}/commits",
        "review_comments_url": f"{url}/comments",
        "review_comment_url": f"{state.api}/pulls/comments{{/number}}",
        "comments_url": f"{issue}/comments",
        "statuses_url": statuses,
        **_sides(state, pull),
        "_links": _links(url, html, issue, statuses),
        "author_association": "MEMBER",
        "auto_merge": None,
        "active_lock_reason": None,
    }


def _sides(state: Hub, pull: Pull) -> Json:
    base_sha = pull.base_sha if pull.merged_at else state.head(pull.base) or pull.base_sha
    return {"head": _side(state, pull.head, pull.head_sha), "base": _side(state, pull.base, base_sha)}


def _side(state: Hub, branch: str, sha: str) -> Json:
    return {
        "label": f"{state.owner}:{branch}",
        "ref": branch,
        "sha": sha,
        "user": user_json(state, state.owner),
        "repo": repository_json(state),
    }


def _links(url: str, html: str, issue: str, statuses: str) -> Json:
    links = {
        "self": url,
        "html": html,
        "issue": issue,
        "comments": f"{issue}/comments",
        "review_comments": f"{url}/comments",
        "review_comment": f"{url.rsplit('/', 1)[0]}/comments{{/number}}",
        "commits": f"{url}/commits",
        "statuses": statuses,
    }
    return {name: {"href": href} for name, href in links.items()}


def pull_json(state: Hub, pull: Pull) -> Json:
    """Describe a pull request (schema pull-request)."""
    files = files_json(state, fork_point(state, pull), pull.head_sha)
    can, how = mergeable(state, pull)
    return {
        **simple_pull_json(state, pull),
        "merged": pull.merged_at is not None,
        "mergeable": can,
        "rebaseable": can,
        "mergeable_state": how,
        "merged_by": user_json(state, pull.merged_by) if pull.merged_by else None,
        "comments": 0,
        "review_comments": 0,
        "maintainer_can_modify": False,
        "commits": int(state.bare.git("rev-list", "--count", f"{fork_point(state, pull)}..{pull.head_sha}")),
        "additions": sum(file["additions"] for file in files),
        "deletions": sum(file["deletions"] for file in files),
        "changed_files": len(files),
    }
