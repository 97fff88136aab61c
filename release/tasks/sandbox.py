"""The embedded default, beyond which nothing is reached: sandbox.demo, serve, shell, rehearse."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from release import artifacts, git, sandbox
from release.call.task import task
from release.errors import Failed, Usage

if TYPE_CHECKING:
    from release.call.context import Context
    from release.sandbox import Sandbox

EVIDENCE = {"tag": 1, "head": 1, "wheel": 1, "image": 8, "pull request": 1, "GitHub Release": 1}


@task()
def demo(context: Context, patch: bool = False, component: bool = False) -> None:
    """Release a small monorepo on this machine alone.

    A minor release, twice; raises Failed unless everything is out afterwards. With --component also the SDK alone,
    released and refused; with --patch also a patch with a conflict that is resolved and continued.

    Example: inv sandbox.demo --component --patch
    """
    started = time.monotonic()
    with _sandbox() as world:
        context.report.line(f"A remote, a GitHub, an S3 and an ECR on this machine alone, and a clone in {world.work}")
        sandbox.type_task(context, world, "release.next")
        sandbox.type_task(context, world, "--dry", "release.minor")
        sandbox.type_task(context, world, "release.minor")
        context.report.line()
        context.report.line("The same again: everything is there already.")
        sandbox.type_task(context, world, "release.minor")
        _show_evidence(context, world, "0.7.0")
        if component:
            sandbox.demo_component(context, world)
        if patch:
            sandbox.demo_patch(context, world)
    if not (patch or component):
        context.report.line("The SDK alone, and a patch with a conflict: inv sandbox.demo --component --patch")
    context.report.line(f"Done in {time.monotonic() - started:.0f} s; nothing is left running.")


@task()
def serve(context: Context, here: bool = False) -> None:
    """Keep the demo's world up for another terminal.

    With --here it is that of this very repository, copied, by its own settings.

    Example: inv sandbox.serve --here
    """
    try:
        with _copy(context) if here else _sandbox() as world:
            context.report.line("In another terminal:")
            context.report.line(f"  source {world.write_environment()}")
            context.report.line("Then, for one: inv release.minor.  Ctrl-C here ends it all.")
            while True:
                time.sleep(3600)
    except KeyboardInterrupt:
        context.report.line("Ended.")


@task()
def shell(context: Context) -> None:
    """Open a shell in a world of its own; it ends with it.

    Example: inv sandbox.shell
    """
    with _sandbox() as world:
        context.report.line("A clone of the sample, its remote, a GitHub, an S3 and an ECR. exit ends it all.")
        environment = {**os.environ, **world.environment()}
        subprocess.run([os.environ.get("SHELL", "/bin/sh")], cwd=world.work, env=environment, check=False)


@task()
def rehearse(context: Context, task: str = "release.minor") -> None:
    """Try a release of this very repository in a sandbox.

    Its branches and tags are copied as this clone last saw them, with the task file and the settings that are here,
    its workflows' steps run on this machine, and nothing leaves it. What writes is typed twice: the second time
    changes nothing. Raises Failed when the repository cannot be copied, or the rehearsed task does not exit 0.

    Example: inv sandbox.rehearse --task "release.minor --version 0.7.0"
    """
    with _copy(context) as world:
        root = git.repository.repository(context).root
        context.report.line(f"A copy of {root.name} with a GitHub, an S3 and an ECR on this machine alone")
        sandbox.type_task(context, world, *shlex.split(task))
        if world.github.writes():
            context.report.line()
            sandbox.type_task(context, world, *shlex.split(task))


def _show_evidence(context: Context, world: Sandbox, version: str) -> None:
    """Print what is out there of the version; raise Failed naming what is missing."""
    found = sandbox.release_evidence(world, version)
    context.report.line()
    context.report.line("What is out there now, asked of Git, GitHub, S3 and ECR themselves:")
    context.report.rows(("what", "where", "proof"), found)
    out = Counter(kind for kind, _, _ in found)
    missing = [f"{number - out[kind]} of {number} {kind}" for kind, number in EVIDENCE.items() if out[kind] < number]
    if missing:
        raise Failed(f"not out of {version}: {', '.join(missing)}")


@contextmanager
def _copy(context: Context) -> Iterator[Sandbox]:
    """Make the world of this very repository, as its settings are; its wheel can be built there."""
    root, settings = git.repository.repository(context).root, context.settings
    artifacts.build.check_build_requirements(root / settings.sdk.path)
    trunk = git.snapshot.trunk(context)
    with _sandbox(source=root, remote=settings.release.remote, trunk=trunk, settings=settings) as world:
        yield world


@contextmanager
def _sandbox(**history: Any) -> Iterator[Sandbox]:
    """Make the world, and end it whatever ends this process: a closed terminal and a polite kill too."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        with sandbox.Sandbox(history=sandbox.History(**history) if history else None) as world:
            yield world
    except ImportError as error:
        raise Usage(f"the sandbox needs {error.name}", "pip install 'release-tasks[sandbox]'") from error
    except sandbox.GitError as error:
        words = str(error).strip().splitlines()[-1:] or ["Git says no"]
        raise Failed(f"this repository cannot be copied: {words[0]}", "git fsck tells more.") from error
