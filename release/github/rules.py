"""The rules in force on a branch."""

from __future__ import annotations

from typing import Any

from release.call.context import Context
from release.github.api import GitHub, github


def branch_rules(context: Context, branch: str) -> list[dict[str, Any]]:
    """Return the rules in force on the branch, in GitHub's words."""
    return list(github(context).pages(f"rules/branches/{branch}"))


def rule_parameters(github: GitHub, branch: str) -> dict[str, dict[str, Any]]:
    """Return the parameters of the rules in force on the branch, by the rule's type."""
    return {rule["type"]: rule.get("parameters") or {} for rule in github.pages(f"rules/branches/{branch}")}
