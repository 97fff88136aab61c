"""The one look at everything, at a world in which something is out, something missing, something silent."""

from __future__ import annotations

import io
import json
import subprocess
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import semver
from conftest import again, open_context, printed
from scripted_run import scripted

from release.audit.status import Overview, _next_task, age, hints
from release.call.context import Context
from release.call.report import Report
from release.errors import Usage
from release.git.repository import repository
from release.git.snapshot import remote
from release.git.tags import tag_message
from release.github.runs import parse_time
from release.sandbox import Sandbox
from release.sandbox.github.events import start_run
from release.tasks import proofs
from release.versions import Line, released_versions

pytestmark = pytest.mark.xdist_group("status")
KEY = "release/leptonai-0.7.0-py3-none-any.whl"


@pytest.fixture
def context(released: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Context:
    return open_context(released, monkeypatch)


def look(context: Context, **flags: Any) -> Overview:
    return proofs.status(context, **flags)


def parts(found: Overview, version: str) -> dict[str, str]:
    return {
        name: part.state for each in found.versions if str(each.version) == version for name, part in each.parts.items()
    }


def test_lines_and_versions_as_they_are_out_there(released: Sandbox, context: Context) -> None:
    found = look(context)
    assert [(str(line.line), str(line.newest), line.unreleased) for line in found.lines] == [
        ("0.7", "0.7.0", 0), ("0.6", "0.6.2", 0), ("0.5", "0.5.1", 0),
    ]  # fmt: skip
    assert [str(each.version) for each in found.versions] == ["0.7.0", "0.6.2", "0.6.1", "0.6.0", "0.5.1"]
    assert set(parts(found, "0.7.0").values()) == {"out"}
    assert parts(found, "0.6.1")["pull request"] == "none"
    assert set(parts(found, "0.6.2").values()) == {"out", "none", "missing"}
    assert found.lines[0].pickable == 0
    assert found.lines[1].pickable == len(
        {text.split(" ", 1)[1] for text in log(released, "refs/heads/release-0.6-20260901..refs/heads/main")}
        - {text.split(" ", 1)[1] for text in log(released, "refs/heads/release-0.6-20260901")}
    )
    assert "0.7.0" not in " ".join(what for what, _ in hints(found))


def test_older_lines_are_counted_with_the_command_that_shows_them(context: Context) -> None:
    found = look(context, last=2)
    assert [str(line.line) for line in found.lines] == ["0.7", "0.6"]
    assert "1 more line: inv release.status --last 6\n" in printed(context)
    whole = again(context)
    look(whole, last=6)
    assert "more line" not in printed(whole)
    assert "pull request" in printed(whole)


def test_a_tag_is_as_old_as_itself_not_as_its_commit(released: Sandbox, context: Context) -> None:
    sha, bare = (released.bare.sha("refs/tags/0.5.1^{commit}") or ""), released.bare.path
    text = f"object {sha}\ntype commit\ntag 0.5.9\ntagger A <a@example.com> 1790000000 +0200\n\nRelease 0.5.9\n"
    made = subprocess.run(["git", "mktag"], cwd=bare, input=text, capture_output=True, text=True, check=True).stdout
    released.bare.git("update-ref", "refs/tags/0.5.9", made.strip())
    try:
        ages = {str(each.version): parse_time(each.at).timestamp() for each in look(context, line="0.5").versions}
    finally:
        released.bare.git("update-ref", "-d", "refs/tags/0.5.9")
    assert ages["0.5.9"] == 1790000000
    assert ages["0.5.1"] == int(released.bare.git("log", "-1", "--format=%ct", sha)), "a lightweight one: its commit's"


def log(released: Sandbox, revisions: str) -> list[str]:
    return released.bare.git("log", "--no-merges", "--format=%h %s", revisions).splitlines()


def test_it_fits_80_columns(context: Context) -> None:
    look(context, last=20)
    for line in printed(context).splitlines():
        assert sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in line) <= 80, line


def test_only_what_is_asked_for_is_read(released: Sandbox, context: Context) -> None:
    before = len(released.github.requests)
    found = look(context, line="0.6", last=1)
    assert [str(each.version) for each in found.versions] == ["0.6.2"]
    assert [str(line.line) for line in found.lines] == ["0.6"]
    asked = [each.path for each in released.github.requests[before:] if each.path.startswith("/api/")]
    assert len(asked) < 10
    for bad in ({"last": 0}, {"line": "x"}):
        with pytest.raises(Usage):
            look(again(context), **bad)


def test_the_tags_are_read_as_versions_once(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not once a line: 100,000 tags are not rare."""
    counted: list[int] = []

    def count(tags: Iterable[str]) -> list[semver.Version]:
        counted.append(1)
        return released_versions(tags)

    monkeypatch.setattr("release.audit.overview.released_versions", count)
    assert len(look(context).lines) == 3
    assert len(counted) == 1


def test_the_missing_part_and_the_next_command_are_shown(released: Sandbox, context: Context) -> None:
    assert released.cloud is not None
    s3 = released.cloud.client("s3")
    content = s3.get_object(Bucket="lepton-sdk", Key=KEY)["Body"].read()
    s3.delete_object(Bucket="lepton-sdk", Key=KEY)
    try:
        assert parts(look(context, line="0.7"), "0.7.0")["wheel"] == "missing"
        assert "0.7.0: not out yet: wheel" in printed(context)
        assert "inv sdk.release --version 0.7.0" in printed(context)
    finally:
        s3.put_object(Bucket="lepton-sdk", Key=KEY, Body=content)


def test_a_run_of_another_tag_or_branch_at_the_commit_makes_nothing_of_the_version(
    released: Sandbox, context: Context
) -> None:
    """Defect 14: whatever ran at the commit counted as what makes the wheel, or else the platform."""
    assert released.cloud is not None
    s3, hub = released.cloud.client("s3"), released.github.hub
    content = s3.get_object(Bucket="lepton-sdk", Key=KEY)["Body"].read()
    s3.delete_object(Bucket="lepton-sdk", Key=KEY)
    (branch,) = released.bare.refs("refs/heads/release-0.7-*")
    sha, path, known = released.bare.sha(branch), ".github/workflows/sdk-release.yaml", hub.runner
    hub.runner = scripted(ends=False)
    begin = {"sha": sha, "event": "workflow_dispatch", "actor": "somebody", "inputs": {}}
    states = []
    try:
        for ref in (branch, "refs/tags/0.7.0"):
            run = start_run(hub, path, released.bare.file(str(sha), path) or "", ref=ref, **begin)  # type: ignore[arg-type]
            states.append(parts(look(again(context), line="0.7"), "0.7.0")["wheel"])
            del hub.runs[run.id]
    finally:
        hub.runner = known
        s3.put_object(Bucket="lepton-sdk", Key=KEY, Body=content)
    assert states == ["missing", "waiting"]


def test_a_draft_is_on_its_way(released: Sandbox, context: Context) -> None:
    release = next(iter(released.github.hub.releases.values()))
    release.draft = True
    try:
        found = look(context, line="0.7")
        assert parts(found, "0.7.0")["GitHub Release"] == "waiting"
        assert hints(found)[0][1] == "inv release.notes --version 0.7.0 --publish"
    finally:
        release.draft = False


@pytest.mark.parametrize(("source", "unknown"), [("s3", {"wheel"}), ("ecr", {"platform", "images"})])
def test_a_source_that_does_not_answer_is_unknown_and_the_rest_is_shown(
    released: Sandbox, context: Context, source: str, unknown: set[str]
) -> None:
    assert released.cloud is not None
    path = "/lepton-sdk" if source == "s3" else r"^/(\?|$)"
    released.cloud.faults.add("*", path, status=403, times=None)
    try:
        found = parts(look(context, line="0.7"), "0.7.0")
        assert {name for name, state in found.items() if state == "unknown"} == unknown
        assert set(found.values()) == {"unknown", "out"}
        assert "?" in printed(context)
    finally:
        released.cloud.faults.clear()


def test_an_individual_release_shows_its_own_parts_alone(released: Sandbox, context: Context) -> None:
    """The tag's message says of what it is; the image of web alone is out, the others are no part of it."""
    message = tag_message(semver.Version.parse("0.7.1"), "web", "compatible", "")
    repository(context).need_commit(remote(context).head_sha("main") or "")
    target = repository(context).make_tag("0.7.1", remote(context).head_sha("main") or "", message)
    assert released.cloud is not None
    released.bare.git("fetch", "-q", str(repository(context).root), "refs/tags/0.7.1:refs/tags/0.7.1")
    released.cloud.push_image("lepton-web", "0.7.1")
    try:
        found = parts(look(context, line="0.7"), "0.7.1")
        assert (found["platform"], found["wheel"], found["GitHub Release"]) == ("out", "none", "missing")
    finally:
        released.bare.git("tag", "-d", "0.7.1")
        repository(context).git("update-ref", "-d", "refs/tags/0.7.1", target)


def test_unreleased_commits_of_a_line_are_counted(released: Sandbox, context: Context) -> None:
    branch = "refs/heads/release-0.6-20260901"
    old = released.bare.sha(branch) or ""
    tree = released.bare.git("rev-parse", f"{old}^{{tree}}").strip()
    person = {
        f"GIT_{role}_{kind}": "Ana" if kind == "NAME" else "ana@example.org"
        for role in ("AUTHOR", "COMMITTER")
        for kind in ("NAME", "EMAIL")
    }
    new = released.bare.git("commit-tree", tree, "-p", old, "-m", "fix: later", **person).strip()
    released.bare.git("update-ref", branch, new)
    try:
        found = look(context, line="0.6")
        assert found.lines[0].unreleased == 1
        assert "inv release.patch --line 0.6" in printed(context)
    finally:
        released.bare.git("update-ref", branch, old)


def test_json_is_one_object_a_line(context: Context) -> None:
    stream = io.StringIO()
    found = look(again(context, report=Report("json", stream)))
    objects = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [each["version"] for each in objects if each["event"] == "version"] == [
        str(v.version) for v in found.versions
    ]
    assert next(each for each in objects if each["event"] == "version")["parts"]["wheel"]["state"] == "out"


def test_the_page_is_written_but_not_in_a_dry_run(context: Context, tmp_path: Path) -> None:
    file = tmp_path / "status.html"
    look(again(context, dry=True), html=str(file))
    assert not file.exists()
    look(context, html=str(file))
    assert "0.7.0" in file.read_text(encoding="utf-8")


def test_nothing_is_written_out_there(released: Sandbox, context: Context) -> None:
    refs = released.bare.git("for-each-ref")
    local = repository(context).git("for-each-ref")
    before = len(released.github.requests)
    look(context)
    asked = [each for each in released.github.requests[before:] if each.path.startswith("/api/")]
    assert {each.method for each in asked} == {"GET"}
    assert released.bare.git("for-each-ref") == refs
    assert repository(context).git("for-each-ref") == local


def test_the_command_for_several_missing_parts_goes_on_with_the_release() -> None:
    from release.audit.status import Part, Version

    missing = {"wheel": Part("missing"), "platform": Part("waiting")}
    for number, command in {"0.7.0": "release.minor", "0.7.3": "release.patch", "1.0.0": "release.major"}.items():
        version = Version(semver.Version.parse(number), "a" * 40, "", parts=missing)
        assert _next_task(version) == f"{command} --version {number}"
    alone = Version(semver.Version.parse("0.7.3"), "a" * 40, "", components=("web",), parts=missing)
    assert _next_task(alone) == "release.component --name web --version 0.7.3"


def test_the_command_for_a_line_that_is_cut_tags_it() -> None:
    from release.audit.status import LineState

    begun = LineState(Line(0, 8), "release-0.8-20261122", "a" * 40, unreleased=2)
    found = Overview("acme/platform", "", "main", 0, [begun], [])
    assert hints(found) == [("0.8: cut, and nothing is tagged", "inv release.tag --version 0.8")]


@pytest.mark.parametrize(
    ("seconds", "said"), [(5, "now"), (600, "10 min"), (7_200, "2 h"), (86_400 * 3, "3 d"), (86_400 * 800, "2 y")]
)
def test_ages(seconds: int, said: str) -> None:
    assert age("2026-01-01T00:00:00Z", 1_767_225_600 + seconds) == said
    assert age("", 0) == ""
