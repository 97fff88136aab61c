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

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from invoke.collection import Collection

    namespace: Collection


def __getattr__(name: str) -> Collection:
    """Build `namespace` when a task file asks for it, so that importing a room loads no tasks."""
    if name != "namespace":
        raise AttributeError(name)
    from release.tasks import namespace

    return namespace
