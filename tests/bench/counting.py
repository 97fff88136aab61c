"""Git processes, counted: those that a command starts itself, and all of them."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path


class CountingGit:
    """A `git` to be found first on PATH: it writes a line, and is the real one then. Git itself starts the real one."""

    def __init__(self, folder: Path) -> None:
        real = shutil.which("git")
        assert real
        self.folder, self._log, self._traces = folder / "bin", folder / "started", folder / "traces"
        for each in (self.folder, self._traces):
            each.mkdir(parents=True)
        script = f'#!/bin/sh\necho "$*" >>{shlex.quote(str(self._log))}\nexec {shlex.quote(real)} "$@"\n'
        (self.folder / "git").write_text(script, encoding="utf-8")
        (self.folder / "git").chmod(0o755)

    def environment(self, path: str) -> dict[str, str]:
        """Name the variables with which Git is counted."""
        return {"PATH": f"{self.folder}:{path}", "GIT_TRACE2_EVENT": str(self._traces)}

    def take(self) -> tuple[list[str], int]:
        """Return the arguments of each Git that was started, and how many processes of Git there were; begin anew."""
        started = self._log.read_text(encoding="utf-8").splitlines() if self._log.exists() else []
        self._log.unlink(missing_ok=True)
        traces = [*self._traces.iterdir()]
        for each in traces:  # one a process
            each.unlink()
        return started, len(traces)
