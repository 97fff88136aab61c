"""A call killed after each of its steps in the clone, and single tasks killed at their writes (F27, F33)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from conftest import FakeClock, again
from doubles import wheel
from faults.kills import MOMENTS, SIGNALS, TRIES, Victim, cases, check_cases, typed_again, victims
from faults.steps import Steps
from faults.worlds import (
    NOON,
    PICKED,
    PIPELINES,
    Pipeline,
    check_end,
    check_nothing_left,
    check_sound,
    opened,
    user_state,
)
from outside import git

from release.call.flags import AFRESH, PickRequest, Resume
from release.errors import ReleaseError, Usage
from release.git.repository import repository
from release.picks.worktree import pick_worktrees
from release.sandbox import Sandbox
from release.sandbox.demo.component import merge_into_trunk
from release.tasks import image, picks, sdk

WHEEL = "leptonai-0.7.0-py3-none-any.whl"
MINE = "refs/heads/mine"
CONTINUE = Resume(continue_=True)


def _switch(sandbox: Sandbox) -> None:
    """Have a branch of one's own checked out and pushed."""
    git(sandbox.work, "switch", "--quiet", "--create", "mine")
    git(sandbox.work, "push", "--quiet", str(sandbox.bare.path), MINE)


def _pack(folder: Path) -> Pipeline:
    (folder / WHEEL).write_bytes(wheel("0.7.0"))
    words = ("sdk.publish", "--wheel", str(folder / WHEEL))
    return Pipeline("publish", words, partial(sdk.publish, wheel=str(folder / WHEEL)))


PICK = Pipeline(
    "pick",
    ("release.pick", "--line", "0.6", "--pr", "15", "--pr", "14"),
    partial(picks.pick, line="0.6", wanted=PICKED),
)
BUMP = Pipeline("bump", ("image.bump", "--version", "0.7.0"), partial(image.bump, version="0.7.0"), _switch, MINE)
SINGLE: dict[str, Callable[[Path], Pipeline]] = {"publish": _pack, "pick": lambda _: PICK, "bump": lambda _: BUMP}


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> Steps:
    return Steps(tmp_path_factory.mktemp("git"), os.environ["PATH"])


@pytest.fixture(scope="module")
def victim(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, steps: Steps) -> Iterator[Victim]:
    folder = tmp_path_factory.mktemp("killed")
    single = SINGLE.get(request.param)
    pipeline = single(folder) if single else PIPELINES[request.param]
    with opened(pipeline) as world, victims(world, folder, PATH=steps.path) as found:
        yield found


@pytest.fixture(autouse=True)
def _variables(victim: Victim, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in victim.world.variables.items():
        monkeypatch.setenv(name, value)


def of(*names: str) -> pytest.MarkDecorator:
    groups = [pytest.param(name, marks=pytest.mark.xdist_group(f"steps-{name}")) for name in names]
    return pytest.mark.parametrize("victim", groups, indirect=True, scope="module")


def killed_at(victim: Victim, steps: Steps, number: int, *words: str) -> str:
    """Type the call and have it killed after this step, counted from 1; return the step."""
    steps.strike(number)
    code = victim.type(*words)
    struck = steps.seen()
    steps.strike(0)
    assert code == -9, victim.output.read_text()
    assert victim.children() == []
    check_sound(victim.world)
    return struck[number]


def number_of_steps(victim: Victim, steps: Steps, *words: str, code: int = 0) -> int:
    steps.strike(0)
    assert victim.type(*words) == code, victim.output.read_text()
    assert len(steps.seen()) > 3
    return len(steps.seen())


@of("pick", "bump", "component")
@pytest.mark.faults
def test_f27_f33_after_each_step_in_the_clone(victim: Victim, steps: Steps) -> None:
    world, fell = victim.world, []
    world.restore()
    for number in range(1, number_of_steps(victim, steps, *world.pipeline.words) + 1):
        world.restore()
        before = user_state(world)
        step = killed_at(victim, steps, number, *world.pipeline.words)
        try:
            typed_again(victim)
            check_end(world, before)
        except Exception as error:  # noqa: BLE001 each case is told
            fell.append(f"after step {number}, {step}:\n{error}")
    assert not fell, "\n\n".join(fell)


@of("publish", "pick", "bump")
@pytest.mark.faults
def test_f20_f27_at_each_write_of_a_single_task(victim: Victim) -> None:
    found = [case for moment in MOMENTS for number in SIGNALS.values() for case in cases(victim, moment, number)]
    check_cases(victim, [case for case in found if not (case.fresh and victim.world.pipeline is BUMP)])


# --- picks that conflict ---


def conflicting(victim: Victim) -> tuple[str, ...]:
    """Put the world back, with a commit on the trunk that conflicts on the line; return how its pick is typed."""
    victim.world.restore()
    merge_into_trunk(victim.world.sandbox, "Note zero", ("NOTES.md", "", "zero\n"))
    sha = merge_into_trunk(victim.world.sandbox, "Note first", ("NOTES.md", "zero\n", "first\n"))
    return "release.pick", "--line", "0.6", "--commit", sha


def ends(victim: Victim, sha: str = "", resume: Resume = AFRESH) -> ReleaseError | None:
    """Pick the commit, or go on, in this process; return how that ended."""
    fresh = again(victim.world.context, clock=FakeClock(NOON))
    try:
        picks.pick(fresh, line="0.6", wanted=PickRequest(commit=(sha,) if sha else ()), resume=resume)
    except ReleaseError as error:
        return error
    return None


def resolve(victim: Victim) -> None:
    (tree,) = pick_worktrees(repository(again(victim.world.context)))
    (tree.path / "NOTES.md").write_text("first\n")
    git(tree.path, "add", "NOTES.md")


def check_picked(victim: Victim, before: object) -> None:
    sandbox = victim.world.sandbox
    (branch,) = sandbox.bare.refs("refs/heads/release-0.6-*")
    assert sandbox.bare.git("log", "--format=%s", "--max-count=1", branch).strip() == "Note first"
    assert user_state(victim.world) == before
    check_nothing_left(victim.world)


@of("pick")
@pytest.mark.faults
def test_f27_f33_picks_that_conflict_after_each_step(victim: Victim, steps: Steps) -> None:
    fell = []
    for number in range(1, number_of_steps(victim, steps, *conflicting(victim), code=1) + 1):
        words = conflicting(victim)
        before = user_state(victim.world)
        step = killed_at(victim, steps, number, *words)
        try:
            told = [ends(victim, words[-1]) for _ in range(TRIES)]
            assert any(error and "NOTES.md" in error.problem for error in told), told
            resolve(victim)
            assert ends(victim, resume=CONTINUE) is None
            check_picked(victim, before)
        except Exception as error:  # noqa: BLE001 each case is told
            fell.append(f"after step {number}, {step}:\n{error}")
    assert not fell, "\n\n".join(fell)


@of("pick")
@pytest.mark.faults
def test_f27_f33_a_continue_after_each_step(victim: Victim, steps: Steps) -> None:
    def _stopped() -> None:
        assert ends(victim, conflicting(victim)[-1])
        resolve(victim)

    go_on, fell = ("release.pick", "--line", "0.6", "--continue"), []
    _stopped()
    for number in range(1, number_of_steps(victim, steps, *go_on) + 1):
        _stopped()
        before = user_state(victim.world)
        step = killed_at(victim, steps, number, *go_on)
        try:
            error = ends(victim, resume=CONTINUE)
            # Once its worktree is gone there is nothing that tells what was picked.
            assert error is None or (isinstance(error, Usage) and "worktree remove" in step), error
            check_picked(victim, before)
        except Exception as error:  # noqa: BLE001 each case is told
            fell.append(f"after step {number}, {step}:\n{error}")
    assert not fell, "\n\n".join(fell)
