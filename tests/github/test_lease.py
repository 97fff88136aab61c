"""Releasers at one moment, each with a clone of his own: one winner, one dispatch, the others follow it."""

from __future__ import annotations

import platform
import threading
from dataclasses import replace

import pytest
from conftest import FakeClock, again, open_context, printed
from doubles import SDK, Doubles
from faults.racers import other_clone, race
from gate import tag
from history import write_release
from outside import dispatches, writes
from test_runs import dispatch, sdk_runs

from release.audit.checkup import lease_findings
from release.call.context import Context
from release.call.flags import SdkRun
from release.errors import Failed, ReleaseError, Unknown, Waiting
from release.git.snapshot import remote
from release.github.lease import Lease
from release.github.requests import Dispatch, sdk_request
from release.sandbox import Sandbox
from release.sandbox.github.rules import reject_pushes
from release.tasks import sdk

ROUNDS = 5  # many more in tests/faults/test_races.py


@pytest.fixture(autouse=True)
def doubles(sandbox: Sandbox) -> Doubles:
    return Doubles(sandbox, silent={"platform.yaml"})


@pytest.fixture
def context(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Context:
    """A world in which 0.7.0 is tagged, and time is made up."""
    write_release(sandbox)
    return open_context(sandbox, monkeypatch, clock=FakeClock())


def leases(sandbox: Sandbox) -> dict[str, str]:
    return sandbox.bare.refs("refs/release")


def request(context: Context) -> Dispatch:
    tagged = remote(context).tag("0.7.0")
    assert tagged
    return sdk_request(context, tagged)


def hold(context: Context) -> Lease:
    """Take the lease as a call does that is killed then."""
    lease = Lease(context, request(context))
    lease.take(lambda: None, 0)
    return lease


# --- at one moment ---


def test_f01_of_releasers_at_one_moment_one_dispatches(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    context = open_context(sandbox, monkeypatch)
    folders = [sandbox.work, other_clone(sandbox)]
    for number in range(ROUNDS):
        version = f"0.6.{number + 3}"
        tag(sandbox, version, f"Release {version}")
        before = dispatches(sandbox, SDK)
        both = [again(context, folder=folder) for folder in folders]
        ends = race(both, lambda one: f"run {sdk.dispatch(one, version)[0].id}")  # noqa: B023 it ends in the round
        assert dispatches(sandbox, SDK) - before == 1, ends
        assert all(end.startswith(("run ", "exit 3")) for end in ends), ends
        assert len({end for end in ends if end.startswith("run ")}) == 1, ends
        assert leases(sandbox) == {}, "every lease was let go"


def test_f01_a_new_run_is_asked_for_once_too(sandbox: Sandbox, context: Context, doubles: Doubles) -> None:
    old = dispatch(sandbox)
    doubles.hang.add(SDK)
    folders = [sandbox.work, other_clone(sandbox)]
    both = [again(context, folder=folder, clock=FakeClock()) for folder in folders]
    ends = race(both, lambda one: f"run {sdk.dispatch(one, '0.7.0', flags=SdkRun(again=True))[0].id}")
    assert ends == [f"run {max(sandbox.github.hub.runs)}"] * 2
    assert (len(sdk_runs(sandbox)), leases(sandbox)) == (2, {})
    third = sdk.dispatch(again(context), "0.7.0", flags=SdkRun(again=True))[0]
    assert third.id == max(sandbox.github.hub.runs) > old, "typed again it attaches to the one that goes on"
    assert len(sdk_runs(sandbox)) == 2


def test_f01_the_failed_jobs_are_run_again_once(sandbox: Sandbox, context: Context, doubles: Doubles) -> None:
    """GitHub itself refuses to run again what goes on: the second finds the first one's attempt (F34)."""
    doubles.fail.add("test-package (3.11)")
    dispatch(sandbox)
    doubles.fail.clear()
    doubles.hang.add(SDK)  # one that ended before the second looked could be run again: both saw it fail
    folders = [sandbox.work, other_clone(sandbox)]
    both = [again(context, folder=folder, clock=FakeClock(), rerun_failed=True, timeout=60) for folder in folders]
    ends = race(both, lambda one: str(sdk.release(one, "0.7.0")))
    assert [end.partition(":")[0] for end in ends] == ["exit 4"] * 2, ends
    doubles.runs_of(SDK)[0].end()
    sdk.release(again(context), "0.7.0")
    assert [run.work.attempt for run in sdk_runs(sandbox)] == [2]


def test_f01_what_was_asked_for_before_the_lease_was_had_is_followed(sandbox: Sandbox, context: Context) -> None:
    """Another looked, asked and let go while this one was about to push."""
    sandbox.github.faults.add("POST", "/git-receive-pack", call=lambda: dispatch(sandbox))
    run, _ = sdk.dispatch(context, "0.7.0")
    assert [each.id for each in sdk_runs(sandbox)] == [run.id]
    assert leases(sandbox) == {}


def test_f37_the_lease_is_held_until_others_see_the_run(sandbox: Sandbox, context: Context, doubles: Doubles) -> None:
    """GitHub names the run in its answer at once, and has it in its list some seconds later."""
    doubles.hang.add(SDK)
    none = {"total_count": 0, "workflow_runs": []}
    hide = lambda: sandbox.github.faults.add("GET", f"/{SDK}/runs", status=200, body=none, times=8)  # noqa: E731
    sandbox.github.faults.add("POST", "/dispatches", call=hide)
    run, _ = sdk.dispatch(context, "0.7.0")
    assert sdk.dispatch(again(context, folder=other_clone(sandbox)), "0.7.0")[0].id == run.id
    assert (dispatches(sandbox, SDK), leases(sandbox)) == (1, {})


def test_f01_who_has_the_lease_yields_to_one_who_can_have_none(
    sandbox: Sandbox, context: Context, doubles: Doubles
) -> None:
    """A token that may ask for runs and push nothing: it saw no lease, and asked a moment earlier."""
    doubles.hang.add(SDK)
    sandbox.github.faults.add("POST", "/dispatches", call=lambda: dispatch(sandbox))
    sandbox.github.faults.add("POST", "/cancel", call=lambda: hide_ends(sandbox))
    run, _ = sdk.dispatch(context, "0.7.0")
    first, second = sdk_runs(sandbox)
    assert (run.id, first.work.conclusion, second.work.conclusion) == (first.id, None, "cancelled")
    assert leases(sandbox) == {}


def test_f01_an_undisturbed_dispatch_costs_two_pushes(sandbox: Sandbox, context: Context) -> None:
    before = len(writes(sandbox))
    sdk.dispatch(context, "0.7.0")
    asked = writes(sandbox)[before:]
    assert [each.rpartition("/")[2] for each in asked] == ["git-receive-pack", "dispatches", "git-receive-pack"]
    sdk.dispatch(again(context), "0.7.0")
    assert writes(sandbox)[before:] == asked


# --- killed, stopped, failed ---


WRONG = [pytest.param(each, marks=pytest.mark.slow) for each in (-3600, 3600)]  # seconds


@pytest.mark.parametrize("wrong", [0, *WRONG], ids=["", "slow", "fast"])
def test_f33_a_lease_whose_holder_was_killed_before_it_asked_is_taken_over(
    sandbox: Sandbox, context: Context, wrong: float
) -> None:
    """After as long, whatever the holder's clock said."""
    hold(context)
    late = again(context, clock=FakeClock())
    late.clock.wrong = wrong  # type: ignore[attr-defined]
    run, _ = sdk.dispatch(late, "0.7.0")
    who = f"Release Person on {platform.node()}"
    assert f"{who} asks for a run of sdk-release.yaml just now" in printed(late)
    waited = sum(late.clock.slept)  # type: ignore[attr-defined]
    assert 120 <= waited < 200, "until it is taken over, and then for a run of its holder's"
    assert [each.id for each in sdk_runs(sandbox)] == [run.id]
    assert leases(sandbox) == {}


def test_f33_a_lease_that_changes_hands_is_no_killed_call_s(sandbox: Sandbox, context: Context) -> None:
    """Each holder has the time that GitHub may need, whatever the one before had used of it."""
    hold(context)
    theirs = again(context, clock=FakeClock())
    replaced: list[float] = []

    class Clock(FakeClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            if not replaced and sum(self.slept) > 50:
                replaced.append(sum(self.slept))
                for name in leases(sandbox):
                    sandbox.bare.git("update-ref", "-d", name)
                hold(theirs)

    mine = again(context, clock=Clock())
    sdk.dispatch(mine, "0.7.0")
    assert sum(mine.clock.slept) >= replaced[0] + 120, "until it is taken over, and for its run"  # type: ignore[attr-defined]
    assert dispatches(sandbox, SDK) == 1


@pytest.mark.parametrize("shown", ["at once", "late"])
def test_f33_the_run_of_a_killed_holder_is_adopted(
    sandbox: Sandbox, context: Context, doubles: Doubles, shown: str
) -> None:
    doubles.hang.add(SDK)
    hold(context)
    run = dispatch(sandbox)
    if shown == "late":
        none = {"total_count": 0, "workflow_runs": []}
        sandbox.github.faults.add("GET", "/sdk-release.yaml/runs", status=200, body=none, times=4)
    assert sdk.dispatch(again(context), "0.7.0")[0].id == run
    assert (len(sdk_runs(sandbox)), leases(sandbox)) == (1, {})


def test_f33_a_lease_on_a_newer_run_is_left_alone(sandbox: Sandbox, context: Context) -> None:
    """Who adopts the old run meanwhile says nothing of the new one that somebody asks for."""
    old = dispatch(sandbox)
    Lease(context, request(context)).take(lambda: None, old)
    assert sdk.dispatch(again(context), "0.7.0")[0].id == old
    assert len(leases(sandbox)) == 1


def test_f33_a_dry_call_takes_no_lease_and_clears_none(sandbox: Sandbox, context: Context) -> None:
    sdk.dispatch(again(context, dry=True), "0.7.0")
    assert leases(sandbox) == {}
    hold(context)
    dispatch(sandbox)
    sdk.dispatch(again(context, dry=True), "0.7.0")
    assert len(leases(sandbox)) == 1


class Stopped(FakeClock):
    """Time in which a person presses Ctrl-C as soon as there is something to wait for."""

    def sleep(self, seconds: float) -> None:
        if seconds:
            raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("hidden", "ends"), [(["/actions/runs/[0-9]+", f"/{SDK}/runs"], KeyboardInterrupt), ([f"/{SDK}/runs"], Waiting)]
)
def test_f37_ctrl_c_leaves_the_lease_where_nobody_sees_the_run_yet(
    sandbox: Sandbox, context: Context, doubles: Doubles, hidden: list[str], ends: type[BaseException]
) -> None:
    """Typed again at once it would ask for a second run: so it waits for the first one's to show."""
    doubles.hang.add(SDK)
    none = {"total_count": 0, "workflow_runs": [], "message": "Not Found"}

    def hide() -> None:
        for path in hidden:
            sandbox.github.faults.add("GET", path, status=404 if "[" in path else 200, body=none, times=6)

    sandbox.github.faults.add("POST", "/dispatches", call=hide)
    with pytest.raises(ends):
        sdk.dispatch(again(context, clock=Stopped()), "0.7.0")
    sandbox.github.faults.clear()
    sandbox.github.faults.add("GET", f"/{SDK}/runs", status=200, body=none, times=4)
    assert sdk.dispatch(again(context), "0.7.0")[0].id == sdk_runs(sandbox)[0].id
    assert (dispatches(sandbox, SDK), leases(sandbox)) == (1, {})


def test_f33_ctrl_c_lets_the_lease_go(sandbox: Sandbox, context: Context) -> None:
    holder = hold(context)
    with pytest.raises(Waiting) as caught:
        sdk.dispatch(again(context, clock=Stopped(), rerun_failed=True), "0.7.0", flags=SdkRun(again=True))
    asks = "somebody else asks for a run of sdk-release.yaml, and none shows"
    assert (caught.value.problem, caught.value.hint) == (f"stopped waiting: {asks}", "Run the same again.")
    holder.let_go()
    assert leases(sandbox) == {}


def test_f33_a_lease_whose_deletion_broke_is_deleted_once_more(sandbox: Sandbox, context: Context) -> None:
    """Where it was the last of a release, no later call looks for it."""
    holder = hold(context)
    sandbox.github.faults.add("POST", "/git-receive-pack", status=502)
    holder.let_go()
    assert (leases(sandbox), holder.doubt) == ({}, 0.0)


@pytest.mark.parametrize(("fault", "kind"), [(403, Failed), (502, Unknown)])
def test_f33_a_dispatch_that_fails_lets_the_lease_go(
    sandbox: Sandbox, context: Context, fault: int, kind: type[ReleaseError]
) -> None:
    sandbox.github.faults.add("POST", "/dispatches", status=fault, body={"message": "no"})
    with pytest.raises(kind):
        sdk.dispatch(context, "0.7.0")
    assert leases(sandbox) == {}


def test_f34_a_lease_whose_push_lost_its_answer_is_ours(sandbox: Sandbox, context: Context) -> None:
    sandbox.github.faults.add("POST", "/git-receive-pack", status=502, after=True)
    sdk.dispatch(context, "0.7.0")
    assert "asks for a run" not in printed(context), "nobody else does"
    assert (dispatches(sandbox, SDK), leases(sandbox)) == (1, {})


# --- where there is no lease ---


def test_f01_where_the_server_refuses_the_ref_the_lower_run_wins(
    sandbox: Sandbox, context: Context, doubles: Doubles
) -> None:
    reject_pushes(sandbox.github.hub, "refs/release/**/*", "only branches and tags here")
    doubles.hang.add(SDK)
    looked = threading.Barrier(2)
    sandbox.github.faults.add("POST", "/dispatches", call=looked.wait, times=2)
    folders = [sandbox.work, other_clone(sandbox)]
    both = [again(context, folder=folder, clock=FakeClock()) for folder in folders]
    ends = race(both, lambda one: f"run {sdk.dispatch(one, '0.7.0')[0].id}")
    first, second = sdk_runs(sandbox)
    assert ends == [f"run {first.id}"] * 2
    assert (first.work.status, second.work.conclusion) == ("in_progress", "cancelled")
    assert any(f"run {second.id} is cancelled: run {first.id} was asked for before it" in printed(one) for one in both)
    assert all("only branches and tags here" in printed(one) for one in both)
    doubles.runs_of(SDK)[0].end()
    sdk.release(again(context), "0.7.0")
    assert dispatches(sandbox, SDK) == 2


def test_f01_a_ref_in_the_way_of_every_lease_is_no_lease(sandbox: Sandbox, context: Context) -> None:
    """Git takes no ref below another: nobody will ever let that one go."""
    sandbox.bare.update_ref("refs/release/dispatch", str(sandbox.bare.sha("refs/heads/main")))
    sdk.dispatch(again(context, timeout=300), "0.7.0")
    assert 120 <= sum(context.clock.slept) < 200  # type: ignore[attr-defined]
    assert dispatches(sandbox, SDK) == 1


def hide_ends(sandbox: Sandbox) -> None:
    """Have GitHub's list show every run as going on, three times: what is cancelled ends some time later."""
    going = {"status": "in_progress", "conclusion": None}
    change = lambda body: body | {"workflow_runs": [each | going for each in body["workflow_runs"]]}  # noqa: E731
    sandbox.github.faults.add("GET", f"/{SDK}/runs", change=change, times=3)


def show_newest(sandbox: Sandbox) -> None:
    """Have GitHub's list show the newest run alone, three times."""
    newest = lambda body: body | {"workflow_runs": body["workflow_runs"][:1]}  # noqa: E731
    sandbox.github.faults.add("GET", f"/{SDK}/runs", change=newest, times=3)


def test_f37_the_run_of_the_other_may_show_late(sandbox: Sandbox, context: Context, doubles: Doubles) -> None:
    """Later than ours, though it was asked for before it."""
    reject_pushes(sandbox.github.hub, "refs/release/**/*", "only branches and tags here")
    doubles.hang.add(SDK)
    sandbox.github.faults.add("POST", "/dispatches", call=lambda: (dispatch(sandbox), show_newest(sandbox)))
    run, _ = sdk.dispatch(context, "0.7.0")
    first, second = sdk_runs(sandbox)
    assert (run.id, second.work.conclusion) == (first.id, "cancelled")


def test_f01_f37_of_three_the_first_counts_though_the_second_shows_before_it(
    sandbox: Sandbox, context: Context, doubles: Doubles
) -> None:
    """Followed, the second would end as its own releaser has it: cancelled."""
    reject_pushes(sandbox.github.hub, "refs/release/**/*", "only branches and tags here")
    doubles.hang.add(SDK)
    newest = lambda body: body | {"workflow_runs": body["workflow_runs"][:2]}  # noqa: E731
    ask = lambda: (dispatch(sandbox), dispatch(sandbox), hide())  # noqa: E731
    hide = lambda: sandbox.github.faults.add("GET", f"/{SDK}/runs", change=newest, times=3)  # noqa: E731
    sandbox.github.faults.add("POST", "/dispatches", call=ask)
    run, _ = sdk.dispatch(context, "0.7.0")
    first, _, third = sdk_runs(sandbox)
    assert (run.id, third.work.conclusion) == (first.id, "cancelled")


@pytest.mark.parametrize("end", ["replaced", "gone"])
def test_f01_who_lost_the_lease_meanwhile_follows_the_other_s_run(
    sandbox: Sandbox, context: Context, doubles: Doubles, end: str
) -> None:
    """A laptop that slept, a limit of the rate: another took the lease over and asked."""
    doubles.hang.add(SDK)

    def steal() -> None:
        (name,) = leases(sandbox)
        sandbox.bare.git("update-ref", "-d", name)
        if end == "replaced":
            sandbox.bare.update_ref(name, sandbox.bare.git("hash-object", "-w", "--stdin", text="{}").strip())
            show_newest(sandbox)  # who took it over has just asked; who deleted it saw the run
        dispatch(sandbox)

    sandbox.github.faults.add("POST", "/dispatches", call=steal)
    run, _ = sdk.dispatch(context, "0.7.0")
    first, second = sdk_runs(sandbox)
    assert (run.id, second.work.conclusion) == (first.id, "cancelled")


def test_the_doctor_says_where_no_lease_can_be_had(sandbox: Sandbox, context: Context) -> None:
    before = writes(sandbox)
    assert [each.level for each in lease_findings(context)] == ["good"]
    token = next(iter(sandbox.github.hub.tokens))
    sandbox.github.hub.tokens[token] = replace(sandbox.github.hub.tokens[token], push=False)
    (found,) = lease_findings(again(context))
    assert found.level == "advice"
    assert "cannot push" in found.says
    assert len(writes(sandbox)) == len(before), "the doctor wrote nothing"
