"""GitHub Releases, their generated notes and their files."""

from __future__ import annotations

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from release.sandbox.git import ZERO
from release.sandbox.github.answers import (
    Refused,
    blob_redirect,
    body,
    find_release,
    hub,
    invalid,
    not_found,
    page,
    token,
)
from release.sandbox.github.permissions import needs
from release.sandbox.github.records import Asset, Json, Release, now
from release.sandbox.github.rules import update_ref, write_rules
from release.sandbox.github.shapes import asset_json, release_json
from release.sandbox.github.state import Hub
from release.sandbox.github.state import latest_release as find_latest

routes = Blueprint("releases", __name__)


@routes.get("/releases")
@needs("contents=read")
def releases() -> ResponseReturnValue:
    """Answer the releases, newest first; drafts only to those who may push."""
    found = [each for each in hub().releases.values() if token().push or not each.draft]
    return [release_json(hub(), each) for each in page(sorted(found, key=lambda each: -each.id))]


@routes.get("/releases/tags/<path:tag>")
@needs("contents=read")
def release_by_tag(tag: str) -> ResponseReturnValue:
    """Answer the published release of a tag; a draft is not found by it."""
    for each in hub().releases.values():
        if each.tag == tag and not each.draft:
            return release_json(hub(), each)
    raise not_found()


@routes.get("/releases/latest")
@needs("contents=read")
def latest_release() -> ResponseReturnValue:
    """Answer the release last said to be the latest, or else the one published last; no draft, no pre-release."""
    found = find_latest(hub())
    if found is None:
        raise not_found()
    return release_json(hub(), found)


@routes.get("/releases/<int:number>")
@needs("contents=read")
def one_release(number: int) -> ResponseReturnValue:
    """Answer one release, also a draft."""
    return release_json(hub(), find_release(number))


@routes.post("/releases")
@needs("contents=write")
def create_release() -> ResponseReturnValue:
    """Create a release; publishing one makes its tag if there is none."""
    state, asked = hub(), body()
    tag = str(asked.get("tag_name", ""))
    with state.lock:
        draft = bool(asked.get("draft"))
        _check_free(state, tag, draft)
        target = str(asked.get("target_commitish") or state.settings.default_branch)
        name, text = str(asked.get("name") or ""), str(asked.get("body") or "")
        if asked.get("generate_release_notes"):
            text += _notes(state, tag, str(asked.get("previous_tag_name") or ""), target)
        prerelease = bool(asked.get("prerelease"))
        made = Release(state.next_id(), tag, target, name, text, True, prerelease, token().login)
        if not draft:
            _publish(state, made)
        _make_latest(made, asked, published=not draft)
        state.releases[made.id] = made
        write_rules(state)
    return release_json(state, made), 201


def _check_free(state: Hub, tag: str, draft: bool) -> None:
    if not tag:
        raise invalid("Release", "missing_field", "tag_name")
    if not draft and any(each.tag == tag and not each.draft for each in state.releases.values()):
        raise invalid("Release", "already_exists", "tag_name")
    if not draft and tag in state.burned:
        raise invalid("Release", "custom", "tag_name", "tag_name was used by an immutable release")


def _publish(state: Hub, release: Release) -> None:
    if not state.bare.refs(f"refs/tags/{release.tag}"):
        sha = state.bare.sha(release.target)
        if sha is None:
            raise invalid("Release", "invalid", "target_commitish")
        update_ref(state, token(), f"refs/tags/{release.tag}", sha, ZERO)
    release.draft, release.published_at = False, now()


def _make_latest(release: Release, asked: Json, published: bool) -> None:
    """Do as `make_latest` says: by default one just published is the latest."""
    wanted = asked.get("make_latest", "true" if published else None)
    if wanted not in ("true", "false", "legacy", None):
        raise invalid("Release", "invalid", "make_latest")
    if wanted and not release.draft and not release.prerelease:
        release.latest_at = now() if wanted == "true" else None


@routes.patch("/releases/<int:number>")
@needs("contents=write")
def change_release(number: int) -> ResponseReturnValue:
    """Change a release, or publish a draft."""
    state, release, asked = hub(), find_release(number), body()
    with state.lock:
        if state.is_immutable(release) and {"tag_name", "target_commitish"} & set(asked):
            raise Refused(422, "Cannot modify an immutable release.")
        release.tag = asked.get("tag_name", release.tag)
        release.target = asked.get("target_commitish", release.target)
        release.name = asked.get("name", release.name)
        release.body = asked.get("body", release.body)
        release.prerelease = asked.get("prerelease", release.prerelease)
        published = release.draft and asked.get("draft") is False
        if published:
            _check_free(state, release.tag, draft=False)
            _publish(state, release)
        write_rules(state)
        _make_latest(release, asked, published)
    return release_json(state, release)


@routes.delete("/releases/<int:number>")
@needs("contents=write")
def delete_release(number: int) -> ResponseReturnValue:
    """Delete a release; its tag stays, and no other release ever has that of an immutable one."""
    state, release = hub(), find_release(number)
    with state.lock:
        if state.is_immutable(release):
            state.burned.add(release.tag)
        state.releases.pop(release.id)
        write_rules(state)
    return "", 204


@routes.post("/releases/generate-notes")
@needs("contents=write")
def generate_notes() -> ResponseReturnValue:
    """Answer generated notes; nothing is saved."""
    state, asked = hub(), body()
    tag, target = str(asked.get("tag_name", "")), str(asked.get("target_commitish") or state.settings.default_branch)
    return {"name": tag, "body": _notes(state, tag, str(asked.get("previous_tag_name") or ""), target)}


def _notes(state: Hub, tag: str, previous: str, target: str) -> str:
    """List the pull requests merged between two tags, as GitHub words it."""
    sha = state.bare.sha(f"refs/tags/{tag}") or state.bare.sha(target)
    if sha is None or (previous and state.bare.sha(f"refs/tags/{previous}") is None):
        raise invalid("Release", "invalid", "previous_tag_name" if sha else "target_commitish")
    shas = set(state.bare.git("rev-list", sha, *([f"^refs/tags/{previous}"] if previous else [])).split())
    merged = [pull for pull in state.pulls.values() if pull.merge_sha in shas]
    lines = [f"* {pull.title} by @{pull.user} in {state.html}/pull/{pull.number}" for pull in merged]
    compared = f"compare/{previous}...{tag}" if previous else f"commits/{tag}"
    changes = "## What's Changed\n" + "\n".join(lines) + "\n\n\n" if lines else ""
    return f"{changes}**Full Changelog**: {state.html}/{compared}"


uploads = Blueprint("uploads", __name__)


@uploads.post("/releases/<int:number>/assets")
@needs("contents=write")
def upload_asset(number: int) -> ResponseReturnValue:
    """Add a file to a release; 422 when the name is taken, or the release immutable."""
    state, release = hub(), find_release(number)
    name = request.args.get("name", "")
    if state.is_immutable(release):
        raise Refused(422, "Cannot upload assets to an immutable release.")
    with state.lock:
        if not name or any(asset.name == name for asset in release.assets):
            raise invalid("ReleaseAsset", "already_exists" if name else "missing_field", "name")
        kind = request.headers.get("Content-Type", "application/octet-stream")
        asset = Asset(state.next_id(), name, request.get_data(), kind, request.args.get("label", ""))
        release.assets.append(asset)
    return asset_json(state, release, asset), 201


@routes.get("/releases/<int:number>/assets")
@needs("contents=read")
def assets(number: int) -> ResponseReturnValue:
    """Answer the files of a release."""
    release = find_release(number)
    return [asset_json(hub(), release, asset) for asset in page(release.assets)]


@routes.get("/releases/assets/<int:number>")
@needs("contents=read")
def one_asset(number: int) -> ResponseReturnValue:
    """Answer a file's description, or with `Accept: application/octet-stream` send the client to its bytes."""
    release, asset = _find_asset(number)
    if request.headers.get("Accept") == "application/octet-stream":
        return blob_redirect(asset.content, asset.content_type)
    return asset_json(hub(), release, asset)


@routes.patch("/releases/assets/<int:number>")
@needs("contents=write")
def change_asset(number: int) -> ResponseReturnValue:
    """Rename a file of a release that can still change."""
    release, asset = _find_asset(number)
    if hub().is_immutable(release):
        raise Refused(422, "Cannot modify assets of an immutable release.")
    asset.name, asset.label = body().get("name", asset.name), body().get("label", asset.label)
    return asset_json(hub(), release, asset)


@routes.delete("/releases/assets/<int:number>")
@needs("contents=write")
def delete_asset(number: int) -> ResponseReturnValue:
    """Take a file away from a release that can still change."""
    release, asset = _find_asset(number)
    if hub().is_immutable(release):
        raise Refused(422, "Cannot delete assets of an immutable release.")
    release.assets.remove(asset)
    return "", 204


def asset_download(tag: str, name: str) -> Response:
    """Send the client to a published file by its tag and name."""
    for release in hub().releases.values():
        for asset in release.assets:
            if (release.tag, asset.name, release.draft) == (tag, name, False):
                return blob_redirect(asset.content, asset.content_type)
    raise not_found()


def _find_asset(number: int) -> tuple[Release, Asset]:
    for release in hub().releases.values():
        for asset in release.assets:
            if asset.id == number:
                return release, asset
    raise not_found()
