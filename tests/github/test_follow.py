"""Following: few requests, every outcome in words, one more attempt on demand."""

from __future__ import annotations

import contextlib
import re
import tracemalloc
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from conftest import FakeClock, again, open_context, printed
from doubles import CHECKS, IMAGE, PLATFORM, SDK, Doubles
from outside import git, writes
from scripted_run import ScriptedRun

from release.call.context import Context
from release.call.report import Report
from release.call.running import _agree
from release.call.wait import SELDOM, SLOWEST, Wait, wait_until
from release.errors import Failed, Usage, Waiting
from release.git.snapshot import remote
from release.github.api import github
from release.github.events import started_runs
from release.github.follow import follow_runs
from release.github.requests import Dispatch
from release.github.runs import Job, Run, check_run, duration, jobs_of, parse_time
from release.sandbox import Sandbox
from release.sandbox.github.events import start_run
from release.sandbox.github.state import Hub
from release.sandbox.runner import Start
from release.settings import Release, Settings
from release.tasks import lines, pipelines, platform, sdk

pytestmark = pytest.mark.usefixtures("doubles")

HOUR, TWENTY = 3600, 20 * 60.0


class TimedClock(FakeClock):
    """Time that has something happen at given moments, and remembers how much was sent by when."""

    def __init__(self, *events: tuple[float, Callable[[], object]]) -> None:
        super().__init__()
        self.begin = self.time
        self.events = sorted(events, key=lambda event: event[0])
        self.sent: list[tuple[float, int]] = []
        self.world: Context | None = None

    def sleep(self, seconds: float) -> None:
        if self.world:
            self.sent.append((self.time, self.world.activity.requests))
        super().sleep(seconds)
        while self.events and self.time - self.begin >= self.events[0][0]:
            self.events.pop(0)[1]()

    def most_in_an_hour(self) -> int:
        return max(sent - max([s for t, s in self.sent if t <= time - HOUR], default=0) for time, sent in self.sent)


def a_world(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, clock: FakeClock | None = None, **options: Any
) -> Context:
    return open_context(
        sandbox, monkeypatch, clock=clock or TimedClock(), settings=Settings(release=Release(poll=2.0)), **options
    )


@pytest.fixture
def context(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Context:
    return a_world(sandbox, monkeypatch)


def tagged(context: Context) -> Context:
    lines.branch(context, "0.7.0")
    lines.tag(context, "0.7.0")
    return again(context)


def started(sandbox: Sandbox, work: ScriptedRun, commit: str = "") -> Run:
    """Have GitHub run what the test says, on a commit of its own if one is named; return it as the tool sees it."""
    hub = sandbox.github.hub
    sandbox.github.use_runner(lambda _hub, _start: work)
    sha = str(hub.head("main"))
    text = str(hub.bare.file(sha, f".github/workflows/{SDK}"))
    path = f".github/workflows/{SDK}"
    if commit:
        person = {f"GIT_{role}_{kind}": "a@b.c" for role in ("AUTHOR", "COMMITTER") for kind in ("NAME", "EMAIL")}
        sha = hub.bare.git("commit-tree", f"{sha}^{{tree}}", "-m", commit, **person).strip()
    run = start_run(hub, path, text, sha=sha, ref="refs/heads/main", event="workflow_dispatch", actor="me", inputs={})
    url = f"{hub.html}/actions/runs/{run.id}"
    return Run(run.id, SDK, work.status, work.conclusion or "", sha, "main", url=url)


def asked(sandbox: Sandbox, end: str) -> int:
    return sum(each.path.endswith(end) for each in sandbox.github.requests)


# --- how often ---


class Working(TimedClock):
    """Time in which each run takes twenty minutes, its jobs one after the other."""

    def __init__(self, doubles: Doubles) -> None:
        super().__init__()
        self.doubles, self.since = doubles, dict[int, float]()
        doubles.hang |= {SDK, IMAGE, PLATFORM, CHECKS}

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        for number, run in enumerate(self.doubles.started):
            part = (self.time - self.since.setdefault(number, self.time)) / TWENTY
            if run.status != "completed":
                for job in run.jobs[: int(part * len(run.jobs))]:
                    job.end(run.conclusions[job.name])
            if part >= 1 and run.status != "completed":
                run.end()


def kinds(sandbox: Sandbox) -> Counter[str]:
    """Count the requests to the API that ask how things stand, by what they are for."""
    asked = [f"{each.method} {each.path}?{each.query}" for each in sandbox.github.requests if "/api/" in each.path]
    return Counter(kind for one in asked for kind, path in KINDS.items() if re.search(path, one))


KINDS = {
    "run": r"GET .*/actions/runs/[0-9]+\?", "runs": r"GET .*/actions/runs\?", "jobs": "/jobs[?]",
    "check runs": "/check-runs[?]", "statuses": "/status[?]", "all": "",
}  # fmt: skip


@pytest.mark.slow
def test_f19_a_release_whose_runs_take_twenty_minutes_sends_few_requests(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, doubles: Doubles
) -> None:
    clock = Working(doubles)
    pipelines.minor(a_world(sandbox, monkeypatch, clock), "0.7.0")
    assert 2 * TWENTY < clock.time - clock.begin < 2 * (TWENTY + SLOWEST)
    sent = kinds(sandbox)
    assert sent["all"] <= 120
    assert sent["jobs"] < (sent["run"] + sent["runs"]) / 2


def test_f19_two_runs_of_a_commit_are_followed_with_one_request_a_look(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, doubles: Doubles
) -> None:
    clock = Working(doubles)
    context = again(tagged(a_world(sandbox, monkeypatch)), clock=clock)
    tag = remote(context).tag("0.7.0")
    assert tag
    runs = {"sdk": sdk.dispatch(context, "0.7.0")[0], **started_runs(context, tag)}
    sandbox.github.requests.clear()
    clock.slept.clear()
    finished = follow_runs(context, runs)
    looks, sent = len(clock.slept) + 1, kinds(sandbox)
    assert {each.conclusion for each in finished.values()} == {"success"}
    assert (sent["runs"], sent["run"]) == (looks, 2), "that one ended is its own word"
    assert sent["jobs"] <= 2 * (looks // SELDOM + 3)
    assert sent["all"] <= 50


def test_f19_looks_are_quick_at_first_and_slow_in_the_end(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    work = ScriptedRun({"build": "success"}, ends=False)
    clock = TimedClock((TWENTY, work.end))
    follow_runs(a_world(sandbox, monkeypatch, clock), {"sdk": started(sandbox, work)})
    assert clock.slept[0] == 2.0
    assert clock.slept == sorted(clock.slept)
    assert sum(clock.slept[:9]) < 60, "ten looks in the first minute"
    assert max(clock.slept) == SLOWEST == 90.0
    assert len(clock.slept) < 30


def test_who_waits_a_minute_is_told_how_long_it_took_the_last_times_and_what_comes_then(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for minutes in (9, 1, 2, 3):
        before = ScriptedRun({"build": "success"})
        begun = sandbox.github.hub.runs[started(sandbox, before).id].created_at
        before.jobs[0].completed_at = begun + timedelta(minutes=minutes)
    failed = ScriptedRun({"build": "failure"})
    started(sandbox, failed)
    work = ScriptedRun({"build": "success"}, ends=False)
    context = a_world(sandbox, monkeypatch, TimedClock((HOUR, work.end)))
    follow_runs(context, {"sdk": started(sandbox, work)}, "the wheel is proved")
    told = printed(context)
    times = "3 min 0 s, 2 min 0 s and 1 min 0 s the last 3 times"
    assert [line for line in told.splitlines() if "took" in line or "then" in line] == [
        f"· {SDK} took {times}", "· then the wheel is proved",
    ]  # fmt: skip
    quick = ScriptedRun({"build": "success"}, ends=False)
    soon = a_world(sandbox, monkeypatch, TimedClock((30, quick.end)))
    follow_runs(soon, {"sdk": started(sandbox, quick)}, "the wheel is proved")
    assert "the last" not in printed(soon)


def test_how_long_it_takes_is_no_reason_to_stop(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    work = ScriptedRun({"build": "success"}, ends=False)
    context = a_world(sandbox, monkeypatch, TimedClock((HOUR, work.end)))
    sandbox.github.faults.add("GET", f"/workflows/{SDK}/runs", status=404, times=None, body={"message": "no"})
    assert follow_runs(context, {"sdk": started(sandbox, work)})["sdk"].conclusion == "success"


def test_a_wait_that_gives_up_looks_once_more_when_its_time_is_over() -> None:
    context, looks = Context(Settings(), Report(), clock=FakeClock()), list[float]()

    def look(wait: Wait) -> bool:
        looks.append(wait.seconds)
        return False

    late = Waiting("late", "")
    with pytest.raises(Waiting, match="late"):
        wait_until(context, look, late=lambda _: late, stopped=lambda: late, limit=500)
    assert looks[-1] == 500


def test_jobs_are_asked_for_when_their_run_changed_and_in_some_looks(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = ScriptedRun({"build": "success"}, ends=False)
    clock = TimedClock((5 * 60, work.begin), (TWENTY, work.end))
    follow_runs(a_world(sandbox, monkeypatch, clock), {"sdk": started(sandbox, work)})
    begun = sum(sum(clock.slept[:n]) >= 5 * 60 for n in range(len(clock.slept)))
    assert begun // SELDOM + 2 <= kinds(sandbox)["jobs"] <= begun // SELDOM + 3, "none while it waits for a runner"


def test_a_listing_that_lags_ends_no_run_and_takes_no_attempt_back(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    works = [ScriptedRun({"build": "success"}, ends=False) for _ in range(2)]
    clock = TimedClock((120, works[0].end), (240, works[1].end))
    context = a_world(sandbox, monkeypatch, clock)
    runs = {str(number): started(sandbox, work) for number, work in enumerate(works)}

    def behind(body: Any) -> Any:
        body["workflow_runs"][0] |= {"status": "completed", "conclusion": "failure"}
        return {"total_count": 1, "workflow_runs": body["workflow_runs"][:1]}

    sandbox.github.faults.add("GET", r"/actions/runs\?", change=behind, times=8)
    assert {each.conclusion for each in follow_runs(context, runs).values()} == {"success"}


@pytest.mark.slow
def test_f19_fewer_than_a_thousand_requests_an_hour_whatever_is_followed(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = TimedClock()
    context = clock.world = a_world(sandbox, monkeypatch, clock, timeout=1.5 * HOUR)
    runs = {str(n): started(sandbox, ScriptedRun({"build": "success"}, ends=False), str(n)) for n in range(30)}
    with pytest.raises(Waiting, match="not finished within 5400 s"):
        follow_runs(context, runs)
    assert 500 < clock.most_in_an_hour() < 1000


@pytest.mark.parametrize(
    ("each", "breathes"), [(1, True), (5, True), (900, True), (5000, True), (1, False), (10, False), (40, False)]
)
def test_f19_the_pace_of_any_number_of_requests(each: int, breathes: bool) -> None:
    context = Context(Settings(), Report(), clock=FakeClock())
    wait, sent = Wait(context), list[float]()
    while wait.seconds < 2 * HOUR:
        for _ in range(each):
            sent.append(wait.seconds)
            context.activity.requests += 1
            if breathes:
                wait.breathe()
        wait.pause()
    assert max(bisect_left(sent, moment + HOUR) - n for n, moment in enumerate(sent)) < 1000


@pytest.mark.parametrize("looks", [20, pytest.param(10_000, marks=pytest.mark.long)])
def test_memory_stays_the_same_while_256_jobs_are_followed(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, looks: int
) -> None:
    """Of a call that goes on for ten days, too."""
    work = ScriptedRun({f"job {n}": "success" for n in range(256)}, ends=False)
    held, clock = list[int](), TimedClock()
    run = started(sandbox, work)
    work.begin()

    def measure() -> None:
        sandbox.github.requests.clear()
        work.jobs[len(held)].end("success")
        traces = tracemalloc.take_snapshot().filter_traces([*ours(), tracemalloc.Filter(True, "*/json/*")])
        held.append(sum(each.size for each in traces.statistics("filename")))

    clock.events = [(each * SLOWEST * looks / 5, measure) for each in range(2, 6)]
    tracemalloc.start()
    with pytest.raises(Waiting):
        follow_runs(a_world(sandbox, monkeypatch, clock, timeout=SLOWEST * looks), {"sdk": run})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(clock.slept) >= looks
    assert max(held) - min(held) < 100_000
    assert peak < 100 * 2**20


def ours() -> list[tracemalloc.Filter]:
    return [tracemalloc.Filter(True, "*/release/*"), tracemalloc.Filter(False, "*/sandbox/*")]


# --- what became of it ---

WORDS = {
    "failure": "failed",
    "cancelled": "was cancelled: by somebody, a newer run of its concurrency group, or since another job failed",
    "timed_out": "ran out of its own time",
    "stale": "was given up by GitHub",
    "skipped": "was skipped whole: no job's condition held",
    "neutral": "ended neither well nor badly",
    "startup_failure": "could not start: its workflow file is wrong",
}


@pytest.mark.parametrize("conclusion", WORDS)
def test_every_conclusion_is_said_in_words(sandbox: Sandbox, context: Context, conclusion: str) -> None:
    work = ScriptedRun({"build": "success"}, ends=False)
    run = started(sandbox, work)
    work.end("failure")
    work.conclusion = conclusion
    finished = follow_runs(context, {"sdk": run})["sdk"]
    with pytest.raises(Failed) as caught:
        check_run(context, finished, Dispatch(SDK, "refs/heads/main", run.head_sha, command="inv sdk.release"))
    assert caught.value.problem == f"run {run.id} of {SDK} {WORDS[conclusion]}\n{run.url}"
    assert "inv sdk.release --rerun-failed" in caught.value.hint


def test_a_workflow_file_that_is_wrong_shows_as_a_run_that_never_started(sandbox: Sandbox, context: Context) -> None:
    path = sandbox.work / ".github/workflows/broken.yaml"
    path.write_text("on: {push: {tags: ['*']}}\njobs: nonsense\n")
    git(sandbox.work, "add", ".")
    git(sandbox.work, "-c", "user.name=P", "-c", "user.email=p@example.com", "commit", "-qm", "Break a workflow")
    git(sandbox.work, "push", "-q", str(sandbox.bare.path), "main")
    context = tagged(context)
    with pytest.raises(Failed, match=r"run \d+ of broken.yaml could not start"):
        platform.watch(context, "0.7.0")


@pytest.mark.parametrize("state", ["status", "conclusion"])
def test_approval_is_waited_for_by_somebody_else(sandbox: Sandbox, context: Context, state: str) -> None:
    work = ScriptedRun({"build": "success"}, ends=False)
    run = started(sandbox, work)
    work.status, work.conclusion = ("waiting", None) if state == "status" else ("completed", "action_required")
    request = Dispatch(SDK, "refs/heads/main", run.head_sha)
    with pytest.raises(Waiting) as caught:
        check_run(context, follow_runs(context, {"sdk": run})["sdk"], request)
    assert caught.value.code == 4
    assert run.url in caught.value.problem
    assert "run the same again" in caught.value.hint


def test_approval_of_one_run_does_not_end_the_following_of_another(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    works = [ScriptedRun({"build": "success"}, ends=False) for _ in range(2)]
    clock = TimedClock((60, works[1].end))
    context = a_world(sandbox, monkeypatch, clock)
    runs = {f"run {number}": started(sandbox, work) for number, work in enumerate(works)}
    works[0].status = "waiting"
    with pytest.raises(Waiting, match="waits for approval"):
        follow_runs(context, runs)
    assert "run 1  success" in printed(context)


def test_time_runs_out_and_the_run_goes_on(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    work = ScriptedRun({"build": "success"}, ends=False)
    context = a_world(sandbox, monkeypatch, timeout=90)
    run = started(sandbox, work)
    other, ended = (started(sandbox, ScriptedRun({"build": "success"}, ends=each)) for each in (False, True))
    with pytest.raises(Waiting) as caught:
        follow_runs(context, {"sdk": run, "ended": ended, "other": other})
    assert caught.value.problem == f"not finished within 90 s; the runs go on:\n{run.url}\n{other.url}"
    assert caught.value.hint == "Run the same again to go on waiting."
    assert work.status == "queued"
    assert writes(sandbox) == []
    work.end()
    assert follow_runs(again(context), {"sdk": run})["sdk"].conclusion == "success"


def test_ctrl_c_stops_the_waiting_and_not_the_run(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    work = ScriptedRun({"build": "success"}, ends=False)
    context = a_world(sandbox, monkeypatch, TimedClock((5, interrupt)))
    run = started(sandbox, work)
    with pytest.raises(Waiting) as caught:
        follow_runs(context, {"sdk": run})
    assert caught.value.problem == f"stopped waiting; the runs go on:\n{run.url}"
    assert caught.value.hint == "The same command attaches again."
    assert (work.status, writes(sandbox)) == ("queued", [])


def test_a_run_lasts_from_the_begin_of_its_newest_attempt_to_its_last_change(
    sandbox: Sandbox, context: Context
) -> None:
    body = github(context).get(f"actions/runs/{started(sandbox, ScriptedRun({'build': 'success'})).id}")
    times = {"created_at": "2026-11-30T10:00:00Z", "updated_at": "2026-11-30T11:00:42Z"}
    later = times | {"run_started_at": "2026-11-30T11:00:00Z"}
    now = parse_time("2026-11-30T12:00:00Z").timestamp()
    assert duration(Run.parse(body | later), now) == 42
    assert duration(Run.parse(body | times | {"run_started_at": None}), now) == 3642
    assert duration(Run.parse(body | later | {"status": "in_progress", "conclusion": None}), now) == 3600
    assert duration(Run.parse(body | later | {"conclusion": "skipped"}), now) is None
    job = {**github(context).get(f"actions/runs/{body['id']}/jobs")["jobs"][0], "started_at": "2026-11-30T11:00:00Z"}
    assert duration(Job.parse(job | {"completed_at": "2026-11-30T11:00:07Z"}), now) == 7
    assert duration(Job.parse(job | {"started_at": None}), now) is None


# --- why it failed ---


def test_s02_s04_a_failed_jobs_last_lines_come_without_the_token_and_made_visible(
    sandbox: Sandbox, context: Context
) -> None:
    work = ScriptedRun({"build": "failure", "other": "success", "idle": "skipped"})
    run = started(sandbox, work)
    log = "".join(f"line {number}\n" for number in range(1, 51))
    work.jobs[0].log = log + "\x1b[31mred\u202e ::error::no\n"
    with pytest.raises(Failed):
        check_run(context, follow_runs(context, {"sdk": run})["sdk"], Dispatch(SDK, "refs/heads/main", run.head_sha))
    said = printed(context)
    assert "job build failed in step Run the job" in said
    assert "line 50\n" in said
    assert "line 31\n" not in said
    assert "\\x1b[31mred\\u202e ::error::no" in said
    assert "\x1b" not in said
    assert sandbox.github.hub.leaks == []
    assert asked(sandbox, "/logs") == 1


def test_a_log_that_cannot_be_read_is_no_reason_to_stop(sandbox: Sandbox, context: Context) -> None:
    run = started(sandbox, ScriptedRun({"build": "failure"}))
    sandbox.github.faults.add("GET", "/logs", status=410, body={"message": "Server Error: gone"})
    with pytest.raises(Failed, match=r"of sdk-release\.yaml failed"):
        check_run(context, follow_runs(context, {"sdk": run})["sdk"], Dispatch(SDK, "refs/heads/main", run.head_sha))
    assert "its log cannot be read: " in printed(context)


@pytest.mark.parametrize("became", ["skipped", "cancelled", "neutral", "gone"])
def test_f26_every_job_on_every_page_must_succeed(sandbox: Sandbox, context: Context, became: str) -> None:
    """The run is green all the same: what is skipped or absent passes elsewhere."""
    names = {f"test-package ({n})": "success" for n in range(255)}
    last = {} if became == "gone" else {"build-package": became}
    work = ScriptedRun({**names, **last})
    run = started(sandbox, work)
    finished = follow_runs(context, {"sdk": replace(run, conclusion="success")})["sdk"]
    assert len(jobs_of(context, finished)) == 255 + len(last)
    request = Dispatch(SDK, "refs/heads/main", run.head_sha, {}, ("build-package", "test-package*"))
    with pytest.raises(Failed, match="build-package") as caught:
        check_run(context, finished, request)
    assert run.url in caught.value.hint


# --- once more ---


def test_rerun_failed_has_github_run_the_failed_jobs_once_more(
    sandbox: Sandbox, context: Context, doubles: Doubles
) -> None:
    doubles.fail.add("test-package (3.11)")
    context = tagged(context)
    with pytest.raises(Failed, match=r"of sdk-release\.yaml failed"):
        sdk.release(context, "0.7.0")
    assert "line 30\n" in printed(context)
    sandbox.github.faults.add("POST", "/rerun-failed-jobs", call=doubles.fail.clear)
    mended = again(context, rerun_failed=True)
    sdk.release(mended, "0.7.0")
    assert "attempt 2 of run" in printed(mended)
    assert "success (attempt 2)" in printed(mended)
    assert "wheel s3://lepton-sdk/release/leptonai-0.7.0-py3-none-any.whl" in printed(mended)
    assert asked(sandbox, "/dispatches") == 1
    assert asked(sandbox, "/rerun-failed-jobs") == 1


def test_rerun_failed_is_done_once_in_a_call(sandbox: Sandbox, context: Context, doubles: Doubles) -> None:
    doubles.fail.add("build-package")
    context = again(tagged(context), rerun_failed=True)
    with pytest.raises(Failed, match=r"of sdk-release.yaml, attempt 2, failed"):
        sdk.release(context, "0.7.0")
    assert (asked(sandbox, "/dispatches"), asked(sandbox, "/rerun-failed-jobs")) == (1, 1)
    with pytest.raises(Failed, match=r"attempt 3, failed"):
        sdk.watch(again(context), "0.7.0")
    assert asked(sandbox, "/rerun-failed-jobs") == 2


def test_rerun_failed_that_lost_its_answer_is_not_sent_twice(
    sandbox: Sandbox, context: Context, doubles: Doubles
) -> None:
    doubles.fail.add("build-package")
    context = again(tagged(context), rerun_failed=True)
    sandbox.github.faults.add("POST", "/rerun-failed-jobs", status=502, after=True)
    with pytest.raises(Failed, match=r"attempt 2, failed"):
        sdk.release(context, "0.7.0")
    assert asked(sandbox, "/rerun-failed-jobs") == 1


def test_rerun_failed_in_a_dry_run_is_only_shown(sandbox: Sandbox, context: Context, doubles: Doubles) -> None:
    doubles.fail.add("build-package")
    context = tagged(context)
    with pytest.raises(Failed):
        sdk.release(context, "0.7.0")
    dry = again(context, rerun_failed=True, dry=True)
    sdk.release(dry, "0.7.0")
    assert "its failed jobs once more (to do)" in printed(dry)
    assert asked(sandbox, "/rerun-failed-jobs") == 0


@pytest.mark.parametrize("fails", [True, False])
def test_a_person_is_asked_before_failed_jobs_are_run_again_and_before_a_wait_for_them(
    sandbox: Sandbox, context: Context, doubles: Doubles, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    (doubles.fail if fails else doubles.hang).add("build-package" if fails else SDK)
    context = tagged(context)
    with contextlib.suppress(Failed):
        sdk.dispatch(context, "0.7.0")
    asked_for = []
    monkeypatch.setattr(Report, "interactive", property(lambda _: True))
    monkeypatch.setattr(Report, "ask", lambda _, question: asked_for.append(question))
    call = again(context, rerun_failed=True, yes=False)
    with pytest.raises(Usage, match="Not confirmed; nothing was written"):
        _agree(call, sdk.watch.body, sdk.watch.kind, {"version": "0.7.0"})
    assert len(asked_for) == 1
    assert asked(sandbox, "/rerun-failed-jobs") == 0


def test_an_attempt_that_somebody_else_starts_is_followed(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    work = ScriptedRun({"build": "failure"}, ends=False)
    hub: Hub = sandbox.github.hub

    def another() -> None:
        work.conclusions = {"build": "success"}
        work.rerun()

    context = a_world(sandbox, monkeypatch, TimedClock((20, another), (60, work.end)))
    run = started(sandbox, work)
    finished = follow_runs(context, {"sdk": run})["sdk"]
    assert (finished.attempt, finished.conclusion) == (2, "success")
    assert "queued (attempt 2)" in printed(context) or "waits for a runner (attempt 2)" in printed(context)
    assert isinstance(hub.runs[run.id].start, Start)
