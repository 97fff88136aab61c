"""Corners of what is read from GitHub: artifacts, leases, renewed tokens, and what need not be asked."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from typing import Any

import pytest
import semver
from conftest import Context, again
from scripted import Reply, scripted_server

from release.errors import Conflict, Failed, Usage
from release.git.refs import branch_ref, tag_ref
from release.git.repository import repository
from release.git.snapshot import remote
from release.github import runs
from release.github.api import GitHub, github
from release.github.events import OWN, check_token_starts_workflows
from release.github.pulls import pulls_of
from release.github.releases import GitHubRelease, needed_release, release_of
from release.github.requests import Dispatch, image_request
from release.github.runs import Run, artifact_sha256, check_run
from release.sandbox import Sandbox


class Artifacts:
    """Answers with artifacts: each a name and the bytes of its archive, or what else GitHub says of it."""

    def __init__(self, **archives: bytes) -> None:
        self.told: list[dict[str, Any]] = [
            {"id": name, "name": name, "expired": False, "size_in_bytes": len(content)}
            for name, content in archives.items()
        ]
        self.archives = archives

    def pages(self, path: str, key: str) -> list[dict[str, Any]]:
        assert (path, key) == ("actions/runs/7/artifacts", "artifacts")
        return self.told

    def content(self, path: str) -> bytes:
        return self.archives[path.split("/")[2]]


def archive(*files: tuple[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as opened:
        for name, content in files:
            opened.writestr(name, content)
    return made.getvalue()


def refusal(found: Artifacts) -> str:
    with pytest.raises(Failed) as refused:
        artifact_sha256(found, 7, "x.whl")  # type: ignore[arg-type]
    return refused.value.problem


def test_the_file_is_found_in_whatever_artifact_and_folder_it_is() -> None:
    found = Artifacts(logs=archive(("log", b"")), dist=archive(("dist/x.whl", b"wheel"), ("x.whl.sig", b"")))
    digest = artifact_sha256(found, 7, "x.whl")  # type: ignore[arg-type]
    assert digest == hashlib.sha256(b"wheel").hexdigest()


def test_what_is_no_artifact_to_trust_is_told_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    one = archive(("x.whl", b"wheel"))
    assert refusal(Artifacts(logs=archive(("log", b"")))) == "run 7 kept no x.whl"
    twice = Artifacts(dist=archive(("a/x.whl", b"wheel"), ("b/x.whl", b"wheel")))
    assert refusal(twice) == "dist: x.whl is in it twice, or too large"
    gone, large, other = Artifacts(a=one), Artifacts(a=one), Artifacts(a=one)
    gone.told[0]["expired"] = True
    assert refusal(gone) == "a: it is kept no longer"
    large.told[0]["size_in_bytes"] = runs.LARGEST + 1
    assert refusal(large) == f"a: it is larger than {runs.LARGEST // 2**20} MiB"
    other.told[0]["digest"] = f"sha256:{'0' * 64}"
    mine = f"sha256:{hashlib.sha256(one).hexdigest()}"
    assert refusal(other) == f"a: its bytes are {mine[:19]}, GitHub says sha256:000000000000"
    monkeypatch.setattr(runs, "LARGEST_FILE", 4)
    assert refusal(Artifacts(a=one)) == "a: x.whl is in it twice, or too large"


def test_no_commit_is_in_no_pull_request_and_nobody_is_asked(sandbox: Sandbox, context: Context) -> None:
    assert pulls_of(context, "") == []
    assert context.activity.requests == 0


@pytest.mark.parametrize("url", ["https://github.example/acme/platform.git", "http://127.0.0.1:9/acme/platform.git"])
def test_f14_a_workflow_s_own_token_starts_nothing_over_http(
    context: Context, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setattr(type(repository(context)), "remote_url", url)
    github(context).token = "ghs_x"
    monkeypatch.setattr(GitHub, "viewer", lambda _: OWN)
    with pytest.raises(Usage, match="starts no workflow"):
        check_token_starts_workflows(context)
    monkeypatch.setattr(GitHub, "viewer", lambda _: "some-app[bot]")
    check_token_starts_workflows(context)


def test_a_token_that_ran_out_is_read_anew_for_git_too(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted_server() as server:
        monkeypatch.setenv("GITHUB_API_URL", server.url)
        monkeypatch.setenv("GITHUB_TOKEN", "ghs_old")
        server.replies = [Reply(401, b'{"message": "Bad credentials"}'), Reply(body=b'{"a": 1}')]
        fresh, before = again(context), repository(context)
        api = github(fresh)
        before = repository(fresh)
        monkeypatch.setenv("GITHUB_TOKEN", "ghs_new")
        assert api.get("x") == {"a": 1}
        assert [each.headers["authorization"] for each in server.asked] == ["Bearer ghs_old", "Bearer ghs_new"]
        assert repository(fresh) is not before


def test_a_server_that_moved_is_told_with_its_new_address(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted_server() as server:
        monkeypatch.setenv("GITHUB_API_URL", server.url)
        server.replies = [Reply(307, headers={"Location": "https://elsewhere.example/repos/a/b?token=x"})]
        with pytest.raises(Failed, match="has moved") as refused:
            github(again(context)).send("POST", "pulls", {})
    assert refused.value.hint == "Set the remote and GITHUB_REPOSITORY to elsewhere.example/repos/a/b"


@pytest.mark.parametrize("data", [{}, {"repository": None}, {"repository": {"pullRequest": {"mergeCommit": None}}}])
def test_a_merge_commit_that_nobody_tells_is_none(context: Context, monkeypatch: pytest.MonkeyPatch, data: Any) -> None:
    with scripted_server() as server:
        monkeypatch.setenv("GITHUB_API_URL", server.url)
        server.replies = [Reply(body=json.dumps({"data": data}).encode())]
        assert github(again(context)).merge_commit(5) == ""
        assert json.loads(server.asked[0].body)["variables"] == {"owner": "acme", "name": "platform", "number": 5}


def test_a_release_that_a_dry_call_would_have_made_is_there(context: Context) -> None:
    version = semver.Version.parse("0.7.0")
    planned = GitHubRelease(0, draft=True, url="", key="0.7.0")
    context.view.add("0.7.0", planned)
    assert release_of(context, version) is planned
    assert needed_release(context, version) is planned
    with pytest.raises(Usage):
        needed_release(again(context), version)


@pytest.mark.parametrize(
    ("branch", "command", "again"),
    [
        ("image-0.7.0", "inv image.release --version 0.7.0", "inv image.release --version 0.7.0 --again"),
        (
            "release-0.7-20261122",
            "inv image.watch --version 0.7.0 --ref release-0.7-20261122",
            "inv image.dispatch --version 0.7.0 --ref release-0.7-20261122 --again",
        ),
    ],
)
def test_the_ways_on_of_an_images_run_are_its_branch_s(context: Context, branch: str, command: str, again: str) -> None:
    asked = image_request(context, semver.Version.parse("0.7.0"), branch_ref(branch, "a" * 40), False)
    assert (asked.command, asked.new_run) == (command, again)
    assert asked.inputs == {"version": "0.7.0", "is_release": True}
    assert image_request(context, semver.Version.parse("0.7.0"), branch_ref(branch, "a" * 40), True).inputs[
        "build_base"
    ]


def test_a_run_that_ended_in_a_way_that_nobody_knows_is_told_by_its_word(context: Context) -> None:
    run = Run(7, "x.yaml", "completed", "exploded", "a" * 40, "main", url="https://github.example/runs/7")
    context.doors[(runs.jobs_of, 7, 1)] = []
    with pytest.raises(Failed, match=r"run 7 of x\.yaml ended: exploded"):
        check_run(context, run, Dispatch("x.yaml", "refs/heads/main", "a" * 40))


def test_a_local_tag_elsewhere_is_told_with_both_commits(sandbox: Sandbox, context: Context) -> None:
    repo = repository(context)
    here, there = repo.head(), repo.git("commit-tree", "HEAD^{tree}", "-m", "other")
    repo.git("tag", "0.7.0", there)
    with pytest.raises(Conflict) as conflict:
        repo.make_tag("0.7.0", here, "0.7.0")
    assert conflict.value.problem == (f"the local tag 0.7.0 is at {there[:9]}, not at {here[:9]}, and was never pushed")


def test_a_planned_tag_is_at_its_commit_alone(context: Context) -> None:
    head = repository(context).head()
    context.view.add("refs/tags/9.9.9", tag_ref("9.9.9", head))
    assert "refs/tags/9.9.9" in [each.name for each in remote(context).tags_at(head)]
    assert "refs/tags/9.9.9" not in [each.name for each in remote(context).tags_at("b" * 40)]
