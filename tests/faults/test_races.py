"""Releasers of one version at one moment, again and again: one winner a ref, one dispatch, nothing left."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from conftest import again, open_context
from doubles import SDK, Doubles
from faults.racers import check_clone, clones, keep_logs, moves, race
from gate import tag
from history import advance
from outside import dispatches

from release.call.context import Context
from release.sandbox import Sandbox
from release.settings import Release, Settings
from release.tasks import lines, sdk

ROUNDS = [
    pytest.param(2, 3, id="two"),
    pytest.param(5, 1, id="five"),
    *(pytest.param(2, 50, id=f"two-{block:02}", marks=pytest.mark.faults) for block in range(20)),
    *(pytest.param(5, 25, id=f"five-{block}", marks=pytest.mark.faults) for block in range(8)),
]
BEGINS = ("branch", "tag", "dispatch", "tag", "dispatch")  # where the releasers meet, round by round


@pytest.fixture
def world() -> Iterator[Sandbox]:
    """A sandbox whose jobs take no time, and whose remote remembers every move of a ref."""
    with Sandbox() as made:
        Doubles(made, silent={"platform.yaml"})
        keep_logs(made)
        yield made


def release_sdk(context: Context, version: str, begin: str) -> int:
    """Release as far as the one write that GitHub would take twice; return the run."""
    if begin == "branch":
        lines.branch(context, version)
    if begin != "dispatch":
        lines.tag(context, version)
    return sdk.dispatch(context, version)[0].id


def prepare(sandbox: Sandbox, version: str, begin: str) -> None:
    """Have something new to release on the trunk, as far as the releasers do not do it; nothing is started by it."""
    sha, known = advance(sandbox, "main"), sandbox.github.hub.known_refs
    known["refs/heads/main"] = sha
    if begin != "branch":
        name = f"refs/heads/release-{version.removesuffix('.0')}-20261122"
        sandbox.bare.update_ref(name, sha)
        known[name] = sha
    if begin == "dispatch":
        tag(sandbox, version, f"Release {version}")


@pytest.mark.parametrize(("releasers", "rounds"), ROUNDS)
def test_f01_f06_f12_of_releasers_at_one_moment_one_wins(
    world: Sandbox, monkeypatch: pytest.MonkeyPatch, releasers: int, rounds: int
) -> None:
    context = open_context(world, monkeypatch, settings=Settings(release=Release(poll=0.02)))
    folders = clones(world, releasers)
    for number in range(rounds):
        version, begin = f"0.{7 + number}.0", BEGINS[number % len(BEGINS)]
        prepare(world, version, begin)
        before = dispatches(world, SDK)
        act = partial(release_sdk, version=version, begin=begin)
        ends = race([again(context, folder=folder) for folder in folders], act)
        (run,) = {end for end in ends if not end.startswith("exit 3")}
        assert run.isdecimal(), (version, ends)
        check_round(world, folders, version)
        if number % 10 == 5:
            late = again(context, folder=folders[number // 10 % releasers])
            assert str(act(late)) == run, "typed once more it is done"
        assert dispatches(world, SDK) - before == 1, (version, ends)


def check_round(sandbox: Sandbox, folders: list[Path], version: str) -> None:
    """Hold that each ref was written once, and that no lease and no tag of a loser's is left."""
    (branch,) = sandbox.bare.refs(f"refs/heads/release-{version.removesuffix('.0')}-*")
    assert (moves(sandbox, branch), moves(sandbox, f"refs/tags/{version}")) == (1, 1), version
    assert sandbox.bare.refs("refs/release") == {}, "every lease was let go"
    for folder in folders:
        check_clone(sandbox, folder)
