"""The embedded default, beyond which nothing is reached: sandbox.demo, serve, shell, rehearse."""

from __future__ import annotations

import os
import re
import shlex
import signal
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invoke.exceptions import Exit

import release
from release import artifacts, git, sandbox
from release.call.ensure import perform
from release.call.flags import REHEARSAL, Kind, Rehearsal
from release.call.task import task
from release.errors import Failed, Usage

if TYPE_CHECKING:
    from release.call.context import Context
    from release.sandbox import BadDay, Sandbox

ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
EVIDENCE = {"tag": 1, "head": 1, "wheel": 1, "image": 8, "pull request": 1, "GitHub Release": 1}


@task()
def demo(context: Context, patch: bool = False, component: bool = False) -> None:
    """Release a small monorepo on this machine alone.

    A minor release, twice; raises Failed unless everything is out afterwards. With --component also the SDK alone,
    released and refused; with --patch also a patch with a conflict that is resolved and continued.

    Example: inv sandbox.demo --component --patch
    """
    perform(context, "release 0.7.0 of a sample in a sandbox", lambda: _demo(context, patch, component), None)


def _demo(context: Context, patch: bool, component: bool) -> None:
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
    perform(context, "keep a sandbox up", lambda: _serve(context, here), None)


def _serve(context: Context, here: bool) -> None:
    with suppress(KeyboardInterrupt), _copy(context) if here else _sandbox() as world:
        context.report.line("In another terminal:")
        context.report.line(f"  source {world.write_environment()}")
        context.report.line("Then, for one: inv release.minor.  Ctrl-C here ends it all.")
        while True:
            time.sleep(3600)
    context.report.line("Ended.")


@task()
def shell(context: Context, command: str = "") -> None:
    """Open a shell in a world of its own; it ends with it.

    Example: inv sandbox.shell --command "inv release.status"
    """
    perform(context, f"{command or 'a shell'} in a sandbox", lambda: _shell(context, command), None)


def _shell(context: Context, command: str) -> None:
    """Run it in the sandbox's clone; raise Exit with its code."""
    with _sandbox() as world:
        if command:
            code = sandbox.run_command(world, [os.environ.get("SHELL") or "/bin/sh", "-c", command])
        else:
            context.report.line("A clone of the sample, its remote, a GitHub, an S3 and an ECR. exit ends it all.")
            code = sandbox.run_shell(world)
    if code:
        raise Exit(code=code if code > 0 else 128 - code)  # as shells tell a signal


@task(reads=True)
def rehearse(context: Context, task: str = "release.minor", how: Rehearsal = REHEARSAL) -> None:
    """Try a release of this very repository in a sandbox.

    Its branches and tags are copied by reference, with the task file and the settings that are here, and met by what
    the real world has (rules, pull requests, keys, images), which is read only; --offline leaves that out. Nothing
    leaves this machine. What the workflows' steps would do is told from their text; with --execute they really run.
    --fail, --lag, --kill-after and --refuse-push have something go wrong, and the way on is shown. What writes is
    typed once more: that changes nothing. Raises Failed when the repository cannot be copied, the rehearsed task does
    not end well, or a workflow would not deliver what the release needs.

    Example: inv sandbox.rehearse --task "release.minor --version 0.7.0"
    """
    try:
        words = shlex.split(task)
    except ValueError as error:
        raise Usage(f"--task {task}: {error}", 'Such as --task "release.patch --line 0.7"') from error
    day = sandbox.bad_day(how.fail, how.lag, how.kill_after, how.refuse_push)
    root = git.repository.repository(context).root
    what = f"inv {task}, on a copy of {root.name} in a sandbox"
    perform(context, what, lambda: _rehearse(context, words, day, how), None)


def _rehearse(context: Context, words: list[str], day: BadDay, how: Rehearsal) -> None:
    with _copy(context, offline=how.offline, execute=how.execute) as world:
        context.report.line(
            f"A copy of {world.github.hub.full_name} with a GitHub, an S3 and an ECR on this machine alone"
        )
        plan = str(Path(how.plan).absolute()) if how.plan else ""
        played = sandbox.Rehearsal(context, world, words, day, _kind_of, plan)
        if not how.offline:
            played.take_over()
        played.play()


def _kind_of(word: str) -> Kind:
    """Return what the task of that name does; any other word does nothing."""
    room, _, name = word.partition(".")
    tasks: Mapping[str, Any] = getattr(release.namespace.collections.get(room), "tasks", {})
    return tasks[name].kind if name in tasks else Kind()


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
def _copy(context: Context, offline: bool = False, execute: bool = True) -> Iterator[Sandbox]:
    """Make the world of this very repository, as its settings are; its wheel can be built there."""
    root, settings = git.repository.repository(context).root, context.settings
    artifacts.build.check_build_requirements(root / settings.sdk.path)
    trunk = _trunk(context, offline)
    try:
        _, name = git.remotes.remote_repository(git.repository.repository(context).remote_url)
    except Usage:  # a remote that is a folder, say
        name = f"local/{re.sub(r'[^A-Za-z0-9._-]+', '-', root.name)}"  # as GitHub names them
    history = {"source": root, "remote": settings.release.remote, "trunk": trunk, "repository": name}
    with _sandbox(execute, **history, settings=settings) as world:
        yield world


def _trunk(context: Context, offline: bool) -> str:
    """Return the trunk's name, by the remote or, where that is not to be asked or does not answer, by this clone."""
    if not offline:
        with suppress(Failed):
            return git.snapshot.trunk(context)
    repo, head = git.repository.repository(context), f"refs/remotes/{context.settings.release.remote}/HEAD"
    if context.settings.release.trunk:
        return context.settings.release.trunk
    try:
        return repo.git("symbolic-ref", "--short", head).partition("/")[2]
    except Failed as error:
        what = "this clone does not say which branch is the trunk"
        raise Usage(what, f"git remote set-head {repo.remote} --auto, or set release.trunk in invoke.yaml.") from error


@contextmanager
def _sandbox(execute: bool = True, **history: Any) -> Iterator[Sandbox]:
    """Make the world, and end it whatever ends this process: a closed terminal and a polite kill too."""
    kept = {number: signal.getsignal(number) for number in ENDS}
    with ExitStack() as stack:
        for number, handler in kept.items():
            stack.callback(signal.signal, number, handler)
            if handler != signal.SIG_IGN:  # as nohup wants it
                signal.signal(number, signal.default_int_handler)
        world = stack.enter_context(_world(history, execute))
        for number in ENDS:  # a second one would leave half of it
            stack.callback(signal.signal, number, signal.SIG_IGN)
        yield world


def _world(history: Mapping[str, Any], execute: bool) -> Sandbox:
    try:
        return sandbox.Sandbox(history=sandbox.History(**history) if history else None, execute=execute)
    except ImportError as error:
        raise Usage(f"the sandbox needs {error.name}", "pip install 'release-tasks[sandbox]'") from error
    except (sandbox.GitError, OSError) as error:
        said = str(error).strip().splitlines() or ["Git says no"]
        words = next((line for line in said if "fatal:" in line), said[-1])
        what, _, command = words.strip().partition("; ")
        hint = command or "Is there room? Is the clone whole? git fsck tells more."
        raise Failed(f"the sandbox cannot be made: {what}", hint) from error
