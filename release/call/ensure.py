"""The one rule every write goes through: look, say, make, look again."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from release.errors import Conflict, Failed, ReleaseError, Unknown, Usage

if TYPE_CHECKING:
    from pathlib import Path

    from release.call import plan
    from release.call.context import Context  # a listing of the tasks loads this module, and need not that

T = TypeVar("T")


def ensure(
    context: Context,
    what: str,
    *,
    find: Callable[[], T | None],
    make: Callable[[], object],
    planned: T,
    patience: float = 0,
    facts: Callable[[T | None], plan.Facts] | None = None,
) -> T:
    """Return what `find` finds, making it first where it is missing.

    `find` returns None when the thing is not there and raises Conflict when something else is.
    `planned` stands for the thing in a dry run, which calls `find` but never `make`; one that has a `key` is in the
    call's own view from then on, where later reads see it.
    After `make`, whatever it answered, `find` alone decides (F8, F34): for up to `patience` seconds,
    since a service may show a write late. A `make` that failed and left nothing raises its own error;
    one that succeeded and left nothing raises Unknown.
    `facts` tells of the thing, as found or, of None, as it will be, what a plan holds: first its kind and name.
    What has none is no step of a plan: it takes away what a race or a killed call left.
    """
    found = find()
    _hold(context, what, facts, found)
    if found is not None:
        context.report.step("done", what)
        return found
    if context.dry:
        context.report.step("todo", what)
        if hasattr(planned, "key"):
            context.view.add(planned.key, planned)
        return planned
    context.confirm(what)
    problem = _problem(make)
    found = _look_again(context, find, problem, patience)
    if found is None:
        lost = Unknown(f"{what}: the write was accepted, but it is not there", "Look, then run the same again.")
        raise problem or lost
    _hold(context, what, facts, found)
    context.report.step("made", what)
    return found


def _hold(context: Context, what: str, facts: Callable[[T | None], plan.Facts] | None, there: T | None) -> None:
    """Hold the thing against the plan, if it is a step of it."""
    if facts:
        context.plan.step(context.doors, what, "todo" if there is None else "done", partial(facts, there))


def _problem(make: Callable[[], object]) -> ReleaseError | None:
    """Make it, and return what went wrong: a client below (Git, botocore) may have met its own write (F34)."""
    try:
        make()
    except (Failed, Unknown, Conflict) as error:
        return error
    return None


def perform(context: Context, what: str, act: Callable[[], T], planned: T, facts: plan.Facts | None = None) -> T:
    """Return what `act` returns, a step on this machine alone that nobody has to agree to.

    A dry run says it as to do, and returns `planned` in its place. With `facts` it proves what others make, and a plan
    holds what that will be.
    """
    if not context.dry:
        return act()
    context.report.step("todo", what)
    if facts:
        context.plan.step(context.doors, what, "todo", lambda: facts)
    return planned


def save_file(context: Context, what: str, file: Path, text: str) -> None:
    """Write a file of this machine and say so; a dry run says it as to do."""

    def _write() -> None:
        try:
            file.write_text(text, encoding="utf-8")
        except OSError as error:
            raise Usage(
                f"{file} cannot be written: {error.strerror}", "Name a file in a folder that is there."
            ) from error
        context.report.step("made", what)

    perform(context, what, _write, None)


def _look_again(
    context: Context, find: Callable[[], T | None], problem: ReleaseError | None, patience: float
) -> T | None:
    """Look after a write, again and again where it may show late; that nobody could look leaves an unknown unknown."""
    patience = patience if problem is None or isinstance(problem, Unknown) else 0
    deadline, found = context.clock.monotonic() + patience, None
    try:
        while found is None:
            context.look_anew()
            found = find()
            if context.clock.monotonic() >= deadline:
                break
            if found is None:
                context.clock.sleep(min(context.settings.release.poll, 2.0))
    except Failed as error:
        if isinstance(problem, Unknown):
            raise Unknown(f"{problem.problem}; then: {error.problem}", problem.hint) from error
        raise
    return found
