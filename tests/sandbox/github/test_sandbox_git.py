"""Git over HTTP, and the rules on pushes."""

from __future__ import annotations

import os
from pathlib import Path

from sandbox_client import Client

from release.sandbox.github import rules
from release.sandbox.github.records import TOKEN, Token


def test_git_push_is_in_the_bare_repository_and_needs_the_token(client: Client) -> None:
    sha = client.commit("topic")
    assert client.sandbox.bare.sha("topic") == sha
    wrong = client.git("push", "origin", "HEAD:refs/heads/other", check=False, GITHUB_TOKEN="wrong")
    assert wrong.returncode != 0
    assert client.sandbox.bare.sha("other") is None
    client.hub.tokens["reader"] = Token(push=False)
    client.git("fetch", GITHUB_TOKEN="reader")
    assert client.git("push", "origin", "HEAD:refs/heads/other", check=False, GITHUB_TOKEN="reader").returncode != 0
    assert all(TOKEN not in str(request) for request in client.sandbox.github.requests)


def test_git_speaks_protocol_two_and_large_pushes(client: Client) -> None:
    traced = client.git("-c", "protocol.version=2", "ls-remote", "origin", "refs/heads/main", GIT_TRACE_PACKET="1")
    assert "version 2" in traced.stderr
    noise = os.urandom(1_500_000).hex()  # beyond http.postBuffer, so sent in chunks
    sha = client.commit("large", "noise.txt", noise)
    assert client.sandbox.bare.sha("large") == sha
    assert any(request.headers.get("transfer-encoding") == "chunked" for request in client.sandbox.github.requests)


def test_git_packs_what_it_asks_for(client: Client) -> None:
    client.git("fetch", "-q", "origin", *(f"refs/heads/main:refs/copies/{number}" for number in range(40)))
    assert any(request.headers.get("content-encoding") == "gzip" for request in client.sandbox.github.requests)
    copies = client.git("for-each-ref", "--format=%(objectname)", "refs/copies").stdout.split()
    assert copies == [client.sandbox.bare.sha("main")] * 40


def test_what_is_asked_of_a_repository_again_is_as_it_is_now(client: Client) -> None:
    bare = client.sandbox.bare
    before = bare.sha("main") or ""
    assert (bare.sha("later"), bare.sha("main\nHEAD"), bare.kind(before)) == (None, None, "commit")
    sha = client.commit("later", "later.txt", "now\n")
    assert (bare.sha("later"), bare.file(sha, "later.txt"), bare.file(before, "later.txt")) == (sha, "now\n", None)
    assert bare.merge_base("main", "later") == before
    bare.update_ref("refs/heads/main", sha)
    assert (bare.sha("main"), bare.merge_base("main", "later")) == (sha, sha)


def test_git_shallow_clone_and_tagless_fetch(client: Client, tmp_path: Path) -> None:
    client.commit("topic")
    client.git(
        "clone",
        "-q",
        "--depth=1",
        "-b",
        "topic",
        client.sandbox.github.clone_url,
        str(tmp_path / "c"),
        GIT_CONFIG_COUNT="1",
        GIT_CONFIG_KEY_0="http.extraHeader",
        GIT_CONFIG_VALUE_0=f"Authorization: Bearer {TOKEN}",
    )
    assert (tmp_path / "c" / ".git" / "shallow").exists()


def test_f13_ruleset_rejects_in_github_words_and_atomic_pushes_land_nothing(client: Client) -> None:
    client.commit("topic")
    rules.protect(client.hub, "refs/heads/release-*", creation={})
    rules.reject_pushes(client.hub, "refs/tags/9.*", "No nines today")
    push = client.git("push", "--atomic", "origin", "HEAD:refs/heads/release-1", "HEAD:refs/tags/9.0.0", check=False)
    assert push.returncode != 0
    assert "GH013: Repository rule violations found for refs/heads/release-1" in push.stderr
    tag = client.git("push", "origin", "HEAD:refs/tags/9.0.0", check=False)
    assert "No nines today" in tag.stderr
    assert set(client.sandbox.bare.refs()) == {"refs/heads/main", "refs/heads/topic"}
    assert [rule["type"] for rule in client.get("rules/branches/release-1")] == ["creation"]
    rules.unprotect(client.hub)
    client.git("push", "origin", "HEAD:refs/heads/release-1")
