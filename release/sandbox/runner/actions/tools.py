"""actions/setup-node, -go and -java: what this machine has, and no other version of it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping

from release.sandbox.runner.machine import ActionFailed, Inputs, Machine, Outputs

Action = Callable[[Machine, Inputs, Mapping[str, str]], Outputs]


def setup_tool(program: str, *asks: str) -> Action:
    """Make the action that offers a program of this machine; `asks` has it tell its version."""

    def setup(machine: Machine, inputs: Inputs, env: Mapping[str, str]) -> Outputs:
        """Find the program, and say which version stands in for the one asked for."""
        found = shutil.which(program)  # this machine's, whatever an earlier step put on the job's path
        if not found:
            raise ActionFailed(f"{program} is not on this machine: a rehearsal uses what is there")
        asked = {"PATH": os.pathsep.join(os.get_exec_path())}
        said = subprocess.run([found, *asks], env=asked, capture_output=True, text=True, check=False, timeout=60)
        version = re.search(r"\d+(\.\d+)*", said.stdout + said.stderr)
        machine.log.write(f"{program} {version[0] if version else ''} of this machine is used: {found}")
        return {f"{program}-version": version[0] if version else "", "cache-hit": "false"}

    return setup
