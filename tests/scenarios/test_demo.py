"""The main job, as a newcomer types it: its jobs really run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_demo_releases_twice_and_shows_it_from_outside(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path), "INVOKE_RELEASE_POLL": "0.2"}
    done = subprocess.run(
        [sys.executable, "-m", "invoke", "sandbox.demo"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    shown = done.stdout[done.stdout.index("What is out there now") :]
    for expected in (
        r"tag +refs/tags/0\.7\.0 +[0-9a-f]{9}",
        r"wheel +s3://lepton-sdk/release/leptonai-0\.7\.0-py3-none-any\.whl +sha256:[0-9a-f]{64}",
        r"image +lepton:photon-py3\.11-runner-0\.7\.0",
        r"image +lepton-web:0\.7\.0",
        r"pull request +#1 Use image 0\.7\.0 +merged as [0-9a-f]{9}",
        r"GitHub Release +0\.7\.0 +published",
    ):
        assert re.search(expected, shown), expected
    assert list(tmp_path.iterdir()) == []
