"""The one door to HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import requests

from release.call.context import Activity, Context
from release.errors import Failed, Unknown, Waiting
from release.github.web import Answer, address, check_url, limit_pause

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from release.call.context import Clock

TIMEOUT = (10, 60)  # seconds to connect, seconds between bytes
SIZE_LIMIT = 64 * 1024 * 1024  # bytes of one answer
READ_TRIES = 4
WRITE_PAUSE = 1.0  # seconds between writes, GitHub's own advice (F19)


class BearerAuth(requests.auth.AuthBase):
    """Put the token on a request; as an `auth=` object no .netrc can replace it (S1)."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Set the header on the request about to be sent."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def __repr__(self) -> str:
        return "BearerAuth(***)"


class Http:
    """Send requests: bounded in time and size, redirects and limits by rule (S2, F19)."""

    def __init__(self, clock: Clock, patience: float = 300, activity: Activity | None = None) -> None:
        """`patience` is the number of seconds that it waits out a rate limit at most."""
        self._session = requests.Session()
        self._clock = clock
        self._patience = patience
        self._last_write = 0.0
        self._activity = activity or Activity()

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        body: bytes | None = None,
        auth: Any = None,
    ) -> Answer:
        """Send it and return the answer, whatever its status.

        A read is tried again after a broken connection or a 5xx, and follows redirects, to another
        host without the credential. A write is sent once: what leaves its outcome open raises Unknown
        (F1). A rate limit is waited out, for either, since nothing was done then; a long one raises Waiting.
        """
        check_url(url, credentialed=auth is not None)
        send = self._read if method in ("GET", "HEAD") else self._write
        return send(method, url, dict(headers or {}), dict(params or {}), body, auth)

    def _read(self, method: str, url: str, *rest: Any) -> Answer:
        for pause in [2.0**n for n in range(READ_TRIES - 1)] + [None]:
            try:
                answer = self._unlimited(method, url, *rest)
            except requests.RequestException as error:
                if pause is None or isinstance(error, requests.exceptions.SSLError):
                    raise Failed(
                        f"{address(url)} does not answer: {_reason(error)}",
                        "Check the network, then run the same again.",
                    ) from None
            else:
                if answer.status in (301, 302, 303, 307, 308):
                    return self._redirected(method, answer, *rest)
                if answer.status < 500 or pause is None:
                    return answer
            self._clock.sleep(pause or 0)
        raise AssertionError("unreachable")

    def _redirected(
        self, method: str, answer: Answer, headers: dict[str, str], params: Any, body: Any, auth: Any
    ) -> Answer:
        hops = int(headers.pop("x-hops", "0")) + 1
        target = urljoin(answer.url, answer.headers.get("location", ""))
        if hops > 5 or urlsplit(target).scheme not in ("http", "https"):
            raise Failed(f"{address(answer.url)} redirects without end or to no web address")
        if urlsplit(answer.url).scheme == "https" and urlsplit(target).scheme != "https":
            raise Failed(
                f"{address(answer.url)} redirects from https to http", "Refused: the answer could be anybody's."
            )
        kept = auth if urlsplit(target)[:2] == urlsplit(answer.url)[:2] else None
        return self._read(method, target, {**headers, "x-hops": str(hops)}, {}, body, kept)

    def _write(self, method: str, url: str, *rest: Any) -> Answer:
        self._clock.sleep(max(0.0, self._last_write + WRITE_PAUSE - self._clock.now()))
        try:
            answer = self._unlimited(method, url, *rest)
        except requests.exceptions.SSLError as error:
            raise Failed(f"{address(url)} has no valid certificate: {_reason(error)}") from None
        except requests.RequestException as error:
            raise Unknown(f"{method} {address(url)} got no answer: {_reason(error)}") from None
        finally:
            self._last_write = self._clock.now()
        if answer.status >= 500:
            raise Unknown(f"{method} {address(url)} answered {answer.status}: it may or may not have been done")
        if 300 <= answer.status < 400:
            raise Failed(
                f"{address(url)} has moved",
                f"Set the remote and GITHUB_REPOSITORY to {address(answer.headers.get('location', ''))}",
            )
        return answer

    def _unlimited(self, *request: Any) -> Answer:
        deadline = self._clock.now() + self._patience
        doubling = 60.0
        while True:
            answer = self._send(*request)
            pause = limit_pause(answer, self._clock.now(), doubling)
            if pause is None:
                return answer
            if self._clock.now() + pause > deadline:
                raise Waiting(
                    f"{address(answer.url)} limits the rate for {pause:.0f} s", "Run the same again after that."
                )
            self._clock.sleep(pause)
            doubling *= 2

    def _send(
        self, method: str, url: str, headers: dict[str, str], params: Any, body: bytes | None, auth: Any
    ) -> Answer:
        headers = {name: text for name, text in headers.items() if name != "x-hops"}
        self._activity.requests += 1
        with self._session.request(
            method,
            url,
            headers=headers,
            params=params,
            data=body,
            auth=auth or _anonymous,
            timeout=TIMEOUT,
            allow_redirects=False,
            stream=True,
        ) as response:
            content = bytearray()
            for chunk in response.iter_content(65536):
                content += chunk
                if len(content) > SIZE_LIMIT:
                    raise Failed(f"{address(url)} answered more than {SIZE_LIMIT >> 20} MiB")
            return Answer(response.status_code, response.headers, bytes(content), response.url)


def _anonymous(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keep requests from looking up .netrc for a host that is to get no credential."""
    return request


def _reason(error: requests.RequestException) -> str:
    cause = getattr(error.args[0] if error.args else error, "reason", None) or error
    return type(cause).__name__


def http(context: Context) -> Http:
    """Return the one door to HTTP, opened once a call."""
    return context.once(http, lambda: Http(context.clock, activity=context.activity))
