"""What a simulation tells: what the steps would do, each with its place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Told:
    """One line: where it stands in which file, the job and step it is of, what that does.

    `kind` is `effect` (made in the sandbox), `listed` (no effect here), `untold` (it could not be told, and by what),
    or `missing` (the release needs it and no step delivers it).
    """

    workflow: str
    line: int
    job: str
    step: str
    does: str
    kind: str


@dataclass(frozen=True)
class Named:
    """Something that a step would deliver, wherever: a file in a bucket, or an image."""

    kind: str  # "wheel" or "image"
    name: str
    workflow: str
    line: int
    job: str
    step: str
