"""The bare repository over HTTP: Git's own `http-backend`, behind a token and the `update` hook of the rules."""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from typing import IO, TYPE_CHECKING, cast

from werkzeug import Response
from werkzeug.wsgi import ClosingIterator, get_input_stream

from release.sandbox.git import Bare, git_environment
from release.sandbox.github.rules import UPDATE_HOOK

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

CHUNK = 65_536


def configure_bare(bare: Bare) -> None:
    """Allow what GitHub allows in a push, and install the hook."""
    config = bare.path / "config"
    with config.open("a", encoding="utf-8") as file:
        file.write("[http]\n\treceivepack = true\n[receive]\n\tdenyDeletes = false\n\tadvertiseAtomic = true\n")
        file.write("[uploadpack]\n\tallowAnySHA1InWant = true\n\tallowFilter = true\n[gc]\n\tauto = 0\n")
        file.write("[user]\n\tname = GitHub\n\temail = noreply@github.com\n[core]\n\tlogAllRefUpdates = false\n")
    hooks = bare.path / "hooks"
    shutil.rmtree(hooks, ignore_errors=True)
    hooks.mkdir()
    (hooks / "update").write_text(UPDATE_HOOK, encoding="utf-8")
    (hooks / "update").chmod(0o755)


def git_answer(bare: Bare, path: str, environ: WSGIEnvironment, user: str, done: Callable[[], object]) -> Response:
    """Answer one request of Git's smart protocol; `done` is called before the last byte of a push's answer."""
    if path == "/info/refs" and environ.get("HTTP_GIT_PROTOCOL") == "version=2" and "upload" in environ["QUERY_STRING"]:
        return _capabilities(bare, environ)
    with tempfile.TemporaryFile() as body:
        shutil.copyfileobj(get_input_stream(environ), body)
        body.seek(0)
        backend = subprocess.Popen(
            ["git", "http-backend"],
            env=_cgi(bare, path, environ, user),
            stdin=body,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    status, headers = _head(_out(backend))
    after = done if path == "/git-receive-pack" else None
    chunks = ClosingIterator(_chunks(backend, after), lambda: _end(backend, after))
    return Response(chunks, status=status, headers=headers)


_CAPABILITIES: dict[bytes, bytes] = {}  # by the repository's settings; refs are no part of it in protocol 2


def _capabilities(bare: Bare, environ: WSGIEnvironment) -> Response:
    """Answer what begins every fetch and every look at the refs."""
    settings = (bare.path / "config").read_bytes()
    if settings not in _CAPABILITIES:
        told = _cgi(bare, "/info/refs", environ, "")
        done = subprocess.run(
            ["git", "http-backend"], env=told, stdin=subprocess.DEVNULL, capture_output=True, check=True
        )
        _CAPABILITIES[settings] = done.stdout
    out = io.BytesIO(_CAPABILITIES[settings])
    status, headers = _head(out)
    return Response(out.read(), status=status, headers=headers)


def _out(backend: subprocess.Popen[bytes]) -> io.BufferedReader:
    return cast(io.BufferedReader, backend.stdout)


def _cgi(bare: Bare, path: str, environ: WSGIEnvironment, user: str) -> dict[str, str]:
    variables = {
        "GIT_PROJECT_ROOT": str(bare.path),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": path,
        "QUERY_STRING": environ.get("QUERY_STRING", ""),
        "REQUEST_METHOD": environ["REQUEST_METHOD"],
        "CONTENT_TYPE": environ.get("CONTENT_TYPE", ""),
        "REMOTE_USER": user,
        "REMOTE_ADDR": "127.0.0.1",
        "GIT_PROTOCOL": environ.get("HTTP_GIT_PROTOCOL", ""),
        "HTTP_CONTENT_ENCODING": environ.get("HTTP_CONTENT_ENCODING", ""),
        # The repository may belong to another user than the one who serves it.
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
        **({"CONTENT_LENGTH": environ["CONTENT_LENGTH"]} if environ.get("CONTENT_LENGTH") else {}),
    }
    return git_environment(**variables)


def _head(out: IO[bytes]) -> tuple[str, list[tuple[str, str]]]:
    """Read the CGI headers."""
    status = "200 OK"
    headers: list[tuple[str, str]] = []
    for line in iter(out.readline, b""):
        text = line.decode("latin-1").rstrip("\r\n")
        if not text:
            break
        name, _, value = text.partition(":")
        if name.lower() == "status":
            status = value.strip()
        else:
            headers.append((name, value.strip()))
    return status, headers


def _chunks(backend: subprocess.Popen[bytes], done: Callable[[], object] | None) -> Iterator[bytes]:
    held = b""
    while chunk := _out(backend).read1(CHUNK):
        if held:
            yield held
        held = chunk
    backend.wait()
    if done:
        done()
    yield held


def _end(backend: subprocess.Popen[bytes], done: Callable[[], object] | None) -> None:
    """Leave no backend behind; a push goes through also when the client went away."""
    if backend.poll() is None:
        if done:
            _out(backend).read()
        else:
            backend.kill()
    backend.wait()
    _out(backend).close()
    if done:
        done()
