"""Release a backend, a web frontend and a Python SDK from one Git repository, as Invoke tasks.

`namespace` is what another repository's `tasks.py` imports. The rooms, each may know those below it and no other:

tasks/        what is typed, a recipe each
audit/        what a release has to be, and the proof that it is
picks/        from the commits asked for to a release branch that has them
compat/       what breaks an API; one door, `gate`
artifacts/    what ships and where: wheel, S3, images and their registries
github/       GitHub's API: runs, checks, pull requests, Releases
workflows/    what a workflow's file promises; one door, `judge`
git/          the local repository and its remote
call/         one `inv` call: its flags, what its tasks share, every write, print and wait
settings, versions, config_py, errors   values
sandbox/      the embedded default: a remote, a GitHub and a cloud on this machine alone
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from invoke.collection import Collection

    from release import versions  # noqa: F401 for those who name it `release.versions`

    namespace: Collection

# Invoke has Python keep no compiled code of what a task file loads: each call would compile all of this package anew,
# and every library that its installer did not compile, uv's way. Who said so to Python itself (-B) is heard.
sys.dont_write_bytecode = bool(sys.flags.dont_write_bytecode)

LATE = {"namespace": "release.tasks", "versions": "release.versions"}


def __getattr__(name: str) -> Any:
    """Load the tasks when a task file asks for `namespace`, and versions when a task first needs one."""
    if name not in LATE:
        raise AttributeError(name)
    found = import_module(LATE[name])
    return found.namespace if name == "namespace" else found


def late_modules(room: str) -> Callable[[str], ModuleType]:
    """Return a room's `__getattr__`: it loads a module when it is first used, so that listing the tasks loads none."""

    def load(name: str) -> ModuleType:
        if name.startswith("_") or find_spec(f"{room}.{name}") is None:
            raise AttributeError(f"module {room!r} has no attribute {name!r}")
        return import_module(f"{room}.{name}")

    return load
