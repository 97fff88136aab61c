"""Refs, commits, comparisons and branches."""

from __future__ import annotations

from urllib.parse import quote

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from .answers import Refused, body, not_found, page, token
from .bare import ZERO, GitError
from .hub import Hub, Json, hub
from .rules import branch_rules
from .shapes import commit_json, files_json, node_id, parents_json, person_json, verification_json
from .starts import notice_refs

routes = Blueprint("git", __name__)
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


@routes.get("/git/ref/<path:ref>")
def one_ref(ref: str) -> ResponseReturnValue:
    """Answer exactly one ref, or 404."""
    found = hub().bare.refs(f"refs/{ref}")
    if f"refs/{ref}" not in found:
        raise not_found()
    return _ref_json(hub(), f"refs/{ref}", found[f"refs/{ref}"])


@routes.get("/git/matching-refs/<path:ref>")
def matching_refs(ref: str) -> ResponseReturnValue:
    """Answer the refs whose names begin as asked."""
    found = hub().bare.refs("refs/heads", "refs/tags")
    return [_ref_json(hub(), name, sha) for name, sha in found.items() if name.startswith(f"refs/{ref}")]


@routes.post("/git/refs")
def create_ref() -> ResponseReturnValue:
    """Create a ref that does not exist yet."""
    state, asked = hub(), body()
    ref, sha = str(asked.get("ref", "")), str(asked.get("sha", ""))
    with state.lock:
        if state.bare.refs(ref):
            raise Refused(422, "Reference already exists")
        if not state.bare.says("cat-file", "-e", sha):
            raise Refused(422, "Object does not exist")
        state.bare.update_ref(ref, sha, ZERO)
        notice_refs(state, token())
    return _ref_json(state, ref, sha), 201


@routes.delete("/git/refs/<path:ref>")
def delete_ref(ref: str) -> ResponseReturnValue:
    """Delete a ref."""
    state = hub()
    with state.lock:
        if f"refs/{ref}" not in state.bare.refs(f"refs/{ref}"):
            raise Refused(422, "Reference does not exist")
        state.bare.update_ref(f"refs/{ref}", ZERO)
        notice_refs(state, token())
    return "", 204


def _ref_json(state: Hub, ref: str, sha: str) -> Json:
    kind = state.bare.kind(sha)
    return {
        "ref": ref,
        "node_id": node_id("Ref", ref),
        "url": f"{state.api}/git/{ref}",
        "object": {"sha": sha, "type": kind, "url": f"{state.api}/git/{kind}s/{sha}"},
    }


@routes.get("/git/tags/<sha>")
def one_tag(sha: str) -> ResponseReturnValue:
    """Answer an annotated tag's object."""
    state = hub()
    try:
        text = state.bare.git("cat-file", "tag", sha)
    except GitError as error:
        raise not_found() from error
    head, _, message = text.partition("\n\n")
    fields = dict(line.split(" ", 1) for line in head.splitlines())
    name, email, seconds, _zone = (
        fields["tagger"].replace(" <", "\0").replace("> ", "\0").replace(" ", "\0").rsplit("\0", 3)
    )
    return {
        "node_id": node_id("Tag", sha),
        "sha": sha,
        "url": f"{state.api}/git/tags/{sha}",
        "tagger": {"name": name.replace("\0", " "), "email": email, "date": _date(int(seconds))},
        "object": {
            "sha": fields["object"],
            "type": fields["type"],
            "url": f"{state.api}/git/{fields['type']}s/{fields['object']}",
        },
        "tag": fields["tag"],
        "message": message,
        "verification": verification_json(),
    }


def _date(seconds: int) -> str:
    from datetime import datetime, timezone

    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


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


@routes.get("/branches")
def branches() -> ResponseReturnValue:
    """Answer the branches by name."""
    found = hub().bare.refs("refs/heads")
    return [
        {
            "name": ref.removeprefix("refs/heads/"),
            "commit": {"sha": sha, "url": f"{hub().api}/commits/{sha}"},
            "protected": bool(branch_rules(hub(), ref.removeprefix("refs/heads/"))),
        }
        for ref, sha in page(list(found.items()))
    ]


@routes.get("/branches/<path:branch>")
def one_branch(branch: str) -> ResponseReturnValue:
    """Answer one branch (schema branch-with-protection)."""
    state = hub()
    sha = state.head(branch)
    if sha is None:
        raise Refused(404, "Branch not found")
    url = f"{state.api}/branches/{quote(branch, safe='')}"
    checks: Json = {"enforcement_level": "off", "contexts": [], "checks": []}
    return {
        "name": branch,
        "commit": commit_json(state, state.bare.commit(sha)),
        "_links": {"self": url, "html": f"{state.html}/tree/{branch}"},
        "protected": bool(branch_rules(state, branch)),
        "protection": {"enabled": False, "required_status_checks": checks},
        "protection_url": f"{url}/protection",
    }


@routes.get("/branches/<path:branch>/protection")
def protection(branch: str) -> ResponseReturnValue:
    """Answer 404: the sandbox protects by rulesets only."""
    raise Refused(404, "Branch not protected" if hub().head(branch) else "Branch not found")


@routes.get("/rules/branches/<path:branch>")
def rules_of_branch(branch: str) -> ResponseReturnValue:
    """Answer the rules in force on a branch, which need not exist."""
    return page(branch_rules(hub(), branch))


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
