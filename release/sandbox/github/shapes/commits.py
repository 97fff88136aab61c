"""The JSON objects of commits, their files, checks and statuses, and of what names them."""

from __future__ import annotations

from datetime import datetime, timezone

from release.sandbox.git import Bare, Changed, Commit, Person
from release.sandbox.github.records import Check, Json, Run, Status
from release.sandbox.github.shapes import node_id, repository_json, stamp, user_json
from release.sandbox.github.state import Hub

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


def git_commit_json(hub: Hub, commit: Commit) -> Json:
    """Describe a commit's object (schema git-commit)."""
    return {
        "sha": commit.sha,
        "node_id": node_id("Commit", commit.sha),
        "url": f"{hub.api}/git/commits/{commit.sha}",
        "html_url": f"{hub.html}/commit/{commit.sha}",
        "author": person_json(commit.author),
        "committer": person_json(commit.committer),
        "tree": {"sha": commit.tree, "url": f"{hub.api}/git/trees/{commit.tree}"},
        "message": commit.message,
        "parents": parents_json(hub, commit),
        "verification": verification_json(),
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
    return [_file_json(hub, hub.bare, new, changed) for changed in hub.bare.changes(old, new)]


def _file_json(hub: Hub, bare: Bare, sha: str, changed: Changed) -> Json:
    described = {
        "sha": None if changed.status == "D" else bare.blob(sha, changed.path),
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


def check_suite_json(hub: Hub, run: Run) -> Json:
    """Describe the check suite of a run (schema check-suite)."""
    url = f"{hub.api}/check-suites/{run.id}"
    return {
        "id": run.id,
        "node_id": node_id("CheckSuite", run.id),
        "head_branch": run.ref_name,
        "head_sha": run.start.sha,
        "status": run.work.status,
        "conclusion": run.work.conclusion,
        "url": url,
        "before": None,
        "after": run.start.sha,
        "pull_requests": [],
        "app": _app_json(hub),
        "repository": repository_json(hub),
        "created_at": stamp(run.created_at),
        "updated_at": stamp(run.created_at),
        "head_commit": simple_commit_json(hub.bare.commit(run.start.sha)),
        "latest_check_runs_count": len(run.work.jobs),
        "check_runs_url": f"{url}/check-runs",
    }


def check_json(hub: Hub, check: Check) -> Json:
    """Describe a check run (schema check-run)."""
    url, page = f"{hub.api}/check-runs/{check.id}", f"{hub.html}/{check.page}"
    output: Json = {"title": None, "summary": None, "text": None, "annotations_count": 0}
    return {
        "id": check.id,
        "node_id": node_id("CheckRun", check.id),
        "head_sha": check.sha,
        "external_id": str(check.id),
        "name": check.name,
        "url": url,
        "html_url": page,
        "details_url": page,
        "status": check.status,
        "conclusion": check.conclusion,
        "started_at": stamp(check.started_at),
        "completed_at": stamp(check.completed_at),
        "check_suite": {"id": check.id},
        "output": {**output, **check.output, "annotations_url": f"{url}/annotations"},
        "app": _app_json(hub),
        "pull_requests": [],
    }


def _app_json(hub: Hub) -> Json:
    return {
        "id": 15_368,
        "slug": "github-actions",
        "node_id": node_id("App", 15_368),
        "owner": user_json(hub, "github"),
        "name": "GitHub Actions",
        "description": "Automate your workflow from idea to production",
        "external_url": "https://help.github.com/en/actions",
        "html_url": "https://github.com/apps/github-actions",
        "created_at": "2018-07-30T09:30:17Z",
        "updated_at": "2026-01-01T00:00:00Z",
        "permissions": {"checks": "write", "metadata": "read"},
        "events": ["push"],
    }


def status_json(hub: Hub, status: Status) -> Json:
    """Describe a status (schema status)."""
    creator = user_json(hub, status.user)
    return {
        "url": f"{hub.api}/statuses/{status.sha}",
        "avatar_url": creator["avatar_url"],
        "id": status.id,
        "node_id": node_id("Status", status.id),
        "state": status.state,
        "description": status.description,
        "target_url": status.target_url,
        "context": status.context,
        "created_at": stamp(status.created_at),
        "updated_at": stamp(status.created_at),
        "creator": creator,
    }


def ref_json(hub: Hub, ref: str, sha: str) -> Json:
    """Describe a ref (schema git-ref)."""
    kind = hub.bare.kind(sha)
    return {
        "ref": ref,
        "node_id": node_id("Ref", ref),
        "url": f"{hub.api}/git/{ref}",
        "object": {"sha": sha, "type": kind, "url": f"{hub.api}/git/{kind}s/{sha}"},
    }


def tag_json(hub: Hub, sha: str, text: str) -> Json:
    """Describe an annotated tag (schema git-tag) from its object's text."""
    head, _, message = text.partition("\n\n")
    fields = dict(line.split(" ", 1) for line in head.splitlines())
    person, seconds, _zone = fields["tagger"].rsplit(" ", 2)
    name, _, email = person.removesuffix(">").rpartition(" <")
    return {
        "node_id": node_id("Tag", sha),
        "sha": sha,
        "url": f"{hub.api}/git/tags/{sha}",
        "tagger": {
            "name": name,
            "email": email,
            "date": stamp(datetime.fromtimestamp(int(seconds), timezone.utc)),
        },
        "object": {
            "sha": fields["object"],
            "type": fields["type"],
            "url": f"{hub.api}/git/{fields['type']}s/{fields['object']}",
        },
        "tag": fields["tag"],
        "message": message,
        "verification": verification_json(),
    }
