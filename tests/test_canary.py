"""What watches for the token finds it in every form, whatever stands around it."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

import canary
import pytest

from release.sandbox import Sandbox
from release.sandbox.github.records import TOKEN


@pytest.mark.parametrize("before", ["", "x", "xy", "x-access-token:", "user:"])
@pytest.mark.parametrize("encoded", ["plain", "base64", "urlsafe", "url", "percent", "hex"])
def test_s01_every_form_of_the_token_is_found(encoded: str, before: str) -> None:
    whole = f"{before}{TOKEN}@h"
    text = {
        "plain": whole,
        "base64": base64.b64encode(whole.encode()).decode(),
        "urlsafe": base64.urlsafe_b64encode(whole.encode()).decode(),
        "url": quote(whole, safe=""),
        "percent": "".join(f"%{each:02X}" for each in whole.encode()),
        "hex": whole.encode().hex(),
    }[encoded]
    assert len(canary.leaks(f"Authorization: Basic {text}\n")) == 1
    assert canary.leaks(text.replace(text[len(text) // 2], "")) == []


def test_s01_a_token_with_signs_of_a_url_is_found() -> None:
    secret = canary.pattern("to/ken+with=signs")
    assert canary.leaks("https://x:to%2Fken%2Bwith%3Dsigns@h/", secret=secret)


def test_s01_what_a_clone_or_a_pull_request_holds_is_looked_at() -> None:
    made = Sandbox({"a": "b\n"}, cloud=False)
    (made.work / ".git" / "config").open("a").write(f"[x]\n\ty = {TOKEN}\n")
    with pytest.raises(AssertionError, match="the token was written"):
        made.close()
    assert not made.folder.exists()


LEAKING = """
import io

from conftest import STREAMS
from release.sandbox.github.records import TOKEN

def test_prints():
    print(TOKEN)

def test_reads(capsys):
    print(TOKEN)
    assert capsys.readouterr().out

def test_writes(tmp_path):
    (tmp_path / "x").write_text(TOKEN)

def test_reports():
    STREAMS.append(io.StringIO(TOKEN))

def test_says_nothing(tmp_path, capsys):
    print("sandbox")
    (tmp_path / "x").write_text("token")
"""


@pytest.mark.slow
def test_s01_a_test_that_lets_the_token_out_fails() -> None:
    tests = Path(__file__).parent
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "conftest.py").write_text((tests / "conftest.py").read_text())
        (Path(folder) / "test_it.py").write_text(LEAKING)
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--basetemp={folder}/made", folder]
        environment = {**os.environ, "PYTHONPATH": f"{tests.parent}:{tests}"}
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    said = done.stdout.splitlines()
    assert [line.split(" ")[1].rpartition("::")[2] for line in said if line.startswith("ERROR ")] == [
        "test_prints", "test_reads", "test_writes", "test_reports",
    ]  # fmt: skip
    assert "5 passed, 4 errors" in done.stdout
