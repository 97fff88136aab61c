"""The file of a plan: written by a dry call, read by the real one, which trusts nothing in it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

from release.call.plan import MOST, Approved, Draft
from release.call.texts import typed_call
from release.errors import Usage

SCHEMA = "urn:release-tasks:plan:v1"
LARGEST = 8 * 2**20  # bytes
DEEPEST = 8  # facts within facts
TEXTS = ("schema", "repository", "task", "version", "date")
Flags = Mapping[str, Any]


def begin(file: Path, day: date) -> Draft:
    """Begin a plan for the file; raise Usage for one that is something else: it would be written over."""
    if file.exists():
        _document(file)
    return Draft(day)


def save(draft: Draft, file: Path, task: str, flags: Flags) -> None:
    """Write the plan of this task; the same plan gives the same bytes."""
    head = {"schema": SCHEMA, "task": task, "flags": _plain(flags), "date": str(draft.day), **draft.header}
    document = {**head, "seen": draft.seen, "steps": list(draft.steps.values())}
    try:
        file.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    except OSError as error:
        raise Usage(f"{file} cannot be written: {error.strerror}", "Name a file in a folder that is there.") from error


def follow(file: Path, task: str, flags: Flags) -> Approved:
    """Return the plan in the file, to be followed; raise Usage for none, or one of another task, version or flags."""
    document = _read(file)
    version, typed = str(document["version"]), str(flags.get("version") or "")
    if document["task"] != task:
        raise Usage(f"{file} is a plan of {document['task']}, not of {task}", f"inv {document['task']} --plan {file}")
    if not (version == typed or f"{version}.".startswith(f"{typed}." if typed else "")):
        raise Usage(f"{file} is a plan of {version}, not of {typed}", _anew())
    planned, now = ({**each, "version": ""} for each in (document["flags"], _plain(flags)))
    other = [name for name in {**planned, **now} if planned.get(name) != now.get(name)]
    if other:
        names = ", ".join(f"--{name.strip('_').replace('_', '-')}" for name in other)
        raise Usage(f"{file} was made with another {names}", f"Type the flags that it was made with. {_anew()}")
    return Approved(document)


def _read(file: Path) -> dict[str, Any]:
    """Return the plan in the file; raise Usage for one that cannot be followed."""
    document = _document(file)
    if document["schema"] != SCHEMA:
        raise Usage(f"{file} is a plan of another form: {document['schema']}, not {SCHEMA}", _anew())
    if not _is_of_our_form(document):
        raise Usage(f"{file} is no whole plan: it was changed by hand, or cut", _anew())
    return document


def _document(file: Path) -> dict[str, Any]:
    """Return what the file says, if it is any plan of ours; raise Usage for what is none."""
    document = None
    try:
        with file.open("rb") as opened:
            content = opened.read(LARGEST + 1)
    except OSError as error:
        raise Usage(f"{file} cannot be read: {error.strerror}", f"Make a plan: {typed_call('--dry')}") from error
    with suppress(ValueError, RecursionError):
        document = json.loads(content) if len(content) <= LARGEST else None
    if not isinstance(document, dict) or not str(document.get("schema")).startswith(SCHEMA.rpartition(":")[0]):
        raise Usage(f"{file} is no plan", "Name another file.")
    return document


def _is_of_our_form(document: Mapping[str, Any]) -> bool:
    """Whether everything is there and of its type: what is in it is compared, and need not be known here."""
    flags, seen, steps = (document.get(name) for name in ("flags", "seen", "steps"))
    if not (isinstance(flags, dict) and isinstance(seen, dict) and isinstance(steps, list)):
        return False
    if not _are(str, *map(document.get, TEXTS)) or not all(document[name].isprintable() for name in TEXTS):
        return False
    if not re.fullmatch(r"release\.[a-z_-]+", document["task"]):  # it is told as a command to type
        return False
    return _is_day(document["date"]) and all(map(_is_table, seen.values())) and all(map(_is_step, steps))


def _is_day(text: str) -> bool:
    with suppress(ValueError):
        return str(date.fromisoformat(text)) == text
    return False


def _is_table(value: Any) -> bool:
    return isinstance(value, dict) and _are(str, *value.values())


def _is_step(step: Any) -> bool:
    named = isinstance(step, dict) and _are(str, step.get("kind"), step.get("name"), step.get("state"))
    return bool(named) and isinstance(step.get("facts"), dict) and _is_plain(step["facts"])


def _is_plain(value: Any, depth: int = 0) -> bool:
    if not isinstance(value, dict):
        return isinstance(value, (str, int, bool))
    commits = value.get("commits", 0)
    counted = isinstance(commits, int) and 0 <= commits <= MOST
    texts = _are(str, *(value[key] for key in ("tree", "base", "by") if key in value and "known" in value))
    return counted and texts and depth < DEEPEST and all(_is_plain(each, depth + 1) for each in value.values())


def _are(kind: type, *values: Any) -> bool:
    return all(isinstance(each, kind) for each in values)


def _plain(flags: Flags) -> dict[str, Any]:
    """Return the flags as JSON has them."""
    return dict(json.loads(json.dumps(dict(flags))))


def _anew() -> str:
    return f"Plan anew: {typed_call('--dry')}"
