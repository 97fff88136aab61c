"""Releases: which is Latest, what stays as it was published, and the notes that GitHub generates."""

from __future__ import annotations

from typing import Any

from sandbox_client import Client


def publish(client: Client, tag: str, **asked: Any) -> Any:
    return client.send("POST", "releases", 201, {"tag_name": tag, **asked})


def latest(client: Client) -> str:
    return str(client.get("releases/latest")["tag_name"])


def test_f30_latest_is_what_was_said_and_legacy_goes_by_the_commits_day_and_the_version(client: Client) -> None:
    publish(client, "0.7.0")
    publish(client, "0.6.9", make_latest="false")
    assert latest(client) == "0.7.0"
    publish(client, "0.8.0-rc.1", prerelease=True)
    assert latest(client) == "0.7.0"
    older = publish(client, "0.6.10")
    assert latest(client) == "0.6.10", "left out, it is true"
    client.send("PATCH", f"releases/{older['id']}", 200, {"make_latest": "legacy"})
    assert latest(client) == "0.7.0", "of one day the higher version"
    client.send("POST", "releases", 422, {"tag_name": "0.9.0", "make_latest": "perhaps"})


def test_f35_a_release_is_immutable_as_it_was_when_it_was_published(client: Client) -> None:
    settings = client.hub.settings
    before = publish(client, "0.6.1")
    settings.immutable_releases = True
    made = publish(client, "0.6.2")
    settings.immutable_releases = False
    assert [client.get(f"releases/{each['id']}")["immutable"] for each in (before, made)] == [False, True]
    client.send("PATCH", f"releases/{made['id']}", 200, {"name": "A name may change"})
    client.send("PATCH", f"releases/{made['id']}", 422, {"tag_name": "0.6.3"})
    sha = client.commit("topic")
    for _ in range(2):
        push = client.git("push", "--force", "origin", "HEAD:refs/tags/0.6.2", check=False)
        assert "GH013: Repository rule violations found for refs/tags/0.6.2." in push.stderr
        client.send("PATCH", "git/refs/tags/0.6.2", 422, {"sha": sha, "force": True})
        if made:
            client.send("DELETE", "git/refs/tags/0.6.2", 422)
            client.send("DELETE", f"releases/{made['id']}", 204)
            made = None
    client.send("DELETE", "git/refs/tags/0.6.2", 204)
    client.send("POST", "git/refs", 422, {"ref": "refs/tags/0.6.2", "sha": sha})
    push = client.git("push", "origin", "HEAD:refs/tags/0.6.2", check=False)
    assert "Cannot create ref due to creations being restricted." in push.stderr
    client.send("POST", "releases", 422, {"tag_name": "0.6.2"})
    client.git("push", "--force", "origin", "HEAD:refs/tags/0.6.1")


SETTINGS = """changelog:
  exclude: {labels: [hidden]}
  categories:
    - {title: Breaking, labels: [breaking]}
    - {title: Fixes, labels: [Fix], exclude: {authors: [bot]}}
"""


def test_notes_are_sorted_by_the_repositorys_categories(client: Client) -> None:
    client.commit("main", ".github/release.yml", SETTINGS)
    publish(client, "0.6.0")
    for number, labels in enumerate((["fix"], ["breaking", "fix"], ["other"], ["hidden"]), 1):
        client.git("checkout", "-q", "-B", "start", "origin/main")
        client.commit(f"topic-{number}", f"{number}.txt")
        asked = {"title": f"Change {number}", "head": f"topic-{number}", "base": "main"}
        pull = client.send("POST", "pulls", 201, asked)
        client.hub.pulls[pull["number"]].labels += labels
        client.get(f"pulls/{pull['number']}")
        client.send("PUT", f"pulls/{pull['number']}/merge", 200, {})
        client.git("fetch", "-q", "origin")
    notes = client.send("POST", "releases/generate-notes", 200, {"tag_name": "0.7.0", "previous_tag_name": "0.6.0"})
    lines = [line.split(" by ")[0] for line in notes["body"].splitlines() if line]
    assert lines[:-1] == [
        "## What's Changed", "### Breaking", "* Change 2", "### Fixes", "* Change 1", "### Other Changes", "* Change 3",
    ]  # fmt: skip
