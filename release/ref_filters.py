"""The patterns that a workflow's trigger filters branches and tags by, and whether a tag's push passes them."""

from __future__ import annotations

import re

from release.workflow_yaml import InvalidYaml, document

_WILDCARDS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}
_PARTS = re.compile(r"\\.|\*\*/|\*\*|\*|\[[^]]*\]|[?+]|.", re.DOTALL)


def matches(pattern: str, name: str) -> bool:
    """Match one filter pattern (`*` without `/`, `**` with, `?` and `+` repeat what stands before, `[…]`)."""
    expression = ""
    for part in _PARTS.findall(pattern):
        if part in _WILDCARDS:
            expression += _WILDCARDS[part]
        elif part in "?+" or (part.startswith("[") and part.endswith("]")):
            expression += part
        else:
            expression += re.escape(part.removeprefix("\\"))
    return re.fullmatch(expression, name) is not None


def passes(patterns: list[str], name: str) -> bool:
    """Tell whether the last pattern that matches is none that begins with `!`."""
    passes = False
    for pattern in map(str, patterns):
        if matches(pattern.removeprefix("!"), name):
            passes = not pattern.startswith("!")
    return passes


def starts_on_tag(text: bytes, tag: str) -> bool:
    """Tell whether the push of a tag starts the workflow; path filters are not looked at for tags."""
    try:
        opened = document(text)
    except InvalidYaml:
        return False
    events = opened.get("on") if isinstance(opened, dict) else None
    if not isinstance(events, dict):
        return "push" in (events if isinstance(events, list) else [events])
    filters = events["push"] or {} if "push" in events else None
    if filters is None:
        return False
    if "tags" in filters:
        return passes(filters["tags"] or [], tag)
    if "tags-ignore" in filters:
        return not any(matches(str(pattern), tag) for pattern in filters["tags-ignore"] or [])
    return not {"branches", "branches-ignore"} & set(filters)
