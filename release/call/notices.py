"""Tell people of a release: a webhook that takes Slack's JSON, and any command."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from urllib.parse import urlsplit

from release.call.context import Context
from release.call.report import printable
from release.errors import ReleaseError, Waiting

PATIENCE = 30  # seconds that the command gets
WORDS = {"started": "started", "waiting": "waits", "done": "is done", "failed": "failed"}
SECRETS = ("GITHUB_TOKEN", "GH_TOKEN", "INVOKE_RELEASE_NOTIFY_WEBHOOK")


@contextmanager
def announcement(context: Context, task: str) -> Iterator[None]:
    """Tell of the task's start, and of how it ended."""
    tell(context, "started", task)
    try:
        yield
    except Waiting as error:
        tell(context, "waiting", task, error.problem)
        raise
    except ReleaseError as error:
        tell(context, "failed", task, error.problem)
        raise
    tell(context, "done", task)


def tell(context: Context, event: str, task: str, problem: str = "") -> None:
    """Send the notice of an event: started, waiting, done or failed.

    Failing to is said and fails nothing. A dry run tells nobody.
    """
    release = context.settings.release
    if context.dry or not (release.notify_webhook or release.notify_command):
        return
    version = str(context.version or "")
    text = printable(" ".join(part for part in (task, version, WORDS[event]) if part))
    text += f": {printable(problem)}" if problem else ""
    facts = {"event": event, "task": task, "version": version, "text": text, "url": _place(context)}
    if release.notify_webhook:
        _post(context, release.notify_webhook, text, facts["url"])
    if release.notify_command:
        _call(context, release.notify_command, facts)


def _post(context: Context, url: str, text: str, link: str) -> None:
    """Send Slack's JSON; the address is a secret, so that no error may show more of it than its host (S1)."""
    body = {"text": _escaped(f"{text}\n{link}".strip())}
    try:
        answer = (
            import_module("release.github.http")
            .Http(context.clock, patience=0)
            .request("POST", url, headers={"Content-Type": "application/json"}, body=json.dumps(body).encode())
        )
    except ReleaseError as error:
        _say(context, f"{urlsplit(url).hostname or 'the webhook'} took no notice ({type(error).__name__})")
    else:
        if answer.status >= 300:
            _say(context, f"{urlsplit(url).hostname} took no notice (HTTP {answer.status})")


def _call(context: Context, command: list[str], facts: dict[str, str]) -> None:
    """Run the command with the facts as JSON on standard input; it gets no token."""
    environment = {name: value for name, value in os.environ.items() if name not in SECRETS}
    try:
        code = subprocess.run(
            command,
            input=json.dumps(facts) + "\n",
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=PATIENCE,
            check=False,
        ).returncode
    except (OSError, subprocess.TimeoutExpired) as error:
        _say(context, f"the notice's command {command[0]} failed ({type(error).__name__})")
    else:
        if code:
            _say(context, f"the notice's command {command[0]} exited {code}")


def _say(context: Context, what: str) -> None:
    context.report.step("note", f"{what}; the release goes on")


def _place(context: Context) -> str:
    """Return the Actions run's address where there is one, else the repository's, else nothing."""
    run = os.environ.get("GITHUB_RUN_ID", "")
    try:
        home: str = import_module("release.github.api").github(context).web_url
    except ReleaseError:
        return ""
    return f"{home}/actions/runs/{run}" if run else home


def _escaped(text: str) -> str:
    """Escape what Slack takes for markup (its documentation, "Formatting text")."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
