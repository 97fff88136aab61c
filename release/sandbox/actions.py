"""The actions that workflows here use, done natively whatever version they are pinned to."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path

from release.sandbox import artifacts, pythons
from release.sandbox.checkout import checkout
from release.sandbox.machine import ActionFailed, Inputs, Machine, Outputs
from release.workflows import expressions

Action = Callable[[Machine, Inputs, Mapping[str, str]], Outputs]


def run_action(machine: Machine, uses: str, inputs: Inputs, env: Mapping[str, str]) -> Outputs:
    """Do what an action does and return its outputs.

    Raises `Unsupported` for an action, or an input of one, that is not known here; `ActionFailed` when it fails.
    """
    name = uses.partition("@")[0].lower()
    if name not in _ACTIONS:
        raise expressions.Unsupported(f"the sandbox does not support the action {uses}")
    action, known = _ACTIONS[name]
    if unknown := sorted(set(inputs) - set(known.split())):
        raise expressions.Unsupported(f"the sandbox does not support these inputs of {name}: {', '.join(unknown)}")
    return action(machine, inputs, env)


def _setup_python(machine: Machine, inputs: Inputs, env: Mapping[str, str]) -> Outputs:
    version = inputs.get("python-version", pythons.running())
    found = pythons.interpreter(version)
    if not found:
        raise ActionFailed(f"Python {version} is not on this machine: neither on PATH, nor from pyenv or uv")
    folder = machine.tools / "Python" / version / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    # Scripts, not links: an interpreter of a virtual environment finds it by its own path.
    for name in ("python", "python3", "python" + ".".join(version.split(".")[:2])):
        _script(folder / name, [found])
    for name in ("pip", "pip3"):
        _script(folder / name, [found, "-m", "pip"])
    machine.paths.insert(0, str(folder))
    machine.variables |= {"pythonLocation": str(folder.parent), "Python_ROOT_DIR": str(folder.parent)}
    machine.log.write(f"Successfully set up CPython ({version}): {found}")
    return {"python-version": version, "python-path": found, "cache-hit": "false"}


def _script(path: Path, command: list[str]) -> None:
    path.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n', encoding="utf-8")
    path.chmod(0o755)


def _aws_credentials(machine: Machine, inputs: Inputs, env: Mapping[str, str]) -> Outputs:
    endpoint = env.get("AWS_ENDPOINT_URL") or env.get("AWS_ENDPOINT_URL_S3")
    if not endpoint or not env.get("AWS_ACCESS_KEY_ID"):
        raise ActionFailed(
            "the sandbox's environment has no local AWS endpoint and credentials, and never asks the real one"
        )
    region = env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION") or inputs.get("aws-region", "us-east-1")
    machine.variables |= {"AWS_REGION": region, "AWS_DEFAULT_REGION": region}
    machine.log.write(f"The sandbox's own credentials are used, at {endpoint}")
    return {"aws-account-id": "123456789012"}


def _ecr_login(machine: Machine, inputs: Inputs, env: Mapping[str, str]) -> Outputs:
    region = env.get("AWS_REGION", "us-east-1")
    return {"registry": f"123456789012.dkr.ecr.{region}.amazonaws.com"}


_CREDENTIALS = (
    "aws-region role-to-assume role-session-name role-duration-seconds audience mask-aws-account-id"
    " aws-access-key-id aws-secret-access-key"
)
# Name: what does it, the inputs it knows.
_ACTIONS: dict[str, tuple[Action, str]] = {
    "actions/checkout": (
        checkout,
        "ref repository token path fetch-depth fetch-tags persist-credentials clean show-progress set-safe-directory",
    ),
    "actions/setup-python": (_setup_python, "python-version architecture check-latest update-environment cache"),
    "actions/upload-artifact": (
        artifacts.upload,
        "name path if-no-files-found retention-days compression-level overwrite include-hidden-files",
    ),
    "actions/download-artifact": (artifacts.download, "name path pattern merge-multiple"),
    "aws-actions/configure-aws-credentials": (_aws_credentials, _CREDENTIALS),
    "aws-actions/amazon-ecr-login": (_ecr_login, "registries mask-password registry-type"),
}
