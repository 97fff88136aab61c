"""The embedded default: a whole release on this machine, beyond which nothing is reached."""

from __future__ import annotations

import shlex
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from release.call.context import Context
from release.call.task import task
from release.errors import Usage
from release.git.repository import repository
from release.git.snapshot import trunk
from release.sandbox.outside import outside
from release.sandbox.typed import type_task

if TYPE_CHECKING:
    from release.call.context import Context
    from release.sandbox.home import Sandbox


@task()
def demo(context: Context, patch: bool = False, component: bool = False) -> None:
    """Release a small monorepo on this machine alone.

    A minor release, twice. With --component also the SDK alone, released and refused; with --patch also a patch
    with a conflict that is resolved and continued.

    Example: inv sandbox.demo --component --patch
    """
    from release.sandbox.demo_component import demo_component
    from release.sandbox.demo_patch import demo_patch

    started = time.monotonic()
    with _sandbox() as sandbox:
        context.report.line(
            f"A remote, a GitHub, an S3 and an ECR on this machine alone, and a clone in {sandbox.work}"
        )
        type_task(context, sandbox, "release.next")
        type_task(context, sandbox, "--dry", "release.minor")
        type_task(context, sandbox, "release.minor")
        context.report.line()
        context.report.line("The same again: everything is there already.")
        type_task(context, sandbox, "release.minor")
        context.report.line()
        context.report.line("What is out there now, asked of Git, GitHub, S3 and ECR themselves:")
        context.report.rows(("what", "where", "proof"), outside(sandbox, "0.7.0"))
        if component:
            demo_component(context, sandbox)
        if patch:
            demo_patch(context, sandbox)
    if not (patch or component):
        context.report.line("The SDK alone, and a patch with a conflict: inv sandbox.demo --component --patch")
    context.report.line(f"Done in {time.monotonic() - started:.0f} s; nothing is left running.")


@task()
def serve(context: Context) -> None:
    """Keep the demo's world up for another terminal.

    Example: inv sandbox.serve
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with _sandbox() as sandbox:
            _show_exports(context, sandbox)
            while True:
                time.sleep(3600)
    except KeyboardInterrupt:
        context.report.line("Ended.")


def _show_exports(context: Context, sandbox: Sandbox) -> None:
    context.report.line("In another terminal:")
    context.report.line(f"  cd {sandbox.work}")
    for name, value in sandbox.environment().items():
        shown = f'"{Path(sys.executable).parent}:$PATH"' if name == "PATH" else f"'{value}'"
        context.report.line(f"  export {name}={shown}")
    context.report.line("Then, for one: inv release.minor.  Ctrl-C here ends it all.")


@task()
def rehearse(context: Context, task: str = "release.minor") -> None:
    """Try a release of this very repository in a sandbox.

    Its branches and tags are copied as this clone last saw them, its workflows' steps run on this machine,
    and nothing leaves it. Raises Failed when the rehearsed task does not exit 0.

    Example: inv sandbox.rehearse --task "release.minor --version 0.7.0"
    """
    history = {"source": repository(context).root, "remote": context.settings.release.remote, "trunk": trunk(context)}
    with _sandbox(**history) as sandbox:
        context.report.line(
            f"A copy of {repository(context).root.name} with a GitHub, an S3 and an ECR on this machine alone"
        )
        type_task(context, sandbox, *shlex.split(task))
        context.report.line()
        type_task(context, sandbox, *shlex.split(task))


def _sandbox(**history: Any) -> Sandbox:
    try:
        from release.sandbox.home import Sandbox
        from release.sandbox.repositories import History
    except ImportError as error:
        raise Usage(f"the sandbox needs {error.name}", "pip install 'release-tasks[sandbox]'") from error
    return Sandbox(history=History(**history) if history else None)
