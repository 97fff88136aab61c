"""A sandbox to measure in: every command begins in the same state, and can be counted."""

from __future__ import annotations

import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from bench.big import grow
from bench.counting import CountingGit
from bench.race import Bench, Contestant, Counts
from bench.remote import GitOnly, Place, copy_place
from bench.runner import Took

from release.git.remotes import git_header
from release.sandbox import Sandbox
from release.sandbox.git import Bare
from release.sandbox.github.records import TOKEN
from release.sandbox.serving import Recorded

# inv keeps no bytecode unless told to; of what pip installed there is some, and so there is here after the first round.
INV = (sys.executable, "-m", "invoke", "--write-pyc")
PRIVATE = ("INVOKE_", "GITHUB_", "GH_", "AWS_", "GIT_", "PYTHON")
EMPTY = 'from invoke import task\n\n\n@task\ndef nothing(c):\n    """Do nothing."""\n'


class World:
    """A sandbox, and the clone in it that the commands run in."""

    def __init__(self, bench: Bench, sandbox: Sandbox) -> None:
        self.bench, self.sandbox = bench, sandbox
        self.counting = CountingGit(sandbox.folder / "counting")
        self.place = Place(sandbox.bare, Bare(sandbox.work))

    def serve_git_alone(self) -> None:
        """Leave the rules' hooks, and the workflows that a push starts, out of it from now on."""
        front, name = self.sandbox.github.front, f"/{self.sandbox.github.hub.full_name}"
        self.git = front.application = GitOnly(front.application, {name: self.sandbox.bare})
        shutil.rmtree(self.sandbox.bare.path / "hooks", ignore_errors=True)

    def second_place(self, name: str) -> Place:
        """Serve a copy of the repository beside it."""
        url = f"{self.sandbox.github.url}/more/{name}.git"
        place = copy_place(self.place, self.sandbox.folder / name, url)
        self.git.repositories[f"/more/{name}"] = place.remote
        return place

    @property
    def variables(self) -> dict[str, str]:
        """What a command of this world sees."""
        kept = {name: v for name, v in os.environ.items() if not name.startswith(PRIVATE) and name != "CI"}
        ours = {"INVOKE_RELEASE_POLL": "0.2", "PYTHONPYCACHEPREFIX": str(self.bench.bytecode)}
        return {**kept, **self.sandbox.environment(), **ours}

    @contextmanager
    def latency(self, seconds: float) -> Iterator[None]:
        """Have each request of the remote and of the API wait for so long before it is answered."""
        faults = self.sandbox.github.faults
        if seconds:
            faults.add("*", ".", delay=seconds, times=None)
        try:
            yield
        finally:
            faults.clear()

    def nothing(self, *arguments: str) -> Contestant:
        """Make the contestant that everything is beside: an empty task, or that one's list."""
        empty = self.sandbox.folder / "empty"
        empty.mkdir(exist_ok=True)
        (empty / "tasks.py").write_text(EMPTY, encoding="utf-8")
        return Contestant("empty", [*INV, "--search-root", str(empty), *arguments])

    def ours(self, *arguments: str, place: Place | None = None) -> list[Contestant]:
        """Make a contestant of a task for each checkout of the project that is compared."""
        command = [*INV, *arguments]
        roots = self.bench.checkouts
        names = ["ours", *(f"ours in {each.name}" for each in roots[1:])]
        whose = zip(names, roots, strict=True)
        return [Contestant(name, command, {"PYTHONPATH": str(root)}, place) for name, root in whose]

    def run(self, one: Contestant, **more: str) -> Took:
        """Run it once, and put back what it changed; raise CouldNotRunError unless it exits 0."""
        # Ours gives Git the token with the first request; so does everybody here.
        token = {} if "PYTHONPATH" in one.environment else git_header(TOKEN, self.sandbox.github.url, 0)
        variables, place = {**self.variables, **token, **one.environment, **more}, one.place or self.place
        try:
            return self.bench.runner.run(one.command, place.clone.path, variables)
        finally:
            place.restore()

    def count(self, one: Contestant) -> Counts:
        """Run it once more, with every Git process and every request counted."""
        fronts = [each.front for each in (self.sandbox.github, self.sandbox.cloud) if each]
        seen = [len(front.requests) for front in fronts]
        self.counting.take()
        self.run(one, **self.counting.environment(self.variables["PATH"]))
        started, processes = self.counting.take()
        asked = [each for front, number in zip(fronts, seen, strict=True) for each in front.requests[number:]]
        return Counts(len(started), processes, _requests(asked))


def _requests(asked: Sequence[Recorded]) -> dict[str, int]:
    """Count what Git, the API and AWS were asked, and what begins each look or fetch, and each push."""
    begun = Counter(each.query.rpartition("-")[0] for each in asked if each.path.endswith("/info/refs"))
    named = {"looks": begun["service=git-upload"], "pushes": begun["service=git-receive"]}
    return {**Counter(map(_door, asked)), **named}


def _door(request: Recorded) -> str:
    if ".git/" in request.path:
        return "git"
    return "api" if request.path.startswith("/api/") else "aws"


@contextmanager
def new_world(bench: Bench) -> Iterator[World]:
    """Open a world of the sample; what it is made of goes with it."""
    with Sandbox() as sandbox:
        yield World(bench, sandbox)


def big_place(world: World) -> Place:
    """Serve a repository of the bench's size beside the world's."""
    place = world.second_place("big")
    grow(place.remote, place.clone, world.bench.size, world.bench.loose)
    place.keep()
    return place
