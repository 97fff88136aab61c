"""WSGI applications on loopback: each on a free port, behind a log of requests and misbehaviour on purpose."""

from __future__ import annotations

import io
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Response
from werkzeug.wsgi import ClosingIterator, get_input_stream

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


@dataclass
class Fault:
    """One kind of misbehaviour, for the requests it matches."""

    method: str
    path: str
    status: int = 0
    after: bool = False
    drop: bool = False
    delay: float = 0.0
    times: int | None = 1
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)
    call: Callable[[], object] | None = None
    change: Callable[[Any], Any] | None = None
    hits: int = 0

    def matches(self, method: str, target: str) -> bool:
        """Tell whether a request is meant and the fault is not used up."""
        return (
            (self.times is None or self.hits < self.times)
            and self.method in ("*", method)
            and re.search(self.path, target) is not None
        )

    @property
    def answers(self) -> bool:
        """Tell whether the fault takes the place of the application's answer."""
        return self.drop or self.status != 0

    def payload(self) -> bytes:
        """Make the bytes of the answer: JSON unless text or bytes were given."""
        if isinstance(self.body, bytes):
            return self.body
        if isinstance(self.body, str):
            return self.body.encode()
        return json.dumps(self.body if self.body is not None else {"message": "Server Error"}).encode()


class Faults:
    """The faults in force; each strikes `times` times, `None` for always."""

    def __init__(self) -> None:
        self.active: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, method: str, path: str, **kind: Any) -> Fault:
        """Put a fault in force for requests whose `path?query` the expression finds.

        `status` answers it (`after=True`: the action happens first, its answer is lost), `drop` cuts the connection,
        `delay` waits that many seconds, `call` runs something first, `body` and `headers` fill the answer. Without
        `status` the application answers, with `headers` in place of its own and its JSON as `change` makes it.
        """
        fault = Fault(method, path, **kind)
        self.active.append(fault)
        return fault

    def clear(self) -> None:
        """End all misbehaviour."""
        self.active.clear()

    def next(self, method: str, target: str) -> Fault | None:
        """Take the first fault that matches and count the hit."""
        with self._lock:
            for fault in self.active:
                if fault.matches(method, target):
                    fault.hits += 1
                    return fault
        return None


BODY_LIMIT = 1_000_000  # bytes of a JSON body that are read and kept


@dataclass(frozen=True)
class Recorded:
    """One request as it arrived, its credentials blanked."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: Any
    time: float


class Front:
    """A WSGI application with faults and a request log in front of it."""

    def __init__(self, application: WSGIApplication) -> None:
        self.application = application
        self.faults = Faults()
        self.requests: list[Recorded] = []

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Record, misbehave if told to, else pass on."""
        method = environ["REQUEST_METHOD"]
        self.requests.append(_record(environ))
        target = f"{environ['PATH_INFO']}?{environ.get('QUERY_STRING', '')}"
        fault = self.faults.next(method, target)
        if fault is None:
            return self.application(environ, start_response)
        time.sleep(fault.delay)
        if fault.call:
            fault.call()
        if not fault.answers:
            return _change_answer(fault, self.application, environ)(environ, start_response)
        if fault.after:
            _swallow(self.application, environ)
        return _fault_answer(fault, environ, start_response)

    def clear(self) -> None:
        """Forget requests and faults."""
        self.requests.clear()
        self.faults.clear()


def _change_answer(fault: Fault, application: WSGIApplication, environ: WSGIEnvironment) -> WSGIApplication:
    if not fault.change and not fault.headers:
        return application
    answer = Response.from_app(application, environ, buffered=True)
    if fault.change:
        answer.set_data(json.dumps(fault.change(json.loads(answer.get_data()))))
        answer.headers.pop("ETag", None)
    answer.headers.update(fault.headers)
    return answer


def _fault_answer(fault: Fault, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    if fault.drop:
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        return ClosingIterator(_cut())
    payload = fault.payload()
    headers = {"Content-Type": "application/json; charset=utf-8", "Content-Length": str(len(payload)), **fault.headers}
    start_response(f"{fault.status} {HTTPStatus(fault.status).phrase}", [*headers.items()])
    return [payload]


def _cut() -> Iterator[bytes]:
    yield from ()
    raise ConnectionResetError("cut on purpose")


def _swallow(application: WSGIApplication, environ: WSGIEnvironment) -> None:
    """Let the application act, to the last byte of an answer that nobody gets."""
    answer = application(environ, lambda status, headers, exc_info=None: lambda chunk: None)
    try:
        for _ in answer:
            pass
    finally:
        close = getattr(answer, "close", None)
        if close:
            close()


def _record(environ: WSGIEnvironment) -> Recorded:
    headers = {key[5:].replace("_", "-").lower(): value for key, value in environ.items() if key.startswith("HTTP_")}
    if "authorization" in headers:
        headers["authorization"] = headers["authorization"].partition(" ")[0] + " ***"
    kind = environ.get("CONTENT_TYPE", "")
    body = _json(environ) if "json" in kind or (kind == "" and environ.get("CONTENT_LENGTH")) else None
    return Recorded(
        environ["REQUEST_METHOD"], environ["PATH_INFO"], environ.get("QUERY_STRING", ""), headers, body, time.time()
    )


def _json(environ: WSGIEnvironment) -> Any:
    """Read a JSON body, and put it back for the application."""
    content = get_input_stream(environ, max_content_length=BODY_LIMIT).read()
    environ["wsgi.input"] = io.BytesIO(content)
    environ["CONTENT_LENGTH"] = str(len(content))
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    try:
        return json.loads(content) if content else None
    except ValueError:
        return content.decode(errors="replace")


class QuietHandler(WSGIRequestHandler):
    """Speaks HTTP/1.1, for chunked bodies, and logs nothing."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log no request: the front does."""

    def connection_dropped(self, error: BaseException, environ: object = None) -> None:
        """Stay silent: faults cut connections on purpose."""


class Server:
    """One application on one port, from `start` to `stop`."""

    def __init__(self, application: WSGIApplication) -> None:
        self._http = make_server("127.0.0.1", 0, application, threaded=True, request_handler=QuietHandler)
        self.port = self._http.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._ends = False

    def start(self) -> None:
        """Serve from now on."""
        self._thread.start()

    def stop(self) -> None:
        """End serving and free the port."""
        self._ends = True
        if self._thread.is_alive():
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 1).close()  # so that it looks up at once
            self._thread.join()
        self._http.server_close()

    def _serve(self) -> None:
        while not self._ends:
            self._http.handle_request()
