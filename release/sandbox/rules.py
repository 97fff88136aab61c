"""Rulesets, as GitHub describes them, and what of them the `update` hook enforces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from .git_http import write_rules
from .hub import Hub
from .records import Json

_MESSAGES = {
    "creation": ("create", "Cannot create ref due to creations being restricted."),
    "update": ("update", "Cannot update this protected ref."),
    "deletion": ("delete", "Cannot delete this protected ref."),
    "pull_request": ("update", "Changes must be made through a pull request."),
    "merge_queue": ("update", "Changes must be made through the merge queue."),
}


@dataclass(frozen=True)
class Ruleset:
    """Rules for the refs that match; `parameters` by the rule's type."""

    id: int
    name: str
    target: str
    include: str
    rules: dict[str, Json] = field(default_factory=dict)

    def covers(self, ref: str) -> bool:
        """Tell whether a full ref name is meant."""
        return fnmatchcase(ref, self.include)


def protect(hub: Hub, include: str, **rules: Json) -> Ruleset:
    """Put rules in force for a full ref pattern, by type: `pull_request={"required_approving_review_count": 1}`."""
    target = "tag" if include.startswith("refs/tags/") else "branch"
    ruleset = Ruleset(hub.next_id(), f"protect {include}", target, include, rules)
    hub.rulesets.append(ruleset)
    write_rules(hub.bare, _hook_lines(hub))
    return ruleset


def unprotect(hub: Hub) -> None:
    """Take all rules away."""
    hub.rulesets.clear()
    write_rules(hub.bare, [])


def reject_pushes(hub: Hub, include: str, message: str, action: str = "any") -> Ruleset:
    """Have pushes to matching refs rejected with a message of one's own (action: any, create, update, delete)."""
    return protect(hub, include, rejected={"action": action, "message": message})


def parameters(hub: Hub, branch: str, kind: str) -> Json | None:
    """Find the parameters of one type of rule on a branch, or nothing when no rule of that type covers it."""
    for ruleset in hub.rulesets:
        if ruleset.covers(f"refs/heads/{branch}") and kind in ruleset.rules:
            return ruleset.rules[kind]
    return None


def required_checks(hub: Hub, branch: str) -> list[str]:
    """List the names of the checks that a branch requires."""
    required = parameters(hub, branch, "required_status_checks") or {}
    return [check["context"] for check in required.get("required_status_checks", [])]


def branch_rules(hub: Hub, branch: str) -> list[Json]:
    """Describe the rules in force on a branch, one object each."""
    return [
        {
            **rule_json(kind, given),
            "ruleset_source_type": "Repository",
            "ruleset_source": hub.full_name,
            "ruleset_id": ruleset.id,
        }
        for ruleset in hub.rulesets
        if ruleset.covers(f"refs/heads/{branch}")
        for kind, given in ruleset.rules.items()
        if kind != "rejected"
    ]


def rule_json(kind: str, given: Json) -> Json:
    """Describe one rule, its required parameters filled in."""
    defaults: dict[str, Json] = {
        "pull_request": {
            "dismiss_stale_reviews_on_push": False,
            "require_code_owner_review": False,
            "require_last_push_approval": False,
            "required_approving_review_count": 0,
            "required_review_thread_resolution": False,
        },
        "required_status_checks": {"required_status_checks": [], "strict_required_status_checks_policy": False},
        "merge_queue": {
            "check_response_timeout_minutes": 60,
            "grouping_strategy": "ALLGREEN",
            "max_entries_to_build": 5,
            "max_entries_to_merge": 5,
            "merge_method": "MERGE",
            "min_entries_to_merge": 1,
            "min_entries_to_merge_wait_minutes": 5,
        },
        "update": {"update_allows_fetch_and_merge": False},
    }
    filled: dict[str, Any] = {**defaults.get(kind, {}), **given}
    return {"type": kind, "parameters": filled} if filled else {"type": kind}


def _hook_lines(hub: Hub) -> Iterator[tuple[str, str, str]]:
    for ruleset in hub.rulesets:
        for kind, given in ruleset.rules.items():
            if kind == "rejected":
                yield given["action"], ruleset.include, given["message"]
            elif kind in _MESSAGES:
                action, message = _MESSAGES[kind]
                yield action, ruleset.include, message
