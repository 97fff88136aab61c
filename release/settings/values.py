"""Values of settings, of the types that they must have."""

from __future__ import annotations

import copy
from typing import Any, get_origin, get_type_hints

from release.errors import Usage, suggestion

WORDS: dict[Any, str] = {str: "a text of one line", bool: "true or false", float: "a number", dict: "a mapping"}
TEXTS = "a list of texts"


def values_of(kind: type, given: Any, key: str) -> dict[str, Any]:
    """Return the values given for the fields of a section or component."""
    types = get_type_hints(kind)
    types.pop("name", None)  # a component's name is the key it stands under
    value_of(given, dict, key)
    for part in given:
        if part not in types:
            near = suggestion(part, {each: each for each in types})
            raise Usage(f"{key}.{part}: no such setting", f"{near}{key} has: {', '.join(types)}.")
    return {part: value_of(value, types[part], f"{key}.{part}") for part, value in given.items()}


def value_of(given: Any, wanted: Any, key: str) -> Any:
    """Return a copy, so that nobody changes invoke's configuration through ours; raise Usage for another type."""
    kind = get_origin(wanted) or wanted
    if kind in (list, tuple):
        right = isinstance(given, (list, tuple)) and all(isinstance(item, str) for item in given)
    elif kind is dict:
        right = hasattr(given, "items")  # invoke wraps its mappings in a class that is none
    else:
        right = type(given) in ((int, float) if kind is float else (kind,))  # exactly, as booleans are ints
        right = right and (kind is not str or given.isprintable())
    if not right:
        raise Usage(f"{key}: {given!r} is not {WORDS.get(kind, TEXTS)}")
    return kind(given) if kind in (list, tuple) else copy.deepcopy(given)
