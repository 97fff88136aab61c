"""The one door to HTTP, and GitHub behind it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

from release.errors import Conflict, Failed, Unknown, Usage, Waiting
from release.web import Answer, Clock, check_url, limit_pause, place

API_VERSION = "2022-11-28"
TIMEOUT = (10, 60)  # seconds to connect, seconds between bytes
SIZE_LIMIT = 64 * 1024 * 1024  # bytes of one answer
READ_TRIES = 4
WRITE_PAUSE = 1.0  # seconds between writes, GitHub's own advice (F19)


class BearerAuth(requests.auth.AuthBase):
    """Put the token on a request; as an `auth=` object no .netrc can replace it (S1)."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Set the header on the request about to be sent."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def __repr__(self) -> str:
        return "BearerAuth(***)"


class Http:
    """Send requests: bounded in time and size, redirects and limits by rule (S2, F19)."""

    def __init__(self, clock: Clock, patience: float = 300) -> None:
        """`patience` is the number of seconds that it waits out a rate limit at most."""
        self._session = requests.Session()
        self._clock = clock
        self._patience = patience
        self._last_write = 0.0
        self.sent = 0

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        body: bytes | None = None,
        auth: Any = None,
    ) -> Answer:
        """Send it and return the answer, whatever its status.

        A read is tried again after a broken connection or a 5xx, and follows redirects, to another
        host without the credential. A write is sent once: what leaves its outcome open raises Unknown
        (F1). A rate limit is waited out, for either, since nothing was done then; a long one raises Waiting.
        """
        check_url(url, credentialed=auth is not None)
        send = self._read if method in ("GET", "HEAD") else self._write
        return send(method, url, dict(headers or {}), dict(params or {}), body, auth)

    def _read(self, method: str, url: str, *rest: Any) -> Answer:
        for pause in [2.0**n for n in range(READ_TRIES - 1)] + [None]:
            try:
                answer = self._unlimited(method, url, *rest)
            except requests.RequestException as error:
                if pause is None or isinstance(error, requests.exceptions.SSLError):
                    raise Failed(
                        f"{place(url)} does not answer: {_reason(error)}",
                        "Check the network, then run the same again.",
                    ) from None
            else:
                if answer.status in (301, 302, 303, 307, 308):
                    return self._redirected(method, answer, *rest)
                if answer.status < 500 or pause is None:
                    return answer
            self._clock.sleep(pause or 0)
        raise AssertionError("unreachable")

    def _redirected(
        self, method: str, answer: Answer, headers: dict[str, str], params: Any, body: Any, auth: Any
    ) -> Answer:
        hops = int(headers.pop("x-hops", "0")) + 1
        target = urljoin(answer.url, answer.headers.get("location", ""))
        if hops > 5 or urlsplit(target).scheme not in ("http", "https"):
            raise Failed(f"{place(answer.url)} redirects without end or to no web address")
        if urlsplit(answer.url).scheme == "https" and urlsplit(target).scheme != "https":
            raise Failed(f"{place(answer.url)} redirects from https to http", "Refused: the answer could be anybody's.")
        kept = auth if urlsplit(target)[:2] == urlsplit(answer.url)[:2] else None
        return self._read(method, target, {**headers, "x-hops": str(hops)}, {}, body, kept)

    def _write(self, method: str, url: str, *rest: Any) -> Answer:
        self._clock.sleep(max(0.0, self._last_write + WRITE_PAUSE - self._clock.now()))
        try:
            answer = self._unlimited(method, url, *rest)
        except requests.exceptions.SSLError as error:
            raise Failed(f"{place(url)} has no valid certificate: {_reason(error)}") from None
        except requests.RequestException as error:
            raise Unknown(f"{method} {place(url)} got no answer: {_reason(error)}") from None
        finally:
            self._last_write = self._clock.now()
        if answer.status >= 500:
            raise Unknown(f"{method} {place(url)} answered {answer.status}: it may or may not have been done")
        if 300 <= answer.status < 400:
            raise Failed(
                f"{place(url)} has moved",
                f"Set the remote and GITHUB_REPOSITORY to {place(answer.headers.get('location', ''))}",
            )
        return answer

    def _unlimited(self, *request: Any) -> Answer:
        deadline = self._clock.now() + self._patience
        doubling = 60.0
        while True:
            answer = self._send(*request)
            pause = limit_pause(answer, self._clock.now(), doubling)
            if pause is None:
                return answer
            if self._clock.now() + pause > deadline:
                raise Waiting(
                    f"{place(answer.url)} limits the rate for {pause:.0f} s", "Run the same again after that."
                )
            self._clock.sleep(pause)
            doubling *= 2

    def _send(
        self, method: str, url: str, headers: dict[str, str], params: Any, body: bytes | None, auth: Any
    ) -> Answer:
        headers = {name: text for name, text in headers.items() if name != "x-hops"}
        self.sent += 1
        with self._session.request(
            method,
            url,
            headers=headers,
            params=params,
            data=body,
            auth=auth or _anonymous,
            timeout=TIMEOUT,
            allow_redirects=False,
            stream=True,
        ) as response:
            content = bytearray()
            for chunk in response.iter_content(65536):
                content += chunk
                if len(content) > SIZE_LIMIT:
                    raise Failed(f"{place(url)} answered more than {SIZE_LIMIT >> 20} MiB")
            return Answer(response.status_code, response.headers, bytes(content), response.url)


class GitHub:
    """One repository's REST API; paths are below `/repos/{owner}/{repo}`."""

    def __init__(self, http: Http, api_url: str, repository: str, token: str) -> None:
        """Raise Usage when the URL would carry the token in the open."""
        check_url(api_url, credentialed=bool(token))
        self._http = http
        self.api_url = api_url.rstrip("/")
        self.repository = repository
        self._auth = BearerAuth(token) if token else None
        self._etags: dict[str, tuple[str, Any]] = {}

    @property
    def owner(self) -> str:
        """Return the repository's owner."""
        return self.repository.split("/")[0]

    @property
    def web_url(self) -> str:
        """Return the repository's address for people."""
        return f"{self.api_url.removesuffix('/api/v3').replace('://api.', '://', 1)}/{self.repository}"

    def url(self, path: str) -> str:
        """Return the full URL: `path` as it is, below the API (`/user`), or below the repository (`pulls`)."""
        if path.startswith(("http://", "https://")):
            return path
        return (
            f"{self.api_url}{path}"
            if path.startswith("/")
            else f"{self.api_url}/repos/{self.repository}/{path}".rstrip("/")
        )

    def answer(self, method: str, path: str, body: object = None, /, **params: Any) -> Answer:
        """Send a request and return the answer of any status below 500 but 401.

        Raises Usage when the token is missing or refused, and what `Http.request` raises.
        """
        answer = self._http.request(
            method, self.url(path), headers=self._headers(), params=params, body=_encoded(body), auth=self._auth
        )
        if answer.status == 401:
            raise Usage(f"GitHub refuses the token: {answer.problem}", "Set GITHUB_TOKEN, or sign in: gh auth login")
        return answer

    def get(self, path: str, /, **params: Any) -> Any:
        """Return the JSON at `path`; raise Failed when it is not there."""
        return self._good(self.answer("GET", path, **params), "GET", path).json()

    def login(self) -> str:
        """Return whose token it is, or nothing for an app's token, which GitHub does not tell."""
        answer = self.answer("GET", "/user")
        return str(answer.json()["login"]) if answer.status == 200 else ""

    def viewer(self) -> str:
        """Return whose token it is, an app's bot too: GraphQL tells what `/user` does not."""
        url = f"{self.api_url.removesuffix('/v3')}/graphql"
        body = self.send("POST", url, {"query": "query { viewer { login } }"}) or {}
        return str(((body.get("data") or {}).get("viewer") or {}).get("login") or "")

    def find(self, path: str, **params: Any) -> Any | None:
        """Return the JSON at `path`, or None on 404 alone."""
        answer = self.answer("GET", path, **params)
        return None if answer.status == 404 else self._good(answer, "GET", path).json()

    def fresh(self, path: str, **params: Any) -> tuple[Any, bool]:
        """Return the JSON at `path` and whether it changed since last asked; a 304 costs no rate limit."""
        key = json.dumps([path, params], sort_keys=True)
        etag, known = self._etags.get(key, ("", None))
        headers = {**self._headers(), **({"If-None-Match": etag} if etag else {})}
        answer = self._http.request("GET", self.url(path), headers=headers, params=params, auth=self._auth)
        if answer.status == 304:
            return known, False
        body = self._good(answer, "GET", path).json()
        self._etags[key] = (answer.headers.get("etag", ""), body)
        return body, body != known

    def pages(self, path: str, key: str = "", **params: Any) -> Iterator[Any]:
        """Yield every item of every page (F26); `key` names the list in an answer that wraps it."""
        url: str | None = path
        query: dict[str, Any] = {"per_page": 100, **params}
        while url:
            answer = self._good(self.answer("GET", url, **query), "GET", path)
            body = answer.json()
            yield from body[key] if key else body
            url, query = _next_link(answer.headers.get("link", "")), {}
            if url and urlsplit(url)[:2] != urlsplit(self.api_url)[:2]:
                raise Failed(f"the next page of {path} is on another host", "Check GITHUB_API_URL.")

    def send(self, method: str, path: str, body: object = None) -> Any:
        """Write; return the JSON answered, or None for an empty answer.

        Raises Conflict on 409, Failed on any other refusal, Unknown when the outcome is open (F1).
        """
        answer = self._good(self.answer(method, path, body), method, path)
        return answer.json() if answer.content else None

    def content(self, path: str, accept: str = "") -> bytes:
        """Return the bytes at `path`, through any redirect; the token stays with the first host (S2)."""
        headers = {**self._headers(), **({"Accept": accept} if accept else {})}
        return self._good(
            self._http.request("GET", self.url(path), headers=headers, auth=self._auth), "GET", path
        ).content

    def upload(self, url: str, name: str, content: bytes, content_type: str) -> None:
        """Write a file to the address GitHub gave for uploads; raise Failed when it is not GitHub's own (S1)."""
        host, api = urlsplit(url).netloc, urlsplit(self.api_url).netloc
        if host not in (api, f"uploads.{api.removeprefix('api.')}"):
            raise Failed(f"the address for uploads is on another host, {host}", "Check GITHUB_API_URL.")
        headers = {**self._headers(), "Content-Type": content_type}
        answer = self._http.request("POST", url, headers=headers, params={"name": name}, body=content, auth=self._auth)
        self._good(answer, "POST", f"assets?name={name}")

    def _headers(self) -> dict[str, str]:
        return {
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": API_VERSION,
            "User-Agent": "release-tasks",
            "Content-Type": "application/json",
        }

    def _good(self, answer: Answer, method: str, path: str) -> Answer:
        if answer.status < 300:
            return answer
        words = f"GitHub: {method} {path}: {answer.status} {answer.problem}"
        if answer.status == 409:
            raise Conflict(words)
        if answer.status in (403, 404) and method != "GET":
            needed = answer.headers.get("x-accepted-github-permissions", "").replace("=", ": ")
            own = f" In Actions the job needs `permissions: {needed}`." if needed else ""
            raise Failed(words, f"May this token do that? inv release.doctor tells.{own}")
        raise Failed(words)


def _anonymous(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keep requests from looking up .netrc for a host that is to get no credential."""
    return request


def _encoded(body: object) -> bytes | None:
    return None if body is None else json.dumps(body).encode()


def _next_link(link: str) -> str | None:
    return (
        next((entry["url"] for entry in requests.utils.parse_header_links(link) if entry.get("rel") == "next"), None)
        if link
        else None
    )


def _reason(error: requests.RequestException) -> str:
    cause = getattr(error.args[0] if error.args else error, "reason", None) or error
    return type(cause).__name__
