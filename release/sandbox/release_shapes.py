"""The JSON objects of GitHub Releases."""

from __future__ import annotations

import hashlib
from typing import Any

from .hub import Hub
from .records import Asset, Json, Release
from .shapes import node_id, stamp, user_json


def is_immutable(state: Hub, release: Release) -> bool:
    """Tell whether a release can no longer change: published, where releases are set to be immutable."""
    return state.settings.immutable_releases and not release.draft


def release_json(state: Hub, release: Release) -> Json:
    """Describe a release (schema release)."""
    url = f"{state.api}/releases/{release.id}"
    place = f"tag/{release.tag}" if not release.draft else f"tag/untagged-{release.id}"
    upload = url.replace("/api/v3/", "/api/uploads/")
    described: dict[str, Any] = {
        "url": url,
        "assets_url": f"{url}/assets",
        "upload_url": f"{upload}/assets{{?name,label}}",
        "html_url": f"{state.html}/releases/{place}",
        "id": release.id,
        "node_id": node_id("Release", release.id),
        "tag_name": release.tag,
        "target_commitish": release.target,
        "name": release.name or None,
        "body": release.body,
        "draft": release.draft,
        "prerelease": release.prerelease,
        "immutable": is_immutable(state, release),
        "created_at": stamp(release.created_at),
        "updated_at": stamp(release.published_at or release.created_at),
        "published_at": stamp(release.published_at),
        "author": user_json(state, release.author),
        "assets": [asset_json(state, release, asset) for asset in release.assets],
        "tarball_url": None if release.draft else f"{state.api}/tarball/{release.tag}",
        "zipball_url": None if release.draft else f"{state.api}/zipball/{release.tag}",
    }
    return described


def asset_json(state: Hub, release: Release, asset: Asset) -> Json:
    """Describe a file of a release (schema release-asset)."""
    return {
        "url": f"{state.api}/releases/assets/{asset.id}",
        "id": asset.id,
        "node_id": node_id("ReleaseAsset", asset.id),
        "name": asset.name,
        "label": asset.label or None,
        "uploader": user_json(state, release.author),
        "content_type": asset.content_type,
        "state": "uploaded",
        "size": len(asset.content),
        "digest": f"sha256:{hashlib.sha256(asset.content).hexdigest()}",
        "download_count": 0,
        "created_at": stamp(asset.created_at),
        "updated_at": stamp(asset.created_at),
        "browser_download_url": f"{state.html}/releases/download/{release.tag}/{asset.name}",
    }
