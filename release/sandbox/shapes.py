"""The JSON objects that many of GitHub's answers share, with every field that its description requires."""

from __future__ import annotations

import base64
from datetime import datetime

from .bare import Bare, Changed, Commit, Person
from .hub import BOT_LOGIN, Hub, Json

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
_STATES = {"A": "added", "D": "removed", "M": "modified", "R": "renamed", "C": "copied", "T": "changed"}


def stamp(moment: datetime | None) -> str | None:
    """Write a moment as GitHub does: UTC, whole seconds, `Z`."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def node_id(kind: str, number: int | str) -> str:
    """Make the opaque identifier that every object has."""
    return base64.urlsafe_b64encode(f"{kind}:{number}".encode()).decode()


def user_json(hub: Hub, login: str) -> Json:
    """Describe a user or bot (schema simple-user)."""
    url = f"{hub.url}/api/v3/users/{login}"
    number = sum(login.encode())
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
        "id": 4_711,
        "node_id": node_id("Repository", 4_711),
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


def verification_json() -> Json:
    """Say that a commit carries no signature."""
    return {"verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None}


def person_json(person: Person) -> Json:
    """Describe an author or committer as Git knows them."""
    return {"name": person.name, "email": person.email, "date": person.date}


def parents_json(hub: Hub, commit: Commit) -> list[Json]:
    """Describe the parents of a commit."""
    return [
        {"sha": sha, "url": f"{hub.api}/commits/{sha}", "html_url": f"{hub.html}/commit/{sha}"}
        for sha in commit.parents
    ]


def commit_json(hub: Hub, commit: Commit) -> Json:
    """Describe a commit (schema commit), without its files."""
    url = f"{hub.api}/commits/{commit.sha}"
    return {
        "sha": commit.sha,
        "node_id": node_id("Commit", commit.sha),
        "commit": {
            "author": person_json(commit.author),
            "committer": person_json(commit.committer),
            "message": commit.message,
            "tree": {"sha": commit.tree, "url": f"{hub.api}/git/trees/{commit.tree}"},
            "url": f"{hub.api}/git/commits/{commit.sha}",
            "comment_count": 0,
            "verification": verification_json(),
        },
        "url": url,
        "html_url": f"{hub.html}/commit/{commit.sha}",
        "comments_url": f"{url}/comments",
        "author": None,
        "committer": None,
        "parents": parents_json(hub, commit),
    }


def simple_commit_json(commit: Commit) -> Json:
    """Describe a commit inside a run (schema simple-commit)."""
    return {
        "id": commit.sha,
        "tree_id": commit.tree,
        "message": commit.message,
        "timestamp": commit.committer.date,
        "author": {"name": commit.author.name, "email": commit.author.email},
        "committer": {"name": commit.committer.name, "email": commit.committer.email},
    }


def files_json(hub: Hub, old: str, new: str) -> list[Json]:
    """Describe the files between two commits (schema diff-entry), without patches."""
    return [_file_json(hub, hub.bare, new, changed) for changed in hub.bare.changed(old, new)]


def _file_json(hub: Hub, bare: Bare, sha: str, changed: Changed) -> Json:
    described = {
        "sha": None if changed.status == "D" else bare.git("rev-parse", f"{sha}:{changed.path}").strip(),
        "filename": changed.path,
        "status": _STATES[changed.status],
        "additions": changed.additions,
        "deletions": changed.deletions,
        "changes": changed.additions + changed.deletions,
        "blob_url": f"{hub.html}/blob/{sha}/{changed.path}",
        "raw_url": f"{hub.html}/raw/{sha}/{changed.path}",
        "contents_url": f"{hub.api}/contents/{changed.path}?ref={sha}",
    }
    return {**described, "previous_filename": changed.previous} if changed.previous else described
