"""Image tags and digests of any OCI registry, by its HTTP API (distribution-spec 1.1)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from release.artifacts.oci_auth import Bearer, challenges, check_realm, is_trusted_realm, registry_url, token_auth
from release.call.parallel import side_by_side
from release.errors import Failed, Usage

Auth = tuple[str, str] | Bearer | None
ACCEPT = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
PAGE = 1000
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"(?=.{{1,255}}\Z){_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_NEXT = re.compile(r'<([^<>]*)>[^<]*;\s*rel="?next"?', re.IGNORECASE)
_OK, _UNAUTHORIZED, _FORBIDDEN, _MISSING, _NO_HEAD = 200, 401, 403, 404, 405


class Response(Protocol):
    """What is read of an answer; header names are found in any case."""

    @property
    def status(self) -> int:
        """The status code."""

    @property
    def url(self) -> str:
        """The address that answered in the end."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers."""

    @property
    def content(self) -> bytes:
        """The body, decoded and of limited size."""


class Door(Protocol):
    """What sends a request and returns the answer of any status.

    It verifies TLS, limits time and size, sends no credentials but `auth` (whatever requests takes; not .netrc's
    either), and follows a redirect to another host, if at all, without them (S2).
    """

    def request(  # noqa: D102
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        auth: Any = None,
    ) -> Response: ...


class OciRegistry:
    """One registry, read only; a repository or tag is missing when it says 404, and for no other reason."""

    def __init__(self, http: Door, url: str, credentials: tuple[str, str] | None = None) -> None:
        self._http = http
        self._url = registry_url(url)
        self._credentials = credentials
        self._auths: dict[str, Auth] = {}
        self._found = False

    def check_registry(self) -> None:
        """Check that a registry answers at this address and lets these credentials in; raises Failed."""
        self._check_api()
        self._answer("GET", "", "")

    def tags(self, repository: str) -> list[str]:
        """List the tags of a repository, all pages; none when the repository does not exist."""
        names: list[str] = []
        params, seen = {"n": str(PAGE)}, set[frozenset[tuple[str, str]]]()
        while params:
            if (page := frozenset(params.items())) in seen:
                raise Failed(
                    f"{self._host} lists the tags of {repository} in a circle", hint="run the same command again"
                )
            seen.add(page)
            answer = self._repository_answer("GET", repository, "tags/list", params)
            if answer.status == _MISSING:
                return []
            names += self._tag_names(answer)
            params = _next_page(answer)
        return names

    def image_digest(self, repository: str, tag: str) -> str | None:
        """Look up the digest a tag names; None when there is no such tag.

        One HEAD; where that yields no digest, one GET whose bytes are hashed. Raises Failed when bytes and digest
        do not match.
        """
        if not _TAG.fullmatch(tag):
            raise Usage(f"not an image tag: {tag!r}", hint="letters, digits, '_', '.' and '-', at most 128")
        answer = self._repository_answer("HEAD", repository, f"manifests/{tag}")
        if answer.status == _MISSING:
            return None
        digest = answer.headers.get("Docker-Content-Digest", "")
        if answer.status == _OK and _DIGEST.fullmatch(digest):
            return digest
        answer = self._repository_answer("GET", repository, f"manifests/{tag}")
        return None if answer.status == _MISSING else self._body_digest(answer, f"{repository}:{tag}")

    def image_digests(self, repository: str, tags: Iterable[str] | None = None) -> dict[str, str]:
        """Look up the digests of the tags asked for that exist; of all when none are named.

        The specification has no listing with digests, so this sends one HEAD a tag: name the tags that matter.
        """
        asked = self.tags(repository) if tags is None else list(tags)
        # The first alone, so that the others have its token.
        digests = [self.image_digest(repository, tag) for tag in asked[:1]]
        digests += side_by_side([partial(self.image_digest, repository, tag) for tag in asked[1:]])
        return {tag: digest for tag, digest in zip(asked, digests, strict=True) if digest is not None}

    @property
    def _host(self) -> str:
        return self._url.netloc

    def _repository_answer(
        self, method: str, repository: str, path: str, params: Mapping[str, str] | None = None
    ) -> Response:
        if not _REPOSITORY.fullmatch(repository):
            raise Usage(f"not an image repository's name: {repository!r}", hint="set image.repository")
        self._check_api()
        return self._answer(method, repository, path, params)

    def _check_api(self) -> None:
        # A web server that is no registry answers 404 to everything, which must not read as "no such image".
        if self._found:
            return
        answer = self._http.request("GET", self._address("", ""))
        asks = answer.status == _UNAUTHORIZED and answer.headers.get("WWW-Authenticate")
        if answer.status != _OK and not asks:
            raise Failed(
                f"{self._host} is not an OCI registry: /v2/ answers {answer.status}", hint="set image.registry"
            )
        self._found = True

    def _address(self, repository: str, path: str) -> str:
        return f"{self._url.geturl().rstrip('/')}/v2/" + (f"{repository}/{path}" if repository else "")

    def _answer(self, method: str, repository: str, path: str, params: Mapping[str, str] | None = None) -> Response:
        url = self._address(repository, path)
        headers = {"Accept": ACCEPT if path.startswith("manifests/") else "application/json"}
        auth = self._auths.get(repository)
        answer = self._http.request(method, url, headers=headers, params=params, auth=auth)
        if answer.status == _UNAUTHORIZED:
            # The first time, or a token has run out.
            auth = self._auths[repository] = self._authorization(answer, repository)
            answer = self._http.request(method, url, headers=headers, params=params, auth=auth)
        self._check_answer(answer, method, repository)
        return answer

    def _check_answer(self, answer: Response, method: str, repository: str) -> None:
        if answer.status in (_UNAUTHORIZED, _FORBIDDEN):
            raise Failed(
                f"{self._host} refuses " + (f"to show {repository}" if repository else "to let us in"),
                hint=self._advice(repository),
            )
        missing = answer.status == _MISSING and repository
        unable = answer.status == _NO_HEAD and method == "HEAD"
        if answer.status != _OK and not missing and not unable:
            raise Failed(
                f"{self._host} answers {answer.status}" + (f" for {repository}" if repository else ""),
                hint="run the same command again; if it stays, check image.registry",
            )

    def _advice(self, repository: str) -> str:
        return f"set REGISTRY_USERNAME and REGISTRY_PASSWORD to who may pull {repository or 'from ' + self._host}"

    def _authorization(self, answer: Response, repository: str) -> Auth:
        if (foreign := urlsplit(answer.url)[:2]) != self._url[:2]:
            raise Failed(
                f"{self._host} redirects to {foreign[1]}, which asks for credentials: none were sent there",
                hint="set image.registry to the registry itself",
            )
        offered = challenges(answer.headers.get("WWW-Authenticate", ""))
        if "bearer" in offered:
            return self._bearer(offered["bearer"], repository)
        if "basic" in offered and self._credentials:
            return self._credentials
        raise Failed(
            f"{self._host} asks for credentials",
            hint="set REGISTRY_USERNAME and REGISTRY_PASSWORD",
        )

    def _bearer(self, challenge: Mapping[str, str], repository: str) -> Auth:
        realm = challenge.get("realm", "")
        check_realm(realm, self._url)
        # The scope is ours, not the challenge's: reading is all a token of this tool is ever good for.
        params = {
            "service": challenge.get("service", ""),
            "scope": f"repository:{repository}:pull" if repository else "",
        }
        auth = self._credentials if is_trusted_realm(realm, self._url) else None
        answer = self._http.request("GET", realm, params={k: v for k, v in params.items() if v}, auth=auth)
        if answer.status != _OK:
            host = urlsplit(realm).netloc
            kept = self._credentials is not None and auth is None
            raise Failed(
                f"{host} gives no token for {repository or self._host} ({answer.status})"
                + (f"; the credentials were not sent there, {host} is foreign to {self._host}" if kept else ""),
                hint=self._advice(repository),
            )
        return token_auth(_parsed(answer, host=urlsplit(realm).netloc), realm)

    def _tag_names(self, answer: Response) -> list[str]:
        listing = _parsed(answer, self._host)
        # Registries answer null for a repository whose tags are all deleted.
        names = (listing.get("tags") or []) if isinstance(listing, dict) else None
        if not isinstance(names, list) or not all(isinstance(name, str) and _TAG.fullmatch(name) for name in names):
            raise Failed(f"{self._host} does not answer with a list of tags", hint="set image.registry")
        return names

    def _body_digest(self, answer: Response, image: str) -> str:
        stated = answer.headers.get("Docker-Content-Digest", "")
        algorithm = "sha512" if stated.startswith("sha512:") else "sha256"
        digest = f"{algorithm}:{hashlib.new(algorithm, answer.content).hexdigest()}"
        if stated not in ("", digest):
            raise Failed(
                f"{self._host} sends for {image} bytes of {digest} and calls them {stated}",
                hint="ask the registry's owner; do not use that image",
            )
        return digest


def _parsed(answer: Response, host: str) -> Any:
    try:
        return json.loads(answer.content)
    except ValueError as error:
        raise Failed(f"{host} does not answer in JSON", hint="set image.registry to a registry's address") from error


def _next_page(answer: Response) -> dict[str, str]:
    """Take the next page's parameters alone: a Link can lead to no other host, whatever it says (S2)."""
    link = _NEXT.search(answer.headers.get("Link", ""))
    return dict(parse_qsl(urlsplit(link[1]).query)) if link else {}
