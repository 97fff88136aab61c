"""The bare repository over HTTP: Git's own services (gitprotocol-http), behind a token and the rules."""

from __future__ import annotations

import gzip
import io
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, cast

from werkzeug import Response
from werkzeug.wsgi import ClosingIterator, get_input_stream

from release.sandbox.git import Bare, git_environment
from release.sandbox.github.pushes import UPDATE_HOOK, Judge, push_answer

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

CHUNK = 65_536
_CONFIG = """[receive]
\tdenyDeletes = false
\tadvertiseAtomic = true
\tautogc = false
[uploadpack]
\tallowAnySHA1InWant = true
\tallowFilter = true
[gc]
\tauto = 0
[user]
\tname = GitHub
\temail = noreply@github.com
[core]
\tlogAllRefUpdates = false
\tfsync = none
"""


def configure_bare(bare: Bare) -> None:
    """Allow what GitHub allows in a push, and install the hook."""
    with (bare.path / "config").open("a", encoding="utf-8") as file:
        file.write(_CONFIG)
    hooks = bare.path / "hooks"
    shutil.rmtree(hooks, ignore_errors=True)
    hooks.mkdir()
    (hooks / "update").write_text(UPDATE_HOOK, encoding="utf-8")
    (hooks / "update").chmod(0o755)


def git_answer(bare: Bare, path: str, environ: WSGIEnvironment, judge: Judge, done: Callable[[], object]) -> Response:
    """Answer one request of Git's smart protocol.

    `judge` is asked about each ref of a push, and `done` called before the last byte of its answer.
    """
    service = "git-receive-pack" if "receive-pack" in path + environ.get("QUERY_STRING", "") else "git-upload-pack"
    if path == "/info/refs":
        kind, content = "advertisement", _advertisement(bare, service, environ)
        return Response(content, content_type=f"application/x-{service}-{kind}", headers=_FRESH)
    if service == "git-receive-pack":
        with _body(environ) as body:
            command = [*_command(service), "."]
            content = push_answer(command, bare.path, _environment(environ), body, judge)
        done()
        return Response(content, content_type=f"application/x-{service}-result", headers=_FRESH)
    backend = _start(bare, service, environ)
    chunks = ClosingIterator(_chunks(backend), lambda: _end(backend))
    return Response(chunks, content_type=f"application/x-{service}-result", headers=_FRESH)


_FRESH = {"Cache-Control": "no-cache, max-age=0, must-revalidate"}
_CAPABILITIES: dict[bytes, bytes] = {}  # by the repository's settings; refs are no part of it in protocol 2


def _advertisement(bare: Bare, service: str, environ: WSGIEnvironment) -> bytes:
    """Answer what begins every fetch and push: the refs, or in protocol 2 what can be asked for."""
    if environ.get("HTTP_GIT_PROTOCOL") != "version=2" or service == "git-receive-pack":
        return _first_line(service) + _advertise(bare, service, environ)
    settings = (bare.path / "config").read_bytes()
    if settings not in _CAPABILITIES:
        _CAPABILITIES[settings] = _advertise(bare, service, environ)
    return _CAPABILITIES[settings]


def _first_line(service: str) -> bytes:
    text = f"# service={service}\n"
    return f"{len(text) + 4:04x}{text}0000".encode()


def _advertise(bare: Bare, service: str, environ: WSGIEnvironment) -> bytes:
    command, variables = [*_command(service), "--advertise-refs", "."], _environment(environ)
    nothing = subprocess.DEVNULL
    return subprocess.run(command, cwd=bare.path, env=variables, stdin=nothing, capture_output=True, check=True).stdout


@contextmanager
def _body(environ: WSGIEnvironment) -> Iterator[IO[bytes]]:
    """Read what was sent, however long, into a file."""
    sent = get_input_stream(environ)
    packed = environ.get("HTTP_CONTENT_ENCODING") in ("gzip", "x-gzip")
    with tempfile.TemporaryFile() as body:
        shutil.copyfileobj(gzip.GzipFile(fileobj=sent) if packed else sent, body)
        body.seek(0)
        yield body


def _start(bare: Bare, service: str, environ: WSGIEnvironment) -> subprocess.Popen[bytes]:
    with _body(environ) as body:
        return subprocess.Popen(
            [*_command(service), "."],
            cwd=bare.path,
            env=_environment(environ),
            stdin=body,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )


def _command(service: str) -> list[str]:
    # The repository may belong to another user than the one who serves it.
    return ["git", "-c", "safe.directory=*", service.removeprefix("git-"), "--stateless-rpc"]


def _environment(environ: WSGIEnvironment) -> dict[str, str]:
    return git_environment(GIT_PROTOCOL=environ.get("HTTP_GIT_PROTOCOL", ""))


def _out(backend: subprocess.Popen[bytes]) -> io.BufferedReader:
    return cast(io.BufferedReader, backend.stdout)


def _chunks(backend: subprocess.Popen[bytes]) -> Iterator[bytes]:
    while chunk := _out(backend).read1(CHUNK):
        yield chunk
    backend.wait()


def _end(backend: subprocess.Popen[bytes]) -> None:
    """Leave no backend behind when the client went away."""
    if backend.poll() is None:
        backend.kill()
    backend.wait()
    _out(backend).close()
