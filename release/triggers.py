"""Which workflows a push starts."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from release.workflow_yaml import InvalidYaml, document

TAGS = frozenset({"tags", "tags-ignore"})
PATHS = frozenset({"paths", "paths-ignore"})


def starts_on_push(text: bytes, branch: str) -> bool:
    """Whether every push to the branch starts the workflow: one with a path filter may be left out."""
    try:
        opened = document(text)
    except InvalidYaml:
        return False
    events = opened.get("on") if isinstance(opened, dict) else None
    if isinstance(events, dict):
        return "push" in events and _passes(events["push"] or {}, branch)
    return "push" in (events if isinstance(events, list) else [events])


def _passes(filters: Mapping[str, Any], branch: str) -> bool:
    if PATHS & filters.keys():
        return False
    if "branches" in filters:
        return any(fnmatchcase(branch, str(pattern)) for pattern in filters["branches"] or [])
    if "branches-ignore" in filters:
        return not any(fnmatchcase(branch, str(pattern)) for pattern in filters["branches-ignore"] or [])
    return not TAGS & filters.keys()
