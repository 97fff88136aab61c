"""The one door to HTTP: bounded in time and size, redirects and rate limits by rule, and who may get a token."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from email.utils import mktime_tz, parsedate_tz
from typing import TYPE_CHECKING, Any

from release.call.context import Activity, Clock, Context
from release.call.urls import target_url, url_parts
from release.errors import Failed, ReleaseError, Unknown, Usage, Waiting
from release.git.remotes import is_secure

if TYPE_CHECKING:
    import requests  # what is never asked over HTTP need not load it

TIMEOUT = (10, 60)  # seconds to connect, seconds between bytes
SIZE_LIMIT = 64 * 1024 * 1024  # bytes of one answer
READ_TRIES = 4
MOST_HOPS = 5  # redirects of one read
CHECK = "Check the network, then run the same again."
OTHER_SHAPE = "Is it GitHub's? Check the network and GITHUB_API_URL, then run the same again."
LOOKS = "Run the same again: it looks first."
WRITE_PAUSE = 1.0  # seconds between writes, GitHub's own advice (F19)


class _Object(dict[str, Any]):
    """An object of an answer: what it lacks is told, for a proxy or another product may answer in GitHub's place."""

    def __init__(self, found: Mapping[str, Any], where: str, kind: type[ReleaseError]) -> None:
        super().__init__(found)
        self._where, self._kind = where, kind

    def __missing__(self, name: str) -> Any:
        raise self._kind(f"{self._where} answered without {name!r}", OTHER_SHAPE)


@dataclass(frozen=True)
class Answer:
    """What a server answered: `headers` without regard to case, `url` the one that answered in the end."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    url: str

    def json(self, hint: str = "Check GITHUB_API_URL.", kind: type[ReleaseError] = Failed) -> Any:
        """Return the body as JSON; raise Failed, or the kind that is told, where it is none or lacks what is asked."""
        where = address(self.url)
        try:
            return json.loads(self.content, object_hook=lambda found: _Object(found, where, kind))
        except ValueError as error:
            raise kind(f"{where} did not answer JSON", hint) from error

    @property
    def next_url(self) -> str | None:
        """Return where the next page is, as the Link says it, or None on the last."""
        from requests.utils import parse_header_links

        links = parse_header_links(self.headers.get("link", ""))
        return next((link["url"] for link in links if link.get("rel", "").lower() == "next"), None)

    @property
    def problem(self) -> str:
        """Return the server's own words for a refusal."""
        try:
            body = json.loads(self.content)
            errors = [e.get("message") or e if isinstance(e, dict) else e for e in body.get("errors") or []]
            return " ".join(filter(None, map(str, [body.get("message", ""), *errors])))
        except (ValueError, AttributeError):
            return f"HTTP {self.status}"


@dataclass(frozen=True)
class _Request:
    method: str
    url: str
    headers: Mapping[str, str]
    params: Mapping[str, Any]
    body: bytes | None
    auth: Any
    hops: int = 0


@dataclass(frozen=True)
class BearerAuth:
    """Put the token on a request; as an `auth=` object no .netrc can replace it (S1)."""

    token: str = field(repr=False)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Set the header on the request about to be sent."""
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


class Http:
    """Send requests: bounded in time and size, redirects and limits by rule (S2, F19)."""

    def __init__(self, clock: Clock, patience: float = 300, activity: Activity | None = None) -> None:
        """`patience` is the number of seconds that it waits out a rate limit at most."""
        self._clock, self._patience, self._activity = clock, patience, activity or Activity()
        self._session, self._last_write = _session(), 0.0

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        body: bytes | None = None,
        auth: Any = None,
        reads: bool = False,
    ) -> Answer:
        """Send it and return the answer, whatever its status; `reads` says it of a POST.

        A read is tried again after a broken connection or a 5xx, and follows redirects. A write is sent once: what
        leaves its outcome open raises Unknown (F1). A rate limit did nothing: it is waited out, Waiting if it is long.
        """
        check_url(url, credentialed=auth is not None)
        send = self._read if reads or method in ("GET", "HEAD") else self._write
        return send(_Request(method, url, headers or {}, params or {}, body, auth))

    def _read(self, request: _Request) -> Answer:
        import requests

        for pause in [2.0**n for n in range(READ_TRIES - 1)] + [None]:
            try:
                answer = self._send(request)
            except requests.RequestException as error:
                # A certificate does not get better: that is told at once.
                if pause is None or isinstance(error, requests.exceptions.SSLError):
                    raise Failed(f"{address(request.url)} does not answer: {_reason(error)}", CHECK) from None
            else:
                if answer.status in (301, 302, 303, 307, 308):
                    return self._read(_next_hop(request, answer))
                if answer.status < 500 or pause is None:
                    return answer
            self._clock.sleep(pause or 0)
        raise AssertionError("unreachable")

    def _write(self, request: _Request) -> Answer:
        import requests
        from urllib3.exceptions import ConnectTimeoutError

        self._clock.sleep(max(0.0, self._last_write + WRITE_PAUSE - self._clock.monotonic()))
        where = address(request.url)
        try:
            answer = self._send(request)
        except requests.RequestException as error:
            # These alone are sure to come before anything was sent.
            if isinstance(error, requests.exceptions.SSLError) or isinstance(_cause(error), ConnectTimeoutError):
                raise Failed(f"{where} cannot be reached: {_reason(error)}", CHECK) from None
            raise Unknown(f"{request.method} {where} got no answer: {_reason(error)}", LOOKS) from None
        finally:
            self._last_write = self._clock.monotonic()
        if answer.status >= 500:
            raise Unknown(f"{request.method} {where} answered {answer.status}: it may or may not have been done", LOOKS)
        if 300 <= answer.status < 400:
            moved = address(answer.headers.get("location", ""))
            raise Failed(f"{where} has moved", f"Set the remote and GITHUB_REPOSITORY to {moved}")
        return answer

    def _send(self, request: _Request) -> Answer:
        """Send it, again after each rate limit that the patience allows for."""
        deadline, doubling = self._clock.monotonic() + self._patience, 60.0
        while True:
            answer = self._send_once(request)
            pause = limit_pause(answer, self._clock.now(), doubling)
            if pause is None:
                return answer
            if self._clock.monotonic() + pause > deadline:
                where = address(answer.url)
                raise Waiting(f"{where} limits the rate for {pause:.0f} s", "Run the same again after that.")
            self._clock.sleep(pause)
            doubling *= 2

    def _send_once(self, request: _Request) -> Answer:
        self._activity.requests += 1
        with self._session.request(
            request.method,
            request.url,
            headers=request.headers,
            params=request.params,
            data=request.body,
            auth=request.auth or (lambda prepared: prepared),  # with None, requests would look up .netrc
            timeout=TIMEOUT,
            allow_redirects=False,
            stream=True,
        ) as response:
            content = bytearray()
            for chunk in response.iter_content(65536):
                content += chunk
                if len(content) > SIZE_LIMIT:
                    raise Failed(f"{address(request.url)} answered more than {SIZE_LIMIT >> 20} MiB")
            return Answer(response.status_code, response.headers, bytes(content), response.url)


def _session() -> requests.Session:
    """Return one that looks at no redirect: requests itself fails at what is no URL, though it is to follow none."""
    import requests

    session = requests.Session()
    session.get_redirect_target = lambda resp: None  # type: ignore[method-assign]
    return session


def http(context: Context) -> Http:
    """Return the one door to HTTP, opened once a call."""
    return context.once(http, lambda: Http(context.clock, activity=context.activity))


def limit_pause(answer: Answer, now: float, doubling: float) -> float | None:
    """Return the seconds a rate limit asks to wait: Retry-After, the reset, or `doubling`; None without limit (F19)."""
    after, spent = answer.headers.get("retry-after"), answer.headers.get("x-ratelimit-remaining") == "0"
    told = after is not None or spent or "rate limit" in answer.problem.lower()
    if answer.status != 429 and not (answer.status == 403 and told):
        return None
    if after and after.isdigit():
        return float(after)
    date = parsedate_tz(after or "")
    until = mktime_tz(date) if date else float(answer.headers.get("x-ratelimit-reset", "0")) if spent else 0.0
    # One that has passed already was told by another clock than this machine's.
    return max(1.0, until - now) if until > now else doubling


def check_url(url: str, credentialed: bool) -> None:
    """Raise Usage for a URL that is not https, loopback aside, or that has credentials in it (S1, S2)."""
    parts = url_parts(url)
    if "@" in parts.netloc:
        raise Usage(f"{address(url)}: a URL must not have credentials in it", "Use GITHUB_TOKEN.")
    if credentialed and not is_secure(url):
        raise Usage(f"{address(url)} is not https", "A token goes over https alone.")


def check_no_page(answer: Answer, hint: str, lost: bool = False) -> None:
    """Raise Failed where a page for people came in place of an API's answer; Unknown where a write is `lost` in it.

    What the API did not say is neither there nor missing, whatever the status; a write's answer is JSON.
    """
    kind = answer.headers.get("content-type", "")
    meant = answer.status == 404 or (answer.status < 300 and answer.content)
    if meant and kind.startswith("text/html"):
        problem = f"{address(answer.url)} answered {answer.status} with a web page: a proxy's, or one to sign in?"
        raise (Unknown if lost else Failed)(problem, hint)
    if lost and answer.status < 300 and answer.content:
        answer.json(hint, Unknown)


def items(body: Any, key: str, url: str) -> list[Any]:
    """Return the list that the body of an answer is, or has under the key; raise Failed when it is none."""
    found = body if not key else body[key] if isinstance(body, dict) else None
    if not isinstance(found, list):
        raise Failed(f"{address(url)} answered no list", OTHER_SHAPE)
    return found


def address(url: str) -> str:
    """Return the host and path of a URL: what of it may be shown."""
    parts = url_parts(url)
    return f"{parts.netloc.rpartition('@')[2]}{parts.path}" or "an address that is none"


def _next_hop(request: _Request, answer: Answer) -> _Request:
    """Return the read that a redirect leads to; the credential stays with the first host (S2)."""
    target = target_url(answer.url, answer.headers.get("location", ""))
    before, after = url_parts(answer.url), url_parts(target)
    if request.hops == MOST_HOPS or after.scheme not in ("http", "https"):
        raise Failed(f"{address(answer.url)} redirects without end or to no web address")
    if before.scheme == "https" and after.scheme != "https":
        raise Failed(f"{address(answer.url)} redirects to http", "Refused: the answer could be anybody's.")
    kept = request.auth if after[:2] == before[:2] else None
    return replace(request, url=target, params={}, auth=kept, hops=request.hops + 1)


def _cause(error: requests.RequestException) -> BaseException:
    return getattr(error.args[0] if error.args else error, "reason", None) or error


def _reason(error: requests.RequestException) -> str:
    return type(_cause(error)).__name__
