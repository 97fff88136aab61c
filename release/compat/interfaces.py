"""What a release asks, and two versions of one interface compared, whatever its kind."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from release.call.programs import run_program
from release.compat.verdicts import Change, Comparison, Files, Verdict, could_not_tell, write_files
from release.errors import CouldNotTellError
from release.settings import Component

# One at a time: griffe's log is the process's, and programs of the repository's own may write to the same place.
_ONE = threading.Lock()
COMMIT = ""  # in a pair: the commit to release, instead of a component's last release in the line


@dataclass(frozen=True)
class Pair:
    """Ask one thing: does `owner`'s interface at `after` still have everything it had at `before`.

    Each moment is COMMIT or the name of the component whose last release in the line is meant.
    """

    owner: Component
    question: str
    before: str
    after: str


@dataclass(frozen=True)
class Tools:
    """The programs that compare, and how many seconds each of them gets."""

    oasdiff: str = "oasdiff"
    timeout: float = 120


@dataclass(frozen=True)
class Side:
    """An interface's files at one place of history."""

    name: str  # what people read: a tag, a commit
    files: Files = field(repr=False)
    components: frozenset[str]  # whose folders are there: a new one is told apart from a description that is missing


@dataclass(frozen=True)
class Answer:
    """One row of the gate's table."""

    pair: Pair
    before: str
    after: str
    comparison: Comparison


def pairs(name: str, components: Mapping[str, Component]) -> list[Pair]:
    """Return what the release of a component asks: of itself, of what it consumes, and of each consumer."""
    component = components[name]
    asked = [Pair(component, f"does {name} keep what it released?", name, COMMIT)]
    for consumed in component.consumes:
        question = f"does the released {consumed} have what {name} at the commit was written for?"
        asked.append(Pair(components[consumed], question, COMMIT, consumed))
    for consumer in components.values():
        if name in consumer.consumes:
            question = f"does {name} keep what the released {consumer.name} was written for?"
            asked.append(Pair(component, question, consumer.name, COMMIT))
    return asked


def answer(pair: Pair, before: Side | None, after: Side | None, tools: Tools | None = None) -> Answer:
    """Answer one pair; a side is None when the line has no release yet."""
    names = (before.name if before else "no release", after.name if after else "no release")
    if not pair.owner.has_interface:
        comparison = Comparison(Verdict.COMPATIBLE, f"{pair.owner.name} has no interface, its settings say")
    elif before is None or after is None:
        comparison = could_not_tell("this line has no release yet: make its coordinated release first")
    else:
        comparison = _comparison_of_new(pair, before, after) or compare(pair.owner, before.files, after.files, tools)
    return Answer(pair, *names, comparison)


def compare(component: Component, before: Files, after: Files, tools: Tools | None = None) -> Comparison:
    """Compare two versions of a component's interface: repository paths to contents at each side."""
    try:
        return _comparison(component, before, after, tools or Tools())
    except CouldNotTellError as error:
        return could_not_tell(str(error))
    except Exception as error:  # noqa: BLE001 a crash must not open the gate
        return could_not_tell(f"comparing {component.source_path} failed: {type(error).__name__}: {error}")


def _comparison_of_new(pair: Pair, before: Side, after: Side) -> Comparison | None:
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


def is_compared(component: Component, path: str) -> bool:
    """Whether the comparison looks at the file: of a package that ships data, it does not read that."""
    if component.kind != "python":
        return True
    from release.compat.python.api import is_source

    return is_source(path)


def _comparison(component: Component, before: Files, after: Files, tools: Tools) -> Comparison:
    if component.kind == "openapi":
        from release.compat.openapi import openapi_comparison

        return openapi_comparison(component.interface, before, after, tools.oasdiff, tools.timeout)
    with _ONE:
        if component.kind == "python":
            from release.compat.python.api import python_comparison

            return python_comparison(component.interface, before, after)
        if component.kind == "command":
            return command_comparison(component.command, before, after, tools.timeout)
    hint = "set kind to python, openapi or command, or has_interface to false when nobody calls it"
    raise CouldNotTellError(f"{component.name} has no kind of interface: {hint}")


def command_comparison(command: tuple[str, ...], before: Files, after: Files, timeout: float) -> Comparison:
    """Run the program on both sides: exit 0 is compatible, 1 incompatible.

    It runs in the working directory. `{before}` and `{after}` in its arguments become folders that hold the files
    under their repository paths. Raises CouldNotTellError for every other exit, and when a side has no files.
    """
    if not before or not after:
        raise CouldNotTellError(f"there are no files at the {'earlier' if not before else 'later'} side")
    with tempfile.TemporaryDirectory() as name:
        earlier, later = Path(name, "before"), Path(name, "after")
        write_files(earlier, before)
        write_files(later, after)
        filled = [part.replace("{before}", str(earlier)).replace("{after}", str(later)) for part in command]
        program = run_program(filled, Path.cwd(), timeout)
        said = program.tail.replace(f"{name}/", "")
    if program.code == 0:
        return Comparison(Verdict.COMPATIBLE, f"{command[0]} exited 0")
    if program.code == 1:
        changes = tuple(Change(line) for line in said.splitlines())
        return Comparison(Verdict.INCOMPATIBLE, f"{command[0]} exited 1", changes)
    raise CouldNotTellError(f"{command[0]} exited {program.code}: {said or 'it said nothing'}")
