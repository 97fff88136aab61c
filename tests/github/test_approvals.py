"""Runs that wait: for a person, a timer, or the run ahead of them; and the review of those that wait for a person."""

from __future__ import annotations

from dataclasses import replace

import pytest
from conftest import again, printed
from outside import writes
from scripted_run import ScriptedRun
from test_follow import a_world, started

from release.call.context import Context
from release.errors import Conflict, Failed, Usage, Waiting
from release.github.follow import follow_runs
from release.github.runs import Run
from release.sandbox import Sandbox
from release.sandbox.runner import Environment, Review
from release.tasks import setup

pytestmark = pytest.mark.usefixtures("doubles")


@pytest.fixture
def context(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Context:
    return a_world(sandbox, monkeypatch)


def waiting(sandbox: Sandbox, *environments: Environment) -> Run:
    """A run whose job waits for environments."""
    work, gates = ScriptedRun({"publish": "success"}, ends=False), sandbox.github.hub.gates
    run = started(sandbox, work)
    work.status = "waiting"
    begun = sandbox.github.hub.runs[run.id]
    begun.start = replace(begun.start, actor="releaser")
    for each in environments:
        gates.environments[each.name] = each
        gates.deploy(gates.environment(each.name), work, "publish")
    return run


def states(sandbox: Sandbox) -> dict[str, str]:
    return {each.environment.name: each.state for each in sandbox.github.hub.gates.deployments}


def test_a_reviewer_approves_once_and_the_comment_goes_along(sandbox: Sandbox, context: Context) -> None:
    run = waiting(sandbox, Environment("prod", reviewers=["releaser", "ann"]))
    dry = again(context, dry=True)
    setup.approve(dry)
    assert states(sandbox) == {"prod": ""}
    assert "environment prod approved" in printed(dry)
    assert setup.approve(context, comment="go") == ["prod"]
    assert states(sandbox) == {"prod": "approved"}
    (review,) = sandbox.github.hub.gates.reviews
    assert (review.login, review.comment) == ("releaser", "go")
    assert "which releaser asked for, waits for environment prod: releaser or ann may approve it" in printed(context)
    second = again(context)
    assert setup.approve(second, run=str(run.id)) == []
    assert "environment prod approved by releaser" in printed(second)
    assert f"nothing of run {run.id}" in printed(second)
    assert len(writes(sandbox)) == 1


def test_a_rejection_is_of_the_environment_that_is_named(sandbox: Sandbox, context: Context) -> None:
    run = waiting(sandbox, Environment("prod", reviewers=["releaser"]), Environment("stage", reviewers=["releaser"]))
    with pytest.raises(Usage, match="does not wait for environment live") as caught:
        setup.approve(context, run=str(run.id), environment="live")
    assert caught.value.hint == "It waits for: prod, stage"
    setup.approve(again(context), run=str(run.id), environment="Stage", reject=True)
    assert states(sandbox) == {"prod": "", "stage": "rejected"}


@pytest.mark.parametrize(
    ("prod", "says"),
    [
        (Environment("prod", reviewers=["ann"]), "releaser may not review run"),
        (Environment("prod", reviewers=["releaser", "ann"], prevents_self_review=True), "and releaser did"),
    ],
)
def test_who_may_not_is_told_who_may(sandbox: Sandbox, context: Context, prod: Environment, says: str) -> None:
    waiting(sandbox, prod)
    with pytest.raises(Failed, match=says) as caught:
        setup.approve(context)
    assert caught.value.code == 1
    assert "ann" in caught.value.hint
    assert writes(sandbox) == []


def test_where_nothing_waits_it_says_so_and_of_several_one_is_chosen(sandbox: Sandbox, context: Context) -> None:
    assert setup.approve(context) == []
    assert "no run waits for approval" in printed(context)
    first, second = (waiting(sandbox, Environment("prod", reviewers=["releaser"])) for _ in range(2))
    with pytest.raises(Conflict, match="2 runs wait") as caught:
        setup.approve(again(context))
    assert caught.value.hint == f"Choose one, such as: inv release.approve --run {first.id}"
    told = caught.value.problem.splitlines()[1:]
    assert [line.split("  ")[0] for line in told] == [str(second.id), str(first.id)]
    assert all(f"{each.name} on {each.head_branch}" in line for line, each in zip(told, (second, first), strict=True))
    none = again(context)
    assert setup.approve(none, version="0.9.0") == []
    assert "no run of 0.9.0 waits" in printed(none)


def test_a_wait_says_who_may_approve_and_what_to_type(sandbox: Sandbox, context: Context) -> None:
    run = waiting(sandbox, Environment("prod", reviewers=["ann", "bob"]))
    with pytest.raises(Waiting) as caught:
        follow_runs(context, {"sdk": run})
    assert "environment prod: ann or bob may approve it" in caught.value.problem
    assert f"inv release.approve --run {run.id}" in caught.value.hint


def test_a_timer_alone_is_waited_out(sandbox: Sandbox, context: Context) -> None:
    run = waiting(sandbox, Environment("prod", wait_minutes=30))
    with pytest.raises(Waiting, match="not finished within"):
        follow_runs(context, {"sdk": run})
    assert "waits for environment prod: its timer is 30 min" in printed(context)
    assert printed(context).count("its timer") == 1, "said once, not with each look"


def test_a_wait_says_which_run_is_ahead_in_the_queue(sandbox: Sandbox, context: Context) -> None:
    works = [ScriptedRun({"publish": "success"}, ends=False) for _ in range(2)]
    first, second = (started(sandbox, work) for work in works)
    works[0].status, works[1].status = "in_progress", "pending"
    with pytest.raises(Waiting, match="not finished within"):
        follow_runs(context, {"sdk": second})
    said = f"run {second.id} of {second.name} waits for its concurrency group: ahead of it is run {first.id}"
    assert printed(context).count(said) == 1


@pytest.mark.parametrize(("theirs", "ours"), [("rejected", False), ("approved", True)])
def test_f34_who_was_forestalled_by_the_opposite_is_told_so(
    sandbox: Sandbox, context: Context, theirs: str, ours: bool
) -> None:
    run, gates = waiting(sandbox, Environment("prod", reviewers=["releaser", "ann"])), sandbox.github.hub.gates
    work, asked = sandbox.github.hub.runs[run.id].work, tuple(gates.environments.values())
    theirs_first = Review(work, asked, "ann", theirs, "")
    sandbox.github.faults.add("POST", "/pending_deployments", call=lambda: gates.review(theirs_first))
    with pytest.raises(Conflict, match=f"environment prod of run [0-9]+ was {theirs} by ann"):
        setup.approve(context, reject=ours)
    assert states(sandbox) == {"prod": theirs}
