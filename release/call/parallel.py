"""Independent reads, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from release.errors import ReleaseError

T = TypeVar("T")
AT_ONCE = 8  # far below GitHub's limit of 100 concurrent requests


def side_by_side(reads: Sequence[Callable[[], T]]) -> list[T]:
    """Return what each read returns, in their order; raises what the first that fails raised.

    The doors may be shared: boto3's clients are safe for threads, each Git is a process of its own but the one that
    reads objects, which has a lock, and a session of requests keeps nothing but its pool of connections here.
    """
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        return list(pool.map(lambda read: read(), reads))


def answers_of(checks: Sequence[partial[Iterator[T]]], unasked: Callable[[str, ReleaseError], T]) -> list[T]:
    """Return what the checks yield, asked side by side, in their order.

    What stops a check is the last of its answers: `unasked` makes it of the check's name and the error.
    """

    def _answers(check: partial[Iterator[T]]) -> list[T]:
        found: list[T] = []
        try:
            found.extend(check())
        except ReleaseError as error:
            name = check.func.__name__.rpartition("_")[0].replace("_", " ")
            found.append(unasked(name, error))
        return found

    return [each for found in side_by_side([partial(_answers, check) for check in checks]) for each in found]
