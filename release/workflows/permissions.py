"""What a job's own token may do: what `permissions` grants it, in the workflow, in the job, and by who calls them.

The rules are docs.github.com/actions/reference/workflows-and-actions/workflow-syntax#permissions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

SCOPES = (
    *("actions", "artifact-metadata", "attestations", "checks", "contents", "deployments", "discussions", "id-token"),
    *("issues", "models", "packages", "pages", "pull-requests", "repository-projects", "security-events", "statuses"),
)
_LEVELS = ("none", "read", "write")
# Where nothing is said: what the repository's setting says. Neither lets a job ask for an identity.
RESTRICTED = {"contents": "read", "packages": "read"}
PERMISSIVE = {scope: "write" for scope in SCOPES if scope != "id-token"}


def grants(above: Mapping[str, str], *said: Any) -> dict[str, str]:
    """Return the level of each scope that is not `none`, for `permissions` as written from the outside in.

    The last that says anything takes the place of all before it; `above` is what the repository gives, or the job that
    calls the workflow.
    """
    found: Mapping[str, str] = above
    for each in said:
        if isinstance(each, str) and each.endswith("-all"):
            level = each.removesuffix("-all")
            found = dict.fromkeys(SCOPES, level)
        elif isinstance(each, Mapping):
            found = {str(scope): str(level) for scope, level in each.items()}
    return {scope: level for scope, level in found.items() if level != "none"}


def allows(granted: Mapping[str, str], scope: str, level: str) -> bool:
    """Whether what is granted has the scope at that level; `write` reads too."""
    return _LEVELS.index(level) <= _LEVELS.index(granted.get(scope, "none"))


def excess(granted: Mapping[str, str], allowed: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield what is granted and not allowed: the scope, its level, and the one allowed."""
    for scope, level in granted.items():
        if not allows(allowed, scope, level):
            yield scope, level, allowed.get(scope, "none")
