"""Programs that stand in for those which reach beyond the machine, on the path of every job.

docker      docker and podman: an image is its files, base, labels and arguments; pushed to the sandbox's registry
aws         s3, s3api, ecr, sts: the sandbox's cloud
web         curl and wget: loopback is asked, and AWS's installer has an answer
pip         packages that are not here are recorded
recorded    twine, gh, kubectl, helm, terraform: what writes is recorded, what asks has no answer
sudo        runs the rest as it is

The log of the job is the record. Who needs another answer gives a program of that name, in the folder that the variable
RELEASE_STAND_INS names.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

OWN = "RELEASE_STAND_INS"
_HERE = Path(__file__).parent
_PROGRAMS = {
    "docker": ("docker", "podman"),
    "aws": ("aws",),
    "web": ("curl", "wget"),
    "recorded": ("twine", "gh", "kubectl", "helm", "terraform"),
    "sudo": ("sudo",),
}


def install(folder: Path) -> None:
    """Write every stand-in into a folder for the path."""
    for module, names in _PROGRAMS.items():
        for name in names:
            write_script(folder / name, [sys.executable, "-I", str(_HERE / f"{module}.py"), name])


def own_folder() -> list[str]:
    """List the folder of the person's own stand-ins, if there is one."""
    return [os.environ[OWN]] if os.environ.get(OWN) else []


def write_python(folder: Path, version: str, interpreter: str) -> None:
    """Write the names under which steps call an interpreter, and its pip, into a folder for the path.

    Scripts, not links: an interpreter of a virtual environment finds it by its own path.
    """
    pip = shlex.join([interpreter, "-I", str(_HERE / "pip.py")])
    through_pip = f'if [ "$1" = -m ] && [ "$2" = pip ]; then shift 2; exec {pip} "$@"; fi'
    for name in ("python", "python3", "python" + ".".join(version.split(".")[:2])):
        write_script(folder / name, [interpreter], through_pip)
    for name in ("pip", "pip3"):
        write_script(folder / name, [interpreter, "-I", str(_HERE / "pip.py")])


def write_script(path: Path, command: Sequence[str], before: str = "") -> None:
    """Write a program that runs another one with these arguments and its own; lines of a shell may come before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink():  # a step's, which could lead anywhere
        path.unlink()
    lines = ["#!/bin/sh", *filter(None, [before]), f'exec {shlex.join(command)} "$@"', ""]
    path.write_text("\n".join(lines), encoding="utf-8")
    path.chmod(0o755)
