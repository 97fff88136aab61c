"""The real world in a rehearsal: read with the user's credentials, never written, and as it is in the sandbox."""

from __future__ import annotations

import json
import re
import urllib.request

import pytest
from conftest import again
from outside import cloud_content, everything, git, remote_refs, writes

from release.call.context import Context
from release.errors import CouldNotTellError
from release.sandbox import Sandbox
from release.sandbox.github.events import notice_refs
from release.sandbox.github.rules import parameters, protect, required_checks
from release.sandbox.rehearsal.admission import admit
from release.sandbox.rehearsal.outside import Outside, read_outside
from release.sandbox.runner.environments import Environment

READS = re.compile(r"(Describe|List|Get|Head|BatchCheck)")


def asked_of_aws(sandbox: Sandbox) -> set[str]:
    """What AWS was asked for that is no reading: by action for ECR, by method for S3."""
    assert sandbox.cloud
    actions = [
        each.headers.get("x-amz-target", "").rpartition(".")[2] or each.method for each in sandbox.cloud.requests
    ]
    return {each for each in actions if each not in ("GET", "HEAD") and not READS.match(each)}


def fill(sandbox: Sandbox) -> None:
    """A world with a bit of everything."""
    assert sandbox.cloud
    hub = sandbox.github.hub
    base = hub.head("main") or ""
    tree = sandbox.bare.git("rev-parse", f"{base}^{{tree}}").strip()
    hub.bare.update_ref("refs/heads/topic", hub.bare.write_commit(tree, [base], "Topic"))
    hub.known_refs = hub.bare.refs("refs/heads", "refs/tags")
    protect(hub, "refs/heads/main", pull_request={"required_approving_review_count": 2},
            required_status_checks={"required_status_checks": [{"context": "ci"}]})  # fmt: skip
    protect(hub, "refs/heads/release-*", deletion={})
    protect(hub, "refs/tags/*", update={})
    hub.settings.delete_branch_on_merge = True
    s3 = sandbox.cloud.client("s3")
    s3.put_object(Bucket="lepton-sdk", Key="release/leptonai-0.6.1-py3-none-any.whl", Body=b"a wheel")
    s3.put_object(Bucket="lepton-sdk", Key="release/leptonai-0.1.0-py3-none-any.whl", Body=b"an old one")
    hub.gates.environments["prod"] = Environment("prod", reviewers=["ann"], wait_minutes=5, tags=["1.*"])
    hub.gates.environments["stage"] = Environment("stage", protected_branches=True)


def opened(sandbox: Sandbox) -> None:
    """A pull request, opened by the API as people do."""
    env = sandbox.environment()
    url = f"{env['GITHUB_API_URL']}/repos/{env['GITHUB_REPOSITORY']}/pulls"
    body = json.dumps({"head": "topic", "base": "main", "title": "A topic"}).encode()
    headers = {"Authorization": f"Bearer {env['GITHUB_TOKEN']}", "Content-Type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30).close()


def test_all_of_it_is_read_and_nothing_written(context: Context, sandbox: Sandbox) -> None:
    fill(sandbox)
    sandbox.github.hub.bare.git("update-ref", "refs/heads/newer/one", "refs/heads/topic")
    sandbox.github.hub.known_refs = remote_refs(sandbox)
    opened(sandbox)
    before = everything(sandbox)
    sandbox.github.front.requests.clear()
    sandbox.cloud.front.requests.clear()  # type: ignore[union-attr]
    found = read_outside(context)
    assert [note for note in found.notes if note.startswith("not")] == []
    assert found.refs == remote_refs(sandbox)
    assert [each["title"] for each in found.pulls] == ["A topic"]
    assert found.rules["refs/heads/main"]["pull_request"]["required_approving_review_count"] == 2
    assert found.rules["refs/heads/release-*"] == {"deletion": {}}
    assert found.rules["refs/tags/*"] == {"update": {}}
    assert found.environments["prod"]["branch_policies"][0]["name"] == "1.*", "which refs may use it"
    assert found.environments["stage"]["deployment_branch_policy"]["protected_branches"] is True
    assert found.wheels == {"release/leptonai-0.6.1-py3-none-any.whl": b"a wheel"}, "of the newest lines alone"
    images = {f"{name}:{tag}": digest for name, tags in (found.images or {}).items() for tag, digest in tags.items()}
    assert images == {name: digest for name, digest in cloud_content(sandbox).items() if not name.startswith("s3:")}
    assert writes(sandbox) == []
    assert asked_of_aws(sandbox) == set()
    assert everything(sandbox) == before


def test_what_may_not_be_read_is_said_in_a_line_and_stops_nothing(
    context: Context, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.github.faults.add("GET", r"/rules/branches/", times=None, status=403, body={"message": "Not for you"})
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)  # which has found credentials before
    found = read_outside(context)
    noted = [note for note in found.notes if note.startswith("not taken over")]
    assert [note.split(": ")[1] for note in noted] == ["rules", "keys", "images"]
    assert all("\n" not in note for note in noted)
    assert "Not for you" in noted[0]
    assert found.images is None


def test_it_is_in_the_sandbox_as_it_is_there(context: Context, sandbox: Sandbox) -> None:
    """Read of one world, admitted into another: the objects that the clone lacks are fetched into that alone."""
    fill(sandbox)
    opened(sandbox)
    content = everything(sandbox)
    found = read_outside(context)
    found.images = {"lepton": {"photon-py3.11-runner-0.6.0": f"sha256:{7:064}"}}
    found.repository["permissions"] = {"push": False}
    there = git(sandbox.work, "count-objects", "-v")
    with Sandbox() as other:  # the process has one cloud: this one's is empty again
        other.github.hub.bare.git("update-ref", "-d", "refs/tags/0.6.0")
        admit(context, other, found)
        hub = other.github.hub
        assert other.bare.refs("refs/heads", "refs/tags") == found.refs == content["remote"]
        notice_refs(hub)  # as after the first push
        assert hub.runs == {}, "a ref that is taken over starts nothing"
        assert [(each.head, each.base, each.state) for each in hub.pulls.values()] == [("topic", "main", "open")]
        assert required_checks(hub, "main") == ["ci"]
        assert parameters(hub, "main", "pull_request")[0]["required_approving_review_count"] == 2
        assert hub.settings.delete_branch_on_merge
        assert not hub.tokens["sandbox-token"].push
        assert cloud_content(other)["lepton:photon-py3.11-runner-0.6.0"] == f"sha256:{7:064}"
        assert [name for name in cloud_content(other) if "runner" in name] == ["lepton:photon-py3.11-runner-0.6.0"]
        assert "s3:release/leptonai-0.6.1-py3-none-any.whl" in cloud_content(other)
    assert git(sandbox.work, "count-objects", "-v") == there


def test_a_rule_that_this_user_goes_past_is_left_out(context: Context, sandbox: Sandbox) -> None:
    protect(sandbox.github.hub, "refs/heads/main", pull_request={})
    sandbox.github.faults.add("GET", r"/rulesets/[0-9]+\?", times=None,
                              change=lambda answer: {**answer, "current_user_can_bypass": "always"})  # fmt: skip
    assert read_outside(context).rules["refs/heads/main"] == {}


def test_without_a_token_nothing_of_github_is_taken_over(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, context: Context
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "")
    monkeypatch.setattr("release.git.remotes.run_program", lambda *_: (_ for _ in ()).throw(_no_gh()))
    fresh = again(context)
    notes = [note for note in read_outside(fresh).notes if note.startswith("not")]
    assert len([note for note in notes if "no GitHub token" in note]) == 4, notes


def _no_gh() -> Exception:
    return CouldNotTellError("there is no gh")


SHAPES = {
    "no list of Releases": (r"/releases\?", lambda _: 7, "GitHub Releases: "),
    "an empty list for the repository": (r"/acme/platform\?", lambda _: [], "the repository's settings: "),
    "a pull request without a head": (r"/pulls\?", lambda found: [{**found[0], "head": None}], "pull requests: "),
    "a pull request whose number is none": (
        r"/pulls\?", lambda found: [{**found[0], "number": "x"}, *found], "a pull request: "
    ),
    "a Release of no time": (
        r"/releases\?", lambda _: [{"tag_name": "0.6.0", "published_at": "yesterday"}], "a GitHub Release: "
    ),
    "reviewers that are none": (
        r"/environments\?",
        lambda _: {"environments": [{"name": "x", "protection_rules": ["of no kind"]}]},
        "environment x: ",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_an_answer_of_another_shape_is_said_in_a_line_and_stops_nothing(
    context: Context, sandbox: Sandbox, name: str
) -> None:
    fill(sandbox)
    opened(sandbox)
    path, change, what = SHAPES[name]
    sandbox.github.faults.add("GET", path, times=None, change=change)
    found = read_outside(context)
    with Sandbox(cloud=False) as other:
        notes = [each for each in [*found.notes, *admit(context, other, found)] if each.startswith("not")]
        assert other.bare.refs("refs/heads", "refs/tags") == found.refs
        assert len(other.github.hub.pulls) == (not what.startswith("pull requests"))
    assert len(notes) == 1
    assert notes[0].startswith(f"not taken over: {what}")
    assert "\n" not in notes[0]


def test_a_pull_request_of_an_account_that_is_gone_is_the_ghosts(context: Context, sandbox: Sandbox) -> None:
    fill(sandbox)
    opened(sandbox)
    sandbox.github.faults.add("GET", r"/pulls\?", change=lambda found: [{**found[0], "user": None}])
    found = read_outside(context)
    with Sandbox(cloud=False) as other:
        assert admit(context, other, found) == []
        assert [each.user for each in other.github.hub.pulls.values()] == ["ghost"]


@pytest.mark.parametrize(("before", "after"), [("topic", "topic/one"), ("topic/one", "topic")])
def test_a_branchs_name_may_have_become_a_folders(context: Context, sandbox: Sandbox, before: str, after: str) -> None:
    trunk = sandbox.bare.sha("refs/heads/main") or ""
    with Sandbox(cloud=False) as other:
        other.bare.update_ref(f"refs/heads/{before}", other.bare.sha("refs/heads/main") or "")
        refs = {"refs/heads/main": trunk, f"refs/heads/{after}": trunk}
        assert admit(context, other, Outside(refs=refs)) == []
        assert other.bare.refs("refs/heads", "refs/tags") == refs


def test_a_branch_that_cannot_be_fetched_any_more_stops_nothing(context: Context, sandbox: Sandbox) -> None:
    trunk = sandbox.bare.sha("refs/heads/main") or ""
    with Sandbox(cloud=False) as other:
        refs = {"refs/heads/main": trunk, "refs/heads/gone": "1" * 40}
        (note,) = admit(context, other, Outside(refs=refs))
        assert other.github.hub.known_refs == {"refs/heads/main": trunk}
    assert note.startswith("not taken over: branches and tags: git fetch: ")
