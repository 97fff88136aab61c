"""What only looks like a URL is none, wherever it comes from: it is refused in words, and nothing is sent."""

from __future__ import annotations

import pytest
from conftest import FakeClock, again
from outside import git
from scripted import Reply, scripted_server
from typed import typing_in

from release.artifacts.oci import check_realm, registry_url
from release.call.context import Context
from release.call.urls import target_url, url_parts
from release.errors import Failed, ReleaseError, Usage
from release.git.remotes import is_secure, public_url, remote_repository
from release.git.repository import repository
from release.github.api import GitHub, github
from release.github.http import Http, address, check_url
from release.sandbox import Sandbox

WRONG = {
    "bracket": "https://[x/a/b",
    "port": "https://h.example:port/a/b",
    "far-port": "https://h.example:99999/a/b",
    "folded": "https://h\u2100.example/a/b",
    "password": "https://me:word@[x/a/b",
}


@pytest.mark.parametrize("url", WRONG.values(), ids=WRONG)
def test_s02_what_is_no_url_is_refused_at_every_door(url: str) -> None:
    assert not any(url_parts(url))
    assert not is_secure(url)
    assert address(url) == "an address that is none"
    assert "word" not in public_url(url)
    for refused in (
        lambda: check_url(url, credentialed=True),
        lambda: registry_url(url),
        lambda: check_realm(url, registry_url("https://registry.example")),
        lambda: Http(FakeClock()).request("POST", url, auth=lambda request: request),
        lambda: GitHub(Http(FakeClock()), "https://api.github.com", "a/b", "t").url(url),
    ):
        with pytest.raises((Usage, Failed)) as caught:
            refused()
        assert "word" not in caught.value.problem
    with pytest.raises(Failed, match="InvalidURL"):
        Http(FakeClock()).request("GET", "https://[x/a/b")


def test_s02_a_remote_that_is_no_url_is_told_without_its_password(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GITHUB_REPOSITORY", "GITHUB_API_URL"):
        monkeypatch.delenv(name)
    with pytest.raises(Usage, match="names no GitHub repository"):
        remote_repository(WRONG["bracket"])
    git(context.folder, "remote", "set-url", "origin", WRONG["password"])
    repository(again(context))
    with pytest.raises(ReleaseError) as caught:
        github(again(context))
    assert "word" not in f"{caught.value.problem} {caught.value.hint}"


@pytest.mark.parametrize("url", WRONG.values(), ids=WRONG)
def test_s02_a_redirect_to_no_url_ends_there(url: str) -> None:
    with scripted_server() as server:
        server.replies = [Reply(302, headers={"Location": url.encode("ascii", "backslashreplace").decode()})]
        with pytest.raises(Failed):
            Http(FakeClock()).request("GET", f"{server.url}/x")
        with pytest.raises(Failed, match="has moved"):
            Http(FakeClock()).request("POST", f"{server.url}/x")
        assert len(server.asked) == 2
    assert target_url("https://h/a", "https://[x") == ""


@pytest.mark.parametrize("variable", ["GITHUB_API_URL", "INVOKE_RELEASE_NOTIFY_WEBHOOK", "INVOKE_IMAGE_REGISTRY"])
def test_s02_a_setting_that_is_no_url_is_told_without_a_traceback(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str
) -> None:
    typed = typing_in(sandbox, monkeypatch, capsys)
    monkeypatch.setenv(variable, WRONG["bracket"])
    for call in (("release.doctor",), ("release.branch", "--yes"), ("image.check", "--version", "0.6.1")):
        said = typed(*call)
        assert said.code in (0, 1, 2), said
        assert "\x1b" not in said.err
