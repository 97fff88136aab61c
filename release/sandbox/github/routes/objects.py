"""Git's own objects: commits, trees, blobs and annotated tags, read and made."""

from __future__ import annotations

import base64
from datetime import datetime

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from release.sandbox.git import ZERO, Entry, GitError
from release.sandbox.github.answers import Refused, body, find_commit, hub, not_found, token
from release.sandbox.github.permissions import needs
from release.sandbox.github.records import Json, now
from release.sandbox.github.routes.contents import people
from release.sandbox.github.shapes import node_id
from release.sandbox.github.shapes.commits import git_commit_json, tag_json
from release.sandbox.github.state import Hub

routes = Blueprint("objects", __name__)


@routes.get("/git/commits/<sha>")
@needs("contents=read")
def one_commit(sha: str) -> ResponseReturnValue:
    """Answer a commit's object."""
    return git_commit_json(hub(), hub().bare.commit(find_commit(sha)))


@routes.post("/git/commits")
@needs("contents=write")
def create_commit() -> ResponseReturnValue:
    """Make a commit, which nothing names yet."""
    state, asked = hub(), body()
    try:
        sha = state.bare.write_commit(
            asked["tree"], asked.get("parents", ()), asked["message"], **people(asked, token().login)
        )
    except GitError as error:
        raise Refused(422, "Tree SHA does not exist") from error
    return git_commit_json(state, state.bare.commit(sha)), 201


@routes.get("/git/trees/<path:sha>")
@needs("contents=read")
def one_tree(sha: str) -> ResponseReturnValue:
    """Answer a tree, with `recursive` and all below it."""
    state = hub()
    try:
        return _tree_json(
            state, state.bare.git("rev-parse", "--verify", f"{state.bare.sha(sha) or sha}^{{tree}}").strip()
        )
    except GitError as error:
        raise not_found() from error


@routes.post("/git/trees")
@needs("contents=write")
def create_tree() -> ResponseReturnValue:
    """Make a tree from another one, or from nothing."""
    state, asked = hub(), body()
    try:
        tree = state.bare.write_tree(asked.get("base_tree") or "", [_change(state, each) for each in asked["tree"]])
    except GitError as error:
        raise Refused(422, "GitRPC::BadObjectState") from error
    return _tree_json(state, tree), 201


def _change(state: Hub, asked: Json) -> tuple[str, str, str]:
    if "content" in asked:
        return asked["mode"], state.bare.write_blob(asked["content"].encode()), asked["path"]
    return (asked["mode"], asked["sha"], asked["path"]) if asked["sha"] else ("0", ZERO, asked["path"])


def _tree_json(state: Hub, tree: str) -> Json:
    """Describe a tree (schema git-tree)."""
    entries = state.bare.entries(tree, *(["-r", "-t"] if request.args.get("recursive") else []))
    url = f"{state.api}/git/trees/{tree}"
    return {"sha": tree, "url": url, "tree": [_entry_json(state, each) for each in entries], "truncated": False}


def _entry_json(state: Hub, entry: Entry) -> Json:
    size = {"size": int(entry.size)} if entry.kind == "blob" else {}
    url = f"{state.api}/git/{entry.kind}s/{entry.sha}"
    return {"path": entry.path, "mode": entry.mode, "type": entry.kind, "sha": entry.sha, **size, "url": url}


@routes.get("/git/blobs/<sha>")
@needs("contents=read")
def one_blob(sha: str) -> ResponseReturnValue:
    """Answer a blob in base64."""
    state = hub()
    if not state.bare.says("cat-file", "blob", sha):
        raise not_found()
    content, url = state.bare.output("cat-file", "blob", sha), f"{state.api}/git/blobs/{sha}"
    coded = {"content": base64.encodebytes(content).decode(), "encoding": "base64"}
    return {**coded, "sha": sha, "node_id": node_id("Blob", sha), "size": len(content), "url": url}


@routes.post("/git/blobs")
@needs("contents=write")
def create_blob() -> ResponseReturnValue:
    """Keep a blob, which no tree has yet."""
    asked = body()
    text = asked["content"]
    sha = hub().bare.write_blob(base64.b64decode(text) if asked.get("encoding") == "base64" else text.encode())
    return {"sha": sha, "url": f"{hub().api}/git/blobs/{sha}"}, 201


@routes.get("/git/tags/<sha>")
@needs("contents=read")
def one_tag(sha: str) -> ResponseReturnValue:
    """Answer an annotated tag's object."""
    try:
        return tag_json(hub(), sha, hub().bare.git("cat-file", "tag", sha))
    except GitError as error:
        raise not_found() from error


@routes.post("/git/tags")
@needs("contents=write")
def create_tag() -> ResponseReturnValue:
    """Make an annotated tag's object; the tag itself is a ref, and made as one."""
    state, asked = hub(), body()
    tagger = {"name": token().login, "email": f"{token().login}@users.noreply.github.com", **asked.get("tagger", {})}
    at = datetime.fromisoformat(tagger["date"].replace("Z", "+00:00")) if "date" in tagger else now()
    head = [("object", asked["object"]), ("type", asked["type"]), ("tag", asked["tag"])]
    head += [("tagger", f"{tagger['name']} <{tagger['email']}> {int(at.timestamp())} +0000")]
    try:
        lines = "".join(f"{key} {value}\n" for key, value in head)
        sha = state.bare.git("mktag", text=f"{lines}\n{asked['message']}\n").strip()
    except GitError as error:
        raise Refused(422, f"Invalid tag: {error}") from error
    return tag_json(state, sha, state.bare.git("cat-file", "tag", sha)), 201
