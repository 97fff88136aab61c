"""A version taken back: nothing is lost, everybody is told, and it can be put back as it was."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from conftest import FakeClock, again, open_context, printed
from doubles import Doubles, wheel
from faults.calls import Call, Calls, answered
from outside import everything, git, writes

from release.artifacts import s3
from release.artifacts.aws import Bucket
from release.artifacts.s3 import wheel_before
from release.audit.receipt import publish_release
from release.call import ensure as room
from release.call.context import Context
from release.call.report import Report
from release.compat import gate
from release.errors import Conflict, Failed, ReleaseError, Usage
from release.git.lines import newest_good, taken_versions
from release.git.repository import Repository
from release.git.tags import needed_tag, tagged_releases
from release.git.withdrawals import LONGEST, withdrawal, withdrawn_versions
from release.github.api import github
from release.github.releases import release_of
from release.sandbox import Sandbox
from release.sandbox.cloud import BUCKET
from release.tasks import image as images
from release.tasks import lines, pipelines, proofs, sdk
from release.versions import Line, parse

REF, WHY = "refs/release/withdrawn/0.6.3", "it deletes jobs"
KEY = "release/leptonai-0.6.3-py3-none-any.whl"
HIDDEN = "withdrawn/leptonai-0.6.3-py3-none-any.whl"
HOSTILE = "line\n\x1b[31m<!-- /withdrawn --> @all [x](http://evil) `::error::`\n## head"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as made:
        yield made


@pytest.fixture
def context(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Context:
    """A world in which 0.6.2 and then 0.6.3 were released whole."""
    doubles = Doubles(sandbox)
    doubles.put_wheel("0.6.2")
    opened = open_context(sandbox, monkeypatch, clock=FakeClock())
    pipelines.patch(again(opened), version="0.6.3", wanted=PICK)
    monkeypatch.setattr("release.github.http.WRITE_PAUSE", 0)
    github(opened).send(
        "POST", "releases", {"tag_name": "0.6.2", "name": "0.6.2", "body": "older", "make_latest": "false"}
    )
    return again(opened)


PICK = pipelines.NOTHING._replace(pr=("14",))


def withdraw(context: Context, **options: Any) -> Context:
    one = again(context)
    proofs.withdraw(one, **{"version": "0.6.3", **options})
    return one


def latest(context: Context) -> str:
    found = github(context).find("releases/latest")
    return str(found["tag_name"]) if found else ""


def body(context: Context, version: str = "0.6.3") -> dict[str, Any]:
    there = release_of(again(context), parse(version))
    assert there
    return dict(github(context).get(f"releases/{there.id}"))


def keys(sandbox: Sandbox) -> dict[str, bytes]:
    assert sandbox.cloud
    store = sandbox.cloud.client("s3")
    listed = store.list_objects_v2(Bucket=BUCKET)["Contents"]
    return {each["Key"]: store.get_object(Bucket=BUCKET, Key=each["Key"])["Body"].read() for each in listed}


def test_a_withdrawn_version_loses_nothing_and_says_so_everywhere(sandbox: Sandbox, context: Context) -> None:
    before, stored = everything(sandbox), keys(sandbox)
    notes = body(context)["body"]
    assert latest(context) == "0.6.3"
    first = withdraw(context, reason=WHY)
    assert {name: value for name, value in keys(sandbox).items() if name in stored} == stored
    told = json.loads(keys(sandbox)[f"{KEY}.withdrawn.json"])
    assert (told["version"], told["reason"], told["by"]) == ("0.6.3", WHY, "Release Person")
    assert sandbox.bare.git("cat-file", "blob", REF).encode() == keys(sandbox)[f"{KEY}.withdrawn.json"]
    assert latest(context) == "0.6.2"
    now = body(context)
    assert now["name"] == "0.6.3 (withdrawn)"
    assert re.match(r"<!-- withdrawn [0-9a-f]{40} -->\n> \*\*Withdrawn\*\* on ", now["body"])
    assert now["body"].endswith(notes)
    assert WHY in now["body"]
    assert "inv release.patch --line 0.6" in printed(first)
    after, asked = everything(sandbox), writes(sandbox)
    assert "(already)" in printed(withdraw(context))
    assert (everything(sandbox), writes(sandbox)) == (after, asked), "the same again writes nothing"
    with pytest.raises(Conflict, match=rf"withdrawn already, by Release Person on .*: {WHY}"):
        withdraw(context, reason="another")
    withdraw(context, undo=True)
    assert everything(sandbox) == before
    assert body(context) == {**now, "name": "0.6.3", "body": notes, "updated_at": body(context)["updated_at"]}
    assert latest(context) == "0.6.3"
    assert "is not withdrawn (already)" in printed(withdraw(context, undo=True))


def test_every_task_knows_it(sandbox: Sandbox, context: Context, tmp_path: Path) -> None:
    withdraw(context, reason=WHY)
    one = again(context)
    lines.next_(one, line="0.6")
    assert "0.6.4" in printed(one)
    seen = again(context)
    proofs.status(seen, line="0.6", html=str(tmp_path / "page.html"))
    assert "0.6.3 withdrawn" in printed(seen)
    assert f"0.6.3 is withdrawn: {WHY}" in printed(seen)
    assert "not out yet" not in printed(seen)
    page = (tmp_path / "page.html").read_text()
    assert "0.6.3 withdrawn" in page
    assert f"<p>0.6.3 is withdrawn: {WHY}</p>" in page
    as_json = again(context)
    as_json.report = Report("json", as_json.report.stream)
    proofs.status(as_json, line="0.6")
    rows = [json.loads(line) for line in printed(as_json).splitlines()]
    assert {row["version"]: row["withdrawn"] for row in rows if row["event"] == "version"}["0.6.3"] == WHY
    checked = again(context)
    with pytest.raises(Failed, match=r"proofs of 0\.6\.3 do not hold: withdrawn") as failed:
        proofs.verify(checked, version="0.6.3")
    assert failed.value.hint == "Take the next: inv release.next --line 0.6"
    assert f": {WHY}" in printed(checked)
    published = release_of(again(context), parse("0.6.3"))
    assert published
    refused: list[Callable[[], object]] = [
        lambda: sdk.wheel(again(context), version="0.6.3", download=str(tmp_path / "dist")),
        lambda: images.bump(again(context), version="0.6.3"),
        lambda: images.dispatch(again(context), version="0.6.3"),
        lambda: images.pr(again(context), version="0.6.3"),
        lambda: images.release(again(context), version="0.6.3"),
        lambda: proofs.notes(again(context), version="0.6.3"),
        lambda: publish_release(again(context), parse("0.6.3"), published),
        lambda: sdk.release(again(context), version="0.6.3"),
        lambda: lines.tag(again(context), version="0.6.3"),
        lambda: pipelines.patch(again(context), version="0.6.3"),
        lambda: pipelines.ship(again(context), parse("0.6.3"), needed_tag(context, parse("0.6.3"))),
    ]
    before, asked = everything(sandbox), writes(sandbox)
    for call in refused:
        with pytest.raises(Conflict, match=rf"0\.6\.3 is withdrawn: {WHY}"):
            call()
    assert (everything(sandbox), writes(sandbox)) == (before, asked)
    assert not (tmp_path / "dist").exists()
    with pytest.raises(Usage, match=r"is 0\.6\.3 already"):
        pipelines.patch(again(context), line="0.6")  # nothing was mended


def test_the_next_patch_says_what_was_withdrawn_and_is_the_next_number(sandbox: Sandbox, context: Context) -> None:
    withdraw(context, reason=HOSTILE)
    pipelines.patch(again(context), line="0.6", wanted=PICK._replace(pr=("15",)))
    text = body(context, "0.6.4")["body"]
    assert "## Withdrawn\n* 0.6.3: line \\\\x1b\\[31m\\<\\!-- /withdrawn --\\> @&#8203;all \\[x\\]" in text
    assert "\x1b" not in text
    assert "#&#8203;#&#8203; head" in text
    assert latest(context) == "0.6.4"
    assert len(re.findall("<!-- /withdrawn [0-9a-f]{40} -->", body(context)["body"])) == 1
    withdraw(context, undo=True)
    assert latest(context) == "0.6.4"
    assert "ithdrawn" not in body(context)["body"]


def test_a_hidden_wheel_moves_and_comes_back_byte_for_byte(sandbox: Sandbox, context: Context) -> None:
    content = keys(sandbox)[KEY]
    withdraw(context, reason=WHY)
    withdraw(context, hide=True)
    now = keys(sandbox)
    assert now[HIDDEN] == content
    assert KEY not in now
    assert f"{KEY}.withdrawn.json" in now
    asked = writes(sandbox)
    withdraw(context, hide=True)
    assert (keys(sandbox), writes(sandbox)) == (now, asked)
    withdraw(context, undo=True)
    assert keys(sandbox) == {name: value for name, value in now.items() if "withdrawn" not in name} | {KEY: content}


def test_a_wheel_that_changed_meanwhile_is_not_removed(
    sandbox: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    doubles, own = Doubles(sandbox), Bucket.create_object

    def changed(bucket: Bucket, key: str, content: bytes, headers: Any) -> None:
        own(bucket, key, content, headers)
        if key == HIDDEN:
            doubles.s3.put_object(Bucket=BUCKET, Key=KEY, Body=wheel("0.6.3", more={"leptonai/x.py": ""}))

    monkeypatch.setattr(Bucket, "create_object", changed)
    with pytest.raises(Conflict, match="changed meanwhile"):
        withdraw(context, reason=WHY, hide=True)
    assert KEY in keys(sandbox)


def test_a_dry_run_shows_each_step_and_writes_none(sandbox: Sandbox, context: Context) -> None:
    before, asked = everything(sandbox), writes(sandbox)
    dry = again(context, dry=True)
    proofs.withdraw(dry, version="0.6.3", reason=WHY, hide=True)
    assert printed(dry).count("(to do)") == 6
    assert "s3://lepton-sdk/withdrawn/leptonai-0.6.3-py3-none-any.whl" in printed(dry)
    assert (everything(sandbox), writes(sandbox)) == (before, asked)


def test_f35_an_immutable_release_is_withdrawn_too(sandbox: Sandbox, context: Context) -> None:
    """Its assets and its tag stay; its title, its notes and what is Latest may change."""
    sandbox.github.hub.settings.immutable_releases = True
    pipelines.patch(again(context), line="0.6", wanted=PICK._replace(pr=("15",)))
    assert body(context, "0.6.4")["immutable"]
    withdraw(context, version="0.6.4", reason=WHY)
    assert latest(context) == "0.6.3"
    assert body(context, "0.6.4")["name"] == "0.6.4 (withdrawn)"
    withdraw(context, version="0.6.4", undo=True)
    assert latest(context) == "0.6.4"


def test_a_component_that_was_withdrawn_is_not_done(sandbox: Sandbox, context: Context) -> None:
    pipelines.component(again(context), name="sdk", accept="it is known")
    withdraw(context, version="0.6.4", reason=WHY)
    for version in ("", "0.6.4"):
        with pytest.raises(Conflict, match=r"0\.6\.4 is withdrawn"):
            pipelines.component(again(context), name="sdk", accept="it is known", version=version)


def test_what_was_withdrawn_is_none_to_fit_in_with(sandbox: Sandbox, context: Context) -> None:
    """A component that takes back what broke others would be kept from being released by that very thing."""
    part, line = context.settings.component("sdk"), Line(0, 6)
    sha = needed_tag(context, parse("0.6.3")).sha
    before = {answer.before for answer in gate(context, part, sha, tagged_releases(again(context), line))}
    assert any("0.6.3" in each for each in before)
    withdraw(context, reason=WHY)
    one = again(context)
    after = {answer.before for answer in gate(one, part, sha, tagged_releases(one, line))}
    assert not any("0.6.3" in each for each in after)


class Killed(BaseException):
    """The call ends here, with no word."""


@pytest.mark.parametrize("undo", [False, True])
def test_killed_after_any_write_the_same_call_goes_on(
    sandbox: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch, undo: bool
) -> None:
    untouched = everything(sandbox)
    withdraw(context, reason=WHY, hide=True)
    gone = everything(sandbox)
    if not undo:
        withdraw(context, undo=True)
    make, writes_made = room._problem, [0]
    for last in range(1, 9):
        writes_made[0] = 0

        def killed(made: Callable[[], object], last: int = last) -> ReleaseError | None:
            problem = make(made)
            writes_made[0] += 1
            if writes_made[0] == last:
                raise Killed
            return problem

        monkeypatch.setattr(room, "_problem", killed)
        options: dict[str, Any] = {"undo": True} if undo else {"reason": WHY, "hide": True}
        try:
            withdraw(context, **options)
        except Killed:
            monkeypatch.setattr(room, "_problem", make)
            withdraw(context, **options)
        else:
            assert last > 5
            break
        finally:
            monkeypatch.setattr(room, "_problem", make)
        wanted = untouched if undo else gone
        assert like(everything(sandbox)) == like(wanted)
        withdraw(context, **({"reason": WHY, "hide": True} if undo else {"undo": True}))


def like(world: Any) -> str:
    """The world, but the moment of a withdrawal and what its object is called therefore."""
    return re.sub(r"20\d\d-\d\d-\d\dT[0-9:+]+Z?|[0-9a-f]{32,64}", "·", repr(world))


def test_a_version_that_is_only_a_branch_is_given_up(sandbox: Sandbox, context: Context) -> None:
    lines.branch(again(context), version="0.7.0")
    withdraw(context, version="0.7.0", reason="never mind")
    assert parse("0.7.0") in taken_versions(again(context), Line(0, 7))
    assert withdrawn_versions(again(context), Line(0, 7)) == [parse("0.7.0")]
    one = again(context)
    lines.next_(one, line="0.7")
    assert "0.7.1" in printed(one)
    seen = again(context)
    proofs.status(seen)
    assert "0.7.0 is withdrawn, before it was tagged: never mind" in printed(seen)
    as_json = again(context)
    as_json.report = Report("json", as_json.report.stream)
    proofs.status(as_json)
    told = {"event": "withdrawn", "version": "0.7.0", "withdrawn": "never mind"}
    assert told in map(json.loads, printed(as_json).splitlines())
    refused: list[Callable[[], object]] = [
        lambda: lines.tag(again(context), version="0.7.0"),
        lambda: pipelines.minor(again(context), version="0.7.0"),
        lambda: proofs.verify(again(context), version="0.7.0"),
        lambda: sdk.wheel(again(context), version="0.7.0"),
        lambda: proofs.notes(again(context), version="0.7.0"),
        lambda: images.release(again(context), version="0.7.0"),
    ]
    before, asked = everything(sandbox), writes(sandbox)
    for call in refused:
        with pytest.raises(Conflict, match=r"0\.7\.0 is withdrawn: never mind"):
            call()
    assert (everything(sandbox), writes(sandbox)) == (before, asked)
    withdraw(context, version="0.7.0", undo=True)
    lines.check(again(context), version="0.7.0")
    withdraw(context, version="0.7.0", reason="never mind")
    assert newest_good(again(context)) == parse("0.6.3")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"version": "0.9.0", "reason": WHY}, "there is nothing of 0.9.0"),
        ({"version": "0.6.7", "reason": WHY}, "there is nothing of 0.6.7"),
        ({"reason": " \n"}, "why is 0.6.3 withdrawn"),
        ({"reason": "x" * (LONGEST + 1)}, "has 10241 characters"),
        ({"undo": True, "reason": WHY}, "--undo takes neither"),
        ({"version": "", "reason": WHY}, "which version"),
    ],
)
def test_what_cannot_be_withdrawn_is_told(
    sandbox: Sandbox, context: Context, options: dict[str, Any], words: str
) -> None:
    before, asked = everything(sandbox), writes(sandbox)
    with pytest.raises(Usage, match=words):
        withdraw(context, **options)
    assert (everything(sandbox), writes(sandbox)) == (before, asked)


def test_two_at_once_agree_or_are_told(sandbox: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    push = Repository.push

    def raced(repo: Repository, pushes: Any) -> None:
        monkeypatch.setattr(Repository, "push", push)
        withdraw(context, reason="the other's")
        push(repo, pushes)

    monkeypatch.setattr(Repository, "push", raced)
    with pytest.raises(Conflict, match=r"withdrawn already, by Release Person on .*: the other's"):
        withdraw(context, reason=WHY)
    found = withdrawal(again(context), parse("0.6.3"))
    assert found
    assert found.reason == "the other's"


def test_a_note_that_says_nothing_counts_all_the_same(sandbox: Sandbox, context: Context) -> None:
    sandbox.bare.git("update-ref", REF, sandbox.bare.git("hash-object", "-w", "--stdin", text="[1]").strip())
    found = withdrawal(again(context), parse("0.6.3"))
    assert found
    assert (found.reason, found.who) == ("", "")
    with pytest.raises(Conflict, match=r"^\('0\.6\.3 is withdrawn'"):
        lines.tag(again(context), version="0.6.3")


def test_the_highest_that_is_out_becomes_latest_where_the_highest_tag_is_not(
    sandbox: Sandbox, context: Context
) -> None:
    lines.branch(again(context), version="0.7.0")
    sandbox.bare.git("update-ref", "refs/tags/0.7.0", "refs/heads/main")
    publish(context, "0.5.1", latest=False)
    withdraw(context, reason=WHY)
    assert latest(context) == "0.6.2"
    withdraw(context, version="0.6.2", reason=WHY)
    assert latest(context) == "0.5.1", "what was withdrawn before is none either"
    withdraw(context, undo=True)
    assert latest(context) == "0.6.3"


def publish(context: Context, version: str, latest: bool) -> int:
    """Publish a Release as a person does."""
    said = {"tag_name": version, "name": version, "body": "", "make_latest": "true" if latest else "false"}
    return int(github(context).send("POST", "releases", said)["id"])


def test_what_a_team_calls_latest_stays_that(sandbox: Sandbox, context: Context) -> None:
    publish(context, "0.5.1", latest=True)
    withdraw(context, reason=WHY)
    assert latest(context) == "0.5.1"


def test_the_only_version_is_withdrawn_too(sandbox: Sandbox, context: Context) -> None:
    github(context).send("DELETE", f"releases/{body(context, '0.6.2')['id']}")
    one = withdraw(context, reason=WHY)
    assert "GitHub's Latest stays 0.6.3: no other version is published" in printed(one)
    assert body(context)["name"] == "0.6.3 (withdrawn)"


NOTES = [
    "\n\nlead",
    "a\r\nb\r\n",
    "",
    "x <!-- withdrawn -->lost?<!-- /withdrawn -->\n\ny",
    "z" * 124_000,
    "z" * 125_000,
]


@pytest.mark.parametrize("notes", NOTES, ids=range(len(NOTES)))
def test_title_and_notes_come_back_byte_for_byte(sandbox: Sandbox, context: Context, notes: str) -> None:
    """GitHub takes 125,000 characters: a long reason is shortened before anything of the notes is lost."""
    path = f"releases/{body(context)['id']}"
    for name in ("", "Title"):
        github(context).send("PATCH", path, {"name": name, "body": notes})
        withdraw(context, reason=(HOSTILE * 200)[:LONGEST])
        now = body(context)
        assert now["body"].endswith(notes)
        assert now["name"] == ("Title (withdrawn)" if name else "0.6.3: withdrawn")
        assert ("**Withdrawn** on" in now["body"]) == (len(notes) < 125_000)
        asked = writes(sandbox)
        withdraw(context)
        assert writes(sandbox) == asked
        withdraw(context, undo=True)
        assert (body(context)["name"] or "", body(context)["body"]) == (name, notes)


def test_a_wheel_of_any_name_has_one_marker_and_keeps_its_headers(sandbox: Sandbox, context: Context) -> None:
    store, own = Doubles(sandbox).s3, KEY.replace("py3-none-any", "cp310-cp310-linux_x86_64")
    said = {"ContentType": "application/zip", "CacheControl": "no-cache", "Metadata": {"run": "1"}}
    store.put_object(Bucket=BUCKET, Key=own, Body=keys(sandbox)[KEY], **said)
    store.delete_object(Bucket=BUCKET, Key=KEY)
    before = keys(sandbox)
    for _ in range(2):
        withdraw(context, reason=WHY, hide=True)
        hidden = own.replace("release/", "withdrawn/")
        assert keys(sandbox).keys() - before.keys() == {hidden, f"{own}.withdrawn.json"}
    withdraw(context, undo=True)
    assert keys(sandbox) == before
    there = store.get_object(Bucket=BUCKET, Key=own)
    assert {name: there[name] for name in said} == said


def test_a_version_without_a_wheel_is_withdrawn_without_one(sandbox: Sandbox, context: Context) -> None:
    Doubles(sandbox).s3.delete_object(Bucket=BUCKET, Key=KEY)
    before = everything(sandbox)["cloud"]
    withdraw(context, reason=WHY, hide=True)
    assert everything(sandbox)["cloud"] == before
    assert body(context)["name"] == "0.6.3 (withdrawn)"


def test_a_component_is_withdrawn_and_not_done_afterwards(
    sandbox: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One without a wheel asks nothing of S3; what is released from its commit afterwards has a number of its own."""
    release_backend = partial(pipelines.component, name="backend", accept="seen")
    release_backend(again(context))
    assert body(context, "0.6.4")["name"] == "0.6.4"
    monkeypatch.setattr(Bucket, "objects", lambda *_: pytest.fail("S3 was asked"))
    withdraw(context, version="0.6.4", reason=WHY, hide=True)
    monkeypatch.undo()
    before = writes(sandbox)
    for options in ({}, {"version": "0.6.4"}):
        one = again(open_context(sandbox, monkeypatch, clock=FakeClock()))
        with pytest.raises(Conflict, match=rf"0\.6\.4 is withdrawn: {WHY}"):
            release_backend(one, **options)
        assert "(already)" not in printed(one)
    assert writes(sandbox) == before
    release_backend(again(context), version="0.6.5")
    assert f"## Withdrawn\n* 0.6.4: {WHY}" in body(context, "0.6.5")["body"]


def test_what_the_wheel_is_held_against_is_a_good_one(sandbox: Sandbox, context: Context) -> None:
    assert wheel_before(again(context), parse("0.6.4")) == keys(sandbox)[KEY]
    withdraw(context, reason=WHY)
    assert wheel_before(again(context), parse("0.6.4")) == keys(sandbox)[KEY.replace("0.6.3", "0.6.2")]


@pytest.mark.parametrize("undo", [False, True])
def test_a_release_under_way_is_not_stopped_by_a_withdrawal(
    sandbox: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch, undo: bool
) -> None:
    """What is out has to stay as it is while a run is followed (F20): but what somebody took back may hide."""
    if undo:
        withdraw(context, reason=WHY)
    check_run, hidden = s3.check_run, []

    def meanwhile(*given: Any) -> None:
        if not hidden:
            hidden.append(withdraw(context, **({"undo": True} if undo else {"reason": WHY, "hide": True})))
        check_run(*given)

    monkeypatch.setattr(s3, "check_run", meanwhile)
    pipelines.patch(again(context), line="0.6", wanted=PICK._replace(pr=("15",)))
    assert hidden
    assert body(context, "0.6.4")["draft"] is False


def test_a_withdrawn_wheel_is_overwritten_by_none_either(
    sandbox: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    withdraw(context, reason=WHY)
    check_run = s3.check_run

    def meanwhile(*given: Any) -> None:
        Doubles(sandbox).s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"other")
        check_run(*given)

    monkeypatch.setattr(s3, "check_run", meanwhile)
    with pytest.raises(Conflict, match="changed meanwhile"):
        pipelines.patch(again(context), line="0.6", wanted=PICK._replace(pr=("15",)))


def test_a_minor_is_told_apart_from_the_version_before_that_is_good(sandbox: Sandbox, context: Context) -> None:
    withdraw(context, reason=WHY)
    pipelines.minor(again(context), "0.7.0")
    text = body(context, "0.7.0")["body"]
    assert f"## Withdrawn\n* 0.6.3: {WHY}" in text
    assert "0.6.2...0.7.0" in text
    withdraw(context, version="0.7.0", reason="that too")
    with pytest.raises(Conflict, match=r"0\.7\.0 is withdrawn: that too"):
        pipelines.minor(again(context), "0.7.0")
    one = again(context)
    lines.next_(one)
    assert "0.8.0" in printed(one)
    assert latest(context) == "0.6.2"


def test_who_did_it_in_actions_is_whose_run_it_is(
    sandbox: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(sandbox.work, "config", "--global", "--unset-all", "user.name")
    monkeypatch.setenv("GITHUB_ACTOR", "octocat")
    withdraw(context, reason=WHY)
    assert json.loads(keys(sandbox)[f"{KEY}.withdrawn.json"])["by"] == "octocat"


@pytest.mark.parametrize("undo", [False, True])
@pytest.mark.parametrize("status", [403, 412])
def test_refused_at_any_write_it_says_so_and_the_same_call_goes_on(
    sandbox: Sandbox, context: Context, status: int, undo: bool
) -> None:
    forwards, back = {"reason": WHY, "hide": True}, {"undo": True}
    untouched = everything(sandbox)
    withdraw(context, **forwards)
    gone = everything(sandbox)
    if not undo:
        withdraw(context, **back)
    calls, failed = Calls(sandbox), 0
    for nth in range(9):
        calls.clear()

        def _is_nth(call: Call, nth: int = nth) -> bool:
            return call.writes and sum(each.writes for each in calls.seen) == nth + 1

        calls.strike_all(_is_nth, answered(status, b"{}"))
        try:
            withdraw(context, **(back if undo else forwards))
        except ReleaseError:
            failed += 1
        finally:
            struck = bool(calls.struck)
            calls.clear()
        withdraw(context, **(back if undo else forwards))
        assert like(everything(sandbox)) == like(untouched if undo else gone)
        withdraw(context, **(forwards if undo else back))
        if not struck:
            break
    assert failed == nth > 5


def test_it_writes_nothing_unasked_and_says_the_same_as_json(sandbox: Sandbox, context: Context) -> None:
    before, asked = everything(sandbox), writes(sandbox)
    nobody = again(context, yes=False)
    with pytest.raises(Usage, match="--yes"):
        proofs.withdraw(nobody, version="0.6.3", reason=WHY)
    assert (everything(sandbox), writes(sandbox)) == (before, asked)
    withdraw(context, reason=WHY, hide=True)
    as_json = again(context)
    as_json.report = Report("json", as_json.report.stream)
    proofs.withdraw(as_json, version="0.6.3")
    rows = [json.loads(line) for line in printed(as_json).splitlines()]
    assert {row["status"] for row in rows if row["event"] == "step"} == {"done"}
