"""The remote's address: which host and repository it is, its API, and the token that goes to it alone."""

from __future__ import annotations

import base64
import ipaddress
import os
import shutil
import subprocess
from urllib.parse import urlsplit

from release.call.context import Context
from release.errors import Usage


def remote_repository(url: str) -> tuple[str, str]:
    """Return host (with a port, if any) and `owner/name` of a URL in any of Git's spellings; raise Usage for others."""
    parts = urlsplit(url if "://" in url else f"ssh://{url.replace(':', '/', 1)}")
    name = parts.path.strip("/").removesuffix(".git")
    if not parts.hostname or name.count("/") < 1:
        hint = "Set GITHUB_REPOSITORY and GITHUB_API_URL."
        raise Usage(f"the remote {public_url(url)} names no GitHub repository", hint)
    host = f"{parts.hostname}:{parts.port}" if parts.port and parts.scheme.startswith("http") else parts.hostname
    return host, "/".join(name.split("/")[-2:])


def public_url(url: str) -> str:
    """Return the URL less any user and password in it (S1)."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if parts.scheme else url


def git_header(token: str, url: str, taken: int) -> dict[str, str]:
    """Return the variables that give Git the token for the host of `url` alone (S1), after `taken` GIT_CONFIG pairs."""
    basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    parts = urlsplit(url)
    key = f"http.{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}/.extraheader"
    variables = {"GIT_CONFIG_COUNT": str(taken + 2)}
    # The first pair empties the list: a header that actions/checkout left for that host would go along otherwise.
    for number, header in enumerate(("", f"Authorization: Basic {basic}"), taken):
        variables |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": header}
    return variables


def api_url(host: str) -> str:
    """Return the REST API's URL: GITHUB_API_URL, else the Git host's; GitHub Enterprise keeps it below /api/v3."""
    own = "https://api.github.com" if host in ("github.com", "ssh.github.com") else f"https://{host}/api/v3"
    return os.environ.get("GITHUB_API_URL") or own


def serves(api: str, host: str) -> bool:
    """Whether the API at `api` belongs to the Git host `host`: only there may its token go (S1)."""
    return urlsplit(api).netloc in (host, f"api.{host}")


def is_loopback(url: str) -> bool:
    """Whether the URL's host is this machine by its very name, so that nothing leaves it."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def token(context: Context) -> str:
    """Return GITHUB_TOKEN or GH_TOKEN, else what `gh auth token` prints, else nothing; `gh` is asked once a call."""

    def _find() -> str:
        given = os.environ.get("GITHUB_TOKEN") or os.environ.get("GH_TOKEN")
        if given or not shutil.which("gh"):
            return (given or "").strip()
        asked = subprocess.run(["gh", "auth", "token"], capture_output=True, text=True, check=False, timeout=20)
        return asked.stdout.strip()

    return context.once(token, _find)
