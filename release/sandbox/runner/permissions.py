"""What a job's token may do: what `permissions:` grants, else the repository's default, within what its caller has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from release.workflows import expressions

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


@dataclass(frozen=True)
class Grants:
    """What the jobs of a run may have, and what makes their tokens."""

    default: Permissions = field(default_factory=lambda: DEFAULTS["read"])
    most: Permissions | None = None  # of a called workflow's jobs: what the job has that calls it
    is_from_fork: bool = False
    is_private: bool = True
    issue: Callable[[Permissions], str] | None = None  # nothing where the run's own secrets have the token

    def of(self, name: str, workflow: Any, job: Any) -> Permissions:
        """Say what a job has; raises `Unsupported` where one that is called wants more than its caller has."""
        found = granted(workflow, job, self.default if self.most is None else self.most)
        if self.is_from_fork:
            found = reading(found)
        if beyond := excess(found, found if self.most is None else self.most):
            wanted, allowed = (", ".join(f"{kind}: {each[place]}" for kind, *each in beyond) for place in (0, 1))
            raise expressions.Unsupported(
                f"The nested job '{name}' is requesting '{wanted}', but is only allowed '{allowed}'."
            )
        return found


def is_from_fork(event: Mapping[str, Any], repository: str) -> bool:
    """Tell whether an event is of a pull request whose branch is in another repository."""
    head = (event.get("pull_request") or {}).get("head") or {}
    return ((head.get("repo") or {}).get("full_name") or repository).lower() != repository.lower()
