"""What a program outside would do with the sandbox's GitHub."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from recording import Recording
from scripted_run import scripted

from release.sandbox import Sandbox
from release.sandbox.github.records import TOKEN

BUILD = """name: Build
on:
  workflow_dispatch:
    inputs:
      publish: {type: boolean, required: true}
      level: {type: choice, options: [low, high], default: low}
      note: {}
  push:
    tags: ["[0-9]+.[0-9]+.[0-9]+"]
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - run: echo "level $LEVEL"
        env:
          LEVEL: ${{ inputs.level }}
"""
FILES = {
    "README.md": "one\ntwo\nthree\n",
    ".github/workflows/build.yaml": BUILD,
    ".github/workflows/quiet.yaml": "on: workflow_call\njobs: {a: {runs-on: x, steps: [{run: 'true'}]}}\n",
}
BYTES = {"Content-Type": "application/octet-stream"}
DISPATCH = "actions/workflows/build.yaml/dispatches"


class Client:
    """What a program outside would do: requests to the API, Git in a clone."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.hub = sandbox.github.hub
        self.session = requests.Session()
        self.session.trust_env = False
        self.token = TOKEN
        self.recording = Recording(sandbox.github.front.application)
        sandbox.github.front.application = self.recording

    def ask(self, method: str, path: str, status: int = 200, **more: Any) -> requests.Response:
        root = self.sandbox.github.api_url if path.startswith("/") else self.hub.api
        url = path if path.startswith("http") else f"{root}/{path.lstrip('/')}".rstrip("/")
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        answer = self.session.request(method, url, headers=headers, allow_redirects=False, timeout=30, **more)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer

    def get(self, path: str, expected: int = 200, /, **params: Any) -> Any:
        return self.ask("GET", path, expected, params=params).json()

    def send(self, method: str, path: str, status: int, body: object = None, **more: Any) -> Any:
        answer = self.ask(method, path, status, json=body, **more)
        return answer.json() if answer.content else None

    def dispatch(self, status: int = 200, ref: str = "main", **body: Any) -> Any:
        return self.send("POST", DISPATCH, status, {"ref": ref, "return_run_details": True, **body})

    def git(self, *args: str, check: bool = True, **env: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **self.sandbox.environment(), **env}
        done = subprocess.run(
            ["git", *args], cwd=self.sandbox.work, env=environment, capture_output=True, text=True, check=False
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    def commit(self, branch: str, path: str = "new.txt", text: str = "new\n", start: str = "origin/main") -> str:
        """Push a branch with one more commit; answer its SHA."""
        self.git("checkout", "-q", "-B", branch, start)
        (self.sandbox.work / path).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-qm", f"Change {path}")
        self.git("push", "-q", "origin", f"HEAD:refs/heads/{branch}")
        return self.git("rev-parse", "HEAD").stdout.strip()

    def pull(self, head: str = "topic", **more: Any) -> Any:
        return self.send("POST", "pulls", 201, {"title": "Change", "head": head, "base": "main", **more})


@contextmanager
def one_client() -> Iterator[Client]:
    """A small world with scripted runs; every exchange is held against GitHub's description."""
    with Sandbox(FILES, cloud=False) as sandbox:
        sandbox.github.use_runner(scripted())
        made = Client(sandbox)
        yield made
        # GitHub's documentation allows its search syntax for dates here; the description knows one format only.
        from conformance import Conformance

        Conformance.load().check_all(one for one in made.recording.exchanges if "created=" not in one.query)
    assert not sandbox.folder.exists()


@pytest.fixture
def client() -> Iterator[Client]:
    """A client of a world of this test's own."""
    with one_client() as made:
        yield made
