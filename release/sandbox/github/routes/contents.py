"""Files and folders at a ref: read, written and deleted, each by a commit."""

from __future__ import annotations

import base64
from urllib.parse import quote

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from release.sandbox.git import ZERO, Commit, Entry
from release.sandbox.github.answers import Refused, blob_redirect, body, find_commit, hub, not_found, token
from release.sandbox.github.judging import Change
from release.sandbox.github.permissions import needs
from release.sandbox.github.records import Json
from release.sandbox.github.rules import update_ref
from release.sandbox.github.shapes.commits import git_commit_json
from release.sandbox.github.state import Hub

routes = Blueprint("contents", __name__)
_TYPES = {"tree": "dir", "commit": "submodule", "blob": "file"}


@routes.get("/contents/", defaults={"path": ""}, strict_slashes=False)
@routes.get("/contents/<path:path>")
@needs("contents=read")
def contents(path: str) -> ResponseReturnValue:
    """Answer a folder as a list, or a file in base64 or, when asked for, raw."""
    state, path = hub(), path.strip("/")
    ref = request.args.get("ref") or state.settings.default_branch
    sha = state.bare.sha(ref)
    found = _entry(state, sha, path) if sha and path else None
    if sha is None or (path and found is None):
        raise not_found()
    if found is None or found.kind == "tree":
        inside = state.bare.entries(f"{sha}:{path}")
        return [_content_json(state, each._replace(path=f"{path}/{each.path}".lstrip("/")), ref) for each in inside]
    return _file(state, found, ref)


@routes.get("/readme")
@needs("contents=read")
def readme() -> ResponseReturnValue:
    """Answer the README of the root."""
    return contents("README.md")


def _entry(state: Hub, sha: str, path: str) -> Entry | None:
    return next(iter(state.bare.entries(sha, path)), None)


def _file(state: Hub, found: Entry, ref: str) -> ResponseReturnValue:
    content = state.bare.output("cat-file", "blob", found.sha)
    if "raw" in request.headers.get("Accept", ""):
        return content, 200, {"Content-Type": "application/vnd.github.raw+json; charset=utf-8"}
    coded = base64.encodebytes(content).decode()
    return {**_content_json(state, found, ref), "encoding": "base64", "content": coded}


def _content_json(state: Hub, found: Entry, ref: str) -> Json:
    """Describe a file or folder (schemas content-file and content-directory), without its content."""
    url = f"{state.api}/contents/{quote(found.path)}?ref={quote(ref)}"
    git_url = f"{state.api}/git/{found.kind}s/{found.sha}"
    html_url = f"{state.html}/{found.kind}/{ref}/{found.path}"
    return {
        "type": _TYPES[found.kind],
        "size": int(found.size) if found.size != "-" else 0,
        "name": found.path.rsplit("/", 1)[-1],
        "path": found.path,
        "sha": found.sha,
        "url": url,
        "git_url": git_url,
        "html_url": html_url,
        "download_url": f"{state.html}/raw/{ref}/{found.path}" if found.kind == "blob" else None,
        "_links": {"git": git_url, "self": url, "html": html_url},
    }


@routes.put("/contents/<path:path>")
@needs("contents=write")
def write(path: str) -> ResponseReturnValue:
    """Write a file by a commit on a branch; whoever replaces one says which content they saw."""
    state, asked = hub(), body()
    blob = state.bare.write_blob(base64.b64decode(asked.get("content", "")))
    commit, branch, is_new = _commit(state, asked, path, ("100644", blob, path))
    found = _entry(state, commit.sha, path)
    content = _content_json(state, found, branch) if found else None
    return {"content": content, "commit": git_commit_json(state, commit)}, 201 if is_new else 200


@routes.delete("/contents/<path:path>")
@needs("contents=write")
def delete(path: str) -> ResponseReturnValue:
    """Delete a file by a commit on a branch; GitHub takes what it asks for from the query too."""
    asked = body() if request.get_data() else request.args.to_dict()
    commit, _, _ = _commit(hub(), asked, path, ("0", ZERO, path))
    return {"content": None, "commit": git_commit_json(hub(), commit)}


def _commit(state: Hub, asked: Json, path: str, change: tuple[str, str, str]) -> tuple[Commit, str, bool]:
    """Commit one change on the branch asked for; return the commit, the branch, and whether the file is new."""
    branch = asked.get("branch") or state.settings.default_branch
    with state.lock:
        head = state.head(branch)
        if head is None:
            raise Refused(404, f"Branch {branch} not found")
        there = _entry(state, head, path)
        _check_seen(there, asked.get("sha"), path, is_removed=change[1] == ZERO)
        tree = state.bare.write_tree(head, [change])
        sha = state.bare.write_commit(tree, [head], asked["message"], **people(asked, token().login))
        update_ref(state, token(), Change(f"refs/heads/{branch}", head, sha), 409)
    return state.bare.commit(sha), branch, there is None


def _check_seen(there: Entry | None, seen: str | None, path: str, *, is_removed: bool) -> None:
    if is_removed and there is None:
        raise not_found()
    if there and not seen:
        raise Refused(422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
    if seen and (there is None or there.sha != seen):
        raise Refused(409, f"{path} does not match {seen}")


def people(asked: Json, login: str) -> dict[str, str]:
    """Give Git the author and the committer that a request names; who asks is either unless it says."""
    author = asked.get("author") or asked.get("committer") or {}
    found = {}
    for kind, person in (("AUTHOR", author), ("COMMITTER", asked.get("committer") or author)):
        found[f"GIT_{kind}_NAME"] = person.get("name") or login
        found[f"GIT_{kind}_EMAIL"] = person.get("email") or f"{login}@users.noreply.github.com"
        if person.get("date"):
            found[f"GIT_{kind}_DATE"] = person["date"]
    return found


@routes.get("/<any(tarball, zipball):kind>/<path:ref>")
@needs("contents=read")
def archive(kind: str, ref: str) -> ResponseReturnValue:
    """Send the client to an archive of the files at a ref."""
    state, sha = hub(), find_commit(ref)
    form, content_type = ("zip", "application/zip") if kind == "zipball" else ("tar.gz", "application/x-gzip")
    prefix = f"{state.owner}-{state.name}-{sha[:7]}/"
    return blob_redirect(state.bare.output("archive", f"--format={form}", f"--prefix={prefix}", sha), content_type)
