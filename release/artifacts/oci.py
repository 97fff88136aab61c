"""Image tags and digests of any OCI registry (distribution-spec 1.1), and who may be told who is there."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import SplitResult, parse_qsl

from release.call.parallel import side_by_side
from release.call.urls import url_parts
from release.errors import Failed, Usage
from release.git.remotes import is_loopback, is_secure, public_url
from release.github.http import Answer, BearerAuth, Http, check_no_page

Auth = tuple[str, str] | BearerAuth | None
KINDS = ("oci.image.index.v1", "docker.distribution.manifest.list.v2", "oci.image.manifest.v1")
ACCEPT = ", ".join(f"application/vnd.{kind}+json" for kind in (*KINDS, "docker.distribution.manifest.v2"))
PAGE = 1000
SET_REGISTRY = "Set image.registry to a registry's address."
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"(?=.{{1,255}}\Z){_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_PART = re.compile(r"""([\w!#$%&'*+.^`|~-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?""", re.ASCII)
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_PARENT_LABELS = 2
_OK, _UNAUTHORIZED, _FORBIDDEN, _MISSING, _NO_HEAD = 200, 401, 403, 404, 405


class OciRegistry:
    """One registry, read only; a repository or tag is missing when it says 404, and for no other reason."""

    def __init__(self, http: Http, url: str, credentials: tuple[str, str] | None = None) -> None:
        self._http = http
        self._url = registry_url(url)
        self._host = self._url.netloc
        self._api = f"{self._url.geturl().rstrip('/')}/v2/"
        self._credentials = credentials
        self._auths: dict[str, Auth] = {}
        self._found = False

    def address(self, repository: str) -> str:
        """Return what clients pull the repository by."""
        return f"{self._host}{self._url.path.rstrip('/')}/{repository}"

    def tags(self, repository: str) -> dict[str, str]:
        """List the tags of a repository, all pages; none when the repository does not exist.

        Each has its digest where the listing tells it, as Google's registries do, else "": the specification has none.
        """
        names: dict[str, str] = {}
        params, seen = {"n": str(PAGE)}, set[frozenset[tuple[str, str]]]()
        while params:
            if (page := frozenset(params.items())) in seen:
                raise Failed(f"{self._host} lists the tags of {repository} in a circle", "Run the same again.")
            seen.add(page)
            answer = self._answer("GET", repository, "tags/list", params)
            if answer.status == _MISSING:
                return {}
            listed = self._listed_tags(answer)
            params = _next_page(answer)
            # A registry MAY send a Link: without one, a full page may not be the last, until it has nothing new.
            if not params and len(listed) >= PAGE and not names.keys() >= listed.keys():
                params = {"n": str(PAGE), "last": list(listed)[-1]}
            names |= listed
        return names

    def image_digest(self, repository: str, tag: str) -> str | None:
        """Look up the digest a tag names; None when there is no such tag; raise Failed when it is not of its bytes."""
        if not _TAG.fullmatch(tag):
            raise Usage(f"not an image tag: {tag!r}", "It has letters, digits, '_', '.' and '-', at most 128.")
        answer = self._answer("HEAD", repository, f"manifests/{tag}")
        digest = answer.headers.get("Docker-Content-Digest", "")
        if answer.status == _OK and _DIGEST.fullmatch(digest):
            return digest
        if answer.status != _MISSING:  # a HEAD without a digest: one GET, whose bytes are hashed
            answer = self._answer("GET", repository, f"manifests/{tag}")
        return None if answer.status == _MISSING else self._body_digest(answer, f"{repository}:{tag}")

    def digests_of(self, repository: str, tags: Sequence[str]) -> dict[str, str | None]:
        """Return the digest of each of these tags, None for one that is not there: one HEAD each."""
        reads = [partial(self.image_digest, repository, tag) for tag in tags]
        # The first alone, so that the others have its token.
        return dict(zip(tags, [read() for read in reads[:1]] + side_by_side(reads[1:]), strict=True))

    def image_digests(self, repository: str, choose: Callable[[Collection[str]], Collection[str]]) -> dict[str, str]:
        """Return every tag's digest where the listing tells them, else those of the chosen tags: one HEAD each."""
        listed = self.tags(repository)
        if all(listed.values()):
            return listed
        found = self.digests_of(repository, list(choose(listed)))
        return {tag: digest for tag, digest in found.items() if digest is not None}

    def _answer(self, method: str, repository: str, path: str, params: Mapping[str, str] | None = None) -> Answer:
        if not _REPOSITORY.fullmatch(repository):
            raise Usage(f"not an image repository's name: {repository!r}", "Set image.repository.")
        self._check_api()
        headers = {"Accept": ACCEPT if path.startswith("manifests/") else "application/json"}
        send = partial(self._http.request, method, f"{self._api}{repository}/{path}", headers=headers, params=params)
        answer = send(auth=self._auths.get(repository))
        if answer.status == _UNAUTHORIZED:  # the first time, or a token has run out
            self._auths[repository] = self._authorization(answer, repository)
            answer = send(auth=self._auths[repository])
        if answer.status in (_UNAUTHORIZED, _FORBIDDEN):
            raise Failed(f"{self._host} refuses to show {repository}", _advice(repository))
        check_no_page(answer, SET_REGISTRY)
        if answer.status not in (_OK, _MISSING) and (method, answer.status) != ("HEAD", _NO_HEAD):
            hint = "Run the same again; if it stays, check image.registry."
            raise Failed(f"{self._host} answers {answer.status} for {repository}", hint)
        return answer

    def _check_api(self) -> None:
        # A web server that is no registry answers 404 to everything, which must not read as "no such image".
        if self._found:
            return
        answer = self._http.request("GET", self._api)
        check_no_page(answer, SET_REGISTRY)
        asks = answer.status == _UNAUTHORIZED and answer.headers.get("WWW-Authenticate")
        if answer.status != _OK and not asks:
            raise Failed(f"{self._host} is not an OCI registry: /v2/ answers {answer.status}", SET_REGISTRY)
        self._found = True

    def _authorization(self, answer: Answer, repository: str) -> Auth:
        if (foreign := url_parts(answer.url)[:2]) != self._url[:2]:
            what = f"{self._host} redirects to {foreign[1]}, which asks for credentials: none were sent there"
            raise Failed(what, "Set image.registry to the registry itself.")
        offered = challenges(answer.headers.get("WWW-Authenticate", ""))
        if "bearer" in offered:
            return self._bearer(offered["bearer"], repository)
        if "basic" in offered and self._credentials:
            return self._credentials
        raise Failed(f"{self._host} asks for credentials", _advice(repository))

    def _bearer(self, challenge: Mapping[str, str], repository: str) -> Auth:
        realm = challenge.get("realm", "")
        check_realm(realm, self._url)
        host = url_parts(realm).netloc
        # The scope is ours, not the challenge's: reading is all a token of this tool is ever good for.
        params = {"service": challenge.get("service", ""), "scope": f"repository:{repository}:pull"}
        auth = self._credentials if is_trusted_realm(realm, self._url) else None
        answer = self._http.request("GET", realm, params={k: v for k, v in params.items() if v}, auth=auth)
        if answer.status != _OK:
            what = f"{host} gives no token for {repository} ({answer.status})"
            if self._credentials and not auth:
                what += f"; the credentials were not sent there, {host} is foreign to {self._host}"
            raise Failed(what, _advice(repository))
        return token_auth(answer.json(SET_REGISTRY), host)

    def _listed_tags(self, answer: Answer) -> dict[str, str]:
        listing = answer.json(SET_REGISTRY)
        # Registries answer null for a repository whose tags are all deleted.
        names = (listing.get("tags") or []) if isinstance(listing, dict) else None
        if not isinstance(names, list) or not all(isinstance(name, str) and _TAG.fullmatch(name) for name in names):
            raise Failed(f"{self._host} does not answer with a list of tags", SET_REGISTRY)
        digests = _listed_digests(listing)
        return {name: digests.get(name, "") for name in names}

    def _body_digest(self, answer: Answer, image: str) -> str:
        stated = answer.headers.get("Docker-Content-Digest", "")
        algorithm = "sha512" if stated.startswith("sha512:") else "sha256"
        digest = f"{algorithm}:{hashlib.new(algorithm, answer.content).hexdigest()}"
        if stated not in ("", digest):
            what = f"{self._host} sends for {image} bytes of {digest} and calls them {stated}"
            raise Failed(what, "Do not use that image; ask the registry's owner.")
        return digest


def _advice(repository: str) -> str:
    return f"Set REGISTRY_USERNAME and REGISTRY_PASSWORD to who may pull {repository}."


def _next_page(answer: Answer) -> dict[str, str]:
    """Take the next page's parameters alone: a Link can lead to no other host, whatever it says (S2)."""
    return dict(parse_qsl(url_parts(answer.next_url or "").query))


def _listed_digests(listing: Mapping[str, Any]) -> dict[str, str]:
    """Read what Google's registries add to a page of tags: each manifest's digest, and the tags that name it."""
    try:
        told = (listing.get("manifest") or {}).items()
        return {tag: digest for digest, about in told if _DIGEST.fullmatch(digest) for tag in about.get("tag") or ()}
    except (AttributeError, TypeError):  # nothing of that kind
        return {}


def challenges(header: str) -> dict[str, dict[str, str]]:
    """List the schemes a `WWW-Authenticate` header offers, with their parameters (RFC 9110, 11.6.1)."""
    offered: dict[str, dict[str, str]] = {}
    parameters: dict[str, str] = {}
    for part in _PART.finditer(header):
        name, quoted, plain = part.groups()
        if quoted is None and plain is None:
            parameters = offered.setdefault(name.lower(), {})
        else:
            parameters[name.lower()] = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain
    return offered


def registry_url(text: str) -> SplitResult:
    """Read a registry's address (a bare host means https); raise Usage for a password (S1) and for remote http (S2)."""
    url = url_parts(text if "://" in text else f"https://{text}")
    if url.username is not None or url.password is not None:
        raise Usage("image.registry holds a name or password in its URL", "Leave it out of the URL.")
    if not url.hostname or url.query or url.fragment:
        raise Usage(
            f"image.registry is not a registry's address: {public_url(text)!r}", "Such as https://registry.example.com."
        )
    if not is_secure(url.geturl()):
        raise Usage(f"image.registry is not https: {text!r}", f"Set image.registry to https://{url.netloc}.")
    return url._replace(netloc=url.netloc.lower())


def check_realm(realm: str, registry: SplitResult) -> None:
    """Raise Failed unless a token may be asked for at the realm which the registry names (S2)."""
    url = url_parts(realm)
    # http only where both are this machine, so that no remote registry can make us talk to a local port.
    local = is_loopback(registry.geturl()) and is_loopback(realm)
    secure = url.scheme == "https" and not is_loopback(realm)
    if not url.hostname or url.username is not None or not (secure or (local and url.scheme in {"http", "https"})):
        hint = "Nothing was sent there; check image.registry, or mend that registry's token realm."
        raise Failed(
            f"the registry {registry.netloc} asks for a token from {public_url(realm)!r}, which is not https", hint
        )


def is_trusted_realm(realm: str, registry: SplitResult) -> bool:
    """Whether the registry's credentials may be shown to its token realm.

    The realm is another host by design (auth.docker.io for registry-1.docker.io), so the rule is not "same host"
    but "same house": the registry's host, its parent domain, or a sibling below it. The registry could have asked
    for the credentials itself; this limits who else can.
    """
    host, home = url_parts(realm).hostname or "", registry.hostname or ""
    if host == home or (is_loopback(realm) and is_loopback(registry.geturl())):
        return True
    parent = home.partition(".")[2]
    numeric = home.replace(".", "").isdigit() or ":" in home
    return not numeric and parent.count(".") >= _PARENT_LABELS - 1 and (host == parent or host.endswith(f".{parent}"))


def token_auth(answer: Any, host: str) -> BearerAuth:
    """Read a token server's answer (`token`, or OAuth 2's `access_token`). Raises Failed when there is none."""
    token = (answer.get("token") or answer.get("access_token")) if isinstance(answer, Mapping) else None
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise Failed(f"{host} answered without a token", "Run the same again.")
    return BearerAuth(token)
