"""Every push of every pipeline against what a remote may do to it, and every reading of refs and objects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from faults.pushes import FAULTS, LEASES, MOVED, READ_FAULTS, Command, Fault, Pushes
from faults.worlds import PIPELINES, check_end, check_nothing_left, check_sound, end_state, opened, user_state

from release.errors import ReleaseError

PUSHES = {"minor": 8, "patch": 4, "component": 3, "image": 4}
READS = {"minor": 30, "patch": 24, "component": 16, "image": 10}


@pytest.fixture(scope="module", params=[pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in PIPELINES])
def opened_pushes(request: pytest.FixtureRequest) -> Iterator[Pushes]:
    with recorded(request.param) as made:
        yield made


@pytest.fixture
def pushes(opened_pushes: Pushes, monkeypatch: pytest.MonkeyPatch) -> Pushes:
    for name, value in opened_pushes.world.variables.items():
        monkeypatch.setenv(name, value)
    return opened_pushes


@contextmanager
def recorded(pipeline: str) -> Iterator[Pushes]:
    """Open a pipeline's world, with what an undisturbed run pushes."""
    with opened(PIPELINES[pipeline]) as world:
        made = Pushes(world)
        made.at(-1)
        world.restore()
        assert world.run() is None
        made.asked = list(made.seen)
        assert len(made.asked) >= PUSHES[pipeline]
        yield made


def is_lease(asked: list[Command]) -> bool:
    """Without a lease a release goes on, and says so."""
    return asked[0].ref.startswith(LEASES)


def struck(pushes: Pushes, nth: int, fault: Fault) -> tuple[ReleaseError | None, dict[str, object]]:
    """Run with the n-th push misbehaving; hold what stands whatever becomes of it."""
    world, asked = pushes.world, pushes.asked[nth]
    world.restore()
    before = user_state(world)
    pushes.at(nth, fault.look(pushes, asked), fault.push(pushes, asked), fault.onwards)
    ended = world.run()
    assert pushes.struck
    assert user_state(world) == before
    check_sound(world)
    return ended, before


def landed(pushes: Pushes, asked: list[Command]) -> set[bool]:
    """Whether each ref of the push is as it was meant; of several, all or none (F5)."""
    now = pushes.bare.refs()
    return {(each.ref in now) if set(each.old) == {"0"} else now.get(each.ref) != each.old for each in asked}


@pytest.mark.faults
@pytest.mark.parametrize("name", FAULTS)
def test_f05_f07_f08_f13_f34_a_push(pushes: Pushes, name: str) -> None:
    failed = {}
    for nth, asked in enumerate(pushes.asked):
        try:
            _push_meets(pushes, nth, FAULTS[name])
        except (AssertionError, ReleaseError) as error:
            failed[f"{nth} {asked}"] = str(error)[:600]
    assert failed == {}


def _push_meets(pushes: Pushes, nth: int, fault: Fault) -> None:
    """The call ends as the fault says, nothing half landed; without the fault it comes to the undisturbed end."""
    world, asked = pushes.world, pushes.asked[nth]
    ended, before = struck(pushes, nth, fault)
    if is_lease(asked):
        pushes.at(-1)
        ended = ended or world.run()  # takes away a lease that stayed (F33)
        if fault.onwards and asked[0].ref in pushes.bare.refs(asked[0].ref):  # nobody could delete it; it hinders none
            pushes.bare.git("update-ref", "-d", asked[0].ref)
    else:
        assert (ended.exit_code if ended else 0) in fault.codes, ended
        assert fault.words in (ended.message if ended else fault.words), ended
    if ended:
        assert len(landed(pushes, asked)) == 1, "half of it landed"
        check_nothing_left(world)
    pushes.at(-1)
    assert ended is None or world.run() is None
    check_end(world, before)


@pytest.mark.slow
def test_f08_f13_f34_an_image_s_branch() -> None:
    with recorded("image") as pushes:
        for name in ("words-and-cut", "pre-receive", "sent-again", "cut-after", "401-from-the-look-on"):
            _push_meets(pushes, 0, FAULTS[name])
        _meet_a_rival(pushes, 0, MOVED["moved-after-gits-look"])


@pytest.mark.faults
@pytest.mark.parametrize("name", MOVED)
def test_f06_f12_a_ref_that_somebody_moved(pushes: Pushes, name: str) -> None:
    failed = {}
    for nth, asked in enumerate(pushes.asked):
        try:
            _meet_a_rival(pushes, nth, MOVED[name])
        except (AssertionError, ReleaseError) as error:
            failed[f"{nth} {asked}"] = str(error)[:600]
    assert failed == {}


def _meet_a_rival(pushes: Pushes, nth: int, fault: Fault) -> None:
    """What somebody pushed stays theirs and nothing of ours half lands; so it is at the next call too."""
    world, asked = pushes.world, pushes.asked[nth]
    ended, _ = struck(pushes, nth, fault)
    rival = "Somebody was faster"
    theirs = {
        each.ref: sha for each in asked
        if (sha := pushes.bare.sha(each.ref)) and pushes.bare.git("log", "-1", "--format=%s", sha).strip() == rival
    }  # fmt: skip
    if is_lease(asked):
        return
    assert theirs.keys() == {each.ref for each in asked}, "none of theirs was overwritten, nor half of ours landed"
    if ended is None:  # theirs is a branch that was cut where ours would have been, and that went on since
        tagged = pushes.bare.sha("refs/tags/0.7.0") or ""
        assert all(pushes.bare.is_ancestor(tagged, theirs[each.ref]) for each in asked)
        check_sound(world)
        return
    assert ended.exit_code in fault.codes, ended
    check_nothing_left(world)
    pushes.at(-1)
    again = world.run()
    assert again is None or again.exit_code in (1, 2, 3), again
    for ref, sha in theirs.items():
        assert ref.startswith("refs/heads/image-") or pushes.bare.is_ancestor(sha, pushes.bare.sha(ref) or ""), ref
    check_sound(world)


@pytest.mark.faults
def test_every_reading_of_refs_and_objects(pushes: Pushes) -> None:
    """Each meets one of the faults in turn; then the same call comes to the undisturbed end."""
    world = pushes.world
    reads = [each for each in world.recorded if not each.writes and each.route.endswith(("info/refs", "upload-pack"))]
    assert len(reads) >= READS[world.pipeline.name]
    failed = {}
    for number, call in enumerate(reads):
        name = [*READ_FAULTS][number % len(READ_FAULTS)]
        try:
            world.restore()
            before = user_state(world)
            pushes.at(-1)
            world.calls.strike(call, READ_FAULTS[name])
            ended = world.run()
            assert ended is None or ended.exit_code in (1, 2, 5), ended
            check_nothing_left(world)
            world.calls.clear()
            assert ended is None or world.run() is None
            assert end_state(world) == world.undisturbed
            check_sound(world)
            assert user_state(world) == before
        except (AssertionError, ReleaseError) as error:
            failed[f"{name} {call}"] = str(error)[:600]
    assert failed == {}
