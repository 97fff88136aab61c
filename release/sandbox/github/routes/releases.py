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
from release.sandbox.github.events import start_listening
from release.sandbox.github.judging import Change
from release.sandbox.github.notes import generated_notes
from release.sandbox.github.permissions import needs
from release.sandbox.github.records import Asset, Json, Release, now
from release.sandbox.github.rules import update_ref
from release.sandbox.github.shapes import asset_json, release_json
from release.sandbox.github.state import Hub
from release.sandbox.github.state import latest_release as find_latest

routes = Blueprint("releases", __name__)
LONGEST = 125_000  # characters of a release's text


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
    """Answer the release last said to be the latest, or else the one of the newest commit."""
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
            text += generated_notes(state, asked)
        _check_text(text)
        prerelease = bool(asked.get("prerelease"))
        made = Release(state.next_id(), tag, target, name, text, True, prerelease, token().login)
        if not draft:
            _publish(state, made)
        state.releases[made.id] = made
        _make_latest(state, made, asked, published=not draft)
    _announce(state, made, *([] if draft else ["created", *_published(made)]))
    return release_json(state, made), 201


def _published(release: Release) -> list[str]:
    return ["published", "prereleased" if release.prerelease else "released"]


def _announce(state: Hub, release: Release, *actions: str) -> None:
    """Start what listens to what happened to a release that is no draft, unless a workflow's own token did it."""
    told = {"tag_name": release.tag, "name": release.name, "prerelease": release.prerelease, "draft": release.draft}
    for action in actions if token().starts and not release.draft else ():
        payload = {"action": action, "release": {"id": release.id, **told}}
        start_listening(state, "release", token().login, payload, f"refs/tags/{release.tag}")


def _check_text(text: str) -> None:
    if len(text) > LONGEST:
        raise invalid("Release", "custom", "body", f"body is too long (maximum is {LONGEST} characters)")


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
        _make_tag(state, release.tag, sha)
    release.draft, release.published_at = False, now()
    release.immutable = state.settings.immutable_releases


def _make_tag(state: Hub, tag: str, sha: str) -> None:
    """Make a release's tag; raise 422 with both of GitHub's reasons where a rule forbids that."""
    try:
        update_ref(state, token(), Change(f"refs/tags/{tag}", ZERO, sha))
    except Refused as error:
        refused = invalid("Release", "custom", "pre_receive", f"pre_receive {error.message}")
        untagged = {"resource": "Release", "code": "custom", "message": "Published releases must have a valid tag"}
        raise Refused(422, refused.message, [*refused.errors, untagged]) from error


def _make_latest(state: Hub, release: Release, asked: Json, published: bool) -> None:
    """Do as `make_latest` says: by default one just published is the latest; `legacy` lets dates and versions say."""
    wanted = asked.get("make_latest", "true" if published else None)
    if wanted not in ("true", "false", "legacy", None):
        raise invalid("Release", "invalid", "make_latest")
    if wanted == "true" and not release.draft and not release.prerelease:
        release.latest_at = now()
    for each in list(state.releases.values()) if wanted == "legacy" else [release] if wanted == "false" else []:
        each.latest_at = None


@routes.patch("/releases/<int:number>")
@needs("contents=write")
def change_release(number: int) -> ResponseReturnValue:
    """Change a release, or publish a draft."""
    state, release, asked = hub(), find_release(number), body()
    was_prerelease = release.prerelease
    with state.lock:
        fixed = {"tag_name": release.tag, "target_commitish": release.target, "draft": False}
        if release.immutable and any(asked.get(key, kept) != kept for key, kept in fixed.items()):
            raise Refused(422, "Cannot modify an immutable release.")
        _check_text(str(asked.get("body") or ""))
        release.tag = asked.get("tag_name", release.tag)
        release.target = asked.get("target_commitish", release.target)
        release.name = asked.get("name", release.name)
        release.body = asked.get("body", release.body)
        release.prerelease = asked.get("prerelease", release.prerelease)
        published = release.draft and asked.get("draft") is False
        if published:
            _check_free(state, release.tag, draft=False)
            _publish(state, release)
        _make_latest(state, release, asked, published)
    later = ["edited", *(["released"] if was_prerelease and not release.prerelease else [])]
    _announce(state, release, *(_published(release) if published else later))
    return release_json(state, release)


@routes.delete("/releases/<int:number>")
@needs("contents=write")
def delete_release(number: int) -> ResponseReturnValue:
    """Delete a release; its tag stays, and no other release ever has that of an immutable one."""
    state, release = hub(), find_release(number)
    with state.lock:
        if release.immutable:
            state.burned.add(release.tag)
        state.releases.pop(release.id)
    _announce(state, release, "deleted")
    return "", 204


@routes.post("/releases/generate-notes")
@needs("contents=write")
def generate_notes() -> ResponseReturnValue:
    """Answer generated notes; nothing is saved."""
    asked = body()
    return {"name": str(asked.get("tag_name", "")), "body": generated_notes(hub(), asked)}


uploads = Blueprint("uploads", __name__)


@uploads.post("/releases/<int:number>/assets")
@needs("contents=write")
def upload_asset(number: int) -> ResponseReturnValue:
    """Add a file to a release; 422 when the name is taken, or the release immutable."""
    state, release = hub(), find_release(number)
    name = request.args.get("name", "")
    if release.immutable:
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
    if release.immutable:
        raise Refused(422, "Cannot modify assets of an immutable release.")
    asset.name, asset.label = body().get("name", asset.name), body().get("label", asset.label)
    return asset_json(hub(), release, asset)


@routes.delete("/releases/assets/<int:number>")
@needs("contents=write")
def delete_asset(number: int) -> ResponseReturnValue:
    """Take a file away from a release that can still change."""
    release, asset = _find_asset(number)
    if release.immutable:
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
