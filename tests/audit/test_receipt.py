"""The receipt: the same whenever it is asked for, whoever wrote the one it is compared with; and what is Latest."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import semver
from conftest import FakeClock, again, open_context, printed

from release.audit.expected import expected_state
from release.audit.proofs import github_release_proofs
from release.audit.receipt import LARGEST, STATEMENT, differences, file_differences, statement
from release.call.context import Context
from release.call.flags import PickRequest
from release.errors import ReleaseError, Usage
from release.github.api import github
from release.sandbox import Sandbox
from release.tasks import pipelines, proofs

pytestmark = pytest.mark.xdist_group("receipt")
RECEIPT = statement({"a": "sha256:1"}, {}, {}, {"version": "0.7.0"})


@pytest.fixture(scope="module")
def patched(released: Sandbox) -> Sandbox:
    """The world in which 0.6.3, with the image of 0.6.2, was released after 0.7.0."""
    with pytest.MonkeyPatch.context() as patch:
        context = open_context(released, patch, clock=FakeClock(time.time()))
        pipelines.patch(context, line="0.6", wanted=PickRequest(pr=("14",)))
    return released


@pytest.fixture
def context(patched: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Context:
    return open_context(patched, monkeypatch)


def test_f30_a_patch_released_later_leaves_latest_to_the_highest_version(patched: Sandbox, context: Context) -> None:
    assert [each.tag for each in patched.github.hub.releases.values() if not each.draft] == ["0.7.0", "0.6.3"]
    assert github(context).get("releases/latest")["tag_name"] == "0.7.0"


def test_f30_a_lower_release_that_is_latest_is_named_and_left_alone(patched: Sandbox, context: Context) -> None:
    """Somebody published 0.6.3 by hand, after 0.7.0."""
    high, low = patched.github.hub.releases.values()
    github(context).send("PATCH", f"releases/{low.id}", {"make_latest": "true"})
    try:
        found = {
            text: next(github_release_proofs(context, expected_state(context, semver.Version.parse(text))))
            for text in ("0.7.0", "0.6.3")
        }
        assert (found["0.7.0"].holds, found["0.7.0"].says) == (False, "GitHub's Latest is 0.6.3")
        assert found["0.7.0"].fix == "gh release edit 0.7.0 --latest"
        assert found["0.6.3"].holds
        for text in ("0.6.3", "0.7.0"):  # published already
            proofs.notes(again(context), text, publish=True)
        assert github(context).get("releases/latest")["tag_name"] == "0.6.3"
    finally:
        github(context).send("PATCH", f"releases/{high.id}", {"make_latest": "true"})


def test_f30_a_draft_by_hand_is_published_as_what_its_version_is(
    patched: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A draft that lay about is published as the pre-release that it is."""
    monkeypatch.setattr("release.audit.receipt.proved_receipt", lambda *_: RECEIPT)
    monkeypatch.setattr("release.github.http.WRITE_PAUSE", 0)
    patched.bare.git("tag", "0.8.0-rc.1", "refs/heads/main")
    draft = github(context).send("POST", "releases", {"tag_name": "0.8.0-rc.1", "draft": True})
    try:
        proofs.notes(again(context), "0.8.0-rc.1", publish=True)
        assert patched.github.hub.releases[draft["id"]].prerelease
        assert github(context).get("releases/latest")["tag_name"] == "0.7.0"
    finally:
        del patched.github.hub.releases[draft["id"]]
        patched.bare.git("tag", "-d", "0.8.0-rc.1")


def test_f27_the_receipt_of_publication_is_the_one_of_every_verification(
    patched: Sandbox, context: Context, tmp_path: Path
) -> None:
    """Of a patch with an older image too: its images are in it, how they were made is the earlier one's."""
    proofs.verify(context, "0.6.3", attach=True, receipt=str(tmp_path / "new.json"))
    assert "0.6.3.intoto.json attached to GitHub Release 0.6.3 (already)" in printed(context)
    (asset,) = next(each for each in patched.github.hub.releases.values() if each.tag == "0.6.3").assets
    assert asset.content == (tmp_path / "new.json").read_bytes()
    made = json.loads(asset.content)
    assert "lepton:photon-py3.11-runner-0.6.2" in [each["name"] for each in made["subject"]]
    assert [each["name"] for each in made["predicate"]["runDetails"]["byproducts"]] == ["platform", "sdk"]


def test_the_order_on_a_line_is_asked_for_once(patched: Sandbox, context: Context) -> None:
    """Twenty more versions on the line cost no request."""

    def compared() -> int:
        start = len(patched.github.requests)
        proofs.verify(again(context), "0.6.3")
        return sum("/compare/" in each.path for each in patched.github.requests[start:])

    before, names = compared(), [f"0.6.3-rc.{number}" for number in range(20)]
    for name in names:
        patched.bare.git("tag", name, "refs/tags/0.6.2^{commit}")
    try:
        assert compared() == before
    finally:
        patched.bare.git("tag", "-d", *names)


HOSTILE = {
    "not JSON": b"no",
    "not UTF-8": b"\xff\xfe",
    "a list": b"[]",
    "another type": b'{"_type": "other"}',
    "too deep": b"[" * 200_000,
    "too large": b" " * LARGEST + json.dumps(RECEIPT).encode(),
    "a digest of digits": b"1" * 10_000,
    **{
        text: json.dumps({**RECEIPT, **json.loads(text)}).encode()
        for text in (
            '{"subject": ["x"]}', '{"subject": 1}', '{"subject": {"a": 1}}', '{"subject": [{"digest": "x"}]}',
            '{"subject": [{"digest": [1]}]}', '{"predicate": [1]}', '{"predicate": {"buildDefinition": "x"}}',
            '{"predicate": {"runDetails": {"byproducts": 7}}}', '{"predicate": {"runDetails": true}}',
            '{"predicate": {"buildDefinition": {"externalParameters": [1]}}}',
        )
    },
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_foreign_statement_given_as_receipt_is_refused_in_words(tmp_path: Path, name: str) -> None:
    (tmp_path / "given.json").write_bytes(HOSTILE[name])
    with pytest.raises(Usage, match=r"receipt|Statement") as caught:
        file_differences(tmp_path / "given.json", RECEIPT)
    assert caught.value.hint


TWICE = {"subject": [{"name": "a", "digest": {"sha256": "e"}}, {"name": "a", "digest": {"sha256": "1"}}]}


@pytest.mark.parametrize("more", [TWICE, {"predicateType": "other"}, {"signed": "by somebody"}])
def test_a_receipt_that_says_more_than_ours_is_not_the_same(more: dict[str, Any]) -> None:
    """Another reader takes the digest that comes first, or the type, for what was released."""
    ours = statement({"a": "sha256:1"}, {}, {}, {})
    assert differences({**ours, **more}, ours)
    assert differences(ours, statement({"a": "sha256:1"}, {}, {}, {})) == []


def test_a_receipt_of_strange_texts_is_compared_and_printed(context: Context, tmp_path: Path) -> None:
    given: dict[str, Any] = {"_type": STATEMENT, "subject": [{"name": "\ud800\u202e::error::", "digest": {"\x1b": 1}}]}
    (tmp_path / "given.json").write_text(json.dumps(given))
    with pytest.raises(ReleaseError):
        proofs.verify(context, "0.7.0", receipt=str(tmp_path / "given.json"))
    assert "\\u202e" in printed(context)
    printed(context).encode()


def test_a_receipt_that_cannot_be_written_is_said(context: Context, tmp_path: Path) -> None:
    with pytest.raises(Usage, match="cannot be written: No such file"):
        proofs.verify(context, "0.7.0", receipt=str(tmp_path / "none" / "new.json"))
