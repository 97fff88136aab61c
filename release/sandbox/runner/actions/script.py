"""actions/github-script: the script runs in Node, and its calls go to the sandbox's GitHub."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from release.sandbox.runner.machine import ActionFailed, Inputs, Machine, Outputs

_PROGRAM = Path(__file__).with_name("script.mjs")


def github_script(machine: Machine, inputs: Inputs, env: Mapping[str, str]) -> Outputs:
    """Run the script with `github`, `context` and `core`."""
    if not shutil.which("node", path=env["PATH"]):
        raise ActionFailed("actions/github-script needs Node, and this machine has none")
    folder = machine.inside(machine.temp / f"script-{next(machine.numbers)}")
    folder.mkdir()
    told = {
        "script": inputs.get("script", ""),
        "encoding": inputs.get("result-encoding", "json"),
        "event": machine.contexts["github"]["event"],
        "inputs": inputs,
    }
    (folder / "told.json").write_text(json.dumps(told), encoding="utf-8")
    token = inputs.get("github-token") or machine.contexts["github"].get("token", "")
    # Its own copy: the step may not see where this package is.
    shutil.copy(_PROGRAM, folder / "script.mjs")
    command = ["node", str(folder / "script.mjs"), str(folder / "told.json")]
    machine.run_program(command, {**env, "SCRIPT_TOKEN": str(token)})
    return {}
