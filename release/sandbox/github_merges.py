"""Merging a pull request."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from .answers import Refused, body, not_found, token
from .bare import ZERO, GitError
from .github_pulls import find_pull
from .hub import Hub, hub
from .merging import check_mergeable, check_method, merge_commit
from .records import Json, Pull, now
from .starts import close, notice_refs

routes = Blueprint("merges", __name__)


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
