"""Go or no-go: each gate open, shut, unreadable, left out and answered for."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest
from conftest import FakeClock, again, open_context, printed
from doubles import Doubles
from outside import everything, writes

from release.audit.freeze import span
from release.call.context import Context
from release.call.flags import NOTHING
from release.call.report import Report
from release.errors import Blocked, Usage
from release.github.api import github
from release.github.commits import Wanted, checks_now
from release.github.http import Answer
from release.github.releases import release_of
from release.sandbox import Sandbox
from release.sandbox.github.records import Pull
from release.settings import GATES, Release, Settings, read
from release.tasks import gates, lines, pipelines
from release.versions import parse

NONE = dict.fromkeys(GATES, False)
PICK = NOTHING._replace(pr=("14",))


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as made:
        yield made


@pytest.fixture
def context(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Context:
    Doubles(sandbox)
    return open_context(sandbox, monkeypatch, clock=FakeClock(time.time()))


def asked(context: Context, accept: tuple[str, ...] = (), line: str = "", **wanted: Any) -> Context:
    """Ask these gates and no others; return the context of the call."""
    release = replace(context.settings.release, gates={**NONE, **wanted})
    one = again(context, settings=replace(context.settings, release=release))
    gates.ready(one, line=line, accept=accept)
    return one


def refusal(context: Context, **wanted: Any) -> str:
    with pytest.raises(Blocked) as blocked:
        asked(context, **wanted)
    return f"{blocked.value.problem}\n{blocked.value.hint}"


def marked(sandbox: Sandbox, title: str, *labels: str, milestone: str = "") -> Pull:
    """Have GitHub show an open pull request that is marked so."""
    hub = sandbox.github.hub
    number = max(hub.pulls, default=0) + 1
    pull = Pull(number, title, "", "releaser", f"topic-{number}", "main", str(hub.head("main")), str(hub.head("main")))
    pull.labels, pull.milestone = list(labels), milestone
    hub.pulls[number] = pull
    return pull


def test_with_nothing_in_the_way_it_is_a_go_and_nothing_is_written(sandbox: Sandbox, context: Context) -> None:
    before, sent = everything(sandbox), writes(sandbox)
    one = asked(context, **{**GATES, "rights": False})
    told = printed(one).splitlines()
    assert [line.split()[1] for line in told[:-1]] == list(GATES)
    assert [line for line in told if "left out" in line] == ["· freeze     left out", "· rights     left out"]
    assert told[-1] == "Go: inv release.minor"
    assert printed(asked(context, line="0.6")).splitlines()[-1] == "Go: inv release.patch --line 0.6"
    assert (everything(sandbox), writes(sandbox)) == (before, sent)


def test_the_commits_own_checks_count_and_no_others(sandbox: Sandbox, context: Context) -> None:
    hub = sandbox.github.hub
    head = str(hub.head("main"))
    api = github(context)
    other = sandbox.bare.git("rev-parse", "main~1").strip()
    api.send("POST", f"statuses/{other}", {"state": "failure", "context": "lint"})
    assert "nothing checks main at" in printed(asked(context, checks=True))
    api.send("POST", f"statuses/{head}", {"state": "pending", "context": "lint"})
    where = f"{api.web_url}/commit/{head}"
    assert f"no-go: checks\nchecks: Mend them, or wait for them: {where}" in refusal(context, checks=True)
    api.send("POST", f"statuses/{head}", {"state": "failure", "context": "lint"})
    with pytest.raises(Blocked):
        asked(context, checks=True)
    api.send("POST", f"statuses/{head}", {"state": "success", "context": "lint"})
    assert "passed" in printed(asked(context, checks=True))
    sandbox.github.faults.add("GET", "/status", status=403, times=None, body={"message": "no"})
    assert "no-go: checks" in refusal(context, checks=True)


def test_a_workflow_that_a_path_filter_left_out_is_not_waited_for(sandbox: Sandbox, context: Context) -> None:
    """On what was pushed long ago what may be left out is; just pushed, it may show yet."""
    head = str(sandbox.bare.sha("refs/heads/main"))
    wanted = Wanted(head, "main", branch="main", listening={"docs.yaml": False})
    assert checks_now(context, wanted) == ([], [])
    context.clock.time = int(sandbox.bare.git("show", "-s", "--format=%ct", head).strip()) + 1.0  # type: ignore[attr-defined]
    (found,), _ = checks_now(context, wanted)
    assert (found.name, found.expected) == ("workflow docs.yaml", True)


def test_what_is_marked_blocks(sandbox: Sandbox, context: Context) -> None:
    blocker = marked(sandbox, "It deletes \x1b[31mjobs", "release-blocker", "bug")
    later = marked(sandbox, "Small", "bug", milestone="0.6 next")
    wanted = {"blockers": ["other", "release-blocker"]}
    assert f"/issues/{blocker.number}" in refusal(context, **wanted)
    assert f"/issues/{later.number}" in refusal(context, blockers=["milestone:{line} next"], line="0.6")
    assert "Give it as GitHub shows it." in refusal(context, blockers=['a"b'])
    blocker.state = "closed"
    assert "nothing open is marked other, release-blocker" in printed(asked(context, **wanted))


def test_what_is_labelled_for_a_line_and_not_on_it_is_missing(sandbox: Sandbox, context: Context) -> None:
    assert "a new line has none" in printed(asked(context, backports=True))
    sha = sandbox.bare.git("log", "--format=%H", "--grep=(#14)", "--fixed-strings", "main").split()[0]
    pull = marked(sandbox, "Mend it", "backport-0.6")
    pull.number, pull.state, pull.merge_sha, pull.merged_at = 14, "closed", sha, pull.created_at
    sandbox.github.hub.pulls = {14: pull}
    text = refusal(context, backports=True, line="0.6")
    assert "inv release.pick --line 0.6 --pr 14" in text
    other = replace(context.settings.release, gates={**NONE, "backports": True}, backport_label="for {line}")
    one = again(context, settings=replace(context.settings, release=other))
    gates.ready(one, line="0.6")
    assert "all that is labelled for 0.6 is on it" in printed(one)


def test_a_freeze_is_a_time_or_an_issue(sandbox: Sandbox, context: Context) -> None:
    now = datetime.fromtimestamp(context.clock.now(), timezone.utc)
    today = f"{now:%Y-%m-%d}..{now:%Y-%m-%d}"
    assert "no-go: freeze\nfreeze: Wait until it is over." in refusal(context, freeze=["2020-01-01..2020-01-02", today])
    assert "there is none now" in printed(asked(context, freeze=["2020-01-01..2020-01-02", "label:freeze"]))
    marked(sandbox, "Year's end", "freeze")
    assert "no-go: freeze" in refusal(context, freeze=["label:freeze"])
    with pytest.raises(Blocked, match="no-go: freeze") as blocked:
        asked(context, freeze=["whenever"])
    assert "Such as 2026-12-20..2027-01-02" in blocked.value.hint


def test_what_is_not_finished_goes_first(sandbox: Sandbox, context: Context) -> None:
    assert "no version has a GitHub Release yet" in printed(asked(context, finished=True))
    made = github(context).send("POST", "releases", {"tag_name": "0.6.2", "draft": True})
    assert "inv release.patch --version 0.6.2" in refusal(context, finished=True, line="0.6")
    github(context).send("PATCH", f"releases/{made['id']}", {"draft": False})
    assert "0.6.2 is published" in printed(asked(context, finished=True, line="0.6"))
    lines.branch(again(context), version="0.7.0")
    lines.tag(again(context), version="0.7.0", ref="main")
    assert "inv release.minor --version 0.7.0" in refusal(context, finished=True)


def test_the_doctor_and_the_clock_are_asked(sandbox: Sandbox, context: Context) -> None:
    assert "agrees with GitHub's" in printed(asked(context, clock=True))
    context.clock.time += 120  # type: ignore[attr-defined]
    assert "no-go: clock" in refusal(context, clock=True)
    context.clock.time -= 120  # type: ignore[attr-defined]
    sandbox.github.faults.add("GET", "/rate_limit", status=500, times=None, body={})
    assert "no-go: rights" in refusal(context, rights=True)


@pytest.mark.parametrize("name", ["checks", "blockers", "backports", "finished", "rights"])
def test_what_cannot_be_read_is_no_go(sandbox: Sandbox, context: Context, name: str) -> None:
    sandbox.github.faults.add("GET", "/api/v3/", status=404, times=None, body={"message": "gone"})
    assert f"no-go: {name}" in refusal(context, line="0.6", **{name: GATES[name]})


def test_a_time_that_nobody_tells_is_no_go(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("release.audit.checkup._asked", lambda *_: Answer(200, {}, b"{}", ""))
    assert "no-go: clock" in refusal(context, clock=True)


def test_a_gate_is_answered_for_by_its_name_alone(context: Context) -> None:
    freeze = [f"{datetime.fromtimestamp(context.clock.now(), timezone.utc):%Y-%m-%d}..2999-01-01"]
    one = asked(context, freeze=freeze, accept=("freeze: it mends CVE-2026-1",))
    assert "; accepted: it mends CVE-2026-1" in printed(one)
    with pytest.raises(Blocked, match="no-go: freeze"):
        asked(context, freeze=freeze, accept=("clock: no",))
    for wrong in ("it is fine", "frost: fine", "freeze:", "freeze: a\nb"):
        with pytest.raises(Usage, match="no gate and its reason"):
            asked(context, freeze=freeze, accept=(wrong,))


def set_gates(context: Context, **wanted: Any) -> Context:
    release = replace(context.settings.release, ready=True, gates={**NONE, **wanted})
    return again(context, settings=replace(context.settings, release=release))


def test_a_whole_release_asks_first_and_says_what_was_accepted(sandbox: Sandbox, context: Context) -> None:
    blocker = marked(sandbox, "It deletes jobs", "stop")
    before, sent = everything(sandbox), writes(sandbox)
    wanted = {"blockers": ["stop"]}
    for dry in (True, False):
        with pytest.raises(Blocked, match="no-go: blockers"):
            pipelines.minor(again(set_gates(context, **wanted), dry=dry), version="0.7.0")
        with pytest.raises(Blocked, match="no-go: blockers"):
            pipelines.patch(
                again(set_gates(context, **wanted), dry=dry), line="0.6", wanted=NOTHING._replace(pr=("14",))
            )
    assert (everything(sandbox), writes(sandbox)) == (before, sent)
    reason = ("blockers: it is in no release", "freeze: there is none")
    pipelines.minor(set_gates(context, **wanted), version="0.7.0", image=False, accept=reason)
    message = sandbox.bare.git("cat-file", "tag", "refs/tags/0.7.0").partition("\n\n")[2]
    assert message == "Release 0.7.0\n\nAccepted: blockers: it is in no release\n"
    found = release_of(again(context), parse("0.7.0"))
    assert found
    body = github(context).get(f"releases/{found.id}")["body"]
    assert body.startswith("A gate was shut; accepted: blockers: it is in no release\n\n")
    pipelines.minor(set_gates(context, **wanted), version="0.7.0", image=False)  # what is begun is not stopped
    blocker.state = "closed"
    with pytest.raises(Usage, match="no gate and its reason"):
        pipelines.minor(again(context), version="0.8.0", accept=("because",))


def test_what_is_begun_goes_on_whatever_the_gates_say(sandbox: Sandbox, context: Context) -> None:
    lines.branch(again(context), version="0.7.0")
    marked(sandbox, "It deletes jobs", "stop")
    pipelines.minor(set_gates(context, blockers=["stop"]), version="0.7.0", image=False)
    assert sandbox.bare.sha("refs/tags/0.7.0")


def test_json_is_an_object_a_gate(context: Context) -> None:
    one = again(context, settings=Settings(release=Release(gates={**NONE, "clock": True})))
    one.report = Report("json", one.report.stream)
    gates.ready(one)
    rows = {row["gate"]: row["level"] for row in map(json.loads, printed(one).splitlines()) if "gate" in row}
    assert rows == {**dict.fromkeys(NONE, "left out"), "clock": "good"}


@pytest.mark.parametrize("wrong", [{"frost": True}, {"freeze": "2026"}, {"checks": "yes"}, {"blockers": True}])
def test_a_gate_that_is_none_or_of_another_type_is_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(Usage, match=f"release.gates.{next(iter(wrong))}"):
        read({"release": {"gates": wrong}})


# --- when nothing is released ---

MOMENTS = [
    ("2026-12-20..2027-01-02", "2026-12-20 00:00", True), ("2026-12-20..2027-01-02", "2027-01-02 23:59", True),
    ("2026-12-20..2027-01-02", "2027-01-03 00:00", False), ("2026-12-20..2027-01-02", "2026-12-19 23:59", False),
    ("2026-12-20..2026-12-20 America/New_York", "2026-12-20 04:59", False),  # still the 19th there
    ("2026-12-20..2026-12-20 America/New_York", "2026-12-20 05:00", True),
    ("fri 16:00..mon 08:00", "2026-12-04 15:59", False), ("fri 16:00..mon 08:00", "2026-12-04 16:00", True),
    ("fri 16:00..mon 08:00", "2026-12-07 07:59", True), ("fri 16:00..mon 08:00", "2026-12-07 08:00", False),
    ("fri 16:00..mon 08:00 Europe/Berlin", "2026-12-04 15:00", True),  # an hour ahead in winter
    ("fri 16:00..mon 08:00 Europe/Berlin", "2026-07-03 14:00", True),  # two in summer
    ("fri 16:00..mon 08:00 Europe/Berlin", "2026-07-03 13:59", False),
    ("sat..sun", "2026-12-05 00:00", True), ("sat..sun", "2026-12-06 23:59", True),
    ("sat..sun", "2026-12-07 00:00", False),
    ("sun..mon", "2026-12-06 12:00", True), ("sun..mon", "2026-12-07 12:00", True),
    ("sun..mon", "2026-12-08 00:00", False),
    ("22:00..06:00", "2026-12-04 22:00", True), ("22:00..06:00", "2026-12-05 05:59", True),
    ("22:00..06:00", "2026-12-05 06:00", False), ("12:00..13:00", "2026-12-05 12:30", True),
    ("mon..fri", "2026-12-04 23:59", True), ("mon..fri", "2026-12-05 00:00", False),
]  # fmt: skip


@pytest.mark.parametrize(("text", "moment", "holds"), MOMENTS)
def test_a_span_holds_in_its_own_time_zone(text: str, moment: str, holds: bool) -> None:
    at = datetime.strptime(moment, "%Y-%m-%d %H:%M").replace(tzinfo=timezone.utc)
    assert span(text).holds(at.timestamp()) == holds


WRONG = (
    "", "..", "fri", "2026-12-20", "2027-01-02..2026-12-20", "fri 25:00..mon 08:00", "fri..08:00", "frI 1..mon 2",
    "2026-13-01..2026-13-02", "sat..sun Nowhere/Land", "sat..sun ../etc/passwd", "fri 16:00..mon 08:61",
)  # fmt: skip


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_span_is_told(text: str) -> None:
    with pytest.raises(Usage, match=r"release\.gates\.freeze"):
        span(text)
