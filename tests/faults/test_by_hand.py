"""A person who pushes by hand at the moment of any write of a release: nobody's work is lost, and it goes on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from conftest import FakeClock, again
from faults.calls import Call, calling
from faults.worlds import NOON, PICKED, PIPELINES, World, check_nothing_left, check_sound, opened
from gate import CONFIG
from history import advance
from outside import peeled, writes

from release.errors import ReleaseError
from release.sandbox.git import ZERO
from release.sandbox.github.events import notice_refs
from release.tasks import pipelines

VERSIONS = {"minor": "0.7.0", "patch": "0.6.3"}
RELEASES: dict[str, Callable[..., Any]] = {
    "minor": pipelines.minor,
    "patch": partial(pipelines.patch, line="0.6", wanted=PICKED),
}
PICKS = ("docs: say how to run a photon (#14)", "fix: show names apart from models (#15)")
FEWEST = {"minor": 15, "patch": 8}  # writes that are struck


def branch_of(world: World) -> str:
    """Name the line's release branch, or what it will be called."""
    line = VERSIONS[world.pipeline.name].rpartition(".")[0]
    return next(iter(world.sandbox.bare.refs(f"refs/heads/release-{line}-*")), f"refs/heads/release-{line}-20261122")


def to_the_trunk(world: World) -> str:
    advance(world.sandbox, "main", "docs: say hello")
    return "refs/heads/main"


def to_the_branch(world: World) -> str:
    """Push a commit onto the release branch; cut it where there is none."""
    name = branch_of(world)
    if world.sandbox.bare.sha(name):
        advance(world.sandbox, name.removeprefix("refs/heads/"), "docs: say hello")
    else:
        world.sandbox.bare.update_ref(name, str(world.sandbox.bare.sha("refs/heads/main")))
    return name


def the_tag(world: World) -> str:
    """Push the very tag, where a person would put it."""
    name, bare = f"refs/tags/{VERSIONS[world.pipeline.name]}", world.sandbox.bare
    if not bare.sha(name):
        bare.update_ref(name, str(bare.sha(branch_of(world)) or bare.sha("refs/heads/main")))
    return name


def the_branch_away(world: World) -> str:
    """Delete the release branch."""
    if world.sandbox.bare.sha(branch_of(world)):
        world.sandbox.bare.update_ref(branch_of(world), ZERO)
    return ""


HANDS: tuple[Callable[[World], str], ...] = (to_the_trunk, to_the_branch, the_tag, the_branch_away)


def push(world: World, hand: Callable[[World], str], pushed: dict[str, str]) -> None:
    """Have it done, GitHub notice it, and remember what must be kept."""
    name = hand(world)
    pushed[name] = world.sandbox.bare.refs().get(name, "")
    notice_refs(world.sandbox.github.hub)


def outcome(world: World) -> str:
    """Release the version, or go on with it; return the code and what is said to do next."""
    name = world.pipeline.name
    try:
        RELEASES[name](again(world.context, clock=FakeClock(NOON)), version=VERSIONS[name])
    except ReleaseError as error:
        return f"{error.code} {error.problem} {error.hint or 'and nothing to do next'}"
    return "0"


def strike(world: World, call: Call, hand: Callable[[World], str]) -> None:
    """Release while somebody pushes at this call, then twice again; hold what is out there after each."""
    world.restore()
    pushed: dict[str, str] = {}
    world.calls.strike(call, calling(partial(push, world, hand, pushed)))
    first = outcome(world)
    assert first[0] in "013", first
    check_sound(world)
    check_kept(world, pushed)
    second = outcome(world)
    assert second[0] in "023", second
    assert "nothing to do next" not in first + second
    asked = writes(world.sandbox)
    assert (outcome(world), writes(world.sandbox)) == (second, asked), "a run after the end writes nothing"
    check_sound(world)
    check_kept(world, pushed)
    check_nothing_left(world)
    if "0" in (first, second):
        check_released(world)


def check_kept(world: World, pushed: dict[str, str]) -> None:
    """Hold that what was pushed by hand is there: a branch goes on from it, a tag is that very one."""
    for name, sha in pushed.items():
        now = world.sandbox.bare.refs().get(name, "")
        assert not sha or now == sha or (name[5:10] == "heads" and world.sandbox.bare.is_ancestor(sha, now)), name


def check_released(world: World) -> None:
    """Hold that the version is out, from a commit that has what was asked for: its image named, its picks."""
    version = VERSIONS[world.pipeline.name]
    assert [each.draft for each in world.sandbox.github.hub.releases.values() if each.tag == version] == [False]
    sha, bare = peeled(world.sandbox, version) or "", world.sandbox.bare
    if version == "0.7.0":
        assert '"0.7.0"' in (bare.file(sha, CONFIG) or "")
    else:
        assert set(PICKS) <= set(bare.git("log", "--max-count=6", "--format=%s", sha).splitlines())


def struck_writes(world: World) -> list[Call]:
    found = [call for call in world.recorded if call.writes and call.door == "github"]
    assert len(found) >= FEWEST[world.pipeline.name]
    return found


@pytest.mark.faults
@pytest.mark.parametrize("hand", HANDS, ids=lambda hand: hand.__name__)
@pytest.mark.parametrize("name", VERSIONS)
def test_f06_f12_f27_a_person_pushes_at_any_write(name: str, hand: Callable[[World], str]) -> None:
    fell = {}
    with opened(PIPELINES[name]) as world:
        for call in struck_writes(world):
            try:
                strike(world, call, hand)
            except AssertionError as error:
                fell[str(call)] = str(error)
    assert fell == {}


@pytest.mark.parametrize("hand", [to_the_branch, pytest.param(the_tag, marks=pytest.mark.slow)], ids=["commit", "tag"])
def test_f06_f12_a_push_by_hand_at_the_moment_of_the_picks_is_kept(hand: Callable[[World], str]) -> None:
    with opened(PIPELINES["patch"]) as world:
        strike(world, struck_writes(world)[0], hand)


@pytest.mark.slow
def test_f29_a_tag_by_hand_while_the_image_is_built_is_no_release_of_it() -> None:
    """Its commit names the image before, which would be what the release is made with."""
    with opened(PIPELINES["minor"]) as world:
        strike(world, struck_writes(world)[0], the_tag)
