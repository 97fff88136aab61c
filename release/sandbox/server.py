"""A WSGI application served on a free loopback port by a thread."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

POLL = 0.05  # seconds until a server notices that it shall end


class Quiet(WSGIRequestHandler):
    """Speaks HTTP/1.1, for chunked bodies, and logs nothing."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log no request: the front does."""

    def connection_dropped(self, error: BaseException, environ: object = None) -> None:
        """Stay silent: faults cut connections on purpose."""


class Server:
    """One application on one port, from `start` to `stop`."""

    def __init__(self, application: WSGIApplication) -> None:
        self._http: BaseWSGIServer = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Quiet)
        self.port = self._http.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(POLL,), daemon=True)

    def start(self) -> None:
        """Serve from now on."""
        self._thread.start()

    def stop(self) -> None:
        """End serving and free the port."""
        if self._thread.is_alive():
            self._http.shutdown()
            self._thread.join()
        self._http.server_close()
