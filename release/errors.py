"""What can go wrong, one kind for each exit code."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from invoke.exceptions import Exit


class ReleaseError(Exit):
    """Say what is wrong and, as `hint`, the exact command or place to go next."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message=f"{message}\n{hint}" if hint else message, code=self.exit_code)
        self.problem = message
        self.hint = hint


class Failed(ReleaseError):
    """The world said no: a job failed, a push was rejected, a pick conflicts."""


class Usage(ReleaseError):
    """The call cannot work: invalid version, missing setting, dirty tree, nobody to ask."""

    exit_code = 2


class Conflict(ReleaseError):
    """It exists and is something else."""

    exit_code = 3


class Waiting(ReleaseError):
    """Time ran out, or somebody has to approve; the same command goes on."""

    exit_code = 4


class Unknown(ReleaseError):
    """The outcome of a write could not be learned."""

    exit_code = 5


class Blocked(ReleaseError):
    """A gate says incompatible, or could not tell."""

    exit_code = 6


class CouldNotTellError(Exception):
    """A comparison that cannot be made; the message says why and what would make it possible."""


def suggestion(word: str, known: Mapping[str, str]) -> str:
    """Return the question whether the nearest known word was meant, as it is typed; nothing where none is near."""
    near = get_close_matches(word, known, 1)
    return f"Did you mean {known[near[0]]}? " if near else ""
