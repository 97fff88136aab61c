"""What is typed: a recipe each, in the module of its namespace."""

from __future__ import annotations

import sys

import invoke.program
from invoke.collection import Collection

from release.call.mistakes import explain_mistakes
from release.call.task import namespace as tasks_of
from release.call.task import task
from release.tasks import gates, image, lines, picks, pipelines, platform, proofs, sandbox, sdk, setup

if "--complete" in sys.argv:  # of what is half typed nothing is a mistake
    from release.tasks import completion

    # invoke completes no values, and has no other way in
    invoke.program.complete = completion.complete  # type: ignore[attr-defined]
else:
    explain_mistakes()
namespace = Collection(
    tasks_of("release", [lines, proofs, setup, picks, pipelines, gates]),
    tasks_of("sdk", [sdk]),
    tasks_of("image", [image]),
    tasks_of("platform", [platform]),
    tasks_of("sandbox", [sandbox]),
)
