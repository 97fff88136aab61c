"""How an OCI registry asks who is there, and who may be told."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

from release.errors import Failed, Usage
from release.github.http import BearerAuth

_PART = re.compile(r"""([\w!#$%&'*+.^`|~-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?""", re.ASCII)
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_PARENT_LABELS = 2


def challenges(header: str) -> dict[str, dict[str, str]]:
    """List the schemes a `WWW-Authenticate` header offers, with their parameters (RFC 9110, 11.6.1)."""
    offered: dict[str, dict[str, str]] = {}
    parameters: dict[str, str] = {}
    for part in _PART.finditer(header):
        name, quoted, plain = part.groups()
        if quoted is None and plain is None:
            parameters = offered.setdefault(name.lower(), {})
        else:
            parameters[name.lower()] = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain
    return offered


def is_loopback(host: str) -> bool:
    """Whether the host is this machine by its very name, so that nothing leaves it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def registry_url(text: str) -> SplitResult:
    """Read a registry's address; a bare host means https.

    Raises Usage for a password in the URL (S1), and for http to anything but this machine (S2).
    """
    url = urlsplit(text if "://" in text else f"https://{text}")
    if url.username is not None or url.password is not None:
        raise Usage("image.registry holds a name or password in its URL", "Leave it out of the URL.")
    if not url.hostname or url.query or url.fragment:
        raise Usage(f"image.registry is not a registry's address: {text!r}", "Such as https://registry.example.com.")
    if url.scheme != "https" and not (url.scheme == "http" and is_loopback(url.hostname)):
        raise Usage(f"image.registry is not https: {text!r}", f"Set image.registry to https://{url.netloc}.")
    return url._replace(netloc=url.netloc.lower())


def check_realm(realm: str, registry: SplitResult) -> None:
    """Check that a token may be asked for at the realm which the registry names.

    https always; http only where registry and realm are both this machine, so that no remote registry can make
    us talk to a local port. Raises Failed otherwise (S2).
    """
    url = urlsplit(realm)
    local = is_loopback(registry.hostname or "") and is_loopback(url.hostname or "")
    secure = url.scheme == "https" and not is_loopback(url.hostname or "")
    if not url.hostname or url.username is not None or not (secure or (local and url.scheme in {"http", "https"})):
        raise Failed(
            f"the registry {registry.netloc} asks for a token from {realm!r}, which is not https",
            "Nothing was sent there; check image.registry, or mend that registry's token realm.",
        )


def is_trusted_realm(realm: str, registry: SplitResult) -> bool:
    """Whether the registry's credentials may be shown to its token realm.

    The realm is another host by design (auth.docker.io for registry-1.docker.io), so the rule is not "same host"
    but "same house": the registry's host, its parent domain, or a sibling below it. The registry could have asked
    for the credentials itself; this limits who else can.
    """
    host, home = urlsplit(realm).hostname or "", registry.hostname or ""
    if host == home or (is_loopback(host) and is_loopback(home)):
        return True
    parent = home.partition(".")[2]
    numeric = home.replace(".", "").isdigit() or ":" in home
    return not numeric and parent.count(".") >= _PARENT_LABELS - 1 and (host == parent or host.endswith(f".{parent}"))


def token_auth(answer: Any, host: str) -> BearerAuth:
    """Read a token server's answer (`token`, or OAuth 2's `access_token`). Raises Failed when there is none."""
    token = (answer.get("token") or answer.get("access_token")) if isinstance(answer, Mapping) else None
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise Failed(f"{host} answered without a token", "Run the same again.")
    return BearerAuth(token)
