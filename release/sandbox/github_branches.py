"""Branches and the rules on them."""

from __future__ import annotations

from urllib.parse import quote

from flask import Blueprint
from flask.typing import ResponseReturnValue

from .answers import Refused, page
from .commit_shapes import commit_json
from .hub import hub
from .records import Json
from .rules import branch_rules

routes = Blueprint("branches", __name__)


@routes.get("/branches")
def branches() -> ResponseReturnValue:
    """Answer the branches by name."""
    found = hub().bare.refs("refs/heads")
    return [
        {
            "name": ref.removeprefix("refs/heads/"),
            "commit": {"sha": sha, "url": f"{hub().api}/commits/{sha}"},
            "protected": bool(branch_rules(hub(), ref.removeprefix("refs/heads/"))),
        }
        for ref, sha in page(list(found.items()))
    ]


@routes.get("/branches/<path:branch>")
def one_branch(branch: str) -> ResponseReturnValue:
    """Answer one branch (schema branch-with-protection)."""
    state = hub()
    sha = state.head(branch)
    if sha is None:
        raise Refused(404, "Branch not found")
    url = f"{state.api}/branches/{quote(branch, safe='')}"
    checks: Json = {"enforcement_level": "off", "contexts": [], "checks": []}
    return {
        "name": branch,
        "commit": commit_json(state, state.bare.commit(sha)),
        "_links": {"self": url, "html": f"{state.html}/tree/{branch}"},
        "protected": bool(branch_rules(state, branch)),
        "protection": {"enabled": False, "required_status_checks": checks},
        "protection_url": f"{url}/protection",
    }


@routes.get("/branches/<path:branch>/protection")
def protection(branch: str) -> ResponseReturnValue:
    """Answer 404: the sandbox protects by rulesets only."""
    raise Refused(404, "Branch not protected" if hub().head(branch) else "Branch not found")


@routes.get("/rules/branches/<path:branch>")
def rules_of_branch(branch: str) -> ResponseReturnValue:
    """Answer the rules in force on a branch, which need not exist."""
    return page(branch_rules(hub(), branch))
