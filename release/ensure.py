"""The one rule every write goes through: look, say, make, look again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from release.errors import Failed, ReleaseError, Unknown

if TYPE_CHECKING:
    from release.world import World

T = TypeVar("T")


def ensure(
    world: World,
    what: str,
    *,
    find: Callable[[], T | None],
    make: Callable[[], object],
    planned: T,
    patience: float = 0,
) -> T:
    """Return what `find` finds, making it first where it is missing.

    `find` returns None when the thing is not there and raises Conflict when something else is.
    `planned` stands for the thing in a dry run, which calls `find` but never `make`.
    After `make`, whatever it answered, `find` alone decides (F8): for up to `patience` seconds,
    since a service may show a write late. A `make` that failed and left nothing raises its own error;
    one that succeeded and left nothing raises Unknown.
    """
    found = find()
    if found is not None:
        world.report.step("done", what)
        return found
    if world.dry:
        world.report.step("todo", what)
        return planned
    world.confirm(what)
    problem: ReleaseError | None = None
    try:
        make()
    except (Failed, Unknown) as error:
        problem = error
    found = _look_after(world, find, problem, patience)
    if found is None:
        raise problem or Unknown(
            f"{what}: the write was accepted, but it is not there", "Look, then run the same again."
        )
    world.report.step("made", what)
    return found


def _look_after(world: World, find: Callable[[], T | None], problem: ReleaseError | None, patience: float) -> T | None:
    """Look again after a write; that nobody could look leaves an unknown outcome unknown."""
    try:
        return _look_again(world, find, 0 if isinstance(problem, Failed) else patience)
    except Failed as error:
        if isinstance(problem, Unknown):
            raise Unknown(f"{problem.problem}; then: {error.problem}", problem.hint) from error
        raise


def _look_again(world: World, find: Callable[[], T | None], patience: float) -> T | None:
    deadline = world.clock.now() + patience
    found = find()
    while found is None and world.clock.now() < deadline:
        world.clock.sleep(min(world.settings.release.poll, 2.0))
        found = find()
    return found
