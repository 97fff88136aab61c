"""What a release tool asks of GitHub, by octokit (https://github.com/octokit/rest.js), of the sandbox's GitHub."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

from client_world import client_world
from sources import modules

CALLS = Path(__file__).with_name("octokit_calls.mjs")
PATIENCE = 300  # seconds for all of them


def cases() -> Iterator[tuple[str, str]]:
    """Make each call once."""
    folder = modules("@octokit/rest@22.0.1")
    with client_world():
        told = subprocess.run(
            ["node", str(CALLS), str(folder)], capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    if told.returncode:
        yield "octokit_calls.mjs", f"FALSE: {told.stderr.strip()}"
        return
    for name, said in json.loads(told.stdout).items():
        yield name, said and f"FALSE: {said}"
