"""Release a backend, a web frontend and a Python SDK from one Git repository, as Invoke tasks.

`namespace` is what another repository's `tasks.py` imports. The modules, outermost first:

tasks       release, pipelines, notes, sdk, image, platform, sandbox
rules       ensure (every write), follow (every wait), runs, pulls, lines, cli (recipe to task)
doors       repo (Git), github (HTTP), aws (S3, ECR), oci (any registry), packages (pip), report (all output)
values      versions, constants, wheels, workflows, expressions, refs, settings, errors
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from invoke.collection import Collection

    namespace: Collection


def __getattr__(name: str) -> Collection:
    """Build `namespace` when a task file asks for it, so that importing a helper module loads no tasks."""
    if name != "namespace":
        raise AttributeError(name)
    from release.tasks import namespace

    return namespace
