"""The JSON objects of pull requests, their labels, comments and reviews."""

from __future__ import annotations

from release.sandbox.github.merging import fork_point, mergeable
from release.sandbox.github.records import Comment, Json, Pull, Review
from release.sandbox.github.shapes import node_id, repository_json, stamp, user_json
from release.sandbox.github.shapes.commits import files_json
from release.sandbox.github.state import Hub


def label_json(hub: Hub, label: str) -> Json:
    """Describe a label."""
    number = sum(label.encode())
    return {
        "id": number,
        "node_id": node_id("Label", number),
        "url": f"{hub.api}/labels/{label}",
        "name": label,
        "description": "",
        "color": "ededed",
        "default": False,
        **hub.labels.get(label, {}),
    }


def comment_json(hub: Hub, pull: Pull, comment: Comment) -> Json:
    """Describe a comment (schema issue-comment)."""
    url = f"{hub.api}/issues/comments/{comment.id}"
    return {
        "id": comment.id,
        "node_id": node_id("IssueComment", comment.id),
        "url": url,
        "html_url": f"{hub.html}/pull/{pull.number}#issuecomment-{comment.id}",
        "issue_url": f"{hub.api}/issues/{pull.number}",
        "user": user_json(hub, comment.user),
        "body": comment.body,
        "created_at": stamp(comment.created_at),
        "updated_at": stamp(comment.updated_at),
        "author_association": "MEMBER",
    }


def simple_pull_json(hub: Hub, pull: Pull) -> Json:
    """Describe a pull request in a list (schema pull-request-simple)."""
    url, html = f"{hub.api}/pulls/{pull.number}", f"{hub.html}/pull/{pull.number}"
    issue = f"{hub.api}/issues/{pull.number}"
    statuses = f"{hub.api}/statuses/{pull.head_sha}"
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
        "user": user_json(hub, pull.user),
        "body": pull.body or None,
        "created_at": stamp(pull.created_at),
        "updated_at": stamp(pull.updated_at),
        "closed_at": stamp(pull.closed_at),
        "merged_at": stamp(pull.merged_at),
        "merge_commit_sha": pull.merge_sha or pull.trials.get((hub.head(pull.base) or "", pull.head_sha)) or None,
        **_people(hub, pull),
        "labels": [label_json(hub, label) for label in pull.labels],
        "milestone": None,
        "draft": pull.draft,
        "commits_url": f"{url}/commits",
        "review_comments_url": f"{url}/comments",
        "review_comment_url": f"{hub.api}/pulls/comments{{/number}}",
        "comments_url": f"{issue}/comments",
        "statuses_url": statuses,
        **_sides(hub, pull),
        "_links": _pull_links(url, html, issue, statuses),
        "author_association": "MEMBER",
        "auto_merge": None,
        "active_lock_reason": None,
    }


def _people(hub: Hub, pull: Pull) -> Json:
    asked = [user_json(hub, login) for login in pull.reviewers]
    return {"assignee": None, "assignees": [], "requested_teams": [], "requested_reviewers": asked}


def _sides(hub: Hub, pull: Pull) -> Json:
    base_sha = pull.base_sha if pull.merged_at else hub.head(pull.base) or pull.base_sha
    return {"head": _side(hub, pull.head, pull.head_sha), "base": _side(hub, pull.base, base_sha)}


def _side(hub: Hub, branch: str, sha: str) -> Json:
    return {
        "label": f"{hub.owner}:{branch}",
        "ref": branch,
        "sha": sha,
        "user": user_json(hub, hub.owner),
        "repo": repository_json(hub),
    }


def _pull_links(url: str, html: str, issue: str, statuses: str) -> Json:
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


def pull_json(hub: Hub, pull: Pull) -> Json:
    """Describe a pull request (schema pull-request)."""
    files = files_json(hub, fork_point(hub, pull), pull.head_sha)
    can, how = mergeable(hub, pull)
    return {
        **simple_pull_json(hub, pull),
        "merged": pull.merged_at is not None,
        "mergeable": can,
        "rebaseable": can,
        "mergeable_state": how,
        "merged_by": user_json(hub, pull.merged_by) if pull.merged_by else None,
        "comments": len(pull.comments),
        "review_comments": 0,
        "maintainer_can_modify": False,
        "commits": int(hub.bare.same("rev-list", "--count", f"{fork_point(hub, pull)}..{pull.head_sha}")),
        "additions": sum(file["additions"] for file in files),
        "deletions": sum(file["deletions"] for file in files),
        "changed_files": len(files),
    }


def issue_json(hub: Hub, pull: Pull) -> Json:
    """Describe a pull request as the issue that each is (schema issue)."""
    url, html = f"{hub.api}/issues/{pull.number}", f"{hub.html}/pull/{pull.number}"
    return {
        "url": url,
        "repository_url": hub.api,
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "html_url": html,
        "id": 10_000 + pull.number,
        "node_id": node_id("PullRequest", pull.number),
        "number": pull.number,
        "title": pull.title,
        "user": user_json(hub, pull.user),
        "labels": [label_json(hub, label) for label in pull.labels],
        "state": pull.state,
        "locked": False,
        "assignee": None,
        "assignees": [],
        "milestone": None,
        "comments": len(pull.comments),
        "created_at": stamp(pull.created_at),
        "updated_at": stamp(pull.updated_at),
        "closed_at": stamp(pull.closed_at),
        "author_association": "MEMBER",
        "draft": pull.draft,
        "pull_request": {
            "url": f"{hub.api}/pulls/{pull.number}",
            "html_url": html,
            "diff_url": f"{html}.diff",
            "patch_url": f"{html}.patch",
            "merged_at": stamp(pull.merged_at),
        },
        "body": pull.body,
    }


def review_json(hub: Hub, pull: Pull, review: Review) -> Json:
    """Describe a review (schema pull-request-review)."""
    html = f"{hub.html}/pull/{pull.number}#pullrequestreview-{review.id}"
    url = f"{hub.api}/pulls/{pull.number}"
    return {
        "id": review.id,
        "node_id": node_id("PullRequestReview", review.id),
        "user": user_json(hub, review.user),
        "body": review.body,
        "state": review.state,
        "commit_id": review.sha,
        "html_url": html,
        "pull_request_url": url,
        "author_association": "MEMBER",
        "_links": {"html": {"href": html}, "pull_request": {"href": url}},
        "submitted_at": stamp(review.submitted_at),
    }
