"""What all of GitHub's answers have in common: errors, pages, entity tags, limits."""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import Response, g, jsonify, request

from .hub import Hub, hub
from .records import Json, Token

T = TypeVar("T")
LIMIT = 5_000  # requests an hour
VERSIONS = ("2022-11-28", "2026-03-10")
BLOB_SECONDS = 60.0  # how long the address of a log or an archive works


class Refused(Exception):
    """An error answer, in GitHub's own shape."""

    def __init__(self, status: int, message: str, errors: Sequence[Json | str] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = list(errors)


def not_found() -> Refused:
    """Make the answer for what is not there, or not to be seen."""
    return Refused(404, "Not Found")


def invalid(resource: str, code: str, field: str, message: str = "") -> Refused:
    """Make GitHub's "Validation Failed" with one reason."""
    reason: Json = {"resource": resource, "code": code}
    if field:
        reason["field"] = field
    if message:
        reason["message"] = message
    return Refused(422, "Validation Failed", [reason])


def refusal(error: Refused) -> Response:
    """Write an error as JSON."""
    body: Json = {"message": error.message}
    if error.errors:
        body["errors"] = error.errors
    answer = jsonify({**body, "documentation_url": "https://docs.github.com/rest", "status": str(error.status)})
    answer.status_code = error.status
    return answer


def check_version() -> None:
    """Accept the API versions that GitHub supports; raise 400 for others."""
    version = request.headers.get("X-GitHub-Api-Version", VERSIONS[0])
    if version not in VERSIONS:
        raise Refused(400, f"The API version '{version}' is not supported. Supported versions: {', '.join(VERSIONS)}.")


def authenticate() -> None:
    """Find whose token came along; raise 401 without one or with a wrong one."""
    token = given_token()
    if not token:
        raise Refused(401, "Requires authentication")
    known = hub().tokens.get(token)
    if known is None:
        raise Refused(401, "Bad credentials")
    g.token = known
    if request.method not in ("GET", "HEAD") and not known.push:
        raise Refused(403, "Resource not accessible by personal access token")


def given_token() -> str:
    """Read the token from the Authorization header: bearer, `token`, or a basic password."""
    header = request.authorization
    if header is None:
        return ""
    if header.type == "basic":
        return str(header.password or "")
    return header.token or ""


def token() -> Token:
    """Find the token of the request being answered."""
    found: Token = g.token
    return found


def page(items: Sequence[T], most: int = 100) -> list[T]:
    """Cut one page out, as `page` and `per_page` ask, and have `Link` point to the others."""
    size = min(max(_number("per_page", 30), 1), most)
    number = max(_number("page", 1), 1)
    last = max((len(items) + size - 1) // size, 1)
    others = {"prev": number - 1, "next": number + 1, "last": last, "first": 1}
    known = [(rel, at) for rel, at in others.items() if (at > number) == (rel in ("next", "last")) and 1 <= at <= last]
    known = [(rel, at) for rel, at in known if at != number]
    g.link = ", ".join(f'<{_page_url(at)}>; rel="{rel}"' for rel, at in known)
    return list(items[(number - 1) * size : number * size])


def _number(name: str, default: int) -> int:
    text = request.args.get(name, "")
    return int(text) if re.fullmatch(r"[0-9]{1,6}", text) else default


def _page_url(number: int) -> str:
    query = {**request.args.to_dict(), "page": str(number)}
    return f"{request.base_url}?{urlencode(query)}"


def finish(answer: Response) -> Response:
    """Add the headers of every answer, and answer 304 to a tag that still holds."""
    if g.get("link"):
        answer.headers["Link"] = g.link
    if request.method == "GET" and answer.status_code == 200 and not answer.is_streamed:
        etag = f'W/"{hashlib.sha256(answer.get_data()).hexdigest()}"'
        answer.headers["ETag"] = etag
        answer.headers["Cache-Control"] = "private, max-age=60, s-maxage=60"
        if request.headers.get("If-None-Match") == etag:
            answer.status_code = 304
            answer.set_data(b"")
    answer.headers["X-GitHub-Request-Id"] = secrets.token_hex(8).upper()
    answer.headers["X-GitHub-Api-Version-Selected"] = request.headers.get("X-GitHub-Api-Version", VERSIONS[0])
    answer.headers["X-GitHub-Media-Type"] = "github.v3; format=json"
    answer.headers.extend(limits(hub(), answer.status_code != 304))
    if "token" in g:
        answer.headers["X-OAuth-Scopes"] = token().scopes
    return answer


def limits(state: Hub, counted: bool = False) -> dict[str, str]:
    """Write the rate limit as headers; a 304 is not counted."""
    with state.lock:
        state.used += counted
    return {
        "x-ratelimit-limit": str(LIMIT),
        "x-ratelimit-remaining": str(max(LIMIT - state.used, 0)),
        "x-ratelimit-used": str(state.used),
        "x-ratelimit-reset": str(int(time.time()) // 3_600 * 3_600 + 3_600),
        "x-ratelimit-resource": "core",
    }


def blob_redirect(state: Hub, content: bytes, content_type: str) -> Response:
    """Send the client to another host, to an address that works for a minute and needs no token."""
    key = secrets.token_urlsafe(24)
    with state.lock:
        state.blobs[key] = (time.time() + BLOB_SECONDS, content, content_type)
    place = state.url.replace("127.0.0.1", "localhost")
    return Response(status=302, headers={"Location": f"{place}/_blobs/{key}"})


def body() -> Json:
    """Read the request's JSON object; raise 400 when it is none."""
    found: Any = request.get_json(force=True, silent=True)
    if not isinstance(found, dict):
        raise Refused(400, "Problems parsing JSON")
    return found
