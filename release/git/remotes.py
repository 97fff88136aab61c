"""The remote's address: which host and repository it is, its API, and the token that goes to it alone."""

from __future__ import annotations

import base64
import ipaddress
import os
import re

from release.call.context import Context
from release.call.programs import LOGIN, run_program
from release.call.urls import url_parts
from release.errors import CouldNotTellError, Usage

CLOUD = ("GITHUB_TOKEN", "GH_TOKEN")
ENTERPRISE = ("GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN")


def remote_repository(url: str) -> tuple[str, str]:
    """Return host (with a port, if any) and `owner/name` of a URL in any of Git's spellings; raise Usage for others."""
    parts = url_parts(url if "://" in url else f"ssh://{url.replace(':', '/', 1)}")
    name = parts.path.strip("/").removesuffix(".git")
    if not parts.hostname or name.count("/") < 1:
        hint = "Set GITHUB_REPOSITORY and GITHUB_API_URL."
        raise Usage(f"the remote {public_url(url)} names no GitHub repository", hint)
    host = f"{parts.hostname}:{parts.port}" if parts.port and parts.scheme.startswith("http") else parts.hostname
    return host, "/".join(name.split("/")[-2:])


def public_url(url: str) -> str:
    """Return the URL less any user and password in it (S1)."""
    return re.sub(f"://{LOGIN}", "://", url)


def git_header(token: str, url: str, taken: int) -> dict[str, str]:
    """Return the variables that give Git the token for the host of `url` alone (S1), after `taken` GIT_CONFIG pairs."""
    basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    parts = url_parts(url)
    key = f"http.{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}/"
    # The first pair empties the list: a header that actions/checkout left for that host would go along otherwise.
    # The last: Git 2.39 sends such a header to whatever host it was redirected to (measured: at its second request).
    pairs = ((f"{key}.extraheader", ""), (f"{key}.extraheader", f"Authorization: Basic {basic}"))
    variables = {"GIT_CONFIG_COUNT": str(taken + 3)}
    for number, (name, value) in enumerate((*pairs, (f"{key}.followRedirects", "false")), taken):
        variables |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return variables


def api_url(host: str) -> str:
    """Return the REST API's URL: GITHUB_API_URL, else the Git host's; GitHub Enterprise Server has it at /api/v3."""
    home = "github.com" if host.endswith(".github.com") else host
    own = f"https://api.{home}" if _is_cloud(home) else f"https://{host}/api/v3"
    return os.environ.get("GITHUB_API_URL") or own


def _is_cloud(host: str) -> bool:
    """Whether GitHub itself serves the host: github.com, or a company's own below ghe.com."""
    return host == "github.com" or host.endswith(".ghe.com")


def serves(api: str, host: str) -> bool:
    """Whether the API at `api` belongs to the Git host `host`: only there may its token go (S1)."""
    return url_parts(api).netloc in (host, f"api.{host}")


def is_loopback(url: str) -> bool:
    """Whether the URL's host is this machine by its very name, so that nothing leaves it."""
    host = url_parts(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_secure(url: str) -> bool:
    """Whether a credential may go there: over https, or in the open to this very machine (S2)."""
    scheme = url_parts(url).scheme
    return scheme == "https" or (scheme == "http" and is_loopback(url))


def token(context: Context, api: str) -> str:
    """Return the token for the API's host, else nothing (F32); `gh` is asked once a call.

    Which variable is for which host is gh's own rule (`gh help environment`): CLOUD for github.com and *.ghe.com,
    ENTERPRISE for all others. Actions sets GITHUB_API_URL with GITHUB_TOKEN, on Enterprise too: CLOUD is for that
    host then.
    """
    host = _home(api)
    names = CLOUD if _is_cloud(host) else (*ENTERPRISE, *(CLOUD if os.environ.get("GITHUB_API_URL") == api else ()))

    def _find() -> str:
        given = next(filter(None, (os.environ.get(name, "").strip() for name in names)), "")
        try:
            return (
                given or run_program(["gh", "auth", "token", f"--hostname={host}"], context.folder, 20).stdout.strip()
            )
        except CouldNotTellError:
            return ""

    return context.once((token, api), _find)


def _home(api: str) -> str:
    """Return the host that people know the API's by."""
    return url_parts(api).netloc.rpartition("@")[2].removeprefix("api.")


def sign_in(api: str) -> str:
    """Return what gives a token for the API's host, for a hint."""
    host = _home(api)
    return f"Set {(CLOUD if _is_cloud(host) else ENTERPRISE)[0]}, or sign in: gh auth login --hostname {host}"
