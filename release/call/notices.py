"""Tell people of a release: a webhook that takes Slack's JSON, and any command."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from release.call.context import Context
from release.call.programs import run_program
from release.call.texts import printable
from release.call.urls import url_parts
from release.errors import CouldNotTellError, ReleaseError, Usage, Waiting

PATIENCE = 30  # seconds that the command gets
WORDS = {"started": "started", "waiting": "waits", "done": "is done", "failed": "failed"}


@contextmanager
def announcement(context: Context, task: str) -> Iterator[None]:
    """Tell of the task's start, and of how it ended."""
    tell(context, "started", task)
    try:
        yield
    except ReleaseError as error:
        tell(context, "waiting" if isinstance(error, Waiting) else "failed", task, error.problem)
        raise
    tell(context, "done", task)


def tell(context: Context, event: str, task: str, problem: str = "") -> None:
    """Send the notice of an event: started, waiting, done or failed.

    Failing to is said and fails nothing. A dry run tells nobody.
    """
    webhook, command = context.settings.release.notify_webhook, context.settings.release.notify_command
    if context.dry or not (webhook or command):
        return
    version = str(context.version or "")
    text = printable(" ".join(part for part in (task, version, WORDS[event]) if part))
    text += f": {printable(problem)}" if problem else ""
    facts = {"event": event, "task": task, "version": version, "text": text, "url": _address(context)}
    for failure in (
        _post(context, webhook, facts) if webhook else "",
        _call(command, context.folder, facts) if command else "",
    ):
        if failure:
            context.report.step("note", f"{failure}; the release goes on")


def _post(context: Context, url: str, facts: dict[str, str]) -> str:
    """Send Slack's JSON; return what failed. The address is a secret: no more of it is shown than its host (S1)."""
    text = f"{facts['text']}\n{facts['url']}".strip()
    for mark, escape in {"&": "&amp;", "<": "&lt;", ">": "&gt;"}.items():  # Slack: "Formatting text"
        text = text.replace(mark, escape)
    host = url_parts(url).hostname or "the webhook"
    door = import_module("release.github.http")  # by name: a door of a room above
    headers, body = {"Content-Type": "application/json"}, json.dumps({"text": text}).encode()
    try:
        door.check_url(url, credentialed=True)  # what follows the host lets anybody write there
        status = door.Http(context.clock, patience=0).request("POST", url, headers=headers, body=body).status
    except Usage:
        return f"{host} was told nothing: release.notify_webhook must be https"
    except ReleaseError as error:
        return f"{host} took no notice ({type(error).__name__})"
    return f"{host} took no notice (HTTP {status})" if status >= 300 else ""


def _call(command: list[str], folder: Path, facts: dict[str, str]) -> str:
    """Run the command with the facts as JSON on standard input, without any secret (S12); return what failed."""
    try:
        code = run_program(command, folder, PATIENCE, json.dumps(facts) + "\n").code
    except CouldNotTellError as error:
        return f"the notice's command failed: {error}"
    return f"the notice's command {command[0]} exited {code}" if code else ""


def _address(context: Context) -> str:
    """Return the Actions run's address where there is one, else the repository's, else nothing."""
    run = os.environ.get("GITHUB_RUN_ID", "")
    try:
        home: str = import_module("release.github.api").github(context).web_url
    except ReleaseError:
        return ""
    return f"{home}/actions/runs/{run}" if run else home
