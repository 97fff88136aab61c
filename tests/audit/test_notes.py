"""The GitHub Release: where its notes begin, whose picks they list, when it is published."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import semver
from conftest import FakeClock, again, open_context, printed

from release.audit import receipt
from release.audit.receipt import previous_version, statement
from release.call.context import Context
from release.errors import Failed, Usage
from release.github.api import github
from release.github.releases import release_of
from release.sandbox import Sandbox
from release.tasks import proofs

VERSION = semver.Version.parse


@pytest.fixture(scope="module")
def sample() -> Iterator[Sandbox]:
    with Sandbox() as made:
        yield made


@pytest.fixture
def context(sample: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Context]:
    yield open_context(sample, monkeypatch, clock=FakeClock())
    sample.github.hub.releases.clear()


def written(sample: Sandbox, start: int) -> list[tuple[str, Any]]:
    asked = [each for each in sample.github.requests[start:] if each.path.startswith("/api/")]
    return [(each.path.rpartition("/acme/platform/")[2], each.body) for each in asked if each.method != "GET"]


@pytest.mark.parametrize(
    ("version", "before"),
    [("0.6.2", "0.6.1"), ("0.6.0", "0.5.1"), ("0.7.0", "0.6.2"), ("0.5.0", None), ("0.6.2-rc.1", "0.6.1")],
)
def test_the_previous_version_is_of_the_line(version: str, before: str | None) -> None:
    tags = [
        VERSION(text) for text in ("0.5.0", "0.5.1", "0.6.0", "0.6.1", "0.6.2-rc.1", "0.6.2", "0.7.0-rc.1", "0.7.0")
    ]
    assert previous_version(tags, VERSION(version)) == (VERSION(before) if before else None)


def test_notes_begin_at_the_lines_previous_version(sample: Sandbox, context: Context) -> None:
    """0.5.2 comes after 0.5.1, whatever was tagged last."""
    sample.bare.git("tag", "0.5.2", "refs/heads/release-0.5-20260601")
    start = len(sample.github.requests)
    try:
        draft = proofs.notes(context, "0.5.2")
    finally:
        sample.bare.git("tag", "-d", "0.5.2")
    assert draft.draft
    asked = dict(written(sample, start))
    assert asked["releases/generate-notes"]["previous_tag_name"] == "0.5.1"
    assert asked["releases"]["draft"] is True
    assert "compare/0.5.1...0.5.2" in asked["releases"]["body"]


def test_f37_a_draft_may_show_some_seconds_after_it_was_written(sample: Sandbox, context: Context) -> None:
    sample.github.faults.add("GET", r"/releases\?", status=200, body=[], times=3)
    assert proofs.notes(context, "0.6.2").draft
    assert len(sample.github.hub.releases) == 1


def test_f34_of_two_drafts_of_one_moment_the_first_is_kept(sample: Sandbox, context: Context) -> None:
    first: list[int] = []
    sample.github.faults.add("POST", "/releases", call=lambda: first.append(proofs.notes(again(context), "0.6.2").id))
    assert [proofs.notes(context, "0.6.2").id] == first == list(sample.github.hub.releases)


def test_f34_a_draft_that_is_published_between_two_looks_is_there(
    sample: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = proofs.notes(context, "0.6.2")

    def _publish() -> None:
        sample.github.hub.releases[draft.id].draft = False

    few_a_page(monkeypatch)
    proofs.notes(again(context), "0.5.1")
    sample.github.faults.add("GET", "/releases/tags/", status=404, call=_publish)
    found = release_of(again(context), VERSION("0.6.2"))
    assert found
    assert (found.id, found.draft) == (draft.id, False)


def few_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every Release on a page of its own."""
    for room in ("api", "releases"):
        monkeypatch.setattr(f"release.github.{room}.PAGE", 1)


def test_f26_a_release_is_found_on_any_page(sample: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    first = proofs.notes(context, "0.6.2")
    proofs.notes(again(context), "0.5.1")
    few_a_page(monkeypatch)
    assert release_of(again(context), VERSION("0.6.2")) == first
    sample.github.hub.releases[first.id].draft = False
    start = len(sample.github.requests)
    found = release_of(again(context), VERSION("0.6.2"))
    assert found
    assert (found.id, found.draft, len(sample.github.requests) - start) == (first.id, False, 2)


def test_f27_its_own_draft_is_adopted(sample: Sandbox, context: Context) -> None:
    first = proofs.notes(context, "0.6.2")
    start = len(sample.github.requests)
    second = again(context)
    assert proofs.notes(second, "0.6.2") == first
    assert written(sample, start) == []
    assert len(sample.github.hub.releases) == 1
    assert "(already)" in printed(second)


def test_a_dry_run_drafts_nothing(sample: Sandbox, context: Context) -> None:
    start = len(sample.github.requests)
    dry = again(context, dry=True)
    proofs.notes(dry, "0.6.2", publish=True)
    assert written(sample, start) == []
    assert printed(dry).count("(to do)") == 2


def test_nothing_is_published_that_is_not_proved(sample: Sandbox, context: Context) -> None:
    with pytest.raises(Failed, match="wheel"):
        proofs.notes(context, "0.6.2", publish=True)
    (release,) = sample.github.hub.releases.values()
    assert release.draft
    assert release.assets == []
    assert "✘ wheel" in printed(context)


def test_what_is_published_stays_as_it_is(sample: Sandbox, context: Context) -> None:
    """An immutable release is not touched again, not even proved."""
    proofs.notes(context, "0.6.2")
    (release,) = sample.github.hub.releases.values()
    release.draft, release.immutable = False, True
    start = len(sample.github.requests)
    assert proofs.notes(again(context), "0.6.2", publish=True).immutable
    assert written(sample, start) == []


def test_f30_a_patch_of_an_old_line_does_not_become_the_latest(
    sample: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """0.6.2 is the newest; 0.5.1 is published after it, 0.7.0-rc.1 is no release to compare with."""
    monkeypatch.setattr(receipt, "proved_receipt", lambda *_: statement({}, {}, {}, {}))
    sample.bare.git("tag", "0.7.0-rc.1", "refs/heads/main")
    try:
        for version in ("0.6.2", "0.5.1", "0.7.0-rc.1"):
            proofs.notes(again(context), version, publish=True)
            assert github(context).get("releases/latest")["tag_name"] == "0.6.2"
    finally:
        sample.bare.git("tag", "-d", "0.7.0-rc.1")


def test_picks_list_their_original_pull_requests(sample: Sandbox, context: Context) -> None:
    bare, api = sample.bare, github(context)
    line, main = "refs/heads/release-0.6-20260901", bare.sha("refs/heads/main") or ""
    old = bare.sha(line) or ""
    person = {f"GIT_{role}_{kind}": "a@b.c" for role in ("AUTHOR", "COMMITTER") for kind in ("NAME", "EMAIL")}

    def commit(parent: str, message: str) -> str:
        tree = bare.git("rev-parse", f"{parent}^{{tree}}").strip()
        return bare.git("commit-tree", tree, "-p", parent, "-m", message, **person).strip()

    bare.git("update-ref", "refs/heads/mend", commit(main, "fix: mend <everything>"))
    opened = api.send("POST", "pulls", {"title": "fix: mend <everything>", "head": "mend", "base": "main"})
    merged = api.send("PUT", f"pulls/{opened['number']}/merge", {"merge_method": "squash"})["sha"]
    picked = commit(old, f"fix: mend <everything>\n\n(cherry picked from commit {merged})")
    bare.git("update-ref", line, commit(picked, "chore: no pick"))
    bare.git("tag", "0.6.3", line)
    try:
        proofs.notes(context, "0.6.3")
        (release,) = sample.github.hub.releases.values()
        assert release.body.startswith("## Picked\n* fix: mend <everything> by @releaser in ")
        assert release.body.count(f"/pull/{opened['number']}\n") == 1
    finally:
        bare.git("tag", "-d", "0.6.3")
        bare.git("update-ref", line, old)


def test_a_version_without_a_tag_has_no_release(context: Context) -> None:
    with pytest.raises(Usage, match=r"no tag 0\.6\.9"):
        proofs.notes(context, "0.6.9")
