"""What is measured: tasks as they are typed, and the same work as a careful person types it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from bench.race import Contestant, raw
from bench.remote import Place

CONFIG = "sdk/leptonai/config.py"
LOOK = "git ls-remote origin"


@dataclass(frozen=True)
class Work:
    """A task as it is typed; a person's look before, the work and its proof; the branches that are there before.

    A branch with files, if only none, is checked out.
    """

    name: str
    typed: Sequence[str]
    steps: Sequence[str] = ()
    proof: Sequence[str] = ()
    branches: Mapping[str, Mapping[str, str] | None] = field(default_factory=dict)

    @contextmanager
    def begun(self, place: Place) -> Iterator[None]:
        """Make what it begins with, for the block."""
        with ExitStack() as stack:
            for name, files in self.branches.items():
                stack.enter_context(place.branch(name, files))
            yield

    def people(self) -> list[Contestant]:
        """Make the raw contestants: who looks before and after, and who looks once."""
        whole = raw("raw", LOOK, *self.steps, *self.proof)
        return [whole, raw("one look", *self.steps, *self.proof)] if self.steps else [whole]


def line_branch(version: str) -> str:
    """Name the release branch of the version's line."""
    return f"release-{version.rpartition('.')[0]}-20261101"


def tag(version: str = "0.7.0") -> Work:
    """Tag the head of a release branch."""
    branch = line_branch(version)
    make = (f"git tag -a -m 'Release {version}' {version} origin/{branch}", f"git push -q origin refs/tags/{version}")
    proof = (f"git ls-remote --exit-code origin refs/tags/{version}",)
    return Work("release.tag", ("release.tag", "--version", version, "--yes"), make, proof, {branch: None})


def branch(version: str = "0.7.0") -> Work:
    """Cut a release branch at the trunk's head."""
    name = line_branch(version)
    make = (f"git push -q origin origin/main:refs/heads/{name}",)
    proof = (f"git ls-remote --exit-code origin refs/heads/{name}",)
    return Work("release.branch", ("release.branch", "--version", version, "--yes"), make, proof)


def bump(version: str = "0.7.0") -> Work:
    """Have a branch name another image."""
    name = f"image-{version}"
    make = (*edit(version), f"git commit -q -m 'Use image {version}' -- {CONFIG}", "git push -q origin HEAD")
    proof = (f"git ls-remote --exit-code origin refs/heads/{name}",)
    return Work("image.bump", ("image.bump", "--version", version, "--yes"), make, proof, {name: {}})


def edit(version: str) -> tuple[str, ...]:
    """Set the version in the file."""
    said = f's/^BASE_IMAGE_VERSION = .*/BASE_IMAGE_VERSION = "{version}"/'
    return f"sed '{said}' {CONFIG} >{CONFIG}.new", f"mv {CONFIG}.new {CONFIG}"


def next_(line: str = "0.6") -> Work:
    """Ask for a line's next version."""
    return Work("release.next --line", ("release.next", "--line", line))


def status() -> Work:
    """Ask what is out, of every line."""
    return Work("release.status", ("release.status",))


def check(version: str) -> Work:
    """Ask whether a version is allowed."""
    return Work("release.check", ("release.check", "--version", version))


def dry(one: Work) -> Work:
    """Make the task's dry run, beside which nobody pushes."""
    return Work(f"--dry {one.name}", ("--dry", *one.typed), branches=one.branches)
