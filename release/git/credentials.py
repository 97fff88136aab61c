"""Whose token it is, and which API it is for."""

from __future__ import annotations

import os
import shutil
import subprocess

from release.call.context import Context
from release.git.remotes import api_url


def token(context: Context) -> str:
    """Return GITHUB_TOKEN or GH_TOKEN, else what `gh auth token` prints, else nothing; `gh` is asked once a call."""
    return context.once(token, _find_token)


def api_of_host(host: str) -> str:
    """Return the REST API's URL: GITHUB_API_URL, else the one of the Git host."""
    return os.environ.get("GITHUB_API_URL") or api_url(host)


def _find_token() -> str:
    given = os.environ.get("GITHUB_TOKEN") or os.environ.get("GH_TOKEN")
    if given or not shutil.which("gh"):
        return (given or "").strip()
    asked = subprocess.run(["gh", "auth", "token"], capture_output=True, text=True, check=False, timeout=20)
    return asked.stdout.strip()
