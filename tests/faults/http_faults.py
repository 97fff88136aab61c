"""The ways in which HTTP goes wrong: what a server or the network does, and how a release may end that meets it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from faults.calls import Call, answered, cut, swallow, truncated
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, ReadTimeoutError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from faults.calls import Act

SIGN = "X-Went-Wrong"  # by which the server's side of a fault tells the client's what to make of an answer
PAGE = b"<html><body>Sign in to our network</body></html>"
LATER = {"message": "You have exceeded a secondary rate limit. Please wait."}


def lost(how: str, after: bool = False) -> Act:
    """Have the client meet what no server can do to it at once: refused, a time-out; `after` the server acted."""

    def _act(application: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if after:
            swallow(application, environ)
        start_response("200 OK", [(SIGN, how), ("Content-Length", "0")])
        return []

    return _act


@contextmanager
def no_time_lost() -> Iterator[None]:
    """Raise in the client what `lost` asks for, where urllib3 would; and let botocore's pauses take no time."""
    send = HTTPConnectionPool._make_request

    def _send(pool: Any, conn: Any, method: str, url: str, **rest: Any) -> Any:
        answer = send(pool, conn, method, url, **rest)
        how = answer.headers.get(SIGN)
        if how:
            raise _ERRORS[how](pool, conn, url)
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HTTPConnectionPool, "_make_request", _send)
        patch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None, time=time.time))
        yield


_ERRORS: dict[str, Callable[[Any, Any, str], Exception]] = {
    "refused": lambda _, conn, __: NewConnectionError(conn, "[Errno 111] Connection refused"),
    "connect": lambda _, conn, __: ConnectTimeoutError(conn, "Connection timed out. (connect timeout=10)"),
    "read": lambda pool, _, url: ReadTimeoutError(pool, url, "Read timed out. (read timeout=60)"),
}


@dataclass(frozen=True)
class Kind:
    """One way: the act at a call, and the exit codes with which a release may end that meets it there."""

    name: str
    act: Callable[[Call], Act]
    read: tuple[int, ...]
    write: tuple[int, ...]
    onwards: bool = False

    def codes(self, call: Call) -> tuple[int, ...]:
        """Return how the call may end."""
        if call.writes:
            return self.write
        # botocore asks again where a body of S3's is none; artifacts that cannot be read are said to be uncompared;
        # what a pull request became, the trunk's titles tell too.
        borne = call.door == "cloud" or call.route.endswith(("/artifacts", "/pulls/#"))
        conflict = (
            "/_blobs/" in call.route or "/releases/assets/" in call.route
        )  # what is attached, and is none of ours
        return (*self.read, *([0] if borne else []), *([3] if conflict else []))


def _told(status: int, message: str, code: str, **headers: str) -> Callable[[Call], Act]:
    """Have each service refuse in its own form: GitHub's JSON, S3's XML, ECR's JSON."""

    def _act(call: Call) -> Act:
        if call.door == "github":
            return answered(status, {"message": message}, headers)
        if call.method == "POST":
            told = f'{{"__type": "{code}", "message": "{message}"}}'.encode()
            return answered(status, told, headers, kind="application/x-amz-json-1.1")
        told = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
        code_of_s3 = 503 if code == "SlowDown" else status
        return answered(code_of_s3, b"" if call.method == "HEAD" else told, headers, kind="application/xml")

    return _act


def _always(act: Act) -> Callable[[Call], Act]:
    return lambda call: act


_later = {"Retry-After": "7"}
_ALL = (
    # Nothing was sent: a read goes on, a write failed for sure.
    Kind("refused", _always(lost("refused")), (0,), (1,)),
    Kind("connect-timeout", _always(lost("connect")), (0,), (1,)),
    # It was done, and nobody said so: what is out there decides.
    Kind("read-timeout", _always(lost("read", after=True)), (0,), (0,)),
    Kind("reset-after", _always(cut(after=True)), (0,), (0,)),
    Kind("truncated", _always(truncated), (0,), (0,)),
    Kind("502-after", _always(answered(502, after=True)), (0,), (0,)),
    Kind("bad-json-after", _always(answered(200, b'{"id": 1, "na', after=True)), (1,), (0,)),
    # It was not done, and nobody can know.
    Kind("reset", _always(cut()), (0,), (5,)),
    Kind("500", _told(500, "Server Error", "InternalError"), (0,), (5,)),
    Kind("503", _told(503, "Unavailable", "ServiceUnavailable"), (0,), (5,)),
    Kind("bad-json", _always(answered(200, b'{"id": 1, "na')), (1,), (5,)),
    Kind("html", _always(answered(200, PAGE, kind="text/html")), (1,), (5,)),
    Kind("other-shape", _always(answered(200, {"status": "ok"})), (0, 1, 2, 3, 6), (5,)),
    # It is refused: for now, or for good.
    Kind("secondary-limit", _told(403, LATER["message"], "SlowDown"), (0,), (0,)),
    Kind("429", _told(429, "Too many", "TooManyRequestsException", **_later), (0,), (0,)),
    Kind("401", _told(401, "Bad credentials", "ExpiredToken"), (1, 2, 4), (2, 4)),
    Kind("403", _told(403, "Resource not accessible", "AccessDenied"), (0, 1, 6), (1,), onwards=True),
    Kind("404", _told(404, "Not Found", "NoSuchKey"), (0, 1, 6), (1,)),
)
KINDS = {each.name: each for each in _ALL}
PASSING = [each for each in _ALL if each.read == (0,)]  # a read meets them and goes on
STOPPING = [each for each in _ALL if each.read != (0,)]
