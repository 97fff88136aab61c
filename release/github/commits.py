"""What GitHub tells of commits: which history holds which, and who brought them."""

from __future__ import annotations

from release.call.context import Context
from release.git.refs import NEW
from release.github.api import github


def contains(context: Context, head: str, sha: str) -> bool:
    """Whether the commit is in the history of `head`; GitHub tells, since a shallow clone cannot (F10).

    What a dry run would make comes on top of all that there is, and is in nothing that there is.
    """
    if NEW in (head, sha):
        return head == NEW
    return head == sha or github(context).get(f"compare/{sha}...{head}", per_page=1)["status"] in ("ahead", "identical")


def image_commit(context: Context, sha: str) -> str:
    """Return the last commit up to `sha` that changed config.py, or nothing."""
    path = context.settings.image.config_file
    found = github(context).get("commits", sha=sha, path=path, per_page=1)
    return str(found[0]["sha"]) if found else ""
