"""Where in its file something of a workflow stands."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import yaml

Place = tuple[str | int, ...]


class Lines:
    """The lines of one YAML text, counted from 1."""

    def __init__(self, text: str) -> None:
        self.root = yaml.compose(text, Loader=yaml.SafeLoader)

    def line(self, *place: str | int) -> int:
        """Return the line of a key or an item; of what is around it where it is not there."""
        key, _ = self._find(place)
        return key.start_mark.line + 1 if key is not None else 1

    def has(self, *place: str | int) -> bool:
        """Tell whether a key or an item is there."""
        return self._find(place, exact=True)[0] is not None

    def block_line(self, offset: int, *place: str | int) -> int:
        """Return the line of a text's own line: in a literal block each has one."""
        key, value = self._find(place)
        if key is None or value is None:
            return self.line(*place)
        literal = isinstance(value, yaml.ScalarNode) and value.style == "|"
        return int(value.start_mark.line + 2 + offset if literal else value.start_mark.line + 1)

    def _find(self, place: Place, exact: bool = False) -> tuple[Any, Any]:
        key, value = self.root, self.root
        for part in place:
            found = _entry(value, part)
            if found is None:
                return (None, None) if exact else (key, None)
            key, value = found
        return key, value


def _entry(node: Any, part: str | int) -> tuple[Any, Any] | None:
    if isinstance(node, yaml.MappingNode):
        return next((pair for pair in node.value if pair[0].value == part), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part]
    return None


@lru_cache(maxsize=64)
def file_lines(text: str) -> Lines:
    """Read the lines of a file, once."""
    return Lines(text)
