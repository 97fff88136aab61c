"""Who answers is who was asked, and within its time: over real TLS, with a certificate that somebody made."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import FakeClock
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from scripted import Reply, Scripted, scripted_server

from release.errors import Failed, Unknown
from release.github.http import Http


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for the loopback that nobody has to trust, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "somebody")])
    now, day = datetime.datetime.now(datetime.timezone.utc), datetime.timedelta(days=1)
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    draft = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    draft = draft.serial_number(1).not_valid_before(now - day).not_valid_after(now + day)
    signed = draft.add_extension(here, critical=False).sign(key, hashes.SHA256())
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(secret + signed.public_bytes(Encoding.PEM))
    return path


@pytest.fixture
def server(certificate: Path) -> Iterator[Scripted]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with scripted_server(tls) as script:
        yield script


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_s02_nothing_is_said_to_a_server_whose_certificate_nobody_trusts(server: Scripted, method: str) -> None:
    clock = FakeClock()
    with pytest.raises(Failed, match=r"127\.0\.0\.1:\d+/x (does not answer|cannot be reached): SSL"):
        Http(clock).request(method, f"{server.url}/x")
    assert server.asked == []
    assert clock.slept == [], "a certificate does not get better"


@pytest.fixture
def trusted(server: Scripted, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Scripted:
    """The server, its certificate trusted as a company trusts its own."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    return server


def test_s02_a_certificate_that_is_trusted_will_do(trusted: Scripted) -> None:
    trusted.replies = [Reply(301, headers={"Location": "/there"}), Reply(body=b"it")]
    assert Http(FakeClock()).request("GET", f"{trusted.url}/x").content == b"it"


def test_s02_no_redirect_leads_from_https_to_http(trusted: Scripted) -> None:
    with scripted_server() as plain:
        trusted.replies = [Reply(302, headers={"Location": f"{plain.url}/log"})]
        with pytest.raises(Failed, match="redirects to http"):
            Http(FakeClock()).request("GET", f"{trusted.url}/x")
        assert plain.asked == []


@pytest.mark.parametrize(("method", "kind"), [("GET", Failed), ("POST", Unknown)])
def test_s02_a_server_that_says_nothing_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, method: str, kind: type[Exception]
) -> None:
    monkeypatch.setattr("release.github.http.TIMEOUT", (0.2, 0.2))
    with scripted_server() as script:
        script.replies = [Reply(silent=True)]
        with pytest.raises(kind, match="ReadTimeout"):
            Http(FakeClock()).request(method, f"{script.url}/x")
        assert len(script.asked) == (4 if method == "GET" else 1)
