"""The tasks of this repository: `inv --list` shows them."""

from release import namespace

__all__ = ["namespace"]
