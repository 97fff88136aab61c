"""Whose token goes where: a credential goes only to the host it is for."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from conftest import again, open_context
from scripted import Reply, scripted_server

from release.call.context import Context
from release.errors import Failed, Usage
from release.git.remotes import api_url, sign_in, token
from release.git.repository import Repository, repository
from release.github.api import github
from release.sandbox import Sandbox

CLOUD, SERVER = "https://api.github.com", "https://git.acme.example/api/v3"
EVERY = {
    "GITHUB_TOKEN": "cloud", "GH_TOKEN": "cloud too",
    "GH_ENTERPRISE_TOKEN": "server", "GITHUB_ENTERPRISE_TOKEN": "server too",
}  # fmt: skip
GH = """#!/bin/sh
echo "$@" >> "$0.asked"
env >> "$0.env"
case "$*" in *=git.acme.example) echo from-gh-for-acme;; *=github.com) echo from-gh-for-github;; *) exit 1;; esac
"""
REFS = "refs/heads/main"


@pytest.fixture
def context(monkeypatch: pytest.MonkeyPatch) -> Iterator[Context]:
    with Sandbox({"a": "b\n"}, cloud=False) as made:
        context = open_context(made, monkeypatch)
        for name in ("GITHUB_TOKEN", "GITHUB_API_URL", "GITHUB_REPOSITORY"):
            monkeypatch.delenv(name)
        monkeypatch.setenv("PATH", "/usr/bin:/bin")
        yield context


@pytest.fixture
def gh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `gh` that is signed in to two hosts, and writes down what it was asked and what it saw."""
    program = tmp_path / "gh"
    program.write_text(GH)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return program


def give(monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def less(*names: str) -> dict[str, str]:
    return {name: value for name, value in EVERY.items() if name not in names}


@pytest.mark.parametrize(
    ("api", "given", "expected"),
    [
        (CLOUD, EVERY, "cloud"),
        (CLOUD, less("GITHUB_TOKEN"), "cloud too"),
        (CLOUD, less("GITHUB_TOKEN", "GH_TOKEN"), ""),
        ("https://api.acme.ghe.com", EVERY, "cloud"),
        ("https://api.acme.ghe.com.evil.example", EVERY, "server"),
        ("https://github.com.evil.example/api/v3", {"GITHUB_TOKEN": "cloud"}, ""),
        ("https://evil.example/api/v3?github.com", {"GITHUB_TOKEN": "cloud"}, ""),
        (SERVER, EVERY, "server"),
        (SERVER, less("GH_ENTERPRISE_TOKEN"), "server too"),
        (SERVER, {"GITHUB_TOKEN": "cloud", "GH_TOKEN": "cloud too"}, ""),
        # Actions on Enterprise Server sets both.
        (SERVER, {"GITHUB_TOKEN": "of the run", "GITHUB_API_URL": SERVER}, "of the run"),
        (SERVER, {"GITHUB_TOKEN": "cloud", "GITHUB_API_URL": CLOUD}, ""),
        (CLOUD, {"GITHUB_TOKEN": "", "GH_TOKEN": " cloud too\n"}, "cloud too"),
    ],
)
def test_f32_a_token_of_the_environment_goes_only_to_the_host_it_is_for(
    context: Context, monkeypatch: pytest.MonkeyPatch, api: str, given: dict[str, str], expected: str
) -> None:
    give(monkeypatch, given)
    assert token(context, api) == expected


def test_f32_gh_is_asked_for_the_very_host_once_and_sees_no_token(
    context: Context, monkeypatch: pytest.MonkeyPatch, gh: Path
) -> None:
    give(monkeypatch, {"GITHUB_TOKEN": "for-github-alone"})
    for _ in range(2):
        assert token(context, SERVER) == "from-gh-for-acme"
    assert Path(f"{gh}.asked").read_text() == "auth token --hostname=git.acme.example\n"
    assert "for-github-alone" not in Path(f"{gh}.env").read_text()
    assert token(context, CLOUD) == "for-github-alone"
    monkeypatch.delenv("GITHUB_TOKEN")
    assert token(again(context), CLOUD) == "from-gh-for-github"
    assert token(context, "https://other.example/api/v3") == ""


@pytest.mark.parametrize(
    ("host", "api"),
    [
        ("github.com", CLOUD),
        ("ssh.github.com", CLOUD),
        ("acme.ghe.com", "https://api.acme.ghe.com"),
        ("git.acme.example", SERVER),
        ("notgithub.com", "https://notgithub.com/api/v3"),
    ],
)
def test_the_api_of_each_kind_of_host(host: str, api: str) -> None:
    assert api_url(host) == api


def test_without_a_token_the_host_and_its_variable_are_named(context: Context) -> None:
    subprocess.run(
        ["git", "remote", "set-url", "origin", "git@git.acme.example:o/r.git"], cwd=context.folder, check=True
    )
    with pytest.raises(Usage, match=r"no GitHub token for git\.acme\.example") as caught:
        github(again(context))
    assert caught.value.hint == "Set GH_ENTERPRISE_TOKEN, or sign in: gh auth login --hostname git.acme.example"
    assert sign_in(CLOUD) == "Set GITHUB_TOKEN, or sign in: gh auth login --hostname github.com"


def headers_of(context: Context, url: str) -> str:
    """What Git itself is told to send along to that remote."""
    subprocess.run(["git", "remote", "set-url", "origin", url], cwd=context.folder, check=True)
    try:
        return repository(again(context)).git("config", "--get-regexp", "extraheader")
    except Failed:
        return ""


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://github.com/o/r.git", "http.https://github.com/.extraheader"),
        ("https://acme.ghe.com/o/r.git", "http.https://acme.ghe.com/.extraheader"),
        ("http://github.com/o/r.git", ""),  # in the open
        ("https://git.acme.example/o/r.git", ""),
        ("https://github.com.evil.example/o/r.git", ""),
        ("https://github.com@evil.example/o/r.git", ""),
        ("git@github.com:o/r.git", ""),
    ],
)
def test_f32_s01_git_sends_the_token_to_its_host_alone_and_never_in_the_open(
    context: Context, monkeypatch: pytest.MonkeyPatch, url: str, key: str
) -> None:
    give(monkeypatch, {"GITHUB_TOKEN": "cloud"})
    told = headers_of(context, url)
    assert {line.split(" ")[0] for line in told.splitlines()} == ({key} if key else set())


def test_f32_s02_git_takes_the_token_along_no_redirect(context: Context) -> None:
    """Measured: Git 2.39 sends the header of the first host with its second request, wherever it was redirected to."""
    sha = Repository(context.folder).head()
    lines = [f"{sha} HEAD\0multi_ack_detailed side-band-64k", f"{sha} {REFS}"]
    listed = "".join(f"{len(line) + 5:04x}{line}\n" for line in lines)
    refs = Reply(
        body=f"001e# service=git-upload-pack\n0000{listed}0000".encode(),
        headers={"Content-Type": "application/x-git-upload-pack-advertisement"},
    )
    with scripted_server() as home, scripted_server() as elsewhere:
        target = elsewhere.url.replace("127.0.0.1", "localhost")
        home.replies = [Reply(301, headers={"Location": f"{target}/o/r.git/info/refs?service=git-upload-pack"})]
        elsewhere.replies = [refs, Reply(500)]
        url = f"{home.url}/o/r.git"
        subprocess.run(["git", "remote", "set-url", "origin", url], cwd=context.folder, check=True)
        repo = Repository(context.folder)
        repo.authenticate("mine", url)
        with pytest.raises(Usage, match="the remote has moved") as caught:
            repo.fetch("1" * 40)
        assert "set-url" in caught.value.hint
        assert "authorization" in home.asked[0].headers
        assert not [asked for asked in elsewhere.asked if "authorization" in asked.headers]
