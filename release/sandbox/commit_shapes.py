"""The JSON objects of commits and their files."""

from __future__ import annotations

from .bare import Bare, Changed, Commit, Person
from .hub import Hub
from .records import Json
from .shapes import node_id

_STATES = {"A": "added", "D": "removed", "M": "modified", "R": "renamed", "C": "copied", "T": "changed"}


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
