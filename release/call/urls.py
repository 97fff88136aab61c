"""URLs that people set and servers send, taken apart."""

from __future__ import annotations

from urllib.parse import SplitResult, urljoin, urlsplit

_NONE = SplitResult("", "", "", "", "")


def url_parts(url: str) -> SplitResult:
    """Return the parts of a URL; none, so that nothing is sent there, of what only looks like one (`https://[x`)."""
    try:
        parts = urlsplit(url)
        return parts if parts.port is None or parts.port else _NONE
    except ValueError:  # a port that is no number too, which is read here first
        return _NONE


def target_url(base: str, url: str) -> str:
    """Return where a server's `url`, in an answer of `base`, leads; nothing for what is no URL."""
    try:
        return urljoin(base, url)
    except ValueError:
        return ""
