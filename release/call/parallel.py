"""Independent reads, side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
AT_ONCE = 8  # far below GitHub's limit of 100 concurrent requests


def side_by_side(reads: Sequence[Callable[[], T]]) -> list[T]:
    """Return what each read returns, in their order; raises what the first that fails raised.

    The doors may be shared: boto3's clients are safe for threads, each Git is a process of its own, and a session
    of requests keeps nothing but its pool of connections here, which is safe too.
    """
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        return list(pool.map(lambda read: read(), reads))
