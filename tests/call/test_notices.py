"""Who is told of a release, of what, and that nobody's silence stops it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import FakeClock, again, open_context, printed
from scripted import Reply, scripted_server

from release.call.context import Context, Facts
from release.call.notices import announcement, tell
from release.errors import Failed, Waiting
from release.sandbox import Sandbox
from release.settings import Release, Settings
from release.versions import parse


@pytest.fixture
def context(monkeypatch: pytest.MonkeyPatch) -> Iterator[Context]:
    with Sandbox({"a": "b\n"}, cloud=False) as made:
        yield open_context(made, monkeypatch, clock=FakeClock())


def told(context: Context, **settings: object) -> Context:
    return again(context, settings=Settings(release=Release(**settings)), facts=Facts(parse("0.7.0")))  # type: ignore[arg-type]


SECRET = "/services/T000/B000/secret-path"
RECORD = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read())"


def test_a_webhook_gets_slacks_json(context: Context) -> None:
    with scripted_server() as server:
        mine = told(context, notify_webhook=server.url + SECRET)
        with announcement(mine, "release.minor"):
            pass
        with pytest.raises(Waiting), announcement(mine, "release.minor"):
            raise Waiting("waits for approval: <&>\x1b[31m")
        with pytest.raises(Failed), announcement(mine, "release.minor"):
            raise Failed("run 7 failed")
    texts = [json.loads(asked.body)["text"].splitlines()[0] for asked in server.asked]
    assert texts == [
        "release.minor 0.7.0 started",
        "release.minor 0.7.0 is done",
        "release.minor 0.7.0 started",
        "release.minor 0.7.0 waits: waits for approval: &lt;&amp;&gt;\\x1b[31m",
        "release.minor 0.7.0 started",
        "release.minor 0.7.0 failed: run 7 failed",
    ]
    assert {(asked.method, asked.path) for asked in server.asked} == {("POST", SECRET)}
    assert not [asked for asked in server.asked if "authorization" in asked.headers]


@pytest.mark.parametrize("reply", [Reply(status=500), Reply(status=404), Reply(drop=True), Reply(status=429), None])
def test_s01_a_silent_webhook_stops_nothing_and_its_address_is_not_shown(context: Context, reply: Reply | None) -> None:
    with scripted_server() as server:
        server.replies = [reply or Reply()]
        mine = told(context, notify_webhook=(server.url if reply else "http://127.0.0.1:1") + SECRET)
        tell(mine, "done", "release.minor")
    assert "took no notice" in printed(mine)
    assert "secret-path" not in printed(mine)


@pytest.mark.parametrize("address", ["http://hooks.example", "https://me:word@hooks.example"])
def test_f32_the_webhooks_address_goes_over_no_open_line(context: Context, address: str) -> None:
    """Who reads it may write there: it is a credential itself."""
    mine = told(context, notify_webhook=address + SECRET)
    tell(mine, "done", "release.minor")
    assert "hooks.example was told nothing: release.notify_webhook must be https" in printed(mine)
    assert "secret-path" not in printed(mine)


def test_a_command_gets_the_facts_and_no_token(context: Context, tmp_path: Path) -> None:
    file = tmp_path / "told"
    tell(
        told(context, notify_command=[sys.executable, "-c", RECORD, str(file)]),
        "waiting",
        "release.patch",
        "approve it",
    )
    facts = json.loads(file.read_text())
    assert (facts["event"], facts["version"], facts["task"]) == ("waiting", "0.7.0", "release.patch")
    assert facts["text"] == "release.patch 0.7.0 waits: approve it"
    look = "import os, sys; sys.exit('GITHUB_TOKEN' in os.environ)"
    mine = told(context, notify_command=[sys.executable, "-c", look])
    tell(mine, "done", "release.patch")
    assert printed(mine) == ""


@pytest.mark.parametrize("command", [["no-such-command"], [sys.executable, "-c", "import sys; sys.exit(3)"]])
def test_a_command_that_fails_stops_nothing(context: Context, command: list[str]) -> None:
    mine = told(context, notify_command=command)
    tell(mine, "done", "release.patch")
    assert "the release goes on" in printed(mine)


def test_a_dry_run_tells_nobody(context: Context, tmp_path: Path) -> None:
    file = tmp_path / "told"
    mine = told(context, notify_command=[sys.executable, "-c", RECORD, str(file)])
    tell(again(mine, dry=True), "done", "release.minor")
    assert not file.exists()
