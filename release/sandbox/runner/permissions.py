"""What a job's token may do: what `permissions:` grants, else the repository's default, within what its caller has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Permissions = Mapping[str, str]  # by what they are for, as a workflow writes it; what is not named is not granted
KINDS = (
    *("actions", "artifact-metadata", "attestations", "checks", "contents", "deployments", "discussions", "id-token"),
    *("issues", "models", "packages", "pages", "pull-requests", "security-events", "statuses"),
)
LEVELS = ("none", "read", "write")
NO_READ = ("id-token",)  # of which a workflow can have write alone
NO_WRITE = ("models",)
# What a workflow that says nothing has, by the repository's own setting.
DEFAULTS: Mapping[str, Permissions] = {
    "read": {"contents": "read", "packages": "read"},
    "write": {kind: "write" for kind in KINDS if kind not in (*NO_READ, *NO_WRITE)},
}


def covers(granted: str | None, wanted: str) -> bool:
    """Tell whether a level includes another."""
    return LEVELS.index(granted or "none") >= LEVELS.index(wanted)


def written(given: Any) -> Permissions | None:
    """Read what a `permissions:` says; nothing where there is none."""
    if given is None:
        return None
    if given in ("read-all", "write-all"):
        level = str(given).removesuffix("-all")
        return {kind: _most(kind, level) for kind in KINDS if _most(kind, level) != "none"}
    return {str(kind): str(level) for kind, level in dict(given).items() if level != "none"}


def _most(kind: str, level: str) -> str:
    if level == "read":
        return "none" if kind in NO_READ else "read"
    return "read" if kind in NO_WRITE else "write"


def granted(workflow: Any, job: Any, default: Permissions) -> Permissions:
    """Say what a job has: what it says itself, else what its workflow says, else the default."""
    found = written(job)
    found = written(workflow) if found is None else found
    return dict(default) if found is None else found


def reading(found: Permissions) -> Permissions:
    """Return what is left of permissions for a pull request from a fork: to read."""
    return {kind: "read" for kind in found if kind not in NO_READ}


def excess(wanted: Permissions, allowed: Permissions) -> list[tuple[str, str, str]]:
    """List what goes beyond what is allowed: the permission, its level, and the level that is allowed."""
    return [
        (kind, level, allowed.get(kind, "none"))
        for kind, level in wanted.items()
        if not covers(allowed.get(kind), level)
    ]
