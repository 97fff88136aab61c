"""Tasks typed in the sandbox's clone, as a person would."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

from release.call.context import Context
from release.errors import Failed

if TYPE_CHECKING:
    from release.call.context import Context
    from release.sandbox.home import Sandbox


def type_task(context: Context, sandbox: Sandbox, *arguments: str, code: int = 0) -> None:
    """Show the command and run it, agreed to, its output going where this one's goes.

    Raises Failed for another exit code.
    """
    context.report.line()
    context.report.line(f"$ inv {shlex.join(arguments)}")
    command = [sys.executable, "-m", "invoke", *arguments]
    environment = {**os.environ, **sandbox.environment(), "INVOKE_RELEASE_YES": "1"}
    ended = subprocess.run(command, cwd=sandbox.work, env=environment, check=False).returncode
    if ended != code:
        raise Failed(f"inv {shlex.join(arguments)} exited {ended}, not {code}")
    if code:
        context.report.line(f"(exit {code})")
