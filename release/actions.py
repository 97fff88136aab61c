"""What holds only where GitHub Actions runs the release."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from release.errors import Usage

if TYPE_CHECKING:
    from release.world import World

# GitHub's announcement of token formats (2021-04): a person's own are told by their first letters.
PERSONS = ("ghp_", "gho_", "ghu_", "github_pat_")
OWN = "github-actions[bot]"


def check_token_starts_workflows(world: World) -> None:
    """Raise Usage in Actions when the token that pushes is the workflow's own: its pushes start no workflow (F14).

    An app's token looks like it (`ghs_`), so GitHub is asked whose it is. A remote that is not reached over
    HTTP is pushed to with a key, whose pushes do start workflows.
    """
    if os.environ.get("GITHUB_ACTIONS") != "true" or not world.token or world.token.startswith(PERSONS):
        return
    if not world.repo.remote_url().startswith(("http://", "https://")):
        return
    if world.github.viewer() == OWN:
        raise Usage(
            "the token is the workflow's own GITHUB_TOKEN: a tag that it pushes starts no workflow",
            "Set GITHUB_TOKEN to a GitHub App's token (actions/create-github-app-token) or a person's, "
            "or use a deploy key for the remote.",
        )
