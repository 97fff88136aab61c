"""The rules in force on a branch."""

from __future__ import annotations

from typing import Any

from release.call.context import Context
from release.github.api import github


def branch_rules(context: Context, branch: str) -> list[dict[str, Any]]:
    """Return the rules in force on the branch, in GitHub's words; there may be several of a type."""
    return list(github(context).pages(f"rules/branches/{branch}"))
