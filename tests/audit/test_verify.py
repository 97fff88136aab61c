"""The proof of a release, against a world that was really released and then tampered with."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import semver
from conftest import again, open_context, printed

from release.audit.expected import expected_state
from release.audit.proofs import github_release_proofs, platform_images_proofs
from release.audit.receipt import STATEMENT, differences, parse, statement
from release.call.context import Context
from release.call.report import Report
from release.errors import Conflict, Failed, Usage
from release.git.refs import RemoteRef
from release.git.repository import repository
from release.git.tags import signature
from release.sandbox import Sandbox
from release.sandbox.cloud import MANIFEST
from release.settings import Image, Settings
from release.tasks import proofs

pytestmark = pytest.mark.xdist_group("verify")
KEY = "release/leptonai-0.7.0-py3-none-any.whl"


@pytest.fixture
def context(released: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Context:
    return open_context(released, monkeypatch)


def put_back(ecr: Any, image: Any) -> None:
    """Give the tag its old image again, under the very digest."""
    ecr.put_image(
        repositoryName=image["repositoryName"],
        imageTag=image["imageId"]["imageTag"],
        imageManifest=image["imageManifest"],
        imageManifestMediaType=MANIFEST,
        imageDigest=image["imageId"]["imageDigest"],
    )


def failing(context: Context) -> str:
    with pytest.raises(Failed) as caught:
        proofs.verify(context, "0.7.0")
    return caught.value.problem.partition(": ")[2]


def test_a_release_is_proved_and_its_receipt_is_the_same_bytes(
    released: Sandbox, context: Context, tmp_path: Path
) -> None:
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    proofs.verify(context, "0.7.0", receipt=str(first))
    proofs.verify(again(context), "0.7.0", receipt=str(second))
    assert first.read_bytes() == second.read_bytes()
    made = json.loads(first.read_text())
    names = {item["name"]: item["digest"]["sha256"] for item in made["subject"]}
    assert len(names) == 9
    wheel = released.cloud.client("s3").get_object(Bucket="lepton-sdk", Key=KEY)["Body"].read()  # type: ignore[union-attr]
    assert names[f"s3://lepton-sdk/{KEY}"] == hashlib.sha256(wheel).hexdigest()
    sha = released.bare.git("rev-parse", "refs/tags/0.7.0^{commit}").strip()
    sources = made["predicate"]["buildDefinition"]["resolvedDependencies"]
    assert {"gitCommit": sha} in [source["digest"] for source in sources]
    runs = [item["uri"] for item in made["predicate"]["runDetails"]["byproducts"]]
    assert len(runs) == 3
    assert all(run.startswith(f"{released.github.url}/acme/platform/actions/runs/") for run in runs)
    shown = printed(context)
    assert "✘" not in shown
    assert "on release-0.7-" in shown
    assert "– signature      not signed" in shown
    told = again(context, report=Report("json", io.StringIO()))
    proofs.verify(told, "0.7.0")
    statuses = {each["proof"]: each["status"] for each in map(json.loads, printed(told).splitlines())}
    assert {name for name, status in statuses.items() if status != "holds"} == {"signature"}
    assert statuses["signature"] == "none", "a proof that holds is not made, and what need not be there is not proved"


def test_a_receipt_verified_again_says_what_changed_since(released: Sandbox, context: Context, tmp_path: Path) -> None:
    """One byte of the wheel changed in S3: the verification fails, and the old receipt says in what."""
    file = tmp_path / "receipt.json"
    proofs.verify(context, "0.7.0", receipt=str(file))
    kept = file.read_bytes()
    unchanged = again(context)
    proofs.verify(unchanged, "0.7.0", receipt=str(file))
    assert "nothing changed" in printed(unchanged)
    s3 = released.cloud.client("s3")  # type: ignore[union-attr]
    content = s3.get_object(Bucket="lepton-sdk", Key=KEY)["Body"].read()
    middle = len(content) // 2
    s3.put_object(
        Bucket="lepton-sdk", Key=KEY, Body=content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    )
    try:
        tampered = again(context)
        with pytest.raises(Failed, match="wheel"):
            proofs.verify(tampered, "0.7.0", receipt=str(file))
        assert f"since {file}: s3://lepton-sdk/{KEY}: was sha256:" in printed(tampered)
        assert file.read_bytes() == kept
    finally:
        s3.put_object(Bucket="lepton-sdk", Key=KEY, Body=content)
    proofs.verify(again(context), "0.7.0")


def test_an_image_pushed_over_keeps_the_proofs_but_not_the_receipt(
    released: Sandbox, context: Context, tmp_path: Path
) -> None:
    file = tmp_path / "receipt.json"
    proofs.verify(context, "0.7.0", receipt=str(file))
    assert released.cloud is not None
    ecr = released.cloud.client("ecr")
    asked = {"repositoryName": "lepton-web", "imageIds": [{"imageTag": "0.7.0"}]}
    image = ecr.batch_get_image(**asked)["images"][0]
    digest = released.cloud.push_image("lepton-web", "0.7.0", "other content")
    try:
        changed = again(context)
        with pytest.raises(Conflict, match=r"receipt\.json: 1 thing"):
            proofs.verify(changed, "0.7.0", receipt=str(file))
        assert f"is {digest}" in printed(changed)
    finally:
        put_back(ecr, image)


def test_f12_a_moved_tag_is_seen(released: Sandbox, context: Context, tmp_path: Path) -> None:
    file = tmp_path / "receipt.json"
    proofs.verify(context, "0.7.0", receipt=str(file))
    target = released.bare.git("rev-parse", "refs/tags/0.7.0").strip()
    released.bare.git("update-ref", "refs/tags/0.7.0", "refs/tags/0.6.2")
    try:
        moved = again(context)
        with pytest.raises(Failed) as caught:
            proofs.verify(moved, "0.7.0", receipt=str(file))
        # 0.6.2 is on no branch of 0.7, another version is tagged there, and no run built the parts from it.
        for name in ("branch", "alone", "sdk run", "platform run"):
            assert name in caught.value.problem
        assert "refs/tags/0.7.0: was gitTag:" in printed(moved)
    finally:
        released.bare.git("update-ref", "refs/tags/0.7.0", target)


def test_another_version_at_the_commit_fails_unless_said(released: Sandbox, context: Context) -> None:
    released.bare.git("tag", "0.7.5", "refs/tags/0.7.0^{commit}")
    try:
        assert failing(context) == "alone"
        proofs.verify(again(context), "0.7.0", shared=True)
    finally:
        released.bare.git("tag", "-d", "0.7.5")


def test_a_version_tagged_before_a_lower_one_is_out_of_order(released: Sandbox, context: Context) -> None:
    """0.7.3 sits below 0.7.0 on the branch."""
    released.bare.git("tag", "0.7.3", "refs/tags/0.7.0~1")
    try:
        with pytest.raises(Failed, match="order"):
            proofs.verify(context, "0.7.3")
        assert "0.7.0 is on the branch after 0.7.3" in printed(context)
    finally:
        released.bare.git("tag", "-d", "0.7.3")


def test_each_missing_part_is_named_with_the_next_command(released: Sandbox, context: Context) -> None:
    assert released.cloud is not None
    ecr = released.cloud.client("ecr")
    asked = {"repositoryName": "lepton", "imageIds": [{"imageTag": "photon-py3.9-runner-0.7.0"}]}
    image = ecr.batch_get_image(**asked)["images"][0]
    ecr.batch_delete_image(**asked)
    release = next(iter(released.github.hub.releases.values()))
    release.draft = True
    try:
        with pytest.raises(Failed) as caught:
            proofs.verify(context, "0.7.0")
        assert caught.value.problem.endswith("2 of 20 proofs of 0.7.0 do not hold: image, GitHub Release")
        assert caught.value.hint == "inv image.release --version 0.7.0"
    finally:
        release.draft = False
        put_back(ecr, image)


def test_a_source_that_does_not_answer_is_unknown_and_the_rest_is_proved(released: Sandbox, context: Context) -> None:
    assert released.cloud is not None
    released.cloud.faults.add("*", "/lepton-sdk", status=403, times=None)
    try:
        with pytest.raises(Failed, match="wheel"):
            proofs.verify(context, "0.7.0")
        assert "✔ tag" in printed(context)
        assert "✔ image" in printed(context)
    finally:
        released.cloud.faults.active.clear()


def test_a_project_without_the_constant_has_nothing_to_prove_of_it(context: Context) -> None:
    without = Settings(release=context.settings.release, image=Image(config_file=""))
    shorn = again(context, settings=without)
    assert proofs.verify(shorn, "0.7.0")
    assert "config.py" not in printed(shorn)


def test_images_that_a_dry_call_would_make_are_there(context: Context) -> None:
    dry = again(context, dry=True)
    dry.view.add("lepton-web:0.6.2", "sha256:planned")
    expected = expected_state(dry, semver.Version(0, 6, 2))
    found = {proof.says: proof.holds for proof in platform_images_proofs(dry, expected)}
    assert found["lepton-web:0.6.2  sha256:planned"]


@pytest.mark.parametrize("flag", [True, False])
def test_a_pre_release_is_said_to_be_one_and_nothing_else_is(released: Sandbox, context: Context, flag: bool) -> None:
    release = next(iter(released.github.hub.releases.values()))
    release.prerelease = flag
    try:
        expected = expected_state(context, semver.Version(0, 7, 0))
        (proof,) = github_release_proofs(context, expected)
        assert proof.holds is not flag
        assert ("pre-release" in proof.says, "--prerelease=false" in proof.fix) == (flag, flag)
    finally:
        release.prerelease = False


def test_no_tag_no_release_alone(context: Context) -> None:
    with pytest.raises(Usage, match=r"no tag 0\.9\.9"):
        proofs.verify(context, "0.9.9")
    with pytest.raises(Usage, match="no component"):
        proofs.verify(again(context), "0.7.0", name="everything")


def test_f27_the_receipt_is_attached_once(released: Sandbox, context: Context) -> None:
    """Publishing attached it to the draft already; taken away, it is attached anew."""
    published = next(iter(released.github.hub.releases.values())).assets
    assert [each.name for each in published] == ["0.7.0.intoto.json"]
    published.clear()
    proofs.verify(context, "0.7.0", attach=True)
    asset = next(iter(released.github.hub.releases.values())).assets
    assert [each.name for each in asset] == ["0.7.0.intoto.json"]
    assert json.loads(asset[0].content)["_type"] == STATEMENT
    before = len(released.github.requests)
    second = again(context)
    proofs.verify(second, "0.7.0", attach=True)
    asked = [each for each in released.github.requests[before:] if each.path.startswith("/api/")]
    assert {each.method for each in asked} == {"GET"}
    assert "(already)" in printed(second)
    dry = again(context, dry=True)
    kept = [asset.pop()]
    proofs.verify(dry, "0.7.0", attach=True)
    assert asset == []
    asset += kept
    assert "(to do)" in printed(dry)


def test_f27_what_is_attached_and_is_no_receipt_is_a_conflict(released: Sandbox, context: Context) -> None:
    """It was told as a mistake in the call."""
    released.github.faults.add("GET", "/_blobs/", status=200, body=b'{"_type": "htt')
    with pytest.raises(Conflict, match=r"0\.7\.0\.intoto\.json is no receipt"):
        proofs.verify(context, "0.7.0", attach=True)
    proofs.verify(again(context), "0.7.0", attach=True)


def test_nothing_is_added_to_an_immutable_release(released: Sandbox, context: Context) -> None:
    release = next(iter(released.github.hub.releases.values()))
    kept = [release.assets.pop()]
    release.immutable = True
    try:
        with pytest.raises(Failed, match="immutable"):
            proofs.verify(context, "0.7.0", attach=True)
    finally:
        release.immutable = False
        release.assets += kept


@pytest.mark.parametrize("allowed", ["", "own", "other"])
def test_a_signature_is_checked_against_the_allowed_signers(released: Sandbox, context: Context, allowed: str) -> None:
    keys = {name: released.home / f"{name}-{allowed}" for name in ("own", "other")}
    for key in keys.values():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    repository(context).git("config", "gpg.format", "ssh")
    repository(context).git("config", "user.signingkey", str(keys["own"]))
    name = f"9.0.{len(allowed)}"
    target = repository(context).make_tag(name, repository(context).head(), "Release", sign=True)
    repository(context).git("push", "-q", "origin", f"refs/tags/{name}")
    if allowed:
        file = released.home / "allowed"
        file.write_text(f"person@example.com {keys[allowed].with_suffix('.pub').read_text()}")
        repository(context).git("config", "gpg.ssh.allowedSignersFile", str(file))
    found = signature(repository(context), RemoteRef(f"refs/tags/{name}", repository(context).head(), target))
    assert found is not None
    assert found.good is {"": None, "own": True, "other": False}[allowed]
    released.bare.git("tag", "-d", name)


def test_receipts_are_compared_in_all_they_say() -> None:
    one = statement({"a": "sha256:1"}, {"git": ("gitCommit", "2")}, {"sdk": "u1"}, {"version": "0.7.0"})
    other = statement({"a": "sha256:1", "b": "sha256:3"}, {"git": ("gitCommit", "4")}, {}, {"version": "0.7.0"})
    assert differences(one, other) == [
        "run sdk: was u1, is gone",
        "git: was gitCommit:2, is gitCommit:4",
        "b: is new, sha256:3",
    ]
    assert differences(one, one) == []
    for foreign in ({"subject": ["x"]}, {"predicate": [1]}, {"subject": [{"digest": "x"}]}, {"subject": 1}):
        with pytest.raises(Usage, match="another form") as caught:
            differences({"_type": STATEMENT, **foreign}, one)
        assert caught.value.hint
    for text in ("no", "[]", '{"_type": "other"}'):
        with pytest.raises(Usage, match="no receipt"):
            parse(text, "file")
