"""Bad days on purpose and the way on: each strikes once, is said, and what it stopped ends well."""

from __future__ import annotations

import io
import json
import urllib.request
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import printed
from typed import typing_in

from release.call.context import Context, Options
from release.call.flags import Kind
from release.call.report import Report
from release.errors import Failed, Usage
from release.sandbox import Sandbox
from release.sandbox.github.merging import merge_pull, open_pull
from release.sandbox.github.records import Pull, Token
from release.sandbox.github.rules import protect, violations
from release.sandbox.github.state import checks_of
from release.sandbox.rehearsal import Rehearsal
from release.sandbox.rehearsal.account import run_stops, tell, tell_steps
from release.sandbox.rehearsal.journal import Journal, Written
from release.sandbox.rehearsal.mishaps import BadDay, _fail_once, _late, _undecided, bad_day, is_named
from release.sandbox.rehearsal.ways import Stop, stand_in, stops
from release.sandbox.runner import run_confined_job
from release.settings import Settings

Capture = pytest.CaptureFixture[str]


def rehearsed(monkeypatch: pytest.MonkeyPatch, capfd: Capture, *flags: str) -> tuple[int, str, str]:
    """A rehearsal of a plain repository whose cloud and GitHub are at hand, steps really run."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with Sandbox(cloud=False) as sandbox:
        done = typing_in(sandbox, monkeypatch, capfd)("sandbox.rehearse", "--execute", *flags)
        assert sandbox.github.writes() == []
    return done.code, done.out, done.err


def test_a_killed_call_and_a_refused_push_are_mended_by_the_same_call(
    monkeypatch: pytest.MonkeyPatch, capfd: Capture
) -> None:
    task = "release.branch release.tag"
    code, out, err = rehearsed(
        monkeypatch, capfd, "--task", task, "--kill-after", "tag", "--refuse-push", "release-*", "--offline"
    )
    assert code == 0, out + err
    assert out.count(f"$ inv {task}") == 4, "refused, killed, to its end, and once more"
    assert "Refused on purpose: --refuse-push release-*" in err
    assert "refused on purpose (--refuse-push); here the rule of refs/heads/release-* is lifted" in out
    assert "· after the tag 0.7.0 at" in out
    assert "killed on purpose (--kill-after tag); here the same call goes on" in out
    assert "✔ tag 0.7.0" in out.split("killed on purpose")[1]
    assert "✔ typed again it changed nothing" in out
    assert out.index("typed again") < out.index("What the real release would do, in order:")
    assert "branch release-0.7-" in out.split("in order:")[1]


def test_what_shall_go_wrong_and_never_comes_is_said(monkeypatch: pytest.MonkeyPatch, capfd: Capture) -> None:
    code, out, err = rehearsed(monkeypatch, capfd, "--offline", "--task", "release.next", "--fail", "nobody (3.10)",
                                "--refuse-push", "other-*")  # fmt: skip
    assert code == 1
    assert "It writes nothing." in out
    assert "asked for, and never came to it: --fail nobody (3.10), --refuse-push other-*" in err


def test_in_json_each_line_is_an_object(monkeypatch: pytest.MonkeyPatch, capfd: Capture) -> None:
    code, out, err = rehearsed(monkeypatch, capfd, "--offline", "--task", "release.branch", "--json")
    assert code == 0, out + err
    told = [json.loads(line) for line in out.splitlines()]
    written = [each for each in told if each.get("event") == "written"]
    assert next(each["kind"] for each in written) == "push"
    assert written[0]["about"]["ref"].startswith("refs/heads/release-0.7-")
    assert len(written[0]["about"]["sha"]) == 40


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (("--kill-after", "reading"), "--kill-after reading: there is no such write"),
        (("--lag", "soon"), "--lag soon is no number of seconds"),
        (("--lag", "1" + 23 * "0"), "is no number of seconds up to 600"),
        (("--task", "release.next '"), "No closing quotation"),
    ],
)
def test_what_cannot_go_wrong_is_refused_before_anything_is_made(
    monkeypatch: pytest.MonkeyPatch, capfd: Capture, flags: tuple[str, ...], says: str
) -> None:
    code, out, err = rehearsed(monkeypatch, capfd, *flags)
    assert (code, out) == (2, "")
    assert says in err


def test_the_lag_is_a_number() -> None:
    assert bad_day((), "", "", ()) == BadDay()
    assert bad_day((), "1.5", "merge", ()).lag == 1.5
    with pytest.raises(Usage):
        bad_day((), "-1", "", ())


@pytest.mark.parametrize(
    ("job", "name", "meant"),
    [
        ("build_matrix (3.10)", "build_matrix (3.10)", True),
        ("build_matrix (3.11)", "build_matrix (3.10)", False),
        ("test-package (3.10)", "test-package", True),
        ("test-package-too", "test-package", False),
        ("images / build (web)", "build", True),
        ("images / build (web)", "build (web)", True),
        ("images / build (web)", "images / build (web)", True),
    ],
)
def test_a_job_is_named_as_github_shows_it(job: str, name: str, meant: bool) -> None:
    assert is_named(job, name) is meant


def test_a_job_fails_once() -> None:
    day, said = BadDay(fail=("test",)), []
    machine = SimpleNamespace(job=SimpleNamespace(name="test (1)"), log=SimpleNamespace(write=said.append))
    run = _fail_once(day, lambda _: "success")
    assert [run(machine), run(machine)] == ["failure", "success"]
    assert said == ["##[error]Failed on purpose: --fail test"]
    assert day.missed() == []
    assert [(stop.where, stop.reruns, stop.on_purpose) for stop in stops(hub_of({}), day, [], [])] == [
        ("job test (1)", True, True)
    ]


def hub_of(pulls: dict[int, Pull]) -> Any:
    return SimpleNamespace(pulls=pulls, tokens={"sandbox-token": Token()}, rulesets=[])


def moment(seconds: float) -> str:
    return (datetime.now(timezone.utc) - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_answers_that_lag_show_late_what_is_young() -> None:
    listed = {"total_count": 2, "workflow_runs": [{"created_at": moment(1)}, {"created_at": moment(1000)}]}
    assert _late(listed, 300) == {"total_count": 1, "workflow_runs": listed["workflow_runs"][1:]}  # type: ignore[index]
    assert _late(listed, 0.1) == listed
    pull = {"mergeable": True, "mergeable_state": "clean", "updated_at": moment(1)}
    assert _undecided(pull, 300)["mergeable"] is None
    assert _undecided(pull, 0.1) == pull
    assert _undecided({"message": "Not Found"}, 30) == {"message": "Not Found"}


@pytest.fixture
def topic() -> Any:
    """A world with an open pull request of ours."""
    with Sandbox(cloud=False) as world:
        hub = world.github.hub
        base = hub.head("main") or ""
        tree = world.bare.git("rev-parse", f"{base}^{{tree}}").strip()
        hub.bare.update_ref("refs/heads/topic", hub.bare.write_commit(tree, [base], "Topic"))
        hub.known_refs = hub.bare.refs("refs/heads", "refs/tags")
        yield world, open_pull(hub, {"head": "topic", "base": "main", "title": "Topic"}, Token())


def test_where_the_real_rules_stop_it_a_person_would_approve_or_wait(topic: tuple[Sandbox, Pull]) -> None:
    world, pull = topic
    hub = world.github.hub
    protect(hub, "refs/heads/main", pull_request={"required_approving_review_count": 2}, merge_queue={})
    assert len(violations(hub, pull)) == 2
    found = stops(hub, BadDay(), [], [])
    assert [stop.why for stop in found] == ["needs 2 approving reviews", "waits in the merge queue of main"]
    assert violations(hub, pull) == []
    assert stops(hub, BadDay(), [], found) == [], "nothing is mended twice"
    merge_pull(hub, pull, {}, Token())


def test_who_may_not_push_may_in_the_rehearsal(topic: tuple[Sandbox, Pull]) -> None:
    hub = topic[0].github.hub
    hub.tokens["sandbox-token"] = Token(push=False)
    assert [stop.why for stop in stops(hub, BadDay(), [], [])] == ["this token may not push"]
    assert hub.tokens["sandbox-token"].push


def test_a_refused_push_lifts_the_rules_of_that_ref_alone(topic: tuple[Sandbox, Pull]) -> None:
    hub = topic[0].github.hub
    protect(hub, "refs/heads/release-*", creation={})
    protect(hub, "refs/tags/*", creation={})
    new = [Written("refused", "push of refs/heads/release-1", {"ref": "refs/heads/release-1"})]
    [stop] = stops(hub, BadDay(), new, [])
    assert (stop.why, stop.on_purpose) == ("a rule refuses it (creation)", False)
    assert [each.include for each in hub.rulesets] == [("refs/tags/*",)]


def test_checks_of_other_applications_are_taken_as_passed(topic: tuple[Sandbox, Pull]) -> None:
    world, pull = topic
    hub = world.github.hub
    protect(hub, "refs/heads/main", required_status_checks={"required_status_checks": [{"context": "ci"}]})
    stand_in(hub, Written("pull request", "", {"state": "open", "base": "main", "number": pull.number}))
    assert [(each.name, each.conclusion) for each in checks_of(hub, pull.head_sha) if each.name == "ci"] == [
        ("ci", "success")
    ]


def test_the_journal_tells_what_each_request_changed(topic: tuple[Sandbox, Pull]) -> None:
    world, pull = topic
    hub, told = world.github.hub, []

    def application(environ: Any, start: Any) -> list[bytes]:
        merge_pull(hub, pull, {}, Token())
        start("200 OK", [])
        return [b"GH013: Repository rule violations found for refs/heads/x."]

    journal = Journal(hub, application)
    journal.watchers.append(lambda each: told.append(each.kind))
    environ = {"REQUEST_METHOD": "PUT", "PATH_INFO": "/merge", "wsgi.input": io.BytesIO()}
    assert list(journal(environ, lambda *_: None))  # type: ignore[arg-type,return-value]
    kinds = [each.kind for each in journal.written]
    assert kinds == told
    assert {"branch", "merge", "refused"} <= set(kinds)
    merged = next(each for each in journal.written if each.kind == "merge")
    assert merged.what == f"pull request #{pull.number} merged into main as {pull.merge_sha[:9]}"
    assert merged.about["sha"] == pull.merge_sha


def account(**output: str) -> Context:
    return Context(Settings(), Report(stream=io.StringIO(), **output), Options())


WRITTEN = [
    Written("push", "branch release-1 at abc", {"ref": "refs/heads/release-1", "sha": "abc"}),
    Written("refused", "push of refs/heads/release-1", {"ref": "refs/heads/release-1"}),
    Written("dispatch", "run of a.yaml on 1", {"workflow": "a.yaml", "ref": "refs/tags/1"}),
]
STOPS = [
    Stop("push of refs/heads/release-1", "a rule refuses it (creation)", "lifted"),
    Stop("the first push", "this token may not push", "it may from now on"),
    Stop("job test", "failed on purpose", "mended", on_purpose=True),
]
HELD = {("a.yaml", "refs/tags/1"): ["environment prod waits for the approval of ann"]}


def test_the_account_has_what_is_written_beside_where_it_stops_and_how_long_it_took() -> None:
    context = account()
    tell(context, WRITTEN, STOPS, HELD, {"a.yaml": [61.0, 5.0]})
    lines = [" ".join(line.split()) for line in printed(context).splitlines()]
    assert "branch release-1 at abc a rule refuses it (creation)" in lines
    assert "run of a.yaml on 1 environment prod waits for the approval of ann 1 min 1 s, 5 s" in lines
    assert "(the first push) this token may not push" in lines
    assert not any("on purpose" in line for line in lines)


def test_the_account_in_json_has_exact_names() -> None:
    context = account(output="json")
    tell(context, WRITTEN, STOPS, HELD, {"a.yaml": [61.0]})
    told = [json.loads(line) for line in printed(context).splitlines()]
    assert [each["event"] for each in told] == ["written", "written", "stop", "stop", "stop"]
    assert told[1]["took"] == [61.0]
    assert told[1]["about"] == WRITTEN[2].about


def test_what_the_steps_would_do_is_told_a_line_each_and_the_worst_last() -> None:
    def one(kind: str, line: int = 7) -> Any:
        return _Told("a.yaml", line, "build", "Push", f"does {kind}", kind)

    context = account()
    tell_steps(context, [one("missing"), one("untold"), one("effect"), one("effect"), one("listed")])
    lines = [line for line in printed(context).splitlines() if "a.yaml:7" in line]
    assert [line.rpartition(" ")[2] for line in lines] == ["effect", "listed", "untold", "missing"]
    assert lines[-1].startswith("✘")


class _Told(SimpleNamespace):
    def __init__(self, workflow: str, line: int, job: str, step: str, does: str, kind: str) -> None:
        super().__init__(workflow=workflow, line=line, job=job, step=step, does=does, kind=kind)

    def __hash__(self) -> int:
        return hash((self.workflow, self.line, self.does))


def test_what_held_a_run_up_is_told_beside_it(topic: tuple[Sandbox, Pull]) -> None:
    """Of its jobs, of all attempts, each once; another run of the same file and ref adds its own."""
    hub = topic[0].github.hub
    start = SimpleNamespace(path=".github/workflows/a.yaml", ref="refs/tags/1")
    for number in (1, 2):
        hub.runs[number] = SimpleNamespace(start=start, work=SimpleNamespace(status="completed", jobs=[]))  # type: ignore[assignment]
    first, second = (hub.runs[number].work for number in (1, 2))
    hub.gates.stops = [(first, "a queue"), (second, "ann"), (first, "a queue"), (object(), "another's")]
    assert run_stops(hub)["a.yaml", "refs/tags/1"] == ["a queue", "ann"]


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A rehearsal whose typed calls are made up: each of `calls` changes the world and returns its exit code."""

    def make(*calls: Any) -> Rehearsal:
        left = list(calls)
        monkeypatch.setattr(Rehearsal, "_type", lambda self, _: left.pop(0)(self.world))
        return Rehearsal(account(), world, ["release.tag"], BadDay(), lambda _: Kind())

    with Sandbox(cloud=False) as world:
        yield make


def _push(world: Sandbox) -> int:
    """Make a branch through the API, another each time."""
    env, number = world.environment(), len(world.bare.refs("refs/heads"))
    url = f"{env['GITHUB_API_URL']}/repos/{env['GITHUB_REPOSITORY']}/git/refs"
    body = json.dumps({"ref": f"refs/heads/x{number}", "sha": world.github.hub.head("main")}).encode()
    headers = {"Authorization": f"Bearer {env['GITHUB_TOKEN']}", "Content-Type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30).close()
    return 0


def test_what_writes_the_second_time_too_fails_it(played: Any) -> None:
    with pytest.raises(Failed, match=r"inv release\.tag, typed again: branch x[0-9]+ at"):
        played(_push, _push).play()


def test_a_call_that_stops_without_a_way_on_fails_it(played: Any) -> None:
    with pytest.raises(Failed, match=r"inv release\.tag exited 3, not 0"):
        played(lambda _: 3).play()


def test_steps_that_really_run_are_set_apart(played: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """F36: what runs the jobs' steps in a rehearsal is the confined one, and where that cannot be, nothing runs."""
    made = played()
    runner = made.world.github.hub.runner
    monkeypatch.setattr("release.sandbox.rehearsal.run_workflow", lambda *given: SimpleNamespace(run_steps=given[2]))
    assert runner(made.world.github.hub, None).run_steps is run_confined_job

    def refuse() -> None:
        raise Usage("this machine cannot set a step apart")

    monkeypatch.setattr("release.sandbox.rehearsal.check_confinement", refuse)
    with pytest.raises(Usage):
        played()
