"""Worlds in which a pipeline is run again and again: made once, put back for each case, and held against one end."""

from __future__ import annotations

import copy
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from conftest import FakeClock, again, open_context
from doubles import Doubles
from faults.calls import Call, Calls
from gate import FIT, FIX, program
from outside import cloud_content, git, remote_refs, writes

from release.call.context import Context
from release.call.flags import PickRequest
from release.errors import ReleaseError
from release.sandbox import Sandbox
from release.sandbox.cloud import BUCKET
from release.sandbox.demo.component import merge_into_trunk
from release.settings import Release, Settings
from release.tasks import image, pipelines

NOON = 1_795_348_800.0  # 2026-11-22 12:00 UTC
PICKED = PickRequest(pr=("15", "14"))
KEPT = ("lock", "bare", "folder", "runner", "tokens")  # fields of the hub that a case does not change


@dataclass(frozen=True)
class Pipeline:
    """What is released: the words that are typed, and the same call in this process."""

    name: str
    words: tuple[str, ...]
    run: Callable[[Context], Any]
    prepare: Callable[[Sandbox], object] = lambda _: None
    own: str = ""  # the branch that is checked out, which the call moves on


def _fit(sandbox: Sandbox) -> None:
    """Have a component on the trunk that may be released alone."""
    merge_into_trunk(sandbox, "fix: take what is released", FIT)
    merge_into_trunk(sandbox, "fix: be polite", FIX)


_ALL = (
    Pipeline("minor", ("release.minor",), pipelines.minor),
    Pipeline(
        "patch",
        ("release.patch", "--line", "0.6", "--pr", "15", "--pr", "14"),
        partial(pipelines.patch, line="0.6", wanted=PICKED),
    ),
    Pipeline("component", ("release.component", "--name", "sdk"), partial(pipelines.component, name="sdk"), _fit),
    Pipeline("image", ("image.release", "--version", "0.7.0"), partial(image.release, version="0.7.0")),
)
PIPELINES = {each.name: each for each in _ALL}


@dataclass
class World:
    """A sandbox whose workflows are doubles, the calls that reach it, and what it is put back to."""

    sandbox: Sandbox
    calls: Calls
    pipeline: Pipeline
    context: Context
    variables: dict[str, str]
    temporary: Path
    _saved: Path
    _hub: dict[str, Any]
    _cloud: set[str]
    undisturbed: dict[str, Any] = field(default_factory=dict)
    recorded: list[Call] = field(default_factory=list)
    refs: dict[str, str] = field(default_factory=dict)  # of the remote, before

    def restore(self) -> None:
        """Put the remote, the clone, the server's memory, the bucket and the registry back."""
        self.sandbox.bare.objects.close()  # it reads the repository that was there
        for place in (self.sandbox.bare.path, self.sandbox.work):
            shutil.rmtree(place)
            shutil.copytree(self._saved / place.name, place, symlinks=True)
        git(self.sandbox.work, "update-index", "-q", "--refresh")
        vars(self.sandbox.github.hub).update(_copy(self.sandbox, self._hub))
        self.sandbox.github.front.clear()
        shutil.rmtree(self.temporary)
        self.temporary.mkdir()
        assert self.sandbox.cloud
        _delete(self.sandbox, set(cloud_content(self.sandbox)) - self._cloud)
        self.sandbox.cloud.front.clear()
        self.calls.clear()
        self.calls.tags.clear()

    def run(self, **changes: Any) -> ReleaseError | None:
        """Make the call as the next `inv` does, its time made up; return how it ended. A bug crashes through."""
        try:
            self.pipeline.run(again(self.context, clock=FakeClock(NOON), **changes))
        except ReleaseError as error:
            return error
        return None


def renew_clone(world: World) -> None:
    """Put a clone of what is out there now in the place of the old one, on a machine where nothing else is."""
    work, bare = world.sandbox.work, world.sandbox.bare.path
    shutil.rmtree(work)
    shutil.copytree(world._saved / work.name, work, symlinks=True)
    everything = ("+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
    git(work, "fetch", "--quiet", "--no-write-fetch-head", str(bare), *everything)
    git(work, "reset", "--quiet", "--hard", "refs/remotes/origin/main")
    shutil.rmtree(world.temporary)
    world.temporary.mkdir()


@contextmanager
def opened(pipeline: Pipeline) -> Iterator[World]:
    """Make the world of a pipeline, and run it once undisturbed: `recorded` are its calls, `undisturbed` its end."""
    with Sandbox() as sandbox, pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        temporary, saved = Path(folder) / "tmp", Path(folder) / "saved"
        temporary.mkdir()
        patch.setenv("TMPDIR", str(temporary))
        patch.setattr(tempfile, "tempdir", str(temporary))
        oasdiff = program(Path(folder))
        pipeline.prepare(sandbox)
        Doubles(sandbox)
        calls = Calls(sandbox)
        settings = Settings(release=Release(poll=2.0, oasdiff=oasdiff))
        context = open_context(sandbox, patch, settings=settings, clock=FakeClock(NOON))
        variables = {**sandbox.environment(), "INVOKE_RELEASE_OASDIFF": oasdiff, "TMPDIR": str(temporary)}
        variables["INVOKE_SDK_SMOKE"] = "0"  # the stand-ins' wheels are none to install
        for place in (sandbox.bare.path, sandbox.work):
            shutil.copytree(place, saved / place.name, symlinks=True)
        hub = _copy(sandbox, {key: value for key, value in vars(sandbox.github.hub).items() if key not in KEPT})
        world = World(sandbox, calls, pipeline, context, variables, temporary, saved, hub, set(cloud_content(sandbox)))
        world.refs = remote_refs(sandbox)
        calls.clear()
        ended = world.run()
        assert ended is None, ended
        jobs = "PUT" if sandbox.github.hub.runs else ""  # what a run uploads is no call of the tool's
        world.recorded = [call for call in calls.seen if (call.door, call.method) != ("cloud", jobs)]
        world.undisturbed = end_state(world)
        yield world


def _copy(sandbox: Sandbox, values: dict[str, Any]) -> dict[str, Any]:
    """Copy what the hub remembers; the sandbox and its hub themselves stay the ones that they are."""
    runner = sandbox.github.hub.runner
    hub = sandbox.github.hub
    shared = (sandbox, hub, hub.bare, hub.lock, hub.gates, sandbox.bare, getattr(runner, "__self__", runner))
    return copy.deepcopy(values, {id(each): each for each in shared})


def _delete(sandbox: Sandbox, names: set[str]) -> None:
    assert sandbox.cloud
    s3, ecr = sandbox.cloud.client("s3"), sandbox.cloud.client("ecr")
    for name in names:
        place, _, rest = name.partition(":")
        if place == "s3":
            s3.delete_object(Bucket=BUCKET, Key=rest)
        else:
            ecr.batch_delete_image(repositoryName=place, imageIds=[{"imageTag": rest}])


# --- what is out there, and what may not be ---


def end_state(world: World) -> dict[str, Any]:
    """All that is out there, ids, times and shas aside: equal for two runs that came to the same."""
    sandbox, hub = world.sandbox, world.sandbox.github.hub
    return {
        "refs": {name: _history(sandbox, name) for name in remote_refs(sandbox)},
        "runs": Counter(run_key(run)[:-1] for run in hub.runs.values()),
        "pulls": [(pull.title, pull.state, pull.base, pull.head) for pull in hub.pulls.values()],
        "releases": [(each.tag, each.draft, sorted(_names(each))) for each in hub.releases.values()],
        "cloud": sorted(cloud_content(sandbox)),
    }


def _names(release: Any) -> list[str]:
    return [asset.name for asset in release.assets]


def _history(sandbox: Sandbox, name: str) -> list[str]:
    """The trees and titles that lead to a ref."""
    return sandbox.bare.git("log", "--max-count=6", "--format=%T %s", name).splitlines()


def run_key(run: Any) -> tuple[str, ...]:
    """What a run is one of at most (F1)."""
    start = run.start
    return start.path, start.event, start.ref, str(sorted(start.inputs.items())), start.sha


def user_state(world: World) -> dict[str, Any]:
    """All in the clone that is the user's: files, HEAD, index, branches, stash, hooks and configuration."""
    work = world.sandbox.work
    ours = ("refs/heads", "refs/stash", "refs/notes")
    return {
        "files": {
            str(path): path.read_bytes() for path in work.rglob("*") if path.is_file() and ".git" not in path.parts
        },
        "head": git(work, "rev-parse", "HEAD", "--symbolic-full-name", "HEAD"),
        "index": git(work, "ls-files", "--stage"),
        "refs": git(work, "for-each-ref", *ours),
        "config": (work / git(work, "rev-parse", "--git-path", "config")).read_bytes(),
    }


def check_end(world: World, before: dict[str, Any]) -> None:
    """Hold the end against an undisturbed run's, and that nothing was done twice, lost or left; then a third run."""
    assert end_state(world) == world.undisturbed
    check_sound(world)
    if world.pipeline.own:
        work, pushed = world.sandbox.work, world.sandbox.bare.sha(world.pipeline.own)
        assert [git(work, "rev-parse", "HEAD"), git(work, "status", "--porcelain")] == [pushed, ""]
    else:
        assert user_state(world) == before
    check_nothing_left(world)
    asked = writes(world.sandbox)
    assert world.run() is None
    assert writes(world.sandbox) == asked, "a run after the end writes nothing"


def check_sound(world: World) -> None:
    """What holds at every moment: one dispatch a run key, no tag that ever had two commits."""
    runs = [run for run in world.sandbox.github.hub.runs.values() if run.start.event == "workflow_dispatch"]
    assert not [key for key, count in Counter(map(run_key, runs)).items() if count > 1], "dispatched twice (F1)"
    assert not {name: shas for name, shas in world.calls.tags.items() if len(shas) > 1}, "a tag moved (F12)"


def check_nothing_left(world: World) -> None:
    """No lease, ref, worktree, branch or temporary folder of the tool's own is there (F33)."""
    work = world.sandbox.work
    left = [name for name in world.sandbox.bare.refs() if name.startswith("refs/release/")]
    left += git(work, "for-each-ref", "--format=%(refname)", "refs/release").split()
    left += [str(path) for path in (work / ".git").glob("release-*")]
    trees = [each.splitlines()[0] for each in git(work, "worktree", "list", "--porcelain").split("\n\n")]
    left += [path for path in trees[1:] if path.rpartition("/")[2].startswith("release-")]
    left += [str(path) for path in world.temporary.iterdir() if not path.name.startswith("pymp-")]
    assert left == []
