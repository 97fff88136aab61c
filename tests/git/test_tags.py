"""The tags of versions: what they say, who signed them, and the push of one."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest
import semver
from conftest import again, open_context
from outside import git

from release.call.context import Context
from release.errors import Conflict, Failed, Usage
from release.git import tags
from release.git.refs import RemoteRef, tag_ref
from release.git.repository import repository
from release.git.snapshot import remote
from release.sandbox import Sandbox
from release.sandbox.github.rules import reject_pushes
from release.versions import Line

SEVEN, VERSION = Line(0, 7), semver.Version(0, 7)
WHEN = "2026-11-22T10:20:30+00:00"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox({"a.txt": "one\n"}, cloud=False) as made:
        yield made


@pytest.fixture
def context(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Context:
    return open_context(sandbox, monkeypatch)


def tag(sandbox: Sandbox, name: str, message: str = "", *options: str) -> None:
    """Tag what is checked out and push that, as somebody else would; without a message a lightweight tag."""
    git(sandbox.work, "tag", *options, *(["-a", "-m", message] if message else []), name)
    git(sandbox.work, "push", "-q", "origin", f"refs/tags/{name}")
    git(sandbox.work, "tag", "-d", name)


def found(context: Context, name: str) -> RemoteRef:
    tagged = remote(again(context)).tag(name)
    assert tagged
    return tagged


# --- what they say ---


def test_what_a_tag_releases_is_read_back(sandbox: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_COMMITTER_DATE", WHEN)
    tag(sandbox, "0.7.0", "Release 0.7.0")
    message = tags.tag_message(semver.Version(0, 7, 1), "sdk", "incompatible", "it is urgent")
    assert message == "Release sdk 0.7.1 alone\n\nincompatible\n\nComponent: sdk\nAccepted: it is urgent"
    tag(sandbox, "0.7.1", message)
    alone = tags.tag_message(semver.Version(0, 7, 2), "web", "compatible", "")
    assert alone == "Release web 0.7.2 alone\n\ncompatible\n\nComponent: web"
    tag(sandbox, "0.7.2", alone)
    tag(sandbox, "0.7.3-rc.1")
    late = again(context)
    whole, sdk, web, candidate = tags.tagged_releases(late, SEVEN)
    assert [each.version for each in (whole, sdk, web, candidate)] == list(
        map(semver.Version.parse, ("0.7.0", "0.7.1", "0.7.2", "0.7.3-rc.1"))
    )
    assert [each.ref for each in (whole, candidate)] == [found(context, "0.7.0"), found(context, "0.7.3-rc.1")]
    assert [each.components for each in (whole, sdk, web, candidate)] == [(), ("sdk",), ("web",), ()]
    assert [each.accepted for each in (whole, sdk, web)] == ["", "it is urgent", ""]
    assert [each.at for each in (whole, sdk, web, candidate)] == [WHEN, WHEN, WHEN, ""]
    assert [each.what for each in (whole, sdk)] == ["everything together", "sdk"]
    assert [each.has("sdk") for each in (whole, sdk, web)] == [True, True, False]
    every = [whole, sdk, web, candidate]
    assert [tags.last_release(every, name) for name in ("sdk", "web", "backend")] == [sdk, web, whole]
    assert tags.last_release([candidate], "sdk") is None
    assert tags.tagged_release(late, semver.Version(0, 7, 1)) == sdk
    assert tags.tagged_release(late, semver.Version(0, 7, 9)) is None
    refs = [whole.ref, candidate.ref, web.ref]
    assert tags.tag_messages(repository(late), refs) == ["Release 0.7.0\n", "", f"{alone}\n"]
    assert tags.rival_versions(late, semver.Version(0, 7, 9), whole.ref.sha) == [VERSION]
    assert tags.rival_versions(late, VERSION, whole.ref.sha) == []
    only = "Only {} is released here, not the other components of 0.7."
    accepted = "The gate did not open; accepted: it is urgent"
    assert tags.release_scope(sdk) == f"{only.format('sdk')}\n\n{accepted}\n\n"
    assert tags.release_scope(web) == f"{only.format('web')}\n\n"
    assert tags.release_scope(whole) == tags.release_scope(None) == ""


def test_trailers_are_the_last_paragraph_and_nothing_else() -> None:
    told = "Title\n\nText\n\nComponent: sdk\nComponent:  web \nAccepted: so: be it\n"
    assert tags.trailers(told) == {"Component": ["sdk", "web"], "Accepted": ["so: be it"]}
    signature = "-----BEGIN SSH SIGNATURE-----\nabc\n-----END SSH SIGNATURE-----\n"
    assert tags.trailers(f"Title\n \t\nComponent: sdk\n{signature}") == {"Component": ["sdk"]}
    for text in ("", "Component: sdk", "Title\n\nComponent: sdk\nand more", "Title\n\nComponent: sdk\n\nMore"):
        assert tags.trailers(text) == {}, text


def test_when_a_tag_was_written_is_what_its_header_says() -> None:
    header = "object f\ntype commit\ntag 1\n"
    assert tags.written_at(f"{header}tagger A <a@b> 1795342830 +0100\n\nText") == "2026-11-22T10:20:30+00:00"
    assert tags.written_at("tree f\nauthor A <a> 5 +0000\ncommitter B <b> 60 +0000\n\nText").endswith("00:01:00+00:00")
    assert tags.written_at(f"{header}\nText\ntagger A <a@b> 5 +0000\n\nmore") == ""
    assert tags.written_at("") == ""


# --- where they are ---


def test_f12_a_tag_elsewhere_is_a_conflict_and_a_missing_one_is_said(sandbox: Sandbox, context: Context) -> None:
    sha = repository(context).head()
    assert tags.tag_at(context, VERSION, sha) is None
    with pytest.raises(Usage) as caught:
        tags.needed_tag(context, VERSION)
    assert caught.value.problem == "there is no tag 0.7.0"
    assert caught.value.hint == "Tag it: inv release.tag --version 0.7.0"
    sandbox.bare.update_ref("refs/tags/0.7.0", sha)
    late = again(context)
    assert tags.tag_at(late, VERSION, sha) == tags.needed_tag(late, VERSION) == tag_ref("0.7.0", sha)
    with pytest.raises(Conflict) as elsewhere:
        tags.tag_at(late, VERSION, "f" * 40)
    assert elsewhere.value.problem == f"tag 0.7.0 is at {sha[:9]}, not at fffffffff; a tag is never moved"
    assert elsewhere.value.hint == "Take the next version: inv release.next --line 0.7"


def test_f09_a_tag_of_the_person_s_own_stays_whatever_becomes_of_the_push(sandbox: Sandbox, context: Context) -> None:
    sha = repository(context).head()
    git(sandbox.work, "tag", "-a", "-m", "mine", "0.7.0")
    mine = git(sandbox.work, "rev-parse", "refs/tags/0.7.0")
    reject_pushes(sandbox.github.hub, "refs/tags/*", "not today")
    for version in ("0.7.0", "0.7.1"):
        with pytest.raises(Failed, match="not today"):
            tags.push_tag(context, semver.Version.parse(version), sha)
    assert git(sandbox.work, "tag", "--list") == "0.7.0", "one made for the push goes with it"
    git(sandbox.work, "tag", "0.7.2", sha)
    git(sandbox.work, "commit", "-q", "--allow-empty", "-m", "later")
    with pytest.raises(Conflict) as caught:
        tags.push_tag(context, semver.Version(0, 7, 2), repository(again(context)).head())
    assert caught.value.hint == "Look at it (git show 0.7.2); if it is a leftover: git tag -d 0.7.2"
    assert git(sandbox.work, "rev-parse", "refs/tags/0.7.0") == mine


def test_f05_a_tag_that_is_pushed_is_annotated_and_here_afterwards(sandbox: Sandbox, context: Context) -> None:
    sha = repository(context).head()
    tags.push_tag(context, VERSION, sha)
    tags.push_tag(context, semver.Version(0, 7, 1), sha, message="In words\n\nof my own")
    for name, message in (("0.7.0", "Release 0.7.0"), ("0.7.1", "In words\n\nof my own")):
        there = found(context, name)
        assert there.target != there.sha == sha
        assert git(sandbox.work, "rev-parse", f"refs/tags/{name}") == there.target
        assert tags.tag_messages(repository(context), [there]) == [f"{message}\n"]


# --- who signed them ---


def test_f24_a_signature_is_checked_where_it_is_said_whose_are_good(sandbox: Sandbox, context: Context) -> None:
    repo, keys = repository(context), {}
    for name in ("good", "other"):
        keys[name] = sandbox.home / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(keys[name])], check=True)
    git(sandbox.work, "config", "gpg.format", "ssh")
    for version, name in (("0.7.0", "good"), ("0.7.1", "other")):
        git(sandbox.work, "config", "user.signingkey", str(keys[name]))
        tag(sandbox, version, "Signed", "-s")
    tag(sandbox, "0.7.2", "Not signed")
    tag(sandbox, "0.7.3")
    good, other, unsigned, light = (found(context, f"0.7.{number}") for number in range(4))
    assert [tags.signature(repo, each) for each in (unsigned, light)] == [None, None]
    unchecked = "not checked: gpg.ssh.allowedSignersFile is not set"
    assert tags.signature(repo, good) == tags.Signature("SSH", None, unchecked)
    signers = sandbox.home / "signers"
    email = git(sandbox.work, "config", "user.email")
    signers.write_text(f"{email} {keys['good'].with_suffix('.pub').read_text()}")
    git(sandbox.work, "config", "gpg.ssh.allowedSignersFile", str(signers))
    tagger = f"{git(sandbox.work, 'config', 'user.name')} <{email}>"
    assert tags.signature(repo, good) == tags.Signature("SSH", True, f"good; tagged by {tagger}")
    refused = tags.signature(repo, other)
    assert refused
    assert (refused.kind, refused.good) == ("SSH", False)
    assert refused.says.startswith("git verify-tag: ")
