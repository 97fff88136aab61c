"""What HTTP says, as plain values: answers, rate limits, which address may be trusted with what."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from release.errors import Failed, Usage
from release.git.remotes import LOOPBACK


@dataclass(frozen=True)
class Answer:
    """What a server answered: `headers` without regard to case, `url` the one that answered in the end."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    url: str

    def json(self) -> Any:
        """Return the body as JSON; raise Failed when it is none."""
        try:
            return json.loads(self.content)
        except ValueError as error:
            raise Failed(f"{address(self.url)} did not answer JSON", "Check GITHUB_API_URL.") from error

    @property
    def problem(self) -> str:
        """Return the server's own words for a refusal."""
        try:
            body = json.loads(self.content)
            texts = [str(body.get("message", ""))]
            texts += [str(e.get("message") or e) if isinstance(e, dict) else str(e) for e in body.get("errors") or []]
            return " ".join(text for text in texts if text)
        except (ValueError, AttributeError):
            return f"HTTP {self.status}"


def limit_pause(answer: Answer, now: float, doubling: float) -> float | None:
    """Return the seconds a rate limit asks to wait, None where there is no limit (F19).

    Retry-After counts first, then the reset header, then `doubling`: 60 s, and twice that each time.
    """
    limited = answer.status == 429 or (
        answer.status == 403
        and (
            "retry-after" in answer.headers
            or answer.headers.get("x-ratelimit-remaining") == "0"
            or "rate limit" in answer.problem.lower()
        )
    )
    if not limited:
        return None
    after = answer.headers.get("retry-after", "")
    if after:
        return float(after) if after.isdigit() else max(0.0, _http_date(after) - now)
    if answer.headers.get("x-ratelimit-remaining") == "0":
        return max(1.0, float(answer.headers.get("x-ratelimit-reset", "0")) - now)
    return doubling


def check_url(url: str, credentialed: bool) -> None:
    """Raise Usage for a URL that is not https, loopback aside, or that has credentials in it (S1, S2)."""
    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise Usage(f"{address(url)}: a URL must not have credentials in it", "Use GITHUB_TOKEN.")
    if parts.scheme != "https" and credentialed and parts.hostname not in LOOPBACK:
        raise Usage(f"{address(url)} is not https", "A token goes over https alone.")


def address(url: str) -> str:
    """Return the host and path of a URL: what of it may be shown."""
    parts = urlsplit(url)
    return f"{parts.netloc.rpartition('@')[2]}{parts.path}"


def _http_date(text: str) -> float:
    try:
        return parsedate_to_datetime(text).timestamp()
    except ValueError:
        return 0.0
