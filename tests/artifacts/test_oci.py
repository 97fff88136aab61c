"""OCI registries: Debian's docker-registry where it is installed, and a small server that can misbehave."""

from __future__ import annotations

import base64
import datetime
import hashlib
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from conftest import printed
from docker_registry import HTPASSWD, MANIFEST, TESTER, installed, push, serving

from release.artifacts.images import LOOKS, image_fingerprints
from release.artifacts.oci import ACCEPT, OciRegistry, challenges, check_realm, is_trusted_realm, registry_url
from release.call.context import Clock, Context, Options
from release.call.report import Report
from release.errors import Failed, Usage
from release.github.http import Answer, BearerAuth, Http, check_url
from release.settings import Image, Settings

INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"


def answered(response: requests.Response) -> Answer:
    return Answer(response.status_code, response.headers, response.content, response.url)


class NoAuth:
    def __call__(self, request: Any) -> Any:
        return request


class Door:
    """The protocol by requests alone; keeps what it sent, as (method, URL, Authorization)."""

    def __init__(self) -> None:
        self.session = requests.Session()
        self.session.trust_env = False
        self.sent: list[tuple[str, str, str]] = []

    def request(self, method, url, *, headers=None, params=None, auth=None):
        response = self.session.request(
            method, url, headers=headers, params=params, auth=auth or NoAuth(), timeout=10, allow_redirects=False
        )
        sent = response.request
        self.sent.append((method, sent.url or "", sent.headers.get("Authorization", "")))
        return answered(response)


# Debian's docker-registry


@pytest.fixture(scope="module")
def open_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from serving(tmp_path_factory.mktemp("open"))


@pytest.fixture(scope="module")
def closed_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("closed")
    (folder / "htpasswd").write_text(HTPASSWD)
    yield from serving(folder, f"auth: {{htpasswd: {{realm: tests, path: '{folder / 'htpasswd'}'}}}}\n")


@installed
def test_f21_tags_and_digests_of_a_real_registry(open_registry: str) -> None:
    expected = {
        f"photon-py3.{minor}-runner-0.7.0": push(
            open_registry, "lepton", f"photon-py3.{minor}-runner-0.7.0", note=str(minor)
        )
        for minor in range(7, 12)
    }
    registry = OciRegistry(Door(), open_registry)
    assert sorted(registry.tags("lepton")) == sorted(expected)
    assert registry.image_digests("lepton", list) == expected
    assert registry.image_digest("lepton", "photon-py3.9-runner-0.7.1") is None


@installed
@pytest.mark.parametrize("kind", [INDEX, DOCKER_LIST])
def test_f21_an_index_has_its_own_digest_not_that_of_an_image_in_it(open_registry: str, kind: str) -> None:
    digest = push(open_registry, "team/many", "0.7.0", kind)
    assert OciRegistry(Door(), open_registry).image_digest("team/many", "0.7.0") == digest


@installed
def test_f21_an_overwritten_tag_shows(open_registry: str) -> None:
    registry = OciRegistry(Door(), open_registry)
    push(open_registry, "moved", "0.7.0", note="first")
    before = registry.image_digests("moved", list)
    push(open_registry, "moved", "0.7.0", note="second")
    assert registry.image_digests("moved", list) != before


@installed
def test_f21_what_is_not_there_is_missing(open_registry: str) -> None:
    registry = OciRegistry(Door(), open_registry)
    push(open_registry, "there", "0.7.0")
    assert registry.image_digest("there", "0.7.1") is None
    assert registry.image_digest("nowhere", "0.7.0") is None
    assert registry.tags("nowhere") == {}
    assert registry.image_digests("nowhere", list) == {}


@installed
def test_basic_authentication(closed_registry: str) -> None:
    digest = push(closed_registry, "lepton", "0.7.0", auth=TESTER)
    door = Door()
    registry = OciRegistry(door, closed_registry, TESTER)
    assert registry.image_digests("lepton", list) == {"0.7.0": digest}
    # Credentials are shown once asked for, then asked for no more.
    assert [bool(authorization) for _, _, authorization in door.sent] == [False, False, True, True]


@installed
@pytest.mark.parametrize("credentials", [None, ("tester", "wrong")])
def test_s1_refused_credentials_are_a_failure_never_a_missing_image(closed_registry: str, credentials: Any) -> None:
    registry = OciRegistry(Door(), closed_registry, credentials)
    with pytest.raises(Failed) as failure:
        registry.image_digest("lepton", "9.9.9")
    assert "wrong" not in str(failure.value)
    assert "REGISTRY_USERNAME" in failure.value.hint


@pytest.fixture(scope="module")
def signer() -> tuple[bytes, Callable[[dict[str, Any]], str]]:
    """A token server's certificate and its way to sign."""
    hashes = pytest.importorskip("cryptography.hazmat.primitives.hashes")
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec, utils
    from cryptography.hazmat.primitives.serialization import Encoding

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tokens")])
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    draft = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    certificate = draft.serial_number(1).not_valid_before(now - day).not_valid_after(now + day)
    signed = certificate.sign(key, hashes.SHA256())

    def encoded(part: bytes) -> str:
        return base64.urlsafe_b64encode(part).decode().rstrip("=")

    def sign(claims: dict[str, Any]) -> str:
        chain = [base64.b64encode(signed.public_bytes(Encoding.DER)).decode()]
        header = {"typ": "JWT", "alg": "ES256", "x5c": chain}
        text = f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(claims).encode())}"
        r, s = utils.decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{text}.{encoded(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    return signed.public_bytes(Encoding.PEM), sign


@installed
def test_s1_tokens_that_a_real_registry_accepts(tmp_path: Path, stubs: Callable[..., Stub], signer: Any) -> None:
    certificate, sign = signer
    (tmp_path / "root.pem").write_bytes(certificate)
    tokens = stubs()
    tokens.sign = sign
    asks = {"realm": f"{tokens.url}/token", "service": "stub, really", "issuer": "tests"}
    asks["rootcertbundle"] = str(tmp_path / "root.pem")
    registries = serving(tmp_path, f"auth: {json.dumps({'token': asks})}\n")
    url = next(registries)
    try:
        writer = BearerAuth(tokens.token("repository:lepton:pull,push"))
        digest = push(url, "lepton", "0.7.0", auth=writer)
        registry = OciRegistry(Door(), url, TESTER)
        assert registry.image_digests("lepton", list) == {"0.7.0": digest}
        with pytest.raises(Failed, match="gives no token"):
            OciRegistry(Door(), url, ("tester", "wrong")).tags("lepton")
    finally:
        registries.close()


# A registry and token server that can misbehave


class Stub(ThreadingHTTPServer):
    """Tags of one repository behind tokens; `faults` name what it does wrong."""

    daemon_threads = True

    def __init__(self, count: int = 3) -> None:
        self.images = {f"v{number:05}": f'{{"n": {number}}}'.encode() for number in range(count)}
        self.faults: dict[str, Any] = {}
        self.tokens: list[str] = []
        self.sign: Callable[[dict[str, Any]], str] | None = None
        self.seen: list[tuple[str, str, str]] = []
        super().__init__(("127.0.0.1", 0), StubHandler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def token(self, scope: str) -> str:
        """Make a token: the real thing where it can be signed."""
        if self.sign is None:
            self.tokens.append(f"token{len(self.tokens)}==")
            return self.tokens[-1]
        kind, name, actions = scope.split(":") if scope else ("", "", "")
        access = [{"type": kind, "name": name, "actions": actions.split(",")}] if scope else []
        now = int(time.time())
        times = {"exp": now + 60, "nbf": now - 60, "iat": now}
        return self.sign(
            {"iss": "tests", "sub": "tester", "aud": "stub, really", "jti": str(now), "access": access, **times}
        )


class StubHandler(BaseHTTPRequestHandler):
    server: Stub
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        authorization = self.headers.get("Authorization", "")
        self.server.seen.append((self.command, self.path, authorization))
        if url.path in self.server.faults:
            self.send(*self.server.faults[url.path])
        elif url.path == "/token":
            self.token(query, authorization)
        elif "token" in self.server.faults and authorization.removeprefix("Bearer ") not in self.server.tokens:
            realm = self.server.faults["token"] or f"{self.server.url}/token"
            self.send(401, b"{}", {"WWW-Authenticate": f'Bearer realm="{realm}",service="stub, really",scope="a:b:*"'})
        elif url.path == "/v2/":
            self.send(200, b"{}")
        elif url.path.endswith("/tags/list"):
            self.tags(query)
        else:
            self.manifest(url.path.rpartition("/")[2])

    do_HEAD = do_GET  # noqa: N815

    def token(self, query: dict[str, str], authorization: str) -> None:
        known = "Basic " + base64.b64encode(":".join(TESTER).encode()).decode()
        if (
            query.get("scope", "repository:lepton:pull") != "repository:lepton:pull"
            or query["service"] != "stub, really"
        ):
            self.send(400, b"{}")
        elif authorization != known:
            self.send(401, b"{}")
        else:
            token = self.server.token(query.get("scope", ""))
            self.send(200, json.dumps({"access_token": token, "expires_in": 60}).encode())

    def tags(self, query: dict[str, str]) -> None:
        names = [name for name in self.server.images if name > query.get("last", "")]
        page = names[: int(query["n"])] if "all" not in self.server.faults else list(self.server.images)
        headers = {}
        if len(names) > len(page) and "no link" not in self.server.faults:
            last = self.server.faults.get("last", page[-1])
            host = self.server.faults.get("link", "")
            headers["Link"] = f'<{host}/v2/lepton/tags/list?last={last}&n={query["n"]}>; rel="next"'
        told = {"manifest": self.manifests(page)} if "listed" in self.server.faults else {}
        self.send(200, json.dumps({"name": "lepton", "tags": page or None, **told}).encode(), headers)

    def manifests(self, page: list[str]) -> Any:
        """What Google's registries tell of a page's tags, or what the test has them tell."""
        images = {f"sha256:{hashlib.sha256(self.server.images[name]).hexdigest()}": {"tag": [name]} for name in page}
        return self.server.faults["listed"] or images

    def manifest(self, tag: str) -> None:
        body = self.server.images.get(tag)
        if body is None:
            self.send(404, b"{}")
            return
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        stated = self.server.faults.get("digest", digest)
        self.send(200, body, {"Docker-Content-Digest": stated} if stated else {})

    def send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def stubs() -> Iterator[Callable[..., Stub]]:
    servers: list[Stub] = []

    def start(count: int = 3) -> Stub:
        servers.append(Stub(count))
        threading.Thread(target=servers[-1].serve_forever, args=(0.01,), daemon=True).start()
        return servers[-1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_f21_all_pages_of_ten_thousand_tags(stubs: Callable[..., Stub]) -> None:
    stub = stubs(10_000)
    door = Door()
    assert OciRegistry(door, stub.url).tags("lepton") == dict.fromkeys(stub.images, "")
    assert len(door.sent) == 12  # /v2/, ten pages, and nothing after the last, which is full


@pytest.mark.parametrize(("count", "requests"), [(999, 1), (1_000, 2), (2_500, 3), (3_000, 4)])
def test_f21_all_pages_where_no_link_is_sent(stubs: Callable[..., Stub], count: int, requests: int) -> None:
    stub, door = stubs(count), Door()
    stub.faults = {"no link": True}
    registry = OciRegistry(door, stub.url)
    assert registry.tags("lepton") == dict.fromkeys(stub.images, "")
    assert len(door.sent) == 1 + requests  # /v2/ first; a full page may not be the last


def test_f21_a_registry_that_knows_no_pages_lists_each_tag_once(stubs: Callable[..., Stub]) -> None:
    stub, door = stubs(1_500), Door()
    stub.faults = {"all": True}
    assert OciRegistry(door, stub.url).tags("lepton") == dict.fromkeys(stub.images, "")
    assert len(door.sent) == 3


BASE = "photon-py3.9-base"


def ten_thousand_images(stub: Stub) -> tuple[str, str]:
    """Fill the registry: 10,000 images, a base, and as many of another build; name the newest image, and the oldest."""
    images = [f"photon-py3.{python}-runner-0.{minor}.0" for minor in range(2_000) for python in range(7, 12)]
    others = [f"nightly-{minor}.0.0-linux" for minor in range(2_000)] + [f"nightly-{number}" for number in range(2_000)]
    stub.images |= {name: name.encode() for name in sorted([*others, *images, BASE])}
    return images[-1], images[0]


def release_to(stub: Stub) -> Context:
    """Open a call whose images go to that registry."""
    return Context(Settings(image=Image(registry=stub.url)), Report(stream=io.StringIO()), Options())


def test_f21_of_a_big_registry_those_are_compared_that_a_mistake_hits_first(stubs: Callable[..., Stub]) -> None:
    """14: one HEAD a tag, twice, took 30 seconds."""
    stub = stubs(0)
    newest, oldest = ten_thousand_images(stub)
    context = release_to(stub)
    before = image_fingerprints(context)
    assert len(before) == LOOKS
    assert len(stub.seen) == LOOKS + 16, "and /v2/, and fifteen pages"
    assert {newest, BASE} <= before.keys()
    assert oldest not in before
    assert f"{LOOKS} of 14001 images of lepton are compared" in printed(context)
    stub.images |= {newest: b"another", "photon-py3.9-runner-0.2000.0": b"new"}
    after = image_fingerprints(release_to(stub), before)
    assert after.keys() == before.keys()
    assert [name for name in before if after[name] != before[name]] == [newest]


def test_f21_bases_that_may_change_are_not_asked_for(stubs: Callable[..., Stub]) -> None:
    stub = stubs(10)  # v00001 and so on have no version
    stub.images["photon-py3.9-runner-0.6.2"] = b"{}"
    assert list(image_fingerprints(release_to(stub), bases_may_change=True)) == ["photon-py3.9-runner-0.6.2"]
    assert [method for method, _, _ in stub.seen] == ["GET", "GET", "HEAD"]


def test_f21_where_the_listing_has_digests_every_tag_is_compared(stubs: Callable[..., Stub]) -> None:
    stub = stubs(0)
    _, oldest = ten_thousand_images(stub)
    stub.faults = {"listed": {}}
    context = release_to(stub)
    before = image_fingerprints(context)
    assert (before.keys(), len(stub.seen)) == (stub.images.keys(), 16)
    assert printed(context) == ""
    stub.images[oldest] = b"another"
    after = image_fingerprints(release_to(stub), before)
    assert [name for name in before if after[name] != before[name]] == [oldest]


A_DIGEST = "sha256:" + 64 * "a"
HALF = [
    [1],
    {A_DIGEST: 1},
    {A_DIGEST: {"tag": None}},
    {A_DIGEST: {"tag": ["v00001"]}},
    {"sha256:1": {"tag": ["v00000", "v00001"]}},
]


@pytest.mark.parametrize("told", HALF)
def test_f21_a_listing_that_does_not_tell_every_digest_is_not_gone_by(stubs: Callable[..., Stub], told: Any) -> None:
    stub = stubs(2)
    stub.faults = {"listed": told}
    wanted = {name: f"sha256:{hashlib.sha256(content).hexdigest()}" for name, content in stub.images.items()}
    assert OciRegistry(Door(), stub.url).image_digests("lepton", list) == wanted


def test_every_manifest_kind_is_accepted(stubs: Callable[..., Stub]) -> None:
    assert all(kind in ACCEPT for kind in (MANIFEST, INDEX, DOCKER_LIST, "docker.distribution.manifest.v2+json"))


def test_s2_a_next_page_elsewhere_is_not_asked_for_there(stubs: Callable[..., Stub]) -> None:
    stub, thief = stubs(2_500), stubs()
    stub.faults = {"token": "", "link": thief.url}
    assert OciRegistry(Door(), stub.url, TESTER).tags("lepton") == dict.fromkeys(stub.images, "")
    assert thief.seen == []


def test_pages_that_go_in_a_circle_end(stubs: Callable[..., Stub]) -> None:
    stub = stubs(2_500)
    stub.faults = {"last": "v00001"}
    with pytest.raises(Failed, match="in a circle"):
        OciRegistry(Door(), stub.url).tags("lepton")


def test_a_repository_whose_tags_are_all_deleted(stubs: Callable[..., Stub]) -> None:
    assert OciRegistry(Door(), stubs(0).url).tags("lepton") == {}


def test_a_missing_digest_is_worked_out_from_the_bytes(stubs: Callable[..., Stub]) -> None:
    stub = stubs()
    stub.faults = {"digest": ""}
    digest = f"sha256:{hashlib.sha256(stub.images['v00001']).hexdigest()}"
    assert OciRegistry(Door(), stub.url).image_digest("lepton", "v00001") == digest


@pytest.mark.parametrize("stated", ["sha256:abc", "md5:" + 32 * "0", "sha256:" + 64 * "A"])
def test_f21_bytes_that_do_not_match_their_digest(stubs: Callable[..., Stub], stated: str) -> None:
    stub = stubs()
    stub.faults = {"digest": stated}
    with pytest.raises(Failed, match="calls them"):
        OciRegistry(Door(), stub.url).image_digest("lepton", "v00001")


def test_s1_the_token_way(stubs: Callable[..., Stub]) -> None:
    stub = stubs()
    stub.faults = {"token": ""}
    door = Door()
    registry = OciRegistry(door, stub.url, TESTER)
    assert len(registry.image_digests("lepton", list)) == 3
    # One token for the repository; only the token server sees the password, only the registry a token.
    assert len(stub.tokens) == 1
    for _, path, authorization in stub.seen:
        assert not authorization or authorization.startswith("Basic " if path.startswith("/token") else "Bearer ")
    assert not any("open" in url or "token0" in url for _, url, _ in door.sent)


def test_a_token_that_ran_out_is_renewed(stubs: Callable[..., Stub]) -> None:
    stub = stubs()
    stub.faults = {"token": ""}
    registry = OciRegistry(Door(), stub.url, TESTER)
    assert registry.image_digest("lepton", "v00001")
    stub.tokens.clear()
    stub.tokens.append("another")
    assert registry.image_digest("lepton", "v00002")
    assert len(stub.tokens) == 2


@pytest.mark.parametrize("credentials", [None, ("tester", "wrong")])
def test_no_token_is_a_failure(stubs: Callable[..., Stub], credentials: Any) -> None:
    stub = stubs()
    stub.faults = {"token": ""}
    with pytest.raises(Failed, match="gives no token for lepton"):
        OciRegistry(Door(), stub.url, credentials).image_digest("lepton", "v00001")


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"token": "a\\r\\nHost: b"}', b'{"token": 7}', b"<html>"])
def test_an_answer_that_is_no_token(stubs: Callable[..., Stub], body: bytes) -> None:
    stub = stubs()
    stub.faults = {"token": "", "/token": (200, body)}
    with pytest.raises(Failed, match="answer"):
        OciRegistry(Door(), stub.url, TESTER).image_digest("lepton", "v00001")


@pytest.mark.parametrize("realm", ["http://registry.example.com/token", "ftp://127.0.0.1/", "", "//127.0.0.1/token"])
def test_s2_no_token_is_asked_for_without_tls(stubs: Callable[..., Stub], realm: str) -> None:
    stub = stubs()
    stub.faults = {"token": realm or "relative"}
    door = Door()
    with pytest.raises(Failed, match="not https"):
        OciRegistry(door, stub.url, TESTER).image_digest("lepton", "v00001")
    assert all(url.startswith(stub.url) and not authorization for _, url, authorization in door.sent)


REALMS = [
    ("registry.example.com", "https://registry.example.com/token", True),
    ("registry-1.docker.io", "https://auth.docker.io/token", True),
    ("registry.gitlab.com", "https://gitlab.com/jwt/auth", True),
    ("registry.gitlab.com", "https://notgitlab.com/jwt/auth", False),
    ("registry.example.com", "https://example.com.evil.net/token", False),
    ("docker.io", "https://evil.io/token", False),
    ("10.0.0.1", "https://9.0.0.1/token", False),
    ("127.0.0.1:5000", "http://localhost:5001/token", True),
]


@pytest.mark.parametrize(("registry", "realm", "trusted"), REALMS)
def test_s2_which_realms_see_the_credentials(registry: str, realm: str, trusted: bool) -> None:
    url = registry_url(registry)
    check_realm(realm, url._replace(scheme="http") if "127" in registry else url)
    assert is_trusted_realm(realm, url) is trusted


@pytest.mark.parametrize("host", ["127.0.0.1:1", "127.0.0.2", "localhost:5000", "[::1]:1"])
def test_s2_this_machine_is_the_same_for_github_and_for_a_registry(host: str) -> None:
    check_url(f"http://{host}", credentialed=True)
    assert registry_url(f"http://{host}").netloc == host


@pytest.mark.parametrize("host", ["127.0.0.1.evil.net", "localhost.evil.net", "10.0.0.1", "[::2]"])
def test_s2_no_other_machine_passes_for_this_one(host: str) -> None:
    for refuses in (lambda url: check_url(url, credentialed=True), registry_url):
        with pytest.raises(Usage, match="is not https"):
            refuses(f"http://{host}")


class FarAway:
    """A door to hosts that no test may reach: a registry, and the realm it names, which gives no token."""

    def __init__(self, realm: str) -> None:
        self.realm = realm
        self.shown: list[tuple[str, Any]] = []

    def request(self, method, url, *, headers=None, params=None, auth=None):
        self.shown.append((url, auth))
        response = requests.Response()
        response.status_code, response.url, response._content = 401, url, b"{}"
        response.headers["WWW-Authenticate"] = f'Bearer realm="{self.realm}"'
        return answered(response)


@pytest.mark.parametrize(("realm", "shown"), [("auth.docker.io", [TESTER]), ("auth.example.com", [None])])
def test_s2_a_foreign_realm_is_asked_without_credentials(realm: str, shown: Any) -> None:
    door = FarAway(f"https://{realm}/token")
    with pytest.raises(Failed, match=f"{realm} gives no token") as failure:
        OciRegistry(door, "registry-1.docker.io", TESTER).image_digest("lepton", "0.7.0")
    assert [auth for url, auth in door.shown if realm in url] == shown
    assert ("were not sent there" in failure.value.problem) is (shown == [None])


def test_s2_a_remote_registry_cannot_send_us_to_this_machine() -> None:
    registry = registry_url("registry.example.com")
    for realm in ("http://127.0.0.1:8080/", "https://localhost/", "https://[::1]/", "https://name@example.com/"):
        with pytest.raises(Failed):
            check_realm(realm, registry)


@pytest.mark.parametrize("path", ["/v2/", "/v2/lepton/manifests/v00001", "/v2/lepton/tags/list"])
def test_s2_a_redirect_that_the_door_does_not_follow(stubs: Callable[..., Stub], path: str) -> None:
    stub, thief = stubs(), stubs()
    stub.faults = {"token": "", path: (307, b"", {"Location": thief.url + path})}
    with pytest.raises(Failed, match="307"):
        OciRegistry(Door(), stub.url, TESTER).image_digests("lepton", list)
    assert thief.seen == []


def test_s2_across_hosts_no_credential_goes_along(stubs: Callable[..., Stub]) -> None:
    stub, thief = stubs(), stubs()
    stub.faults["token"] = ""
    registry = OciRegistry(Http(Clock()), stub.url, TESTER)
    assert registry.image_digest("lepton", "v00001")
    path = "/v2/lepton/manifests/v00001"
    thief.faults[path] = (401, b"", {"WWW-Authenticate": f'Basic realm="x", Bearer realm="{thief.url}/token"'})
    stub.faults[path] = (307, b"", {"Location": thief.url + path})
    with pytest.raises(Failed, match="none were sent there"):
        registry.image_digest("lepton", "v00001")
    assert [(at, authorization) for _, at, authorization in thief.seen] == [(path, "")]


@pytest.mark.parametrize("answer", [(404, b"<html>"), (401, b""), (403, b"")])
def test_a_web_server_that_is_no_registry_has_no_missing_images(stubs: Callable[..., Stub], answer: Any) -> None:
    stub = stubs()
    stub.faults = {"/v2/": answer, "/v2/lepton/manifests/v1": (404, b"")}
    with pytest.raises(Failed, match="not an OCI registry"):
        OciRegistry(Door(), stub.url).image_digest("lepton", "v1")


@pytest.mark.parametrize("path", ["/v2/", "/v2/lepton/manifests/v00001"])
@pytest.mark.parametrize("status", [200, 404])
def test_f21_a_web_page_is_no_image_and_none_that_is_missing(
    stubs: Callable[..., Stub], path: str, status: int
) -> None:
    stub = stubs()
    stub.faults = {path: (status, b"<p>Sign in</p>", {"Content-Type": "text/html"})}
    with pytest.raises(Failed, match="with a web page"):
        OciRegistry(Door(), stub.url).image_digest("lepton", "v00001")


@pytest.mark.parametrize("status", [400, 403, 429, 500, 503])
def test_f20_missing_only_on_404(stubs: Callable[..., Stub], status: int) -> None:
    stub = stubs()
    stub.faults = {"/v2/lepton/manifests/v00001": (status, b""), "/v2/lepton/tags/list": (status, b"")}
    registry = OciRegistry(Door(), stub.url)
    with pytest.raises(Failed):
        registry.image_digest("lepton", "v00001")
    with pytest.raises(Failed):
        registry.tags("lepton")


@pytest.mark.parametrize("body", [b"[]", b'"x"', b'{"tags": "abc"}', b'{"tags": [1]}', b'{"tags": ["a/b"]}', b"<html>"])
def test_an_answer_that_is_no_list_of_tags(stubs: Callable[..., Stub], body: bytes) -> None:
    stub = stubs()
    stub.faults = {"/v2/lepton/tags/list": (200, body)}
    with pytest.raises(Failed, match=r"does not answer|did not answer JSON"):
        OciRegistry(Door(), stub.url).tags("lepton")


def test_a_server_without_head(stubs: Callable[..., Stub]) -> None:
    stub = stubs()
    stub.images["v1"] = b"{}"
    handler = StubHandler.do_HEAD
    try:
        StubHandler.do_HEAD = lambda self: self.send(405, b"")  # type: ignore[method-assign,assignment]
        digest = OciRegistry(Door(), stub.url).image_digest("lepton", "v1")
    finally:
        StubHandler.do_HEAD = handler  # type: ignore[method-assign]
    assert digest == f"sha256:{hashlib.sha256(b'{}').hexdigest()}"


@pytest.mark.parametrize(
    "url",
    ["http://registry.example.com", "https://name:secret@registry.example.com", "ftp://127.0.0.1", "", "https://h?a=b"],
)
def test_s2_addresses_that_are_refused(url: str) -> None:
    with pytest.raises(Usage) as failure:
        OciRegistry(Door(), url)
    assert "secret" not in str(failure.value)


@pytest.mark.parametrize("name", ["", "../x", "Lepton", "a//b", "lepton/", "a?b", "lepton\n", "a" * 256, "ü"])
def test_s3_repository_names(name: str) -> None:
    with pytest.raises(Usage):
        OciRegistry(Door(), "http://127.0.0.1:9").tags(name)


@pytest.mark.parametrize("tag", ["", ".x", "a/b", "x?y", "v1\n", "x" * 129, "é"])
def test_s3_tags(tag: str) -> None:
    with pytest.raises(Usage):
        OciRegistry(Door(), "http://127.0.0.1:9").image_digest("lepton", tag)


CHALLENGES = [
    ('Basic realm="x"', {"basic": {"realm": "x"}}),
    (
        'Bearer realm="https://a/token",service="s",scope="repository:a/b:pull,push", Basic realm="say \\"hi\\""',
        {
            "bearer": {"realm": "https://a/token", "service": "s", "scope": "repository:a/b:pull,push"},
            "basic": {"realm": 'say "hi"'},
        },
    ),
    ("BEARER Realm = plain , error=invalid_token", {"bearer": {"realm": "plain", "error": "invalid_token"}}),
    ("Negotiate", {"negotiate": {}}),
    ("", {}),
]


@pytest.mark.parametrize(("header", "offered"), CHALLENGES)
def test_challenges(header: str, offered: dict[str, dict[str, str]]) -> None:
    assert challenges(header) == offered
