"""The values of flags, when a shell completes them: from what the clone has, with no look at the network."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from invoke.collection import Collection
from invoke.completion.complete import complete as complete_flags
from invoke.config import Config
from invoke.exceptions import Exit
from invoke.parser.argument import Argument

from release import settings
from release.call.report import Report
from release.errors import Usage
from release.git import offline
from release.versions import Line, line_of, next_version, parse_branch, precedence, released_versions

MOST = 50
BUMPS, WRITES = ("minor", "major", "patch"), ("push", "dispatch", "merge", "tag")
PULL = re.compile(r"\(#([1-9][0-9]*)\)$")  # as GitHub ends the subject of a squashed pull request
RUN = re.compile(rb"/actions/runs/([1-9][0-9]*)")
RECEIPT = 8 * 2**20  # bytes


class Typed(NamedTuple):
    """What is typed so far: a task, its flags' values, and the flag whose value is due, with the begin of that."""

    task: str
    values: Mapping[str, str]
    due: Argument | None
    begins: str
    glued: str = ""  # `--line=`, where the shell takes flag and value for one word


def complete(names: list[str], core: Any, initial_context: Any, collection: Collection, parser: Any) -> NoReturn:
    """Print what may follow, one a line; raises Exit, as invoke's own does, which is asked for all but values."""
    program = re.compile(rf"(?:{'|'.join(map(re.escape, names))}) ")
    try:
        words = shlex.split(program.sub("", core.remainder, count=1))
    except ValueError as error:  # a quote that is still open
        raise Exit(code=0) from error
    typed = parse(words, parser.contexts, initial_context.flags)
    found = candidates(typed, collection) if typed.due else []
    for each in (fitting := [each for each in found if each.startswith(typed.begins)]):
        Report().line(f"{typed.glued}{each}")
    # A shell does not say whether a space follows: of a whole value, what may come next is shown too.
    if fitting and typed.begins not in found:
        raise Exit(code=0)
    raise complete_flags(names, core, initial_context, collection, parser)


def parse(words: Iterable[str], contexts: Mapping[str, Any], flags: Mapping[str, Argument]) -> Typed:
    """Return what the words of a call say so far; bash takes `--line=0.7` apart, the other shells do not."""
    values: dict[str, str] = {}
    task, due, begins, glued = "", None, "", ""
    for word in words:
        name, equals, value = word.partition("=")
        if due and not begins and (word == "=" or not word.startswith("-")):
            begins = "" if word == "=" else word
            values[due.attr_name or due.name or ""] = begins
            continue
        due, begins, glued = None, "", ""
        if word in contexts:
            task, flags, values = word, contexts[word].flags, {}
        elif name in flags and flags[name].takes_value:
            due, begins, glued = flags[name], value, f"{name}=" if equals else ""
            values[due.attr_name or due.name or ""] = value
    return Typed(task, values, due, begins, glued)


def candidates(typed: Typed, collection: Collection) -> list[str]:
    """Return the values that may follow; none for a flag whose value is not the clone's to know."""
    known: dict[str, Callable[[], Iterable[str]]] = {
        "bump": lambda: BUMPS,
        "commit": partial(_commits, typed),
        "kill_after": lambda: WRITES,
        "line": lambda: map(str, _lines()),
        "name": partial(_components, collection),
        "pr": partial(_pulls, typed),
        "ref": _refs,
        "run": _runs,
        "task": lambda: sorted(name for name in collection.task_names if not name.startswith("sandbox.")),
        "version": partial(_versions, typed, collection),
    }
    flag = typed.due.attr_name or typed.due.name if typed.due else ""
    return list(dict.fromkeys(known[flag]())) if flag in known else []


def _branches() -> list[tuple[Line, str]]:
    """Return the release branches that the clone has, with their lines: the newest line's first."""
    found = offline.names(Path(), f"{offline.REMOTES}/*/release-*", f"{offline.HEADS}/release-*")
    named = [(parse_branch(name.rpartition("/")[2]), name) for name in found]
    return sorted(((parsed[0], name) for parsed, name in named if parsed), reverse=True)


def _lines() -> list[Line]:
    return [line for line, _ in _branches()]


def _refs() -> list[str]:
    return [name for name in offline.names(Path(), offline.REMOTES, offline.HEADS) if not name.endswith("/HEAD")]


def _versions(typed: Typed, collection: Collection) -> list[str]:
    """Return those that come next, for a task that makes one; the newest that there are, for all others."""
    tags = released_versions(offline.names(Path(), f"{offline.TAGS}/[0-9]*"))
    if not getattr(getattr(collection[typed.task], "kind", None), "numbers", False):
        return [str(version) for version in sorted(tags, key=precedence, reverse=True)][:MOST]
    bumps = [next_version(tags, bump) for bump in ("minor", "major")]
    lines = dict.fromkeys([*_lines(), *(line_of(tag) for tag in reversed(tags))])
    return [str(version) for version in [*bumps, *(next_version(tags, "patch", line) for line in lines)]]


def _commits(typed: Typed) -> dict[str, str]:
    """Return the commits of the trunk that are not on the line that is typed, or else on the newest."""
    branch = next((name for line, name in _branches() if typed.values.get("line", str(line)) == str(line)), "")
    heads = offline.names(Path(), f"{offline.REMOTES}/*/HEAD")
    return offline.subjects(Path(), branch, heads[0], MOST) if branch and heads else {}


def _pulls(typed: Typed) -> list[str]:
    return [found[1] for subject in _commits(typed).values() if (found := PULL.search(subject))]


def _components(collection: Collection) -> list[str]:
    """Return the names in the settings; none where they cannot be read, which any other call says."""
    config = Config(defaults=collection.configuration(), project_location=Path(collection.loaded_from or "."))
    try:
        config.load_project()
        return sorted(settings.read(dict(config)).components)
    except (Usage, OSError, ValueError):
        return []


def _runs() -> list[str]:
    """Return the runs that the receipts in this folder name, the newest file's first: a clone knows of no others."""
    files = sorted(Path().glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)[:MOST]
    texts = [path.read_bytes() for path in files if path.stat().st_size < RECEIPT]
    return [run.decode() for text in texts for run in RUN.findall(text)]
