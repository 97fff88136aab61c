"""Whole releases at one moment: of one version, and two patches of one line; typed again they come to one end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from conftest import again
from faults.racers import check_clone, clones, keep_logs, moves, race
from faults.worlds import NOON, PICKED, PIPELINES, World, check_nothing_left, check_sound, end_state, opened
from outside import writes

from release.call.context import Clock, Context
from release.call.flags import PickRequest
from release.errors import Conflict, Waiting
from release.settings import Settings
from release.tasks import pipelines

TITLES = ("docs: say how to run a photon (#14)", "fix: show names apart from models (#15)")
ROUNDS = [pytest.param(1, marks=pytest.mark.slow), pytest.param(12, marks=pytest.mark.faults)]
Acts = list[Callable[[Context], Any]]


class Noon(Clock):
    """The machine's own time, on the day on which the world was recorded."""

    def __init__(self) -> None:
        self._begin = self.monotonic()

    def now(self) -> float:
        return NOON + self.monotonic() - self._begin


def releaser(world: World, folder: Path) -> Context:
    release = replace(world.context.settings.release, poll=0.05)
    return again(world.context, folder=folder, clock=Noon(), settings=Settings(release=release))


def ends_of(world: World, folders: list[Path], acts: Acts) -> list[str]:
    """Have each do his own at one moment."""
    contexts = [releaser(world, folder) for folder in folders]
    chosen = dict(zip(map(id, contexts), acts, strict=True))
    return race(contexts, lambda one: chosen[id(one)](one))


def go_on(world: World, folder: Path, act: Callable[[Context], Any]) -> None:
    """Type it once more: it ends well, or says who was faster, and then it ends well."""
    try:
        act(releaser(world, folder))
    except (Conflict, Waiting):
        act(releaser(world, folder))


def check_race(world: World, folders: list[Path], acts: Acts) -> None:
    """Race, hold that nothing was done twice; then have each go on, hold the end, and that it is one."""
    ends = ends_of(world, folders, acts)
    assert all(end == "None" or end[:6] in ("exit 3", "exit 4") for end in ends), ends
    check_sound(world)
    for folder, act in zip(folders, acts, strict=True):
        go_on(world, folder, act)
    asked = writes(world.sandbox)
    for folder, act in zip(folders, acts, strict=True):
        act(releaser(world, folder))
        check_clone(world.sandbox, folder)
    assert writes(world.sandbox) == asked, "a run after the end writes nothing"
    check_sound(world)
    check_nothing_left(world)


def fresh(world: World) -> list[Path]:
    """Put the world back, the second clone anew."""
    world.restore()
    keep_logs(world.sandbox)
    return [world.sandbox.work, *clones(world.sandbox, 2)[1:]]


@pytest.mark.parametrize("rounds", ROUNDS)
def test_f01_f06_f12_two_who_release_one_minor_come_to_the_end_of_one(rounds: int) -> None:
    minor = partial(pipelines.minor, version="0.7.0")
    with opened(PIPELINES["minor"]) as world:
        for _ in range(rounds):
            check_race(world, fresh(world), [minor, minor])
            assert end_state(world) == world.undisturbed


@pytest.mark.parametrize("picks", ["same", "different"])
@pytest.mark.parametrize("rounds", ROUNDS)
def test_f01_f06_f12_two_patches_of_one_line_lose_nothing(rounds: int, picks: str) -> None:
    asked = [PICKED, PICKED] if picks == "same" else [PickRequest(pr=("14",)), PickRequest(pr=("15",))]
    acts: Acts = [partial(pipelines.patch, line="0.6", wanted=each) for each in asked]
    with opened(PIPELINES["patch"]) as world:
        for _ in range(rounds):
            check_race(world, fresh(world), acts)
            check_patches(world)
            if picks == "same":
                assert end_state(world) == world.undisturbed


def check_patches(world: World) -> None:
    """Hold that each pick is on the line once, each tag was written once, and each is released."""
    bare, hub = world.sandbox.bare, world.sandbox.github.hub
    (branch,) = bare.refs("refs/heads/release-0.6-*")
    titles = bare.git("log", "--format=%s", f"refs/tags/0.6.2..{branch}").splitlines()
    assert [titles.count(title) for title in TITLES] == [1, 1]
    tags = sorted(name for name in bare.refs("refs/tags") if name > "refs/tags/0.6.2")
    assert tags in (["refs/tags/0.6.3"], ["refs/tags/0.6.3", "refs/tags/0.6.4"])
    assert {moves(world.sandbox, name) for name in tags} == {1}
    assert bare.sha(tags[-1]) == bare.sha(branch)
    published = {each.tag for each in hub.releases.values() if not each.draft}
    assert {name.rpartition("/")[2] for name in tags} <= published
