"""A log of what was asked, and misbehaviour on purpose, in front of any WSGI application."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from socket import SHUT_RDWR
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response
from werkzeug.wsgi import ClosingIterator, get_input_stream

from .faults import Fault, Faults

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

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
        self.requests.append(_recorded(environ))
        target = f"{environ['PATH_INFO']}?{environ.get('QUERY_STRING', '')}"
        fault = self.faults.next(method, target)
        if fault is None:
            return self.application(environ, start_response)
        time.sleep(fault.delay)
        if fault.call:
            fault.call()
        if not fault.answers:
            return _changed(fault, self.application, environ)(environ, start_response)
        if fault.after:
            _swallow(self.application, environ)
        return _faulty(fault, environ, start_response)

    def clear(self) -> None:
        """Forget requests and faults."""
        self.requests.clear()
        self.faults.clear()


def _changed(fault: Fault, application: WSGIApplication, environ: WSGIEnvironment) -> WSGIApplication:
    if not fault.change and not fault.headers:
        return application
    answer = Response.from_app(application, environ, buffered=True)
    if fault.change:
        answer.set_data(json.dumps(fault.change(json.loads(answer.get_data()))))
        answer.headers.pop("ETag", None)
    answer.headers.update(fault.headers)
    return answer


def _faulty(fault: Fault, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    if fault.drop:
        environ["werkzeug.socket"].shutdown(SHUT_RDWR)
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


def _recorded(environ: WSGIEnvironment) -> Recorded:
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
