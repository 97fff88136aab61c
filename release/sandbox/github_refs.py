"""Refs and annotated tags."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from .answers import Refused, body, not_found, token
from .bare import ZERO, GitError
from .commit_shapes import verification_json
from .hub import Hub, hub
from .records import Json
from .shapes import node_id
from .starts import notice_refs

routes = Blueprint("refs", __name__)


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
