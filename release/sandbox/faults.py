"""Misbehaviour on purpose."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    pass


@dataclass
class Fault:
    """One kind of misbehaviour, for the requests it matches."""

    method: str
    path: str
    status: int = 0
    after: bool = False
    drop: bool = False
    delay: float = 0.0
    times: int | None = 1
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)
    call: Callable[[], object] | None = None
    change: Callable[[Any], Any] | None = None
    hits: int = 0

    def matches(self, method: str, target: str) -> bool:
        """Tell whether a request is meant and the fault is not used up."""
        return (
            (self.times is None or self.hits < self.times)
            and self.method in ("*", method)
            and re.search(self.path, target) is not None
        )

    @property
    def answers(self) -> bool:
        """Tell whether the fault takes the place of the application's answer."""
        return self.drop or self.status != 0

    def payload(self) -> bytes:
        """Make the bytes of the answer: JSON unless text or bytes were given."""
        if isinstance(self.body, bytes):
            return self.body
        if isinstance(self.body, str):
            return self.body.encode()
        return json.dumps(self.body if self.body is not None else {"message": "Server Error"}).encode()


class Faults:
    """The faults in force; each strikes `times` times, `None` for always."""

    def __init__(self) -> None:
        self.active: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, method: str, path: str, **kind: Any) -> Fault:
        """Put a fault in force for requests whose `path?query` the expression finds.

        `status` answers it (`after=True`: the action happens first, its answer is lost), `drop` cuts the connection,
        `delay` waits that many seconds, `call` runs something first, `body` and `headers` fill the answer. Without
        `status` the application answers, with `headers` in place of its own and its JSON as `change` makes it.
        """
        fault = Fault(method, path, **kind)
        self.active.append(fault)
        return fault

    def clear(self) -> None:
        """End all misbehaviour."""
        self.active.clear()

    def next(self, method: str, target: str) -> Fault | None:
        """Take the first fault that matches and count the hit."""
        with self._lock:
            for fault in self.active:
                if fault.matches(method, target):
                    fault.hits += 1
                    return fault
        return None
