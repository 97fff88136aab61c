"""Refs, branches with the rules on them, and annotated tags."""

from __future__ import annotations

from urllib.parse import quote

from flask import Blueprint
from flask.typing import ResponseReturnValue

from release.sandbox.git import ZERO, GitError
from release.sandbox.github.answers import Refused, body, hub, not_found, page, token
from release.sandbox.github.records import Json
from release.sandbox.github.rules import branch_rules, check_new_ref, update_ref
from release.sandbox.github.shapes.commits import commit_json, ref_json, tag_json

routes = Blueprint("refs", __name__)


@routes.get("/git/ref/<path:ref>")
def one_ref(ref: str) -> ResponseReturnValue:
    """Answer exactly one ref, or 404."""
    found = hub().bare.refs(f"refs/{ref}")
    if f"refs/{ref}" not in found:
        raise not_found()
    return ref_json(hub(), f"refs/{ref}", found[f"refs/{ref}"])


@routes.get("/git/matching-refs/<path:ref>")
def matching_refs(ref: str) -> ResponseReturnValue:
    """Answer the refs whose names begin as asked."""
    found = hub().bare.refs("refs/heads", "refs/tags")
    return [ref_json(hub(), name, sha) for name, sha in found.items() if name.startswith(f"refs/{ref}")]


@routes.post("/git/refs")
def create_ref() -> ResponseReturnValue:
    """Create a ref that does not exist yet."""
    state, asked = hub(), body()
    ref, sha = str(asked.get("ref", "")), str(asked.get("sha", ""))
    with state.lock:
        check_new_ref(state, ref, sha)
        update_ref(state, token(), ref, sha, ZERO)
    return ref_json(state, ref, sha), 201


@routes.delete("/git/refs/<path:ref>")
def delete_ref(ref: str) -> ResponseReturnValue:
    """Delete a ref."""
    state = hub()
    with state.lock:
        if f"refs/{ref}" not in state.bare.refs(f"refs/{ref}"):
            raise Refused(422, "Reference does not exist")
        update_ref(state, token(), f"refs/{ref}", ZERO)
    return "", 204


@routes.get("/git/tags/<sha>")
def one_tag(sha: str) -> ResponseReturnValue:
    """Answer an annotated tag's object."""
    state = hub()
    try:
        text = state.bare.git("cat-file", "tag", sha)
    except GitError as error:
        raise not_found() from error
    return tag_json(state, sha, text)


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
