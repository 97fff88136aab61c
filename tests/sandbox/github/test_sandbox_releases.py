"""GitHub Releases and their files."""

from __future__ import annotations

from sandbox_client import BYTES, Client

from release.sandbox.github.records import TOKEN, Token


def test_release_is_drafted_found_by_its_number_and_published(client: Client) -> None:
    sha = client.commit("topic")
    number = client.pull()["number"]
    client.send("PUT", f"pulls/{number}/merge", 200, {"sha": sha})
    client.git("push", "-q", "origin", "HEAD:refs/tags/0.6.0")
    notes = client.send("POST", "releases/generate-notes", 200, {"tag_name": "0.7.0", "target_commitish": "main"})
    assert f"/pull/{number}" in notes["body"]
    client.send("POST", "releases/generate-notes", 422, {"tag_name": "0.7.0", "previous_tag_name": "0.1.0"})
    draft = client.send("POST", "releases", 201, {"tag_name": "0.7.0", "draft": True, "body": notes["body"]})
    client.get("releases/tags/0.7.0", 404)
    assert [each["draft"] for each in client.get("releases")] == [True]
    client.hub.tokens["reader"] = Token(push=False)
    client.token = "reader"
    assert client.get("releases") == []
    client.token = TOKEN
    place = f"{draft['upload_url'].partition('{')[0]}?name=a.json"
    asset = client.ask("POST", place, 201, data=b"{}", headers=BYTES).json()
    client.ask("POST", place, 422, data=b"{}", headers=BYTES)
    client.send("PATCH", f"releases/{draft['id']}", 200, {"draft": False})
    assert client.get("releases/tags/0.7.0")["id"] == client.get("releases/latest")["id"] == draft["id"]
    assert client.sandbox.bare.sha("refs/tags/0.7.0") == client.sandbox.bare.sha("main")
    sent = client.ask("GET", f"releases/assets/{asset['id']}", 302, headers={"Accept": "application/octet-stream"})
    assert client.session.get(sent.headers["Location"], timeout=5).content == b"{}"
    client.send("POST", "releases", 422, {"tag_name": "0.7.0"})


def test_immutable_release_takes_no_more_files(client: Client) -> None:
    client.hub.settings.immutable_releases = True
    made = client.send("POST", "releases", 201, {"tag_name": "0.7.0"})
    place = f"{made['upload_url'].partition('{')[0]}?name=a.json"
    client.ask("POST", place, 422, data=b"{}", headers=BYTES)
    client.send("PATCH", f"releases/{made['id']}", 422, {"tag_name": "0.8.0"})
    client.ask("DELETE", f"releases/{made['id']}", 204)
    client.get(f"releases/{made['id']}", 404)


def test_tag_of_an_immutable_release_is_kept_and_its_name_burned_with_it(client: Client) -> None:
    """As GitHub has it: the name is given to no tag and no release again, though the setting be turned off."""
    client.hub.settings.immutable_releases = True
    made = client.send("POST", "releases", 201, {"tag_name": "0.7.0"})
    sha = client.hub.bare.sha("refs/tags/0.7.0")
    client.commit("topic")
    for spec in (":refs/tags/0.7.0", "+HEAD:refs/tags/0.7.0"):
        assert "protected ref" in client.git("push", "-q", "origin", spec, check=False).stderr
    assert client.hub.bare.sha("refs/tags/0.7.0") == sha
    client.ask("DELETE", f"releases/{made['id']}", 204)
    client.hub.settings.immutable_releases = False
    client.git("push", "-q", "origin", ":refs/tags/0.7.0")
    pushed = client.git("push", "-q", "origin", "HEAD:refs/tags/0.7.0", check=False)
    assert "creations being restricted" in pushed.stderr
    refused = client.send("POST", "releases", 422, {"tag_name": "0.7.0"})
    assert refused["errors"][0]["message"] == "tag_name was used by an immutable release"
    client.send("POST", "git/refs", 422, {"ref": "refs/tags/0.7.0", "sha": sha})
    client.send("POST", "releases", 201, {"tag_name": "0.7.0", "draft": True})
