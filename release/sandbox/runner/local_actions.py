"""Actions that are in the repository: what their files say, and those in JavaScript."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from release.sandbox.runner.command_files import command_file_pairs
from release.sandbox.runner.machine import ActionFailed, Machine
from release.sandbox.runner.workflow import deep_text
from release.workflows import InvalidYaml, document, expressions


@dataclass(frozen=True)
class LocalAction:
    """An action's folder, what its file says, and the inputs with their defaults."""

    folder: Path
    spec: Mapping[str, Any]
    inputs: dict[str, str]

    @property
    def runs(self) -> Mapping[str, Any]:
        """How it is run."""
        found: Mapping[str, Any] = self.spec["runs"]
        return found


def local_action(machine: Machine, uses: str, given: Mapping[str, str]) -> LocalAction:
    """Read an action that is checked out in the workspace.

    Raises `ActionFailed` where there is none, `Unsupported` for one in a container.
    """
    folder = machine.inside(machine.workspace / uses)
    file = next((folder / name for name in ("action.yml", "action.yaml") if (folder / name).is_file()), None)
    if file is None:
        raise ActionFailed(f"Can't find 'action.yml' or 'action.yaml' under '{uses}': is it checked out?")
    try:
        spec = document(machine.inside(file).read_bytes())
    except InvalidYaml as error:
        raise ActionFailed(f"{uses}: {error}") from error
    using = str(((spec if isinstance(spec, Mapping) else {}).get("runs") or {}).get("using", ""))
    if using != "composite" and not using.startswith("node"):
        raise expressions.Unsupported(f"the sandbox does not support an action run by {using or 'nothing'}: {uses}")
    declared = spec.get("inputs") or {}
    defaults = {name: (each or {}).get("default") for name, each in declared.items()}
    known = deep_text({name: value for name, value in defaults.items() if value is not None}, machine.context())
    return LocalAction(folder.resolve(), spec, {**dict.fromkeys(declared, ""), **known, **given})


def run_javascript(machine: Machine, action: LocalAction, env: Mapping[str, str]) -> dict[str, str]:
    """Run what goes before, then the action; what comes after waits for the job's end."""
    if not shutil.which("node", path=env["PATH"]):
        raise ActionFailed("an action in JavaScript needs Node, and this machine has none")
    own = {f"INPUT_{name.upper().replace(' ', '_')}": value for name, value in action.inputs.items()}
    seen = {**env, **own, "GITHUB_ACTION_PATH": str(action.folder)}
    for part in ("pre", "main"):
        if file := action.runs.get(part):
            machine.run_program(["node", str(action.folder / file)], seen)
    if file := action.runs.get("post"):
        state = command_file_pairs(Path(seen["GITHUB_STATE"]).parent, "GITHUB_STATE")
        own_state = {f"STATE_{name}": value for name, value in state.items()}
        machine.posts.append(lambda: machine.run_program(["node", str(action.folder / file)], {**seen, **own_state}))
    return {}
