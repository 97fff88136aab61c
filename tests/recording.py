"""A record of every exchange with an API, kept in front of the application that answers."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response
from werkzeug.wsgi import get_input_stream

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ROOTS = ("/api/v3", "/api/uploads")


@dataclass(frozen=True)
class Exchange:
    """One request and its answer; `path` is below the API's root, `query` without its question mark."""

    method: str
    path: str
    query: str = ""
    request_headers: Mapping[str, str] = field(default_factory=dict)
    request_body: bytes = b""
    status: int = 200
    response_headers: Mapping[str, str] = field(default_factory=dict)
    response_body: bytes = b""

    def __str__(self) -> str:
        query = f"?{self.query}" if self.query else ""
        return f"{self.method.upper()} {self.path}{query} -> {self.status}"

    @property
    def request_type(self) -> str:
        """Return the request's content type."""
        return Headers(self.request_headers).get("Content-Type", "")

    @property
    def response_type(self) -> str:
        """Return the answer's content type."""
        return Headers(self.response_headers).get("Content-Type", "")


class Recording:
    """A WSGI application that passes on to another and keeps the exchanges below `roots`."""

    def __init__(self, application: WSGIApplication, roots: tuple[str, ...] = ROOTS) -> None:
        self.application = application
        self.roots = roots
        self.exchanges: list[Exchange] = []

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Pass on, and keep the exchange if it is the API's."""
        path = environ["PATH_INFO"]
        root = next((root for root in self.roots if path.startswith(f"{root}/")), None)
        if root is None:
            return self.application(environ, start_response)
        asked = get_input_stream(environ).read()
        environ.update({"wsgi.input": io.BytesIO(asked), "CONTENT_LENGTH": str(len(asked))})
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        answer = Response.from_app(self.application, environ, buffered=True)
        self.exchanges.append(
            Exchange(
                method=environ["REQUEST_METHOD"],
                path=path.removeprefix(root),
                query=environ.get("QUERY_STRING", ""),
                request_headers=request_headers(environ),
                request_body=asked,
                status=answer.status_code,
                response_headers=dict(answer.headers),
                response_body=answer.get_data(),
            )
        )
        return answer(environ, start_response)


def request_headers(environ: WSGIEnvironment) -> dict[str, str]:
    """Return the request's headers, without credentials."""
    named = {key[5:].replace("_", "-"): text for key, text in environ.items() if key.startswith("HTTP_")}
    named.pop("AUTHORIZATION", None)
    return named | ({"CONTENT-TYPE": environ["CONTENT_TYPE"]} if environ.get("CONTENT_TYPE") else {})
