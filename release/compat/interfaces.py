"""Answer whether an interface kept what it had, whatever its kind; whatever goes wrong is never compatible."""

from __future__ import annotations

from dataclasses import dataclass, field

from release.compat.components import COMMIT, Pair
from release.compat.files import Files
from release.compat.verdicts import Comparison, Verdict, could_not_tell
from release.errors import CouldNotTellError
from release.settings import Component


@dataclass(frozen=True)
class Tools:
    """The programs that compare, and how many seconds each of them gets."""

    oasdiff: str = "oasdiff"
    timeout: float = 120


@dataclass(frozen=True)
class Snapshot:
    """An interface's files at one place of history.

    `name` is what people read (a tag, a commit). `components` names those whose folders are there, so that a new
    component is told apart from a description that is missing.
    """

    name: str
    files: Files = field(repr=False)
    components: frozenset[str]


@dataclass(frozen=True)
class Answer:
    """One row of the gate's table."""

    pair: Pair
    before: str
    after: str
    comparison: Comparison


def answer(pair: Pair, before: Snapshot | None, after: Snapshot | None, tools: Tools | None = None) -> Answer:
    """Answer one pair; a side is None when the line has no release yet."""
    names = (before.name if before else "no release", after.name if after else "no release")
    if not pair.owner.has_interface:
        comparison = Comparison(Verdict.COMPATIBLE, f"{pair.owner.name} has no interface, its settings say")
    elif before is None or after is None:
        comparison = could_not_tell("this line has no release yet: make its coordinated release first")
    else:
        comparison = _of_new(pair, before, after) or compare(pair.owner, before.files, after.files, tools)
    return Answer(pair, *names, comparison)


def compare(component: Component, before: Files, after: Files, tools: Tools | None = None) -> Comparison:
    """Compare two versions of a component's interface: repository paths to contents at each side."""
    try:
        return _comparison(component, before, after, tools or Tools())
    except CouldNotTellError as error:
        return could_not_tell(str(error))
    except Exception as error:  # noqa: BLE001 a crash must not open the gate
        return could_not_tell(f"comparing {component.source_path} failed: {type(error).__name__}: {error}")


def _of_new(pair: Pair, before: Snapshot, after: Snapshot) -> Comparison | None:
    """Nothing that is new can break what was released; what is not released cannot be used."""
    if pair.after != COMMIT:
        if pair.after in after.components:
            return None
        return could_not_tell(f"{pair.after} is new at the commit and not released: make a coordinated release")
    if pair.owner.name not in after.components:
        return could_not_tell(f"{after.name} does not have {pair.owner.name} any more")
    for name in (pair.owner.name, pair.before):
        if name not in before.components:
            return Comparison(Verdict.COMPATIBLE, f"{name} is new: {before.name} does not have it")
    return None


def _comparison(component: Component, before: Files, after: Files, tools: Tools) -> Comparison:
    if component.kind == "python":
        from release.compat.python import api

        return api.comparison(component.interface, before, after)
    if component.kind == "openapi":
        from release.compat import openapi

        return openapi.comparison(component.interface, before, after, tools.oasdiff, tools.timeout)
    if component.kind == "command":
        from release.compat import command

        return command.comparison(component.command, before, after, tools.timeout)
    raise CouldNotTellError(
        f"{component.name} has no kind of interface: set kind to python, openapi or command, "
        "or has_interface to false when nobody calls it"
    )
