"""One job while it is simulated: its files, its images, and what is told of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from release.sandbox.cloud import Cloud
from release.sandbox.git import Bare
from release.sandbox.runner import Machine
from release.sandbox.simulation.needs import Need
from release.sandbox.simulation.shell import Files
from release.sandbox.simulation.told import Named, Told
from release.sandbox.simulation.unknown import interpolate, known_entries, shown
from release.sandbox.simulation.wheels import NotBuilt, Wheels
from release.settings import Settings
from release.workflows import expressions

ALL_TAGS, NO_TAG = "", "-"


class Refused(Exception):
    """A step fails, and says why."""


@dataclass
class CommitTree:
    """The files of a commit, below a folder of the job."""

    bare: Bare
    sha: str
    folder: str = ""

    def names(self) -> Sequence[str]:
        """List the paths of all files."""
        return [
            f"{self.folder}{name}" for name in self.bare.same("ls-tree", "-r", "--name-only", self.sha).splitlines()
        ]

    def read(self, path: str) -> str | None:
        """Read one; nothing where there is none, or none that is text."""
        if not path.startswith(self.folder):
            return None
        try:
            return self.bare.file(self.sha, path.removeprefix(self.folder))
        except UnicodeDecodeError:
            return None


@dataclass(frozen=True)
class Means:
    """What all jobs of a simulation share."""

    settings: Settings
    cloud: Cloud
    bare: Bare
    wheels: Wheels
    tell: Callable[[Told], None]
    name: Callable[[Named], None]


@dataclass
class Place:
    """Where the step is that is being done: file, name, and the line of each line of its script."""

    workflow: str
    step: str
    line: Callable[[int], int]


@dataclass
class Work:
    """The state of one job."""

    machine: Machine
    means: Means
    need: Need | None
    place: Place
    files: Files
    images: dict[str, dict[str, str]] = field(default_factory=dict)  # by the names given to them here
    checkout_tag: str = NO_TAG
    opaque: bool = False  # something ran of which nothing can be told
    lines_told: int = 0
    git_token: bool = False  # another one than the job's own pushes
    own_login: bool = False  # at GitHub's registry, by the job's own token

    def tell(self, offset: int, does: str, kind: str) -> None:
        """Tell what a line of the step does, in its log too."""
        place, job = self.place, self.machine.job.name
        self.lines_told += 1
        self.means.tell(Told(place.workflow, place.line(offset), job, place.step, shown(does), kind))
        self.machine.log.write(f"{'' if kind == 'effect' else f'[{kind}] '}{shown(does)}")

    def name(self, offset: int, kind: str, name: str) -> None:
        """Remember something that the step would deliver."""
        place, job = self.place, self.machine.job.name
        self.means.name(Named(kind, shown(name), place.workflow, place.line(offset), job, place.step))

    def told_context(self, own: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Give the contexts with what is known in part."""
        return self.machine.context(own)

    def context(self, own: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Give the contexts of what is known alone: anything else is undecided."""
        found = self.told_context(own)
        plain = {name: known_entries(found[name]) for name in ("env", "inputs", "matrix")}
        ended = {
            kind: {name: {**each, "outputs": known_entries(each["outputs"])} for name, each in found[kind].items()}
            for kind in ("steps", "needs")
        }
        return {**found, **plain, **ended}

    def fill(self, text: Any, own: Mapping[str, str] | None = None) -> str:
        """Fill in the expressions of a text; what cannot be told stays as an unknown part."""
        return interpolate(expressions.text(text), self.context(own), self.told_context(own))

    def wheel(self) -> Path:
        """Return the wheel of the commit; raises `Refused` when it cannot be built."""
        try:
            return self.means.wheels.wheel(self.sha, self.checkout_tag)
        except NotBuilt as error:
            raise Refused(str(error)) from error

    @property
    def sha(self) -> str:
        """The commit that was checked out, or the run's."""
        tree = self.files.tree
        return tree.sha if isinstance(tree, CommitTree) else self.machine.run.sha

    def put_wheel(self, folder: str) -> Path:
        """Build the wheel into a folder of the job, and return it."""
        built = self.wheel()
        place = self.files.place(".", folder) or self.machine.workspace / "dist"
        place.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copyfile(built, place / built.name))
