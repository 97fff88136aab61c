"""Commits, comparisons and files."""

from __future__ import annotations

from urllib.parse import quote

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from .answers import Refused, not_found, page
from .commit_shapes import commit_json, files_json, parents_json, person_json, verification_json
from .hub import hub
from .shapes import node_id

routes = Blueprint("commits", __name__)

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


@routes.get("/git/commits/<sha>")
def one_git_commit(sha: str) -> ResponseReturnValue:
    """Answer a commit's object."""
    commit = hub().bare.commit(found_sha(sha))
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


def found_sha(name: str) -> str:
    """Find the commit that a path of the API names; raise 422 as GitHub does when there is none."""
    sha = hub().bare.sha(name)
    if sha is None:
        raise Refused(422, f"No commit found for SHA: {name}")
    return sha


@routes.get("/commits")
def commits() -> ResponseReturnValue:
    """Answer the commits from a branch or SHA back, all or those of one `path`."""
    sha = found_sha(request.args.get("sha", hub().settings.default_branch))
    path = request.args.get("path")
    found = hub().bare.git("rev-list", sha, "--", *([path] if path else [])).split()
    return [commit_json(hub(), hub().bare.commit(each)) for each in page(found)]


@routes.get("/commits/<path:ref>")
def one_commit(ref: str) -> ResponseReturnValue:
    """Answer a commit with its files."""
    state = hub()
    commit = state.bare.commit(found_sha(ref))
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
    behind = int(state.bare.git("rev-list", "--count", f"{head}..{base}"))
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
    import base64

    state, ref = hub(), request.args.get("ref", hub().settings.default_branch)
    sha = state.bare.sha(ref)
    text = state.bare.file(sha, path) if sha else None
    if sha is None or text is None:
        raise not_found()
    if "raw" in request.headers.get("Accept", ""):
        return text, 200, {"Content-Type": "application/vnd.github.raw+json; charset=utf-8"}
    url = f"{state.api}/contents/{quote(path)}?ref={quote(ref)}"
    blob = state.bare.git("rev-parse", f"{sha}:{path}").strip()
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
