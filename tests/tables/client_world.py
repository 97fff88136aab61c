"""The world that clients of other projects ask: a small repository, whose runs are over at once and leave a file."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from outside import git
from sandbox_client import FILES
from scripted_run import ScriptedRun

from release.sandbox import Sandbox

DISPATCHED = "nightly"
LISTENS = f"""on: {{repository_dispatch: {{types: [{DISPATCHED}]}}}}
jobs: {{build: {{runs-on: ubuntu-latest, steps: [{{run: "true"}}]}}}}
"""


class Run(ScriptedRun):
    """A run with an artifact and a log."""

    def __init__(self, folder: Path) -> None:
        super().__init__({"build": "success"})
        self.artifacts = {"dist": folder / "dist.zip"}


@contextmanager
def client_world() -> Iterator[Sandbox]:
    """Serve it, with what a program needs to find it in the environment."""
    with Sandbox({**FILES, ".github/workflows/nightly.yaml": LISTENS}, cloud=False) as sandbox, _environment(sandbox):
        with zipfile.ZipFile(sandbox.folder / "dist.zip", "w") as archive:
            archive.writestr("dist.txt", "words\n")
        sandbox.github.use_runner(lambda *_: Run(sandbox.folder))
        for branch in ("topic", "other", "third"):
            git(sandbox.work, "checkout", "-q", "-B", branch, "origin/main")
            (sandbox.work / f"{branch}.txt").write_text("new\n")
            git(sandbox.work, "add", "--all")
            git(sandbox.work, "commit", "-qm", f"Change {branch}")
            git(sandbox.work, "push", "-q", "origin", branch)
        yield sandbox


@contextmanager
def _environment(sandbox: Sandbox) -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("GITHUB_", "GH_"))]:
            patch.delenv(name)
        for name, value in sandbox.environment().items():
            patch.setenv(name, value)
        yield patch
