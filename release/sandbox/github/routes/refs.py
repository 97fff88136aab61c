"""Refs, tags, and branches with the rules on them."""

from __future__ import annotations

from urllib.parse import quote

from flask import Blueprint
from flask.typing import ResponseReturnValue

from release.sandbox.git import ZERO
from release.sandbox.github.answers import Refused, body, hub, not_found, page, token
from release.sandbox.github.judging import Change
from release.sandbox.github.permissions import needs
from release.sandbox.github.protection import classic_json
from release.sandbox.github.records import Json
from release.sandbox.github.rules import check_new_ref, in_force, update_ref
from release.sandbox.github.shapes import node_id
from release.sandbox.github.shapes.commits import commit_json, ref_json
from release.sandbox.github.state import Hub

routes = Blueprint("refs", __name__)


@routes.get("/git/ref/<path:ref>")
@needs("contents=read")
def one_ref(ref: str) -> ResponseReturnValue:
    """Answer exactly one ref, or 404."""
    found = hub().bare.refs(f"refs/{ref}")
    if f"refs/{ref}" not in found:
        raise not_found()
    return ref_json(hub(), f"refs/{ref}", found[f"refs/{ref}"])


@routes.get("/git/refs", defaults={"ref": ""})
@routes.get("/git/matching-refs/<path:ref>")
@needs("contents=read")
def matching_refs(ref: str) -> ResponseReturnValue:
    """Answer the refs whose names begin as asked."""
    found = hub().bare.refs("refs/heads", "refs/tags")
    return [ref_json(hub(), name, sha) for name, sha in found.items() if name.startswith(f"refs/{ref}")]


@routes.post("/git/refs")
@needs("contents=write")
def create_ref() -> ResponseReturnValue:
    """Create a ref that does not exist yet."""
    state, asked = hub(), body()
    ref, sha = str(asked.get("ref", "")), str(asked.get("sha", ""))
    with state.lock:
        check_new_ref(state, ref, sha)
        update_ref(state, token(), Change(ref, ZERO, sha))
    return ref_json(state, ref, sha), 201


@routes.delete("/git/refs/<path:ref>")
@needs("contents=write")
def delete_ref(ref: str) -> ResponseReturnValue:
    """Delete a ref."""
    state = hub()
    with state.lock:
        old = state.bare.refs(f"refs/{ref}").get(f"refs/{ref}")
        if old is None:
            raise Refused(422, "Reference does not exist")
        update_ref(state, token(), Change(f"refs/{ref}", old, ZERO))
    return "", 204


@routes.patch("/git/refs/<path:ref>")
@needs("contents=write")
def change_ref(ref: str) -> ResponseReturnValue:
    """Move a ref; with `force` also where that is no fast-forward."""
    state, asked = hub(), body()
    with state.lock:
        old = state.bare.refs(f"refs/{ref}").get(f"refs/{ref}")
        if old is None:
            raise Refused(422, "Reference does not exist")
        if not (asked.get("force") or state.bare.is_ancestor(old, asked["sha"])):
            raise Refused(422, "Update is not a fast forward")
        update_ref(state, token(), Change(f"refs/{ref}", old, asked["sha"]))
    return ref_json(state, f"refs/{ref}", asked["sha"])


@routes.get("/tags")
@needs("metadata=read")
def tags() -> ResponseReturnValue:
    """Answer the tags with the commits that they name, by name from the end."""
    state = hub()
    found = sorted(state.bare.refs("refs/tags"), reverse=True)
    return [_tag_json(state, ref.removeprefix("refs/tags/")) for ref in page(found)]


def _tag_json(state: Hub, name: str) -> Json:
    """Describe a tag in the list of tags (schema tag)."""
    sha = state.bare.sha(f"refs/tags/{name}") or ""
    archives = {f"{kind}_url": f"{state.api}/{kind}/refs/tags/{name}" for kind in ("zipball", "tarball")}
    commit = {"sha": sha, "url": f"{state.api}/commits/{sha}"}
    return {"name": name, **archives, "commit": commit, "node_id": node_id("Ref", f"refs/tags/{name}")}


@routes.get("/branches")
@needs("contents=read")
def branches() -> ResponseReturnValue:
    """Answer the branches by name."""
    found = hub().bare.refs("refs/heads")
    return [
        {
            "name": ref.removeprefix("refs/heads/"),
            "commit": {"sha": sha, "url": f"{hub().api}/commits/{sha}"},
            "protected": bool(in_force(hub(), ref)),
        }
        for ref, sha in page(list(found.items()))
    ]


@routes.get("/branches/<path:branch>")
@needs("contents=read")
def one_branch(branch: str) -> ResponseReturnValue:
    """Answer one branch (schema branch-with-protection)."""
    state = hub()
    sha = state.head(branch)
    if sha is None:
        raise Refused(404, "Branch not found")
    url = f"{state.api}/branches/{quote(branch, safe='')}"
    protection = classic_json(state, branch, url)
    off: Json = {"enforcement_level": "off", "contexts": [], "checks": []}
    return {
        "name": branch,
        "commit": commit_json(state, state.bare.commit(sha)),
        "_links": {"self": url, "html": f"{state.html}/tree/{branch}"},
        "protected": bool(in_force(state, f"refs/heads/{branch}")),
        "protection": {"enabled": protection is not None, "required_status_checks": off, **(protection or {})},
        "protection_url": f"{url}/protection",
    }
