"""What a pull request is made of, and what it is labelled."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from .answers import body, page
from .commit_shapes import commit_json, files_json
from .github_commits import found_sha
from .github_pulls import find_pull
from .hub import hub
from .pull_shapes import fork_point, has_commit, label_json, simple_pull_json

routes = Blueprint("pull_parts", __name__)


@routes.get("/pulls/<int:number>/files")
def pull_files(number: int) -> ResponseReturnValue:
    """Answer the files that a pull request changes."""
    pull = find_pull(number)
    return page(files_json(hub(), fork_point(hub(), pull), pull.head_sha))


@routes.get("/pulls/<int:number>/commits")
def pull_commits(number: int) -> ResponseReturnValue:
    """Answer the commits of a pull request, oldest first."""
    pull = find_pull(number)
    found = hub().bare.commits("--reverse", f"{fork_point(hub(), pull)}..{pull.head_sha}")
    return [commit_json(hub(), commit) for commit in page(found)]


@routes.get("/commits/<path:ref>/pulls")
def pulls_of_commit(ref: str) -> ResponseReturnValue:
    """Answer the pull requests that brought a commit, or that contain it."""
    found = [pull for pull in hub().pulls.values() if has_commit(hub(), pull, found_sha(ref))]
    return [simple_pull_json(hub(), pull) for pull in page(found)]


@routes.post("/issues/<int:number>/labels")
def add_labels(number: int) -> ResponseReturnValue:
    """Put labels on a pull request."""
    pull = find_pull(number)
    pull.labels += [label for label in body().get("labels", []) if label not in pull.labels]
    return [label_json(hub(), label) for label in pull.labels]
