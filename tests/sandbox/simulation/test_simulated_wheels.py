"""The wheel of a simulated job: really built, by code that is the repository's own."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from release.errors import Usage
from release.sandbox import Sandbox
from release.sandbox.runner import check_confinement
from release.sandbox.simulation.wheels import Wheels
from release.settings import Sdk

SETUP = """import os, pathlib, socket
from setuptools import setup
for way in (lambda: socket.create_connection(("127.0.0.1", {port}), 5), lambda: pathlib.Path("{file}").write_text("x")):
    try:
        way()
    except OSError:
        pass
setup(name="leptonai", version="0.7.0", description=os.environ.get("GITHUB_TOKEN", "none"), packages=[])
"""


def test_f36_what_builds_it_reaches_nobody_and_writes_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        check_confinement()
    except Usage as error:
        pytest.skip(str(error))
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_secret")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as outside:
        outside.settimeout(0.2)
        setup = SETUP.format(port=outside.getsockname()[1], file=tmp_path / "home" / "found")
        with Sandbox({"sdk/setup.py": setup}, cloud=False) as sandbox:
            made = Wheels(sandbox.bare, sandbox.folder / "wheels", Sdk(), sandbox.job_environment())
            wheel = made.wheel(str(sandbox.bare.sha("refs/heads/main")))
            assert wheel.name == "leptonai-0.7.0-py3-none-any.whl"
            assert b"ghp_secret" not in wheel.read_bytes()
        with pytest.raises(TimeoutError):
            outside.accept()
    assert list((tmp_path / "home").iterdir()) == []
