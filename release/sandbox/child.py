"""What a person types in the sandbox's clone: a command, or a shell of one's own; it ends with this process."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from release.call.programs import child_environment

if TYPE_CHECKING:
    from release.sandbox.world import Sandbox

GRACE = 5.0  # seconds to end well when told to
PROMPT = "(sandbox) $ "
BEGINNINGS = (".bashrc", ".zshrc")  # read last, after what the machine says of prompts
_GONE = (ProcessLookupError, PermissionError)  # the second for one that ended and nobody waited for, on macOS
ELSEWHERE = ("ENV", "ZDOTDIR")  # with these a shell would begin as the user's


def run_command(
    sandbox: Sandbox, command: Sequence[str], begun: Callable[[int], object] = lambda _: None, **variables: str
) -> int:
    """Run a command in the clone, in a session of its own, and return its exit code; `begun` is told its number."""
    environment = child_environment({**sandbox.environment(), **variables})
    child = subprocess.Popen(command, cwd=sandbox.work, env=environment, start_new_session=True)
    begun(child.pid)
    return _wait(child, lambda number: os.killpg(child.pid, number), signal.SIGINT)


def run_shell(sandbox: Sandbox) -> int:
    """Open the user's shell in the clone, on this terminal, and return its exit code."""
    for name in BEGINNINGS:
        (sandbox.home / name).write_text(f"PS1='{PROMPT}'\n", encoding="utf-8")
    environment = child_environment({**sandbox.environment(), "PS1": PROMPT})
    environment = {name: value for name, value in environment.items() if name not in ELSEWHERE}
    child = subprocess.Popen([os.environ.get("SHELL") or "/bin/sh"], cwd=sandbox.work, env=environment)
    return _wait(child, child.send_signal, signal.SIGHUP)  # what shells pass on, and end at; Ctrl-C is theirs


def _wait(child: subprocess.Popen[bytes], tell: Callable[[int], None], end: signal.Signals) -> int:
    """Return the child's exit code; whatever interrupts the wait ends the child too."""
    try:
        return child.wait()
    except BaseException:
        with suppress(*_GONE, subprocess.TimeoutExpired):
            tell(end)
            child.wait(GRACE)
        with suppress(*_GONE):
            tell(signal.SIGKILL)
        child.wait()
        raise
