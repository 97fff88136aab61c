"""What all of GitHub's answers have in common: who asks, what is found or refused, pages, entity tags, limits."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import time
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any, TypeVar, cast
from urllib.parse import urlencode

from flask import Response, g, jsonify, request

from release.sandbox.github.records import WORKFLOWS, Json, Pull, Release, Run, Token, now
from release.sandbox.github.state import Hub

T = TypeVar("T")
LIMIT = 5_000  # requests an hour
VERSIONS = ("2022-11-28", "2026-03-10")  # of the API, oldest first
GONE = ("merge_commit_sha", "assignee", "rate")  # fields that the newer one no longer has
HUB = "release.sandbox.hub"  # the request's state, in its environment
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


def check_agent() -> None:
    """Ask for a User-Agent; raise 403 without one."""
    if not request.headers.get("User-Agent"):
        where = "https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required"
        asked = f"Please make sure your request has a User-Agent header ({where})."
        causes = "Check https://developer.github.com for other possible causes."
        raise Refused(403, f"Request forbidden by administrative rules. {asked} {causes}")


def check_version() -> None:
    """Accept the API versions that GitHub supports; raise 400 for others."""
    version, known = request.headers.get("X-GitHub-Api-Version", VERSIONS[0]), hub().settings.versions
    if version not in known:
        raise Refused(400, f"The API version '{version}' is not supported. Supported versions: {', '.join(known)}.")


def _without_gone(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_gone(each) for key, each in value.items() if key not in GONE}
    return [_without_gone(each) for each in value] if isinstance(value, list) else value


def authenticate() -> None:
    """Find whose token came along; raise 401 without one or with a wrong one."""
    token = given_token()
    if not token:
        raise Refused(401, "Requires authentication")
    known = living(token)
    if known is None:
        raise Refused(401, "Bad credentials")
    g.token = known


def living(token: str) -> Token | None:
    """Find a token that is known, and has not run out."""
    known = hub().tokens.get(token)
    is_over = known is not None and known.expires_at is not None and known.expires_at <= now()
    return None if is_over else known


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


def page(items: Sequence[T], most: int = 100, default: int = 30) -> list[T]:
    """Cut one page out, as `page` and `per_page` ask, and have `Link` point to the others."""
    size = min(max(_number("per_page", default), 1), most)
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
    if request.headers.get("X-GitHub-Api-Version") == VERSIONS[-1] and answer.is_json and "graphql" not in request.path:
        answer.set_data(json.dumps(_without_gone(answer.get_json())))
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
    answer.headers.extend(limits(answer.status_code != 304))
    if "token" in g and token().permissions is None:
        answer.headers["X-OAuth-Scopes"] = token().scopes
    elif g.get("accepted"):
        answer.headers["X-Accepted-GitHub-Permissions"] = g.accepted
    return answer


def take_search() -> None:
    """Count a search; raise 403 for more in a minute than GitHub allows."""
    state, moment = hub(), time.monotonic()
    with state.lock:
        state.searches = [each for each in state.searches if each > moment - 60] + [moment]
        g.searches = len(state.searches)
        if len(state.searches) > state.settings.search_limit:
            raise Refused(403, f"API rate limit exceeded for {token().login}.")


def limits(counted: bool = False) -> dict[str, str]:
    """Write the rate limit as headers; a 304 is not counted."""
    state = hub()
    with state.lock:
        state.used += counted
    if "searches" in g:
        most = state.settings.search_limit
        return _limit_headers("search", most, g.searches, int(time.time() + 60 - time.monotonic() + state.searches[0]))
    return _limit_headers("core", LIMIT, state.used, int(time.time()) // 3_600 * 3_600 + 3_600)


def _limit_headers(resource: str, most: int, used: int, reset: int) -> dict[str, str]:
    return {
        "x-ratelimit-limit": str(most),
        "x-ratelimit-remaining": str(max(most - used, 0)),
        "x-ratelimit-used": str(min(used, most)),
        "x-ratelimit-reset": str(reset),
        "x-ratelimit-resource": resource,
    }


def blob_redirect(content: bytes, content_type: str) -> Response:
    """Send the client to another host, to an address that works for a minute and needs no token."""
    state = hub()
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


def hub() -> Hub:
    """Find the state that belongs to the request being answered."""
    return cast(Hub, request.environ[HUB])


def find_commit(name: str) -> str:
    """Find the commit that a path of the API names; raise 422 as GitHub does when there is none."""
    sha = hub().bare.sha(name)
    if sha is None:
        raise Refused(422, f"No commit found for SHA: {name}")
    return sha


def find_workflow(workflow: str) -> int:
    """Find a workflow by its number or file name; raise 404 for one that was never seen."""
    state = hub()
    if workflow.isdigit() and int(workflow) in state.workflow_ids.values():
        return int(workflow)
    path = f"{WORKFLOWS}/{workflow}"
    known = state.bare.file(f"refs/heads/{state.settings.default_branch}", path) is not None
    if not known and path not in state.workflow_ids:
        raise not_found()
    return state.workflow_id(path)


def find_run(number: int) -> Run:
    """Find a run; raise 404 when there is none."""
    run = hub().runs.get(number)
    if run is None:
        raise not_found()
    return run


def find_pull(number: int) -> Pull:
    """Find a pull request; raise 404 when there is none."""
    pull = hub().pulls.get(number)
    if pull is None:
        raise not_found()
    return pull


def find_release(number: int) -> Release:
    """Find a release; raise 404 when there is none, or a draft that the token may not see."""
    found = hub().releases.get(number)
    if found is None or (found.draft and not token().push):
        raise not_found()
    return found


def date_matches(expression: str, moment: datetime) -> bool:
    """Apply GitHub's date syntax: `>=DATE`, `<DATE`, `A..B`, `*..B`, `DATE`."""
    second = moment.replace(microsecond=0)
    if ".." in expression:
        first, last = expression.split("..", 1)
        return (first == "*" or second >= _moment(first)) and (last == "*" or second <= _moment(last, end=True))
    sign = expression[: len(expression) - len(expression.lstrip("<>="))]
    at = _moment(expression[len(sign) :], end=sign in ("<=", ">"))
    outcomes = {">=": second >= at, "<=": second <= at, ">": second > at, "<": second < at}
    return outcomes[sign] if sign else at <= second <= _moment(expression, end=True)


def _moment(text: str, end: bool = False) -> datetime:
    if len(text) == len("2026-01-01"):
        text += "T23:59:59" if end else "T00:00:00"
    try:
        # A plus sign in a query that was not quoted arrives as a space.
        moment = datetime.fromisoformat(text.replace("Z", "+00:00").replace(" ", "+"))
    except ValueError as error:
        raise Refused(422, "Invalid date") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def find_part(number: int) -> tuple[Run, int, str, int]:
    """Find a job by its number, or an artifact, whose attempt is 0: its run, attempt, name and place; raise 404."""
    for (run_id, attempt, name, nth), known in hub().part_ids.items():
        if known == number:
            return find_run(run_id), attempt, name, nth
    raise not_found()
