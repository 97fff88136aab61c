"""What holds runs and jobs up: concurrency groups in GitHub's order, and environments."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sandbox_runner import Started, wait_for

from release.sandbox.runner.concurrency import CANCELED, MOST_WAITING, Groups, Member
from release.sandbox.runner.environments import Environment, Review
from release.sandbox.runner.gates import Gates
from release.sandbox.runner.job import now
from release.sandbox.runner.machine import Machine
from release.sandbox.runner.run import WorkflowRun
from release.sandbox.runner.workflow import InvalidWorkflow, parse_workflow


class Line:
    """Members of one group, and what became of each."""

    def __init__(self) -> None:
        self.groups, self.members = Groups(), {}  # type: ignore[var-annotated]
        self.begun: list[str] = []
        self.gone: dict[str, str] = {}

    def enter(self, name: str, group: str = "g", **how: bool) -> None:
        self.members[name] = Member(
            group, name, lambda: self.begun.append(name), lambda why: self.gone.update({name: why}), **how
        )
        self.groups.enter(self.members[name])

    def leave(self, name: str) -> None:
        self.groups.leave(self.members[name])


def test_a_third_displaces_the_second_and_the_first_goes_on() -> None:
    line = Line()
    for name, group in (("a", "Prod"), ("b", "prod"), ("c", "PROD")):
        line.enter(name, group)
    wait_for(lambda: line.gone)
    assert line.gone == {"b": "Canceling since a higher priority waiting request for 'PROD' exists"}
    assert line.begun == ["a"]
    line.leave("a")
    wait_for(lambda: line.begun == ["a", "c"])


def test_with_queue_max_all_wait_in_their_order() -> None:
    line = Line()
    for name in "abcd":
        line.enter(name, in_order=True)
    line.leave("c")  # cancelled by somebody
    for name in "ab":
        line.leave(name)
        time.sleep(0.02)
    wait_for(lambda: line.begun == ["a", "b", "d"])
    assert line.gone == {}


def test_a_full_queue_takes_no_more() -> None:
    line = Line()
    for number in range(MOST_WAITING + 2):
        line.enter(str(number), in_order=True)
    wait_for(lambda: line.gone)
    assert list(line.gone) == [str(MOST_WAITING + 1)], "one in progress, a hundred that wait"


def test_cancel_in_progress_ends_all_and_begins_when_they_have_ended() -> None:
    line = Line()
    for name in "ab":
        line.enter(name, in_order=True)
    line.enter("c", cancels=True)
    wait_for(lambda: len(line.gone) == 2)
    assert line.begun == ["a"], "what is cancelled keeps the group until it has ended"
    line.leave("a")
    wait_for(lambda: line.begun == ["a", "c"])


@pytest.mark.parametrize(
    "given", ["{group: a, queue: max, cancel-in-progress: true}", "{group: a, queue: all}", "{queue: max}"]
)
def test_a_wrong_concurrency_is_refused(given: str) -> None:
    jobs = "jobs: {a: {runs-on: x, steps: [{run: x}]}}"
    with pytest.raises(InvalidWorkflow, match="concurrency"):
        parse_workflow(f"on: push\nconcurrency: {given}\n{jobs}")
    with pytest.raises(InvalidWorkflow, match="concurrency"):
        parse_workflow(f"on: push\n{jobs}".replace("runs-on", f"concurrency: {given}, runs-on"))


@pytest.mark.parametrize(
    ("ref", "environment", "said"),
    [
        ("refs/heads/topic", Environment("p"), ""),
        ("refs/heads/release-1", Environment("p", branches=["main", "release-*"]), ""),
        ("refs/heads/release-1/x", Environment("p", branches=["release-*"]), 'Branch "release-1/x" is not allowed'),
        ("refs/tags/1.0.0", Environment("p", tags=["1.*"]), ""),
        ("refs/tags/1.0.0", Environment("p", branches=["1.*"]), 'Tag "1.0.0" is not allowed to deploy to p due to'),
        ("refs/heads/main", Environment("p", protected_branches=True), ""),
        ("refs/heads/topic", Environment("p", protected_branches=True), 'Branch "topic" is not allowed'),
    ],
)
def test_an_environment_says_which_refs_may_use_it(ref: str, environment: Environment, said: str) -> None:
    assert environment.refusal(ref, lambda name: name == "refs/heads/main").startswith(said)
    assert bool(environment.refusal(ref, lambda name: name == "refs/heads/main")) == bool(said)


STEPS = "  runs-on: x\n  steps: [{run: 'true'}]\n"


class Turn:
    """Steps that end when they are let go."""

    def __init__(self) -> None:
        self.may_end: set[str] = set()
        self.seen: dict[str, Any] = {}

    def __call__(self, machine: Machine) -> str:
        name = machine.job.name
        self.seen[name] = machine.contexts
        wait_for(lambda: name in self.may_end or "all" in self.may_end or machine.job.cancelled.is_set())
        return "cancelled" if machine.job.cancelled.is_set() else "success"


@pytest.fixture
def begin(start: Started) -> Callable[..., WorkflowRun]:
    """Begin a run of jobs with shared gates, not waiting for it."""

    def make(jobs: str, gates: Gates, turn: Turn, top: str = "", **more: Any) -> WorkflowRun:
        return start(jobs, wait=False, run_steps=turn, gates=gates, top=top, **more)

    return make


def test_runs_of_a_group_wait_pending_and_the_displaced_one_says_why(begin: Any) -> None:
    gates, turn = Gates(), Turn()
    top = "concurrency: {group: 'deploy-${{ github.ref_name }}'}\n"
    first, second, third = (begin(f"a:\n{STEPS}", gates, turn, top) for _ in range(3))
    wait_for(lambda: second.status == "completed")
    assert (first.status, third.status) == ("in_progress", "pending")
    assert second.conclusion == "cancelled"
    assert second.jobs[0].annotations == [CANCELED.format("deploy-main")]
    assert third.jobs == []
    turn.may_end.add("all")
    assert third.wait(20)
    assert third.conclusion == "success"


def test_a_run_that_waits_can_be_cancelled_and_run_again(begin: Any) -> None:
    gates, turn = Gates(), Turn()
    first, second = (begin(f"a:\n{STEPS}", gates, turn, "concurrency: g\n") for _ in range(2))
    second.cancel()
    assert (second.status, second.conclusion) == ("completed", "cancelled")
    second.rerun_failed()
    assert (second.status, second.attempt) == ("pending", 2)
    turn.may_end.add("all")
    assert first.wait(20)
    assert second.wait(20)
    assert second.conclusion == "success"


def test_jobs_of_a_group_run_one_after_the_other_and_a_deadlock_is_seen(begin: Any) -> None:
    gates, turn = Gates(), Turn()
    jobs = f"a:\n  concurrency: {{group: g, queue: max}}\n{STEPS}b:\n  concurrency: {{group: G, queue: max}}\n{STEPS}"
    run = begin(jobs, gates, turn)
    wait_for(lambda: sorted(job.status for job in run.jobs) == ["in_progress", "pending"])
    assert run.status == "in_progress"
    turn.may_end.add("all")
    assert run.wait(20)
    assert run.conclusion == "success"
    stuck = begin(f"a:\n  concurrency: g\n{STEPS}", gates, turn, "concurrency: g\n")
    assert stuck.wait(20)
    assert stuck.conclusion == "cancelled"
    assert "deadlock for concurrency group 'g'" in stuck.jobs[0].annotations[0]


def test_an_environment_waits_for_its_reviewer_and_its_timer_then_gives_its_secrets(begin: Any) -> None:
    clock, turn = [now()], Turn()
    prod = Environment("Prod", reviewers=["ann"], wait_minutes=30, secrets={"TOKEN": "own"}, variables={"BUCKET": "p"})
    gates = Gates({"Prod": prod}, clock=lambda: clock[0])
    turn.may_end.add("all")
    run = begin(f"a:\n  environment: prod\n{STEPS}", gates, turn)
    wait_for(lambda: run.status == "waiting")
    (asked,) = gates.waiting(run)
    assert [asked.may_review("Ann", "ann"), asked.may_review("bob", "ann")] == [True, False]
    prod.prevents_self_review = True
    assert not asked.may_review("ann", "Ann")
    clock[0] += timedelta(minutes=31)
    assert not run.wait(0.2), "the timer is over, nobody has said yes"
    gates.review(Review(run, (prod,), "ann", "approved", "go"))
    assert run.wait(20)
    assert run.conclusion == "success"
    assert turn.seen["a"]["secrets"]["TOKEN"] == "own"
    assert turn.seen["a"]["vars"] == {"BUCKET": "p"}
    assert gates.deployments == []


def test_a_rejection_and_a_ref_that_is_not_allowed_fail_the_job(begin: Any) -> None:
    gates = Gates({"prod": Environment("prod", reviewers=["ann"]), "tags": Environment("tags", tags=["*"])})
    run = begin(f"a:\n  environment: {{name: prod}}\n{STEPS}b:\n  environment: tags\n{STEPS}", gates, Turn())
    wait_for(lambda: gates.waiting(run))
    gates.review(Review(run, (gates.environment("prod"),), "ann", "rejected", "no"))
    assert run.wait(20)
    assert run.conclusion == "failure"
    said = {job.name: job.annotations for job in run.jobs}
    assert said["b"] == ['Branch "main" is not allowed to deploy to tags due to environment protection rules.']
    assert "rejected" in said["a"][0]


def test_a_rehearsal_tells_each_stop_and_goes_on_by_itself(begin: Any) -> None:
    prod = Environment("prod", reviewers=["ann"], wait_minutes=30)
    gates, turn, top = Gates({"prod": prod}, approves=True), Turn(), "concurrency: {group: g, queue: max}\n"
    first = begin(f"a:\n{STEPS}", gates, turn, top)
    second = begin(f"a:\n  environment: prod\n{STEPS}", gates, turn, top)
    turn.may_end.add("all")
    assert first.wait(20)
    assert second.wait(20)
    assert second.conclusion == "success"
    assert [why for run, why in gates.stops if run is second] == [
        "waits for its turn in the concurrency group g, behind run 7 of sample.yaml",
        "environment prod waits for the approval of ann",
        "environment prod waits for 30 minutes",
    ]
