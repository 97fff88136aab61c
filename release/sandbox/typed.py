"""Tasks typed in the sandbox's clone, as a person would."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

from release.errors import Failed

if TYPE_CHECKING:
    from release.sandbox.home import Sandbox
    from release.world import World


def type_task(world: World, sandbox: Sandbox, *arguments: str, code: int = 0) -> None:
    """Show the command and run it, agreed to, its output going where this one's goes.

    Raises Failed for another exit code.
    """
    world.report.line()
    world.report.line(f"$ inv {shlex.join(arguments)}")
    command = [sys.executable, "-m", "invoke", *arguments]
    environment = {**os.environ, **sandbox.environment(), "INVOKE_RELEASE_YES": "1"}
    ended = subprocess.run(command, cwd=sandbox.work, env=environment, check=False).returncode
    if ended != code:
        raise Failed(f"inv {shlex.join(arguments)} exited {ended}, not {code}")
    if code:
        world.report.line(f"(exit {code})")
