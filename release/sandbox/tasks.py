"""The embedded default: a whole release on this machine, beyond which nothing is reached."""

from __future__ import annotations

import shlex
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from release.errors import Usage
from release.sandbox.outside import outside
from release.sandbox.typed import type_task

if TYPE_CHECKING:
    from release.sandbox.home import Sandbox
    from release.world import World


def demo(world: World, patch: bool = False, component: bool = False) -> None:
    """Release a small monorepo on this machine alone.

    A minor release, twice. With --component also the SDK alone, released and refused; with --patch also a patch
    with a conflict that is resolved and continued.

    Example: inv sandbox.demo --component --patch
    """
    from release.sandbox.demo_component import demo_component
    from release.sandbox.demo_patch import demo_patch

    started = time.monotonic()
    with _sandbox() as sandbox:
        world.report.line(f"A remote, a GitHub, an S3 and an ECR on this machine alone, and a clone in {sandbox.work}")
        type_task(world, sandbox, "release.next")
        type_task(world, sandbox, "--dry", "release.minor")
        type_task(world, sandbox, "release.minor")
        world.report.line()
        world.report.line("The same again: everything is there already.")
        type_task(world, sandbox, "release.minor")
        world.report.line()
        world.report.line("What is out there now, asked of Git, GitHub, S3 and ECR themselves:")
        world.report.rows(("what", "where", "proof"), outside(sandbox, "0.7.0"))
        if component:
            demo_component(world, sandbox)
        if patch:
            demo_patch(world, sandbox)
    if not (patch or component):
        world.report.line("The SDK alone, and a patch with a conflict: inv sandbox.demo --component --patch")
    world.report.line(f"Done in {time.monotonic() - started:.0f} s; nothing is left running.")


def serve(world: World) -> None:
    """Keep the demo's world up for another terminal.

    Example: inv sandbox.serve
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with _sandbox() as sandbox:
            _show_exports(world, sandbox)
            while True:
                time.sleep(3600)
    except KeyboardInterrupt:
        world.report.line("Ended.")


def _show_exports(world: World, sandbox: Sandbox) -> None:
    world.report.line("In another terminal:")
    world.report.line(f"  cd {sandbox.work}")
    for name, value in sandbox.environment().items():
        shown = f'"{Path(sys.executable).parent}:$PATH"' if name == "PATH" else f"'{value}'"
        world.report.line(f"  export {name}={shown}")
    world.report.line("Then, for one: inv release.minor.  Ctrl-C here ends it all.")


def rehearse(world: World, task: str = "release.minor") -> None:
    """Try a release of this very repository in a sandbox.

    Its branches and tags are copied as this clone last saw them, its workflows' steps run on this machine,
    and nothing leaves it. Raises Failed when the rehearsed task does not exit 0.

    Example: inv sandbox.rehearse --task "release.minor --version 0.7.0"
    """
    history = {"source": world.repo.root, "remote": world.settings.release.remote, "trunk": world.trunk}
    with _sandbox(**history) as sandbox:
        world.report.line(f"A copy of {world.repo.root.name} with a GitHub, an S3 and an ECR on this machine alone")
        type_task(world, sandbox, *shlex.split(task))
        world.report.line()
        type_task(world, sandbox, *shlex.split(task))


def _sandbox(**history: Any) -> Sandbox:
    try:
        from release.sandbox.home import Sandbox
        from release.sandbox.repositories import History
    except ImportError as error:
        raise Usage(f"the sandbox needs {error.name}", "pip install 'release-tasks[sandbox]'") from error
    return Sandbox(history=History(**history) if history else None)
