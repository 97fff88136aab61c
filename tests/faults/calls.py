"""The calls that reach a world's two servers, each by what it asks; any of them can be made to misbehave."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from io import BytesIO
from socket import SHUT_RDWR
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response
from werkzeug.wsgi import ClosingIterator, get_input_stream

from release.sandbox import Sandbox
from release.sandbox.github.app import READING_POSTS

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    Act = Callable[[WSGIApplication, WSGIEnvironment, StartResponse], Iterable[bytes]]

# An id, a sha or a download's secret; no version and no date.
NUMBER = re.compile(r"[0-9a-f]{40,}|(?<![\w.-])\d+(?![\w.-])|(?<=/_blobs/)[\w-]+")


@dataclass(frozen=True)
class Call:
    """One request, by what it asks and how often that was asked before it: the same call in the next run."""

    door: str
    method: str
    route: str
    nth: int = 0
    writes: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        """Name it in a test's id."""
        return f"{self.method} {self.route.replace('/api/v3/repos/acme/platform/', '')} {self.nth}"


class Calls:
    """Stands before both servers of a sandbox: counts the calls, and has those misbehave that it is told to."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.seen: list[Call] = []
        self.tags: dict[str, set[str]] = {}
        self.struck: list[Call] = []
        self._sandbox = sandbox
        self._counts: Counter[tuple[str, str, str]] = Counter()
        self._lock = threading.Lock()
        self._strikes: list[tuple[Callable[[Call], bool], Act]] = []
        fronts = {"github": sandbox.github.front, **({"cloud": sandbox.cloud.front} if sandbox.cloud else {})}
        for door, front in fronts.items():
            front.application = self._before(door, front.application)

    def strike(self, call: Call, act: Act, onwards: bool = False) -> None:
        """Have this call misbehave, once; `onwards`: and every later one of its route."""

        def _meant(other: Call) -> bool:
            alike = (other.door, other.method, other.route) == (call.door, call.method, call.route)
            return alike and (other.nth >= call.nth if onwards else other.nth == call.nth)

        self.strike_all(_meant, act)

    def strike_all(self, meant: Callable[[Call], bool], act: Act) -> None:
        """Have every call misbehave that is meant."""
        self._strikes.append((meant, act))

    def strike_writes(self, act: Act) -> None:
        """Have every write from now on misbehave."""
        self._strikes.append((lambda call: call.writes, act))

    def clear(self) -> None:
        """Begin to count anew, and end all misbehaviour; the tags that were seen stay."""
        self.seen.clear()
        self.struck.clear()
        self._counts.clear()
        self._strikes.clear()

    def _before(self, door: str, application: WSGIApplication) -> WSGIApplication:
        def _answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            call = self._call(door, environ)
            self.seen.append(call)
            for meant, act in self._strikes:
                if meant(call):
                    self.struck.append(call)
                    return act(self._noting(call, application), environ, start_response)
            return self._noting(call, application)(environ, start_response)

        return _answer

    def _call(self, door: str, environ: WSGIEnvironment) -> Call:
        method, route = environ["REQUEST_METHOD"], NUMBER.sub("#", environ["PATH_INFO"])
        target = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
        if target:
            route = f"{target} {_image(environ)}".strip()
        reads = (
            method in ("GET", "HEAD") or route.endswith(READING_POSTS) or target.startswith(("Describe", "Get", "List"))
        )
        with self._lock:
            nth = self._counts[door, method, route]
            self._counts[door, method, route] += 1
        return Call(door, method, route, nth, not reads)

    def _noting(self, call: Call, application: WSGIApplication) -> WSGIApplication:
        """Remember every commit that a tag ever had."""
        if not call.writes or call.door != "github":
            return application

        def _answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            answer = Response.from_app(application, environ, buffered=True)
            for name in self._sandbox.bare.refs("refs/tags"):
                self.tags.setdefault(name, set()).add(self._sandbox.bare.sha(name) or "")
            return answer(environ, start_response)

        return _answer


def _image(environ: WSGIEnvironment) -> str:
    content = get_input_stream(environ).read()
    environ["wsgi.input"] = BytesIO(content)
    asked = json.loads(content or b"{}")
    tags = ",".join(each.get("imageTag", "") for each in asked.get("imageIds", []))
    return f"{asked.get('repositoryName', '')} {tags}".strip()


# --- what a call that misbehaves does ---


def swallow(application: WSGIApplication, environ: WSGIEnvironment) -> Response:
    """Let the server act; its answer is kept from the client."""
    return Response.from_app(application, environ, buffered=True)


def answered(
    status: int, body: object = None, headers: dict[str, str] | None = None, after: bool = False, kind: str = ""
) -> Act:
    """Answer in the server's place; `after` it acted."""
    content = body if isinstance(body, bytes) else json.dumps(body or {"message": "Server Error"}).encode()
    told = {"Content-Type": kind or "application/json; charset=utf-8", "Content-Length": str(len(content))}

    def _act(application: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if after:
            swallow(application, environ)
        start_response(f"{status} {HTTPStatus(status).phrase}", [*{**told, **(headers or {})}.items()])
        return [content]

    return _act


def cut(after: bool = False) -> Act:
    """Cut the connection without an answer; `after` the server acted."""

    def _act(application: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if after:
            swallow(application, environ)
        environ["werkzeug.socket"].shutdown(SHUT_RDWR)
        return ClosingIterator(_nothing())

    return _act


def truncated(application: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Let the server act, and send half of what it answers."""
    answer = swallow(application, environ)
    content = answer.get_data()
    answer.headers["Content-Length"] = str(len(content))
    start_response(answer.status, [*answer.headers.items()])
    return ClosingIterator(_half(content))


def calling(act: Callable[[], Any], after: bool = False, linger: float = 0.0) -> Act:
    """Do something else before the server acts (`after`: when it has acted, its answer not sent); then go on."""

    def _act(application: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not after:
            act()
            time.sleep(linger)
            return application(environ, start_response)
        answer = swallow(application, environ)
        act()
        time.sleep(linger)
        return answer(environ, start_response)

    return _act


def _nothing() -> Iterable[bytes]:
    yield from ()
    raise ConnectionResetError("cut on purpose")


def _half(content: bytes) -> Iterable[bytes]:
    yield content[: len(content) // 2]
    raise ConnectionResetError("cut on purpose")
