"""A wait of ten days for a run of 256 jobs, in a process of its own: what it holds does not grow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from scripted_run import ScriptedRun

from release.sandbox import Sandbox
from release.sandbox.github.events import start_run

JOBS, PAGE = 256, 100
CHILD = Path(__file__).with_name("long_wait.py")


class Recorded:
    """What the sandbox's GitHub answers of a run, given again by a server that is quick; a job ends now and then."""

    def __init__(self, run: dict[str, Any], jobs: list[dict[str, Any]], every: int) -> None:
        self.run, self.jobs, self.every, self.asked, self.pages = run, jobs, every, 0, dict[tuple[int, int], bytes]()

    def answer(self, path: str) -> tuple[bytes, int]:
        """Return what is there, and the number of the page that follows, 0 for none."""
        if "/jobs" not in path:
            self.asked += 1
            changed = {**self.run, "updated_at": self.run["created_at"]}
            return json.dumps(changed).encode(), 0
        number = int(path.partition("page=")[2].rpartition("page=")[2] or 1) if "&page=" in path else 1
        over = min(self.asked // self.every, JOBS)
        key = (over, number)
        if key not in self.pages:
            self.pages[key] = self._page(over, number)
        return self.pages[key], number + 1 if number * PAGE < JOBS else 0

    def _page(self, over: int, number: int) -> bytes:
        ended = {"status": "completed", "conclusion": "success"}
        jobs = [{**job, **ended} if n < over else job for n, job in enumerate(self.jobs)]
        body = {"total_count": JOBS, "jobs": jobs[(number - 1) * PAGE : number * PAGE]}
        return json.dumps(body).encode()


@contextmanager
def served(recorded: Recorded) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else the body waits 40 ms for the headers' acknowledgement

        def do_GET(self) -> None:
            content, following = recorded.answer(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            if following:
                path = self.path.partition("&page=")[0]
                self.send_header("Link", f'<{url}{path}&page={following}>; rel="next"')
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield url
    finally:
        server.shutdown()
        server.server_close()


def answers(sandbox: Sandbox, every: int) -> Recorded:
    """Record what GitHub says of a run of so many jobs."""
    hub, work = sandbox.github.hub, ScriptedRun({f"job {n}": "success" for n in range(JOBS)}, ends=False)
    sandbox.github.use_runner(lambda _hub, _start: work)
    sha, path = str(hub.head("main")), ".github/workflows/sdk-release.yaml"
    said = {"sha": sha, "ref": "refs/heads/main", "event": "workflow_dispatch", "actor": "me", "inputs": {}}
    run = start_run(hub, path, str(hub.bare.file(sha, path)), **said)
    work.begin()
    variables = sandbox.environment()
    url = f"{variables['GITHUB_API_URL']}/repos/{variables['GITHUB_REPOSITORY']}/actions/runs/{run.id}"
    token = {"Authorization": f"Bearer {variables['GITHUB_TOKEN']}"}
    pages = [requests.get(f"{url}/jobs?per_page={PAGE}&page={n}", headers=token, timeout=9).json() for n in (1, 2, 3)]
    jobs = [job for page in pages for job in page["jobs"]]
    assert len(jobs) == JOBS
    return Recorded(requests.get(url, headers=token, timeout=9).json(), jobs, every)


@pytest.mark.parametrize("looks", [200, pytest.param(10_000, marks=pytest.mark.long)])
def test_what_a_long_wait_holds_does_not_grow(sandbox: Sandbox, looks: int) -> None:
    recorded = answers(sandbox, max(1, looks // JOBS))
    with served(recorded) as url:
        environment = {**os.environ, **sandbox.environment(), "GITHUB_API_URL": f"{url}/api/v3"}
        typed = [sys.executable, str(CHILD), str(recorded.run["id"]), recorded.run["head_sha"], str(looks)]
        done = subprocess.run(typed, cwd=sandbox.work, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *held, last = done.stdout.split("\n")[:-1]
    count, most = map(int, last.split())
    assert count >= looks
    assert recorded.asked >= looks
    assert max(map(int, held[1:])) - int(held[1]) < 2048  # KiB
    assert most < 100 * 1024
