"""What starts a workflow: its events, and the filters that a pushed ref has to pass.

Rules: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#filter-pattern-cheat-sheet
and https://docs.github.com/en/actions/how-tos/manage-workflow-runs/skip-workflow-runs
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from release.workflows.expressions import values
from release.workflows.yaml import InvalidYaml, document

DISPATCH = "workflow_dispatch"
# Anywhere in a message; the trailer is its last line.
_SKIPS = re.compile(r"\[(?:skip ci|ci skip|no ci|skip actions|actions skip)\]|(?<=\n\n)skip-checks: ?true(?=\s*\Z)")
_PARTS = re.compile(r"\\.|\*\*/(?![?+])|\*\*|\*|\[[^]]+\]|.", re.DOTALL)
_WILDCARDS = {"**": ".", "*": "[^/]"}
_BRACKETED = re.compile(r"([A-Za-z0-9]-[A-Za-z0-9])|(.)", re.DOTALL)
# How often a part may stand there: whether it may be missing, whether it may come again.
_TIMES = {(False, False): "", (True, False): "?", (False, True): "+", (True, True): "*"}


def listens_to_push(text: bytes, ref: str) -> bool:
    """Tell whether a push to the full ref may start the workflow; a file that cannot be read starts on nothing."""
    found = _read(text)
    return "push" in found and ref_passes(found["push"], ref)


def starts_on_push(text: bytes, ref: str) -> bool:
    """Tell whether every push to the full ref starts the workflow.

    One with a path filter may be left out by the push of a branch; of tags, GitHub does not look at paths.
    """
    filters = _read(text).get("push")
    by_path = isinstance(filters, Mapping) and {"paths", "paths-ignore"} & filters.keys()
    return listens_to_push(text, ref) and (ref.startswith("refs/tags/") or not by_path)


def skip_words(message: str) -> str:
    """Return the words of a commit's message for which its push, and a tag's at it, start nothing; else nothing."""
    found = _SKIPS.search(message)
    return found[0] if found else ""


def can_be_dispatched(text: bytes) -> bool:
    """Tell whether a run of the workflow can be asked for."""
    return DISPATCH in _read(text)


def events(workflow: Any) -> dict[str, Any]:
    """Return what stands under `on` in a parsed file: the events, each with its filters or None."""
    found = workflow.get("on") if isinstance(workflow, Mapping) else None
    if isinstance(found, Mapping):
        return dict(found)
    return dict.fromkeys(name for name in (found if isinstance(found, list) else [found]) if isinstance(name, str))


def ref_passes(filters: Any, ref: str) -> bool:
    """Tell whether the full ref passes an event's filters of branches and tags; its path filters are taken as met.

    Filters of branches alone keep every tag out, and those of tags alone every branch.
    """
    if not isinstance(filters, Mapping):
        return True
    kind, other = ("tags", "branches") if ref.startswith("refs/tags/") else ("branches", "tags")
    name = ref.split("/", 2)[-1]
    if kind in filters:
        return filters_pass(values.texts(filters[kind]), name)
    if f"{kind}-ignore" in filters:
        return not _is_ignored(filters[f"{kind}-ignore"], name)
    return not {other, f"{other}-ignore"} & filters.keys()


def paths_pass(filters: Any, changed: Sequence[str]) -> bool:
    """Tell whether a change of these files passes an event's filters of paths."""
    if not isinstance(filters, Mapping):
        return True
    if "paths" in filters:
        return any(filters_pass(values.texts(filters["paths"]), path) for path in changed)
    return "paths-ignore" not in filters or not all(_is_ignored(filters["paths-ignore"], path) for path in changed)


def filters_pass(patterns: Sequence[str], name: str) -> bool:
    """Tell whether the last pattern that matches the name is none that begins with `!`."""
    found = (each for each in reversed(patterns) if filter_matches(each.removeprefix("!"), name))
    return not next(found, "!").startswith("!")


def _is_ignored(patterns: Any, name: str) -> bool:
    """Tell whether one of the patterns matches; GitHub gives `!` no meaning here."""
    return any(filter_matches(pattern, name) for pattern in values.texts(patterns))


def filter_matches(pattern: str, name: str) -> bool:
    """Tell whether one pattern matches a branch's or tag's whole name.

    `*` stands for anything without `/`, `**` for anything, `[…]` for one of its characters; `?` makes what stands
    before it optional, `+` lets it come again; a backslash takes any of them as it is.
    """
    try:
        return re.fullmatch(_expression(pattern), name, re.DOTALL) is not None
    except re.error:  # a range that runs backwards
        return False


def _expression(pattern: str) -> str:
    """Translate a pattern; signs that follow each other become one, as `a?+` means more in some Pythons' `re`."""
    parts: list[tuple[str, bool, bool]] = []
    for part in _PARTS.findall(pattern):
        if part in ("?", "+") and parts:
            atom, optional, again = parts[-1]
            parts[-1] = (atom, optional or part == "?", again or part == "+")
        elif part == "**/":
            parts.append(("(?:.*/)", True, False))
        elif part in _WILDCARDS:
            parts.append((_WILDCARDS[part], True, True))
        elif len(part) > 2:  # […], where a range goes from one letter or digit to another, and all else is itself
            inner = _BRACKETED.sub(lambda found: found[1] or re.escape(found[2]), part[1:-1])
            parts.append((f"[{inner}]", False, False))
        else:
            parts.append((re.escape(part[-1]), False, False))
    return "".join(atom + _TIMES[optional, again] for atom, optional, again in parts)


def _read(text: bytes) -> dict[str, Any]:
    try:
        return events(document(text))
    except InvalidYaml:
        return {}
