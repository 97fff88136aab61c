"""Commits, comparisons, and branches merged by commits."""

from __future__ import annotations

from urllib.parse import quote

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from release.sandbox.github.answers import Refused, body, find_commit, hub, not_found, page, token
from release.sandbox.github.judging import Change
from release.sandbox.github.merging import merge_commit
from release.sandbox.github.permissions import needs
from release.sandbox.github.rules import update_ref
from release.sandbox.github.shapes.commits import commit_json, files_json

routes = Blueprint("commits", __name__)
COMPARED_FILES = 300
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


@routes.get("/commits")
@needs("contents=read")
def commits() -> ResponseReturnValue:
    """Answer the commits from a branch or SHA back, all or those of one `path`."""
    sha = find_commit(request.args.get("sha", hub().settings.default_branch))
    path = request.args.get("path")
    found = hub().bare.git("rev-list", sha, "--", *([path] if path else [])).split()
    return [commit_json(hub(), hub().bare.commit(each)) for each in page(found)]


@routes.get("/commits/<path:ref>")
@needs("contents=read")
def one_commit(ref: str) -> ResponseReturnValue:
    """Answer a commit with its files."""
    state = hub()
    commit = state.bare.commit(find_commit(ref))
    files = files_json(state, commit.parents[0] if commit.parents else EMPTY_TREE, commit.sha)
    additions, deletions = sum(file["additions"] for file in files), sum(file["deletions"] for file in files)
    stats = {"additions": additions, "deletions": deletions, "total": additions + deletions}
    return {**commit_json(state, commit), "stats": stats, "files": files}


@routes.get("/compare/<path:basehead>")
@needs("contents=read")
def compare(basehead: str) -> ResponseReturnValue:
    """Answer what separates two commits, oldest first."""
    state = hub()
    names = basehead.split("...")
    if len(names) != 2 or None in (shas := [state.bare.sha(name) for name in names]):
        raise not_found()
    base, head = (str(sha) for sha in shas)
    fork = state.bare.merge_base(base, head)
    if fork is None:
        raise Refused(404, f"No common ancestor between {names[0]} and {names[1]}.")
    ahead = state.bare.commits("--reverse", f"{base}..{head}")
    behind = int(state.bare.same("rev-list", "--count", f"{head}..{base}"))
    url, html = f"{state.api}/compare/{quote(basehead)}", f"{state.html}/compare/{quote(basehead)}"
    return {
        "url": url,
        "html_url": html,
        "permalink_url": f"{state.html}/compare/{state.owner}:{base[:7]}...{state.owner}:{head[:7]}",
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
        "base_commit": commit_json(state, state.bare.commit(base)),
        "merge_base_commit": commit_json(state, state.bare.commit(fork)),
        "status": _status(len(ahead), behind),
        "ahead_by": len(ahead),
        "behind_by": behind,
        "total_commits": len(ahead),
        "commits": [commit_json(state, commit) for commit in page(ahead, most=250, default=250)],
        "files": files_json(state, fork, head)[:COMPARED_FILES] if request.args.get("page", "1") == "1" else [],
    }


def _status(ahead: int, behind: int) -> str:
    if ahead and behind:
        return "diverged"
    return "ahead" if ahead else "behind" if behind else "identical"


@routes.post("/merges")
@needs("contents=write")
def merge_branch() -> ResponseReturnValue:
    """Merge a branch or commit into a branch; 204 when it is there already, 409 when they conflict."""
    state, asked = hub(), body()
    with state.lock:
        base, head = state.head(asked["base"]), state.bare.sha(asked["head"])
        if base is None or head is None:
            raise Refused(404, f"{'Base' if base is None else 'Head'} does not exist")
        if state.bare.is_ancestor(head, base):
            return "", 204
        message = asked.get("commit_message") or f"Merge {asked['head']} into {asked['base']}"
        sha = merge_commit(state.bare, [base, head], message, token().login)
        if sha is None:
            raise Refused(409, "Merge conflict")
        update_ref(state, token(), Change(f"refs/heads/{asked['base']}", base, sha), 409)
    return commit_json(state, state.bare.commit(sha)), 201
