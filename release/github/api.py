"""One repository's REST API."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import count
from typing import Any

from release.call.context import Context
from release.call.urls import url_parts
from release.errors import Conflict, Failed, Unknown, Usage, Waiting
from release.git.remotes import api_url, remote_repository, sign_in, token
from release.git.repository import repository
from release.github.http import Answer, BearerAuth, Http, address, check_no_page, check_url, http, items

API_VERSIONS = ("2022-11-28", "2026-03-10")  # of the REST API, in the order they are tried
HEADERS = {
    "Accept": "application/vnd.github+json", "User-Agent": "release-tasks",
    "Content-Type": "application/json",
}  # fmt: skip
PAGE = 100  # items of one page, the most that GitHub gives
READING = ("/graphql", "/generate-notes")  # POSTs that write nothing


class Forbidden(Failed):
    """The token may not read this."""


class GitHub:
    """One repository's REST API; paths are below `/repos/{owner}/{repo}`."""

    def __init__(
        self, http: Http, api_url: str, repository: str, token: str, renew: Callable[[], str] | None = None
    ) -> None:
        """Raise Usage when the URL would carry the token in the open; `renew` asks for the token anew."""
        check_url(api_url, credentialed=bool(token))
        self._http = http
        self.api_url = api_url.rstrip("/")
        self.repository = repository
        self.token, self._renew, self._known = token, renew, False
        self._version = API_VERSIONS[0]
        self._etags: dict[str, tuple[str, Any]] = {}

    @property
    def web_url(self) -> str:
        """Return the repository's address for people."""
        return f"{self.api_url.removesuffix('/api/v3').replace('://api.', '://', 1)}/{self.repository}"

    def url(self, path: str) -> str:
        """Return the full URL: `path` below the API (`/user`), below the repository (`pulls`), or as it is.

        Raises Failed for a URL that is not GitHub's own, whoever named it: the token would go there (F32).
        """
        if path.startswith(("http://", "https://")):
            where, (scheme, api) = url_parts(path)[:2], url_parts(self.api_url)[:2]
            if where not in ((scheme, api), (scheme, f"uploads.{api.removeprefix('api.')}")):
                raise Failed(f"GitHub's answer leads to another host, {where[1]}", "Check GITHUB_API_URL.")
            return path
        return self.api_url + (path if path.startswith("/") else f"/repos/{self.repository}/{path}".rstrip("/"))

    def answer(self, method: str, path: str, body: object = None, /, **params: Any) -> Answer:
        """Return the answer of any status below 500 but 401, where the token is refused."""
        encoded = None if body is None else json.dumps(body).encode()
        return self._request(method, path, params=params, body=encoded)

    def get(self, path: str, /, **params: Any) -> Any:
        """Return the JSON at `path`; raise Failed when it is not there."""
        return self._good(self.answer("GET", path, **params), "GET", path).json()

    def login(self) -> str:
        """Return whose token it is, or nothing for an app's token, which GitHub does not tell."""
        answer = self.answer("GET", "/user")
        return str(answer.json()["login"]) if answer.status == 200 else ""

    def viewer(self) -> str:
        """Return whose token it is, an app's bot too: GraphQL tells what `/user` does not."""
        return str((self._graphql("query { viewer { login } }").get("viewer") or {}).get("login") or "")

    def find(self, path: str, missing: tuple[int, ...] = (404,), /, **params: Any) -> Any | None:
        """Return the JSON at `path`, or None on 404 alone, or on what else says there that it is missing."""
        answer = self.answer("GET", path, **params)
        return None if answer.status in missing else self._good(answer, "GET", path).json()

    def fresh(self, path: str, **params: Any) -> Any:
        """Return the JSON at `path`, which costs no rate limit where it is what it was when last asked."""
        key = json.dumps([path, params], sort_keys=True)
        etag, known = self._etags.get(key, ("", None))
        answer = self._request("GET", path, {"If-None-Match": etag} if etag else {}, params=params)
        if answer.status == 304:
            return known
        body = self._good(answer, "GET", path).json()
        self._etags[key] = (answer.headers.get("etag", ""), body)
        return body

    def fresh_pages(self, path: str, key: str, **params: Any) -> Iterator[Any]:
        """Yield every item of every page, as `pages` does (F26), for what is asked for again and again."""
        seen = 0
        for page in count(1):
            body = self.fresh(path, **params, per_page=PAGE, page=page)
            found = items(body, key, self.url(path))
            yield from found
            seen += len(found)
            if not found or seen >= body["total_count"]:
                return

    def pages(self, path: str, key: str = "", **params: Any) -> Iterator[Any]:
        """Yield every item of every page (F26); `key` names the list in an answer that wraps it."""
        url: str | None = path
        query: dict[str, Any] = {"per_page": PAGE, **params}
        while url:
            answer = self._good(self.answer("GET", url, **query), "GET", path)
            yield from items(answer.json(), key, answer.url)
            url, query = answer.next_url, {}

    def send(self, method: str, path: str, body: object = None) -> Any:
        """Write, and return the JSON answered or None; raise Conflict on 409, Unknown when the outcome is open (F1)."""
        answer = self._good(self.answer(method, path, body), method, path)
        return answer.json(kind=Failed if path.endswith(READING) else Unknown) if answer.content else None

    def content(self, path: str, accept: str = "") -> bytes:
        """Return the bytes at `path`, through any redirect; the token stays with the first host (S2)."""
        return self._good(self._request("GET", path, {"Accept": accept} if accept else {}), "GET", path).content

    def upload(self, url: str, name: str, content: bytes, content_type: str) -> None:
        """Write a file to the address GitHub gave for uploads."""
        answer = self._request("POST", url, {"Content-Type": content_type}, params={"name": name}, body=content)
        self._good(answer, "POST", f"assets?name={name}")

    def _request(self, method: str, path: str, headers: Mapping[str, str] = HEADERS, **rest: Any) -> Answer:
        """Send it; where the token is refused, which did nothing, once more with the one that its source has by now.

        Raises Waiting for one that was good before: an app's lives an hour, waits last longer. Usage for any other.
        """
        reads = method == "GET" or path.endswith(READING)
        told = {"headers": {**HEADERS, **headers}, "reads": reads, **rest}
        for _ in range(2):
            answer = self._versioned(method, path, told)
            check_no_page(answer, "Check the network and GITHUB_API_URL.", lost=not reads)
            if answer.status != 401:
                self._known = True
                return answer
            refused, self.token = self.token, (self._renew and self._renew()) or self.token
            if self.token == refused:
                break
        if self._known:
            then = "An app's lives an hour. Set GITHUB_TOKEN to a new one, then run the same again: it goes on."
            raise Waiting(f"the GitHub token has run out: {answer.problem}", then)
        raise Usage(f"GitHub refuses the token: {answer.problem}", sign_in(self.api_url))

    def _versioned(self, method: str, path: str, told: Mapping[str, Any]) -> Answer:
        """Send it in the version that the server last took, then in the others: one that it refuses did nothing."""
        for version in sorted(API_VERSIONS, key=lambda each: each != self._version):
            auth = BearerAuth(self.token) if self.token else None
            headers = {**told["headers"], "X-GitHub-Api-Version": version}
            answer = self._http.request(method, self.url(path), auth=auth, **{**told, "headers": headers})
            if answer.status != 400 or version not in answer.problem:
                self._version = version
                break
        return answer

    def merge_commit(self, number: int) -> str:
        """Return the commit that a pull request was merged as, which REST no longer tells since 2026-03-10."""
        owner, name = self.repository.split("/")
        asked = "query($owner: String!, $name: String!, $number: Int!) { repository(owner: $owner, name: $name) "
        asked += "{ pullRequest(number: $number) { mergeCommit { oid } } } }"
        found: Any = self._graphql(asked, owner=owner, name=name, number=number)
        for key in ("repository", "pullRequest", "mergeCommit", "oid"):
            found = (found or {}).get(key)
        return str(found or "")

    def _graphql(self, query: str, **variables: Any) -> Mapping[str, Any]:
        url = f"{self.api_url.removesuffix('/v3')}/graphql"
        body = self.send("POST", url, {"query": query, "variables": variables}) or {}
        return body.get("data") or {}

    def _good(self, answer: Answer, method: str, path: str) -> Answer:
        if answer.status < 300:
            return answer
        words = f"GitHub: {method} {path}: {answer.status} {answer.problem}"
        if answer.status == 409:
            raise Conflict(words)
        may = f"May this token do that? inv release.doctor tells.{needed_permission(answer)}"
        forbidden = answer.status == 403 and method == "GET"
        raise (Forbidden if forbidden else Failed)(words, may if answer.status in (403, 404) else "")


def needed_permission(answer: Answer) -> str:
    """Return what a refusal says that the token lacks, as a workflow's `permissions` spell it; or nothing."""
    told = answer.headers.get("x-accepted-github-permissions", "").replace("=", ": ").replace("_", "-")
    return f" In Actions the job needs `permissions: {told}`." if told else ""


def github(context: Context) -> GitHub:
    """Return GitHub at the repository that GITHUB_REPOSITORY or the remote names; raise Usage without a token."""

    def _connect() -> GitHub:
        host, name = "", os.environ.get("GITHUB_REPOSITORY", "")
        if not (name and "GITHUB_API_URL" in os.environ):
            host, found = remote_repository(repository(context).remote_url)
            name = name or found
        api = api_url(host)
        if not token(context, api):
            raise Usage(f"no GitHub token for {address(api)}", sign_in(api))
        context.plan.about("repository", name)
        return GitHub(http(context), api, name, token(context, api), partial(_renew, api))

    def _renew(api: str) -> str:
        for door in ((token, api), repository):  # Git gets it too
            context.doors.pop(door, None)
        return token(context, api)

    return context.once(github, _connect)
