"""Commits, comparisons, files, and the checks and statuses of a commit."""

from __future__ import annotations

import base64
from urllib.parse import quote

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from release.sandbox.github.answers import Refused, body, find_commit, hub, invalid, not_found, page, token
from release.sandbox.github.shapes import node_id, repository_json
from release.sandbox.github.shapes.commits import (
    check_json,
    check_suite_json,
    commit_json,
    files_json,
    parents_json,
    person_json,
    status_json,
    verification_json,
)
from release.sandbox.github.state import add_check, add_status, checks_of, statuses_of

routes = Blueprint("commits", __name__)
STATES = ("error", "failure", "pending", "success")
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


@routes.get("/git/commits/<sha>")
def one_git_commit(sha: str) -> ResponseReturnValue:
    """Answer a commit's object."""
    commit = hub().bare.commit(find_commit(sha))
    return {
        "sha": commit.sha,
        "node_id": node_id("Commit", commit.sha),
        "url": f"{hub().api}/git/commits/{commit.sha}",
        "html_url": f"{hub().html}/commit/{commit.sha}",
        "author": person_json(commit.author),
        "committer": person_json(commit.committer),
        "tree": {"sha": commit.tree, "url": f"{hub().api}/git/trees/{commit.tree}"},
        "message": commit.message,
        "parents": parents_json(hub(), commit),
        "verification": verification_json(),
    }


@routes.get("/commits")
def commits() -> ResponseReturnValue:
    """Answer the commits from a branch or SHA back, all or those of one `path`."""
    sha = find_commit(request.args.get("sha", hub().settings.default_branch))
    path = request.args.get("path")
    found = hub().bare.git("rev-list", sha, "--", *([path] if path else [])).split()
    return [commit_json(hub(), hub().bare.commit(each)) for each in page(found)]


@routes.get("/commits/<path:ref>")
def one_commit(ref: str) -> ResponseReturnValue:
    """Answer a commit with its files."""
    state = hub()
    commit = state.bare.commit(find_commit(ref))
    files = files_json(state, commit.parents[0] if commit.parents else EMPTY_TREE, commit.sha)
    additions, deletions = sum(file["additions"] for file in files), sum(file["deletions"] for file in files)
    stats = {"additions": additions, "deletions": deletions, "total": additions + deletions}
    return {**commit_json(state, commit), "stats": stats, "files": files}


@routes.get("/compare/<path:basehead>")
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
        "commits": [commit_json(state, commit) for commit in page(ahead, most=250)],
        "files": files_json(state, fork, head),
    }


def _status(ahead: int, behind: int) -> str:
    if ahead and behind:
        return "diverged"
    return "ahead" if ahead else "behind" if behind else "identical"


@routes.get("/contents/<path:path>")
def contents(path: str) -> ResponseReturnValue:
    """Answer a file at a ref, in base64 or, when asked for, raw."""
    state, ref = hub(), request.args.get("ref", hub().settings.default_branch)
    sha = state.bare.sha(ref)
    text = state.bare.file(sha, path) if sha else None
    if sha is None or text is None:
        raise not_found()
    if "raw" in request.headers.get("Accept", ""):
        return text, 200, {"Content-Type": "application/vnd.github.raw+json; charset=utf-8"}
    url = f"{state.api}/contents/{quote(path)}?ref={quote(ref)}"
    blob = state.bare.blob(sha, path)
    git_url, html_url = f"{state.api}/git/blobs/{blob}", f"{state.html}/blob/{ref}/{path}"
    return {
        "type": "file",
        "encoding": "base64",
        "size": len(text.encode()),
        "name": path.rsplit("/", 1)[-1],
        "path": path,
        "content": base64.encodebytes(text.encode()).decode(),
        "sha": blob,
        "url": url,
        "git_url": git_url,
        "html_url": html_url,
        "download_url": f"{state.html}/raw/{ref}/{path}",
        "_links": {"git": git_url, "self": url, "html": html_url},
    }


@routes.get("/commits/<path:ref>/check-runs")
def check_runs(ref: str) -> ResponseReturnValue:
    """Answer the check runs of a commit: its runs' jobs, and those that other applications made."""
    wanted = request.args
    found = [
        check
        for check in checks_of(hub(), find_commit(ref))
        if wanted.get("check_name") in (None, check.name) and wanted.get("status") in (None, check.status)
    ]
    return {"total_count": len(found), "check_runs": [check_json(hub(), check) for check in page(found)]}


@routes.get("/commits/<path:ref>/check-suites")
def check_suites(ref: str) -> ResponseReturnValue:
    """Answer the check suites of a commit: one a run."""
    state, sha = hub(), find_commit(ref)
    found = [run for run in state.runs.values() if run.start.sha == sha]
    return {"total_count": len(found), "check_suites": [check_suite_json(state, run) for run in page(found)]}


@routes.post("/check-runs")
def create_check_run() -> ResponseReturnValue:
    """Report a check, as a GitHub App would."""
    asked = body()
    check = add_check(hub(), asked["head_sha"], asked["name"], asked.get("conclusion"), asked.get("status", "queued"))
    return check_json(hub(), check), 201


@routes.post("/statuses/<sha>")
def create_status(sha: str) -> ResponseReturnValue:
    """Report a status on a commit."""
    state, asked = hub(), body()
    if asked.get("state") not in STATES:
        raise invalid("Status", "custom", "state", "state is not included in the list")
    status = add_status(state, find_commit(sha), asked["state"], asked.get("context", "default"), token().login)
    status.description, status.target_url = asked.get("description"), asked.get("target_url")
    return status_json(state, status), 201


@routes.get("/commits/<path:ref>/status")
def combined_status(ref: str) -> ResponseReturnValue:
    """Answer the newest status of each context, and what they come to."""
    state, sha = hub(), find_commit(ref)
    found = statuses_of(state, sha)
    return {
        "state": _combined_state({status.state for status in found}),
        "statuses": [
            {key: value for key, value in status_json(state, status).items() if key != "creator"}
            for status in page(found)
        ],
        "sha": sha,
        "total_count": len(found),
        "repository": repository_json(state),
        "commit_url": f"{state.api}/commits/{sha}",
        "url": f"{state.api}/commits/{sha}/status",
    }


def _combined_state(states: set[str]) -> str:
    if states & {"failure", "error"}:
        return "failure"
    return "pending" if not states or "pending" in states else "success"


@routes.get("/commits/<path:ref>/statuses")
def statuses(ref: str) -> ResponseReturnValue:
    """Answer every status of a commit, newest first."""
    sha = find_commit(ref)
    found = [status for status in reversed(hub().statuses) if status.sha == sha]
    return [status_json(hub(), status) for status in page(found)]
