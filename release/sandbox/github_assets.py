"""The files of GitHub Releases."""

from __future__ import annotations

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from .answers import Refused, blob_redirect, invalid, not_found, page
from .github_releases import find_release
from .hub import hub
from .records import Asset, Release
from .release_shapes import asset_json, is_immutable

routes = Blueprint("assets", __name__)
uploads = Blueprint("uploads", __name__)


@uploads.post("/releases/<int:number>/assets")
def upload_asset(number: int) -> ResponseReturnValue:
    """Add a file to a release; 422 when the name is taken, or the release immutable."""
    state, release = hub(), find_release(number)
    name = request.args.get("name", "")
    if is_immutable(state, release):
        raise Refused(422, "Cannot upload assets to an immutable release.")
    with state.lock:
        if not name or any(asset.name == name for asset in release.assets):
            raise invalid("ReleaseAsset", "already_exists" if name else "missing_field", "name")
        kind = request.headers.get("Content-Type", "application/octet-stream")
        asset = Asset(state.next_id(), name, request.get_data(), kind, request.args.get("label", ""))
        release.assets.append(asset)
    return asset_json(state, release, asset), 201


@routes.get("/releases/<int:number>/assets")
def assets(number: int) -> ResponseReturnValue:
    """Answer the files of a release."""
    release = find_release(number)
    return [asset_json(hub(), release, asset) for asset in page(release.assets)]


@routes.get("/releases/assets/<int:number>")
def one_asset(number: int) -> ResponseReturnValue:
    """Answer a file's description, or with `Accept: application/octet-stream` send the client to its bytes."""
    release, asset = _find_asset(number)
    if request.headers.get("Accept") == "application/octet-stream":
        return blob_redirect(hub(), asset.content, asset.content_type)
    return asset_json(hub(), release, asset)


@routes.delete("/releases/assets/<int:number>")
def delete_asset(number: int) -> ResponseReturnValue:
    """Take a file away from a release that can still change."""
    release, asset = _find_asset(number)
    if is_immutable(hub(), release):
        raise Refused(422, "Cannot delete assets of an immutable release.")
    release.assets.remove(asset)
    return "", 204


def asset_download(tag: str, name: str) -> Response:
    """Send the client to a published file by its tag and name."""
    for release in hub().releases.values():
        for asset in release.assets:
            if (release.tag, asset.name, release.draft) == (tag, name, False):
                return blob_redirect(hub(), asset.content, asset.content_type)
    raise not_found()


def _find_asset(number: int) -> tuple[Release, Asset]:
    for release in hub().releases.values():
        for asset in release.assets:
            if asset.id == number:
                return release, asset
    raise not_found()
