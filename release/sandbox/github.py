"""The sandbox's GitHub: its API below `/api/v3`, Git at `/<owner>/<repository>.git`, on one loopback port."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from .application import application
from .bare import Bare
from .faults import Faults
from .front import Front, Recorded
from .hub import Hub
from .records import BOT_LOGIN, OWNER_LOGIN, Token
from .runner import JOB_TOKEN, run_workflow
from .running import RunLike, Start
from .server import POLL, Server

TOKEN = "sandbox-token"  # noqa: S105
PATIENCE = 10.0  # seconds that a cancelled run has to end


class GitHub:
    """A GitHub with one repository, from `start` to `stop`."""

    def __init__(self, bare: Bare, folder: Path, owner: str = "acme", name: str = "platform") -> None:
        self.hub = Hub(owner, name, bare, folder, run_workflow)
        self.hub.tokens = {TOKEN: Token(OWNER_LOGIN), JOB_TOKEN: Token(BOT_LOGIN, scopes="", starts=False)}
        self.hub.known_refs = bare.refs("refs/heads", "refs/tags")
        self.front = Front(application(self.hub))
        self._server = Server(self.front)
        self.hub.url = self._server.url

    @property
    def url(self) -> str:
        """The server's root."""
        return self.hub.url

    @property
    def api_url(self) -> str:
        """What GITHUB_API_URL has to be."""
        return f"{self.hub.url}/api/v3"

    @property
    def clone_url(self) -> str:
        """The remote's address, without credentials."""
        return f"{self.hub.html}.git"

    @property
    def requests(self) -> list[Recorded]:
        """Every request, Git's too, in the order it came."""
        return self.front.requests

    @property
    def faults(self) -> Faults:
        """How the server misbehaves."""
        return self.front.faults

    def start(self) -> None:
        """Serve from now on."""
        self._server.start()

    def stop(self) -> None:
        """End the server and the runs, with what they started."""
        self._server.stop()
        going = [run.work for run in self.hub.runs.values() if run.work.status != "completed"]
        for work in [*going, *going]:
            work.cancel()  # the second time also ends what runs `always()`
        deadline = time.monotonic() + PATIENCE
        while any(work.status != "completed" for work in going) and time.monotonic() < deadline:
            time.sleep(POLL)

    def use_runner(self, runner: Callable[[Hub, Start], RunLike]) -> None:
        """Have something else run the workflows: a test's stand-in."""
        self.hub.runner = runner
