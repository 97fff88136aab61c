"""Maps that one thread reads while another writes: each write makes the map anew, so that a reading never moves."""

from __future__ import annotations

import threading
from collections.abc import ItemsView, Iterator, KeysView, MutableMapping, ValuesView
from copy import deepcopy
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Kept(MutableMapping[K, V]):
    """A map whose keys, values and items stay what they were when asked for."""

    def __init__(self) -> None:
        self._now: dict[K, V] = {}
        self._lock = threading.Lock()

    def __deepcopy__(self, memo: dict[int, object]) -> Kept[K, V]:
        copied = Kept[K, V]()
        copied._now = deepcopy(self._now, memo)
        return copied

    def __getitem__(self, key: K) -> V:
        return self._now[key]

    def __setitem__(self, key: K, value: V) -> None:
        with self._lock:
            self._now = {**self._now, key: value}

    def __delitem__(self, key: K) -> None:
        with self._lock:
            left = dict(self._now)
            del left[key]
            self._now = left

    def __iter__(self) -> Iterator[K]:
        return iter(self._now)

    def __len__(self) -> int:
        return len(self._now)

    def __contains__(self, key: object) -> bool:
        return key in self._now

    def keys(self) -> KeysView[K]:
        """Return the keys of now."""
        return self._now.keys()

    def values(self) -> ValuesView[V]:
        """Return the values of now."""
        return self._now.values()

    def items(self) -> ItemsView[K, V]:
        """Return the keys and values of now."""
        return self._now.items()
