"""Refs and remotes as plain values."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from urllib.parse import urlsplit

from release.errors import Usage

NEW = "0" * 40  # stands in a dry run for a commit that is not made yet


@dataclass(frozen=True)
class RemoteRef:
    """A ref as the remote has it: `sha` is its commit, `target` the object it names (an annotated tag's own)."""

    name: str
    sha: str
    target: str


@dataclass(frozen=True)
class Push:
    """One ref to push: full name, object, and the object expected there now (empty: it must be new)."""

    ref: str
    sha: str
    expected: str = ""


def remote_repository(url: str) -> tuple[str, str]:
    """Return host (with a port, if any) and `owner/name` of a remote's URL in any of Git's spellings.

    Raises Usage when the URL names no repository on a host.
    """
    text = url if "://" in url else f"ssh://{url.replace(':', '/', 1)}"
    parts = urlsplit(text)
    name = parts.path.strip("/").removesuffix(".git")
    if not parts.hostname or name.count("/") < 1:
        raise Usage(
            f"the remote {without_credentials(url)} names no GitHub repository",
            "Set GITHUB_REPOSITORY and GITHUB_API_URL.",
        )
    host = f"{parts.hostname}:{parts.port}" if parts.port and parts.scheme.startswith("http") else parts.hostname
    return host, "/".join(name.split("/")[-2:])


def without_credentials(url: str) -> str:
    """Return the URL less any user and password in it (S1)."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if parts.scheme else url


def brief(sha: str) -> str:
    """Return the commit as people read it."""
    return "a new commit" if sha in ("", NEW) else sha[:9]


def git_header(token: str, url: str, taken: int) -> dict[str, str]:
    """Return the variables that give Git the token for the host of `url` alone (S1).

    `taken` is how many GIT_CONFIG pairs there are already. The first pair empties the list: a header set
    before for that host, as actions/checkout leaves one, would go along otherwise.
    """
    basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    parts = urlsplit(url)
    key = f"http.{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}/.extraheader"
    variables = {"GIT_CONFIG_COUNT": str(taken + 2)}
    for number, header in enumerate(("", f"Authorization: Basic {basic}"), taken):
        variables |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": header}
    return variables
