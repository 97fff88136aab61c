"""Pull requests: opened, read, reviewed and merged."""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from .answers import Refused, body, invalid, not_found, page, token
from .bare import ZERO, GitError
from .github_git import found_sha
from .hub import Hub, Json, Pull, hub, now
from .merging import check_mergeable, check_method, merge_commit, mergeable
from .shapes import commit_json, files_json, node_id, repository_json, stamp, user_json
from .starts import close, notice_refs, start_pull_request

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
    return [_simple_json(hub(), pull) for pull in page(found)]


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


@routes.get("/pulls/<int:number>/merge")
def is_merged(number: int) -> ResponseReturnValue:
    """Answer 204 when merged, else 404."""
    if find_pull(number).merged_at is None:
        raise not_found()
    return "", 204


@routes.put("/pulls/<int:number>/merge")
def merge(number: int) -> ResponseReturnValue:
    """Merge in the repository, if the head is the one that was meant and the rules allow it."""
    state, pull, asked = hub(), find_pull(number), body()
    method = asked.get("merge_method", "merge")
    with state.lock:
        base = state.head(pull.base)
        if base is None:
            raise Refused(405, "Pull Request is not mergeable")
        if asked.get("sha") not in (None, pull.head_sha):
            raise Refused(409, "Head branch was modified. Review and try the merge again.")
        check_mergeable(state, pull, base)
        check_method(state, pull, method)
        sha = merge_commit(state, pull, base, method, _message(state, pull, method, asked))
        _land(state, pull, base, sha)
    return {"sha": sha, "merged": True, "message": "Pull Request successfully merged"}


def _message(state: Hub, pull: Pull, method: str, asked: Json) -> str:
    if method == "squash":
        title, text = f"{pull.title} (#{pull.number})", pull.body
    else:
        title, text = f"Merge pull request #{pull.number} from {state.owner}/{pull.head}", pull.title
    return f"{asked.get('commit_title') or title}\n\n{asked.get('commit_message', text)}".strip() + "\n"


def _land(state: Hub, pull: Pull, base: str, sha: str) -> None:
    """Move the base branch, and the pull request with it."""
    try:
        state.bare.update_ref(f"refs/heads/{pull.base}", sha, base)
    except GitError as error:
        raise Refused(405, "Base branch was modified. Review and try the merge again.") from error
    pull.base_sha, pull.merge_sha, pull.merged_at, pull.merged_by = base, sha, now(), token().login
    close(pull)
    if state.settings.delete_branch_on_merge and state.head(pull.head) == pull.head_sha:
        state.bare.update_ref(f"refs/heads/{pull.head}", ZERO)
    notice_refs(state, token())


@routes.get("/pulls/<int:number>/files")
def pull_files(number: int) -> ResponseReturnValue:
    """Answer the files that a pull request changes."""
    pull = find_pull(number)
    return page(files_json(hub(), _fork(hub(), pull), pull.head_sha))


@routes.get("/pulls/<int:number>/commits")
def pull_commits(number: int) -> ResponseReturnValue:
    """Answer the commits of a pull request, oldest first."""
    pull = find_pull(number)
    found = hub().bare.commits("--reverse", f"{_fork(hub(), pull)}..{pull.head_sha}")
    return [commit_json(hub(), commit) for commit in page(found)]


def _fork(state: Hub, pull: Pull) -> str:
    base = pull.base_sha if pull.merged_at else state.head(pull.base) or pull.base_sha
    return state.bare.merge_base(base, pull.head_sha) or base


@routes.get("/commits/<path:ref>/pulls")
def pulls_of_commit(ref: str) -> ResponseReturnValue:
    """Answer the pull requests that brought a commit, or that contain it."""
    found = [pull for pull in hub().pulls.values() if has_commit(hub(), pull, found_sha(ref))]
    return [_simple_json(hub(), pull) for pull in page(found)]


def has_commit(state: Hub, pull: Pull, sha: str) -> bool:
    """Tell whether a commit is of a pull request: in its head, or made by merging it."""
    revisions = f"{_fork(state, pull)}..{pull.head_sha}"
    shas = state.bare.git("rev-list", revisions).split()
    if pull.merge_sha:
        shas += state.bare.git("rev-list", "--first-parent", f"{pull.base_sha}..{pull.merge_sha}").split()
    return sha in shas


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


@routes.post("/issues/<int:number>/labels")
def add_labels(number: int) -> ResponseReturnValue:
    """Put labels on a pull request."""
    pull = find_pull(number)
    pull.labels += [label for label in body().get("labels", []) if label not in pull.labels]
    return [label_json(hub(), label) for label in pull.labels]


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


def _simple_json(state: Hub, pull: Pull) -> Json:
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
        "assignees": [],
        "requested_reviewers": [],
        "requested_teams": [],
        "labels": [label_json(state, label) for label in pull.labels],
        "milestone": None,
        "draft": pull.draft,
        "commits_url": f"{url}/commits",
        "review_comments_url": f"{url}/comments",
        "review_comment_url": f"{state.api}/pulls/comments{{/number}}",
        "comments_url": f"{issue}/comments",
        "statuses_url": statuses,
        "head": _side(state, pull.head, pull.head_sha),
        "base": _side(state, pull.base, pull.base_sha if pull.merged_at else state.head(pull.base) or pull.base_sha),
        "_links": _links(url, html, issue, statuses),
        "author_association": "MEMBER",
        "auto_merge": None,
        "active_lock_reason": None,
    }


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
    files = files_json(state, _fork(state, pull), pull.head_sha)
    can, how = mergeable(state, pull)
    return {
        **_simple_json(state, pull),
        "merged": pull.merged_at is not None,
        "mergeable": can,
        "rebaseable": can,
        "mergeable_state": how,
        "merged_by": user_json(state, pull.merged_by) if pull.merged_by else None,
        "comments": 0,
        "review_comments": 0,
        "maintainer_can_modify": False,
        "commits": int(state.bare.git("rev-list", "--count", f"{_fork(state, pull)}..{pull.head_sha}")),
        "additions": sum(file["additions"] for file in files),
        "deletions": sum(file["deletions"] for file in files),
        "changed_files": len(files),
    }
