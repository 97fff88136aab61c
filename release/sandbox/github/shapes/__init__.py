"""The JSON objects of the repository, users and releases, with all that GitHub's description requires."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from typing import Any

from release.sandbox.github.records import API, BOT_LOGIN, REPOSITORY_ID, UPLOADS, Asset, Json, Release, user_id
from release.sandbox.github.state import Hub

_REPOSITORY_LINKS = {
    "archive": "/{archive_format}{/ref}",
    "assignees": "/assignees{/user}",
    "blobs": "/git/blobs{/sha}",
    "branches": "/branches{/branch}",
    "collaborators": "/collaborators{/collaborator}",
    "comments": "/comments{/number}",
    "commits": "/commits{/sha}",
    "compare": "/compare/{base}...{head}",
    "contents": "/contents/{+path}",
    "contributors": "/contributors",
    "deployments": "/deployments",
    "downloads": "/downloads",
    "events": "/events",
    "forks": "/forks",
    "git_commits": "/git/commits{/sha}",
    "git_refs": "/git/refs{/sha}",
    "git_tags": "/git/tags{/sha}",
    "hooks": "/hooks",
    "issue_comment": "/issues/comments{/number}",
    "issue_events": "/issues/events{/number}",
    "issues": "/issues{/number}",
    "keys": "/keys{/key_id}",
    "labels": "/labels{/name}",
    "languages": "/languages",
    "merges": "/merges",
    "milestones": "/milestones{/number}",
    "notifications": "/notifications{?since,all,participating}",
    "pulls": "/pulls{/number}",
    "releases": "/releases{/id}",
    "stargazers": "/stargazers",
    "statuses": "/statuses/{sha}",
    "subscribers": "/subscribers",
    "subscription": "/subscription",
    "tags": "/tags",
    "teams": "/teams",
    "trees": "/git/trees{/sha}",
}
_USER_LINKS: tuple[str, ...] = (
    "events{/privacy}",
    "followers",
    "following{/other_user}",
    "gists{/gist_id}",
    "orgs",
    "received_events",
)
_USER_LINKS += ("repos", "starred{/owner}{/repo}", "subscriptions")


def stamp(moment: datetime | None) -> str | None:
    """Write a moment as GitHub does: UTC, whole seconds, `Z`."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def node_id(kind: str, number: int | str) -> str:
    """Make the opaque identifier that every object has."""
    return base64.urlsafe_b64encode(f"{kind}:{number}".encode()).decode()


def user_json(hub: Hub, login: str) -> Json:
    """Describe a user or bot (schema simple-user)."""
    url = f"{hub.api_url}/users/{login}"
    number = user_id(login)
    links = {f"{link.split('{')[0]}_url": f"{url}/{link}" for link in _USER_LINKS}
    links["organizations_url"] = links.pop("orgs_url")
    return {
        "login": login,
        "id": number,
        "node_id": node_id("User", number),
        "avatar_url": f"{hub.url}/avatars/u/{number}",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{hub.url}/{login}",
        **links,
        "type": "Bot" if login == BOT_LOGIN else "User",
        "site_admin": False,
    }


def repository_json(hub: Hub, push: bool = True) -> Json:
    """Describe the repository (schemas minimal-repository and repository)."""
    links = {f"{name}_url": hub.api + path for name, path in _REPOSITORY_LINKS.items()}
    clone = f"{hub.html}.git"
    return {
        "id": REPOSITORY_ID,
        "node_id": node_id("Repository", REPOSITORY_ID),
        "name": hub.name,
        "full_name": hub.full_name,
        "owner": user_json(hub, hub.owner),
        "private": hub.settings.private,
        "visibility": "private" if hub.settings.private else "public",
        "html_url": hub.html,
        "description": None,
        "fork": False,
        "url": hub.api,
        **links,
        "git_url": clone,
        "ssh_url": clone,
        "clone_url": clone,
        "svn_url": hub.html,
        "default_branch": hub.settings.default_branch,
        "permissions": {"admin": False, "maintain": False, "push": push, "triage": push, "pull": True},
        **_repository_state(hub),
    }


def full_repository_json(hub: Hub, push: bool = True) -> Json:
    """Describe the repository with its merge settings (schema full-repository)."""
    settings = hub.settings
    return {
        **repository_json(hub, push),
        "allow_merge_commit": settings.allow_merge_commit,
        "allow_squash_merge": settings.allow_squash_merge,
        "allow_rebase_merge": settings.allow_rebase_merge,
        "allow_auto_merge": False,
        "allow_update_branch": False,
        "delete_branch_on_merge": settings.delete_branch_on_merge,
        "network_count": 0,
        "subscribers_count": 1,
    }


def _repository_state(hub: Hub) -> Json:
    return {
        "has_issues": True,
        "has_projects": False,
        "has_wiki": False,
        "has_pages": False,
        "has_downloads": True,
        "has_discussions": False,
        "homepage": None,
        "language": "Python",
        "archived": False,
        "disabled": False,
        "mirror_url": None,
        "open_issues": sum(pull.state == "open" for pull in hub.pulls.values()),
        "open_issues_count": sum(pull.state == "open" for pull in hub.pulls.values()),
        "license": None,
        "size": 1,
        "forks": 0,
        "forks_count": 0,
        "stargazers_count": 0,
        "watchers": 0,
        "watchers_count": 0,
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        "pushed_at": "2026-01-01T00:00:00Z",
    }


def release_json(hub: Hub, release: Release) -> Json:
    """Describe a release (schema release)."""
    url = f"{hub.api}/releases/{release.id}"
    place = f"tag/{release.tag}" if not release.draft else f"tag/untagged-{release.id}"
    upload = url.replace(API, UPLOADS, 1)
    described: dict[str, Any] = {
        "url": url,
        "assets_url": f"{url}/assets",
        "upload_url": f"{upload}/assets{{?name,label}}",
        "html_url": f"{hub.html}/releases/{place}",
        "id": release.id,
        "node_id": node_id("Release", release.id),
        "tag_name": release.tag,
        "target_commitish": release.target,
        "name": release.name or None,
        "body": release.body,
        "draft": release.draft,
        "prerelease": release.prerelease,
        "immutable": release.immutable,
        "created_at": stamp(_commit_date(hub, release)),
        "updated_at": stamp(release.published_at or release.created_at),
        "published_at": stamp(release.published_at),
        "author": user_json(hub, release.author),
        "assets": [asset_json(hub, release, asset) for asset in release.assets],
        "tarball_url": None if release.draft else f"{hub.api}/tarball/{release.tag}",
        "zipball_url": None if release.draft else f"{hub.api}/zipball/{release.tag}",
    }
    return described


def _commit_date(hub: Hub, release: Release) -> datetime:
    """Read when the commit of a release was made, which GitHub calls the release's creation."""
    sha = hub.bare.sha(f"refs/tags/{release.tag}")
    return datetime.fromisoformat(hub.bare.commit(sha).committer.date) if sha else release.created_at


def asset_json(hub: Hub, release: Release, asset: Asset) -> Json:
    """Describe a file of a release (schema release-asset)."""
    return {
        "url": f"{hub.api}/releases/assets/{asset.id}",
        "id": asset.id,
        "node_id": node_id("ReleaseAsset", asset.id),
        "name": asset.name,
        "label": asset.label or None,
        "uploader": user_json(hub, release.author),
        "content_type": asset.content_type,
        "state": "uploaded",
        "size": len(asset.content),
        "digest": f"sha256:{hashlib.sha256(asset.content).hexdigest()}",
        "download_count": 0,
        "created_at": stamp(asset.created_at),
        "updated_at": stamp(asset.created_at),
        "browser_download_url": f"{hub.html}/releases/download/{release.tag}/{asset.name}",
    }
