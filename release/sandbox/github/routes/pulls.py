"""Pull requests: listed, opened, read, changed, reviewed and merged."""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from release.sandbox.github.answers import body, find_commit, find_pull, hub, not_found, page, token
from release.sandbox.github.merging import change_pull, fork_point, has_commit, merge_pull, open_pull, update_pull
from release.sandbox.github.permissions import needs
from release.sandbox.github.rules import check_review
from release.sandbox.github.shapes.commits import commit_json, files_json
from release.sandbox.github.shapes.pulls import pull_json, review_json, simple_pull_json
from release.sandbox.github.state import add_review

routes = Blueprint("pulls", __name__)
STATES = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}


@routes.get("/pulls")
@needs("pull_requests=read")
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
@needs("pull_requests=write")
def create_pull() -> ResponseReturnValue:
    """Open a pull request; 422 when one is open already, or there is nothing to merge."""
    pull = open_pull(hub(), body(), token())
    described = pull_json(hub(), pull)
    pull.asked.clear()
    return described, 201


@routes.get("/pulls/<int:number>")
@needs("pull_requests=read")
def one_pull(number: int) -> ResponseReturnValue:
    """Answer one pull request; whether it can be merged is worked out after the first asking."""
    return pull_json(hub(), find_pull(number))


@routes.patch("/pulls/<int:number>")
@needs("pull_requests=write")
def patch_pull(number: int) -> ResponseReturnValue:
    """Change title, body, base or state."""
    pull = find_pull(number)
    change_pull(hub(), pull, body())
    return pull_json(hub(), pull)


@routes.get("/pulls/<int:number>/files")
@needs("pull_requests=read")
def pull_files(number: int) -> ResponseReturnValue:
    """Answer the files that a pull request changes."""
    pull = find_pull(number)
    return page(files_json(hub(), fork_point(hub(), pull), pull.head_sha))


@routes.get("/pulls/<int:number>/commits")
@needs("pull_requests=read")
def pull_commits(number: int) -> ResponseReturnValue:
    """Answer the commits of a pull request, oldest first."""
    pull = find_pull(number)
    found = hub().bare.commits("--reverse", f"{fork_point(hub(), pull)}..{pull.head_sha}")
    return [commit_json(hub(), commit) for commit in page(found)]


@routes.get("/commits/<path:ref>/pulls")
@needs("pull_requests=read")
def pulls_of_commit(ref: str) -> ResponseReturnValue:
    """Answer the pull requests that brought a commit, or that contain it."""
    sha = find_commit(ref)  # before the pull requests: a commit that is not there is refused without any too
    found = [pull for pull in hub().pulls.values() if has_commit(hub(), pull, sha)]
    return [simple_pull_json(hub(), pull) for pull in page(found)]


@routes.get("/pulls/<int:number>/reviews")
@needs("pull_requests=read")
def reviews(number: int) -> ResponseReturnValue:
    """Answer the reviews, oldest first."""
    pull = find_pull(number)
    return [review_json(hub(), pull, review) for review in page(pull.reviews)]


@routes.post("/pulls/<int:number>/reviews")
@needs("pull_requests=write")
def create_review(number: int) -> ResponseReturnValue:
    """Review a pull request; nobody approves their own."""
    pull, asked = find_pull(number), body()
    outcome = STATES.get(asked.get("event", ""), "PENDING")
    check_review(pull, outcome, token().login)
    return review_json(hub(), pull, add_review(hub(), pull, outcome, token().login, asked.get("body", "")))


@routes.get("/pulls/<int:number>/merge")
@needs("pull_requests=read")
def is_merged(number: int) -> ResponseReturnValue:
    """Answer 204 when merged, else 404."""
    if find_pull(number).merged_at is None:
        raise not_found()
    return "", 204


@routes.put("/pulls/<int:number>/merge")
@needs("contents=write")
def merge(number: int) -> ResponseReturnValue:
    """Merge in the repository, if the head is the one that was meant and the rules allow it."""
    sha = merge_pull(hub(), find_pull(number), body(), token())
    return {"sha": sha, "merged": True, "message": "Pull Request successfully merged"}


@routes.put("/pulls/<int:number>/update-branch")
@needs("pull_requests=write")
def update_branch(number: int) -> ResponseReturnValue:
    """Merge the base branch into the pull request's own."""
    update_pull(hub(), find_pull(number), body(), token())
    return {"message": "Updating pull request branch.", "url": f"{hub().api}/pulls/{number}"}, 202


@routes.get("/pulls/<int:number>/comments")
@needs("pull_requests=read")
def review_comments(number: int) -> ResponseReturnValue:
    """Answer none: the sandbox has no comments on lines."""
    find_pull(number)
    return []


@routes.post("/pulls/<int:number>/requested_reviewers")
@needs("pull_requests=write")
def request_reviewers(number: int) -> ResponseReturnValue:
    """Ask people for a review."""
    pull = find_pull(number)
    pull.reviewers += [login for login in body().get("reviewers", []) if login not in pull.reviewers]
    return simple_pull_json(hub(), pull), 201
