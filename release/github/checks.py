"""The checks of a branch's head: its check runs, its statuses, and the runs they come from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from release.call.context import Context
from release.call.wait import PollInterval
from release.errors import Failed, Waiting
from release.github.api import github
from release.github.events import workflows_started
from release.github.http import http
from release.github.rules import branch_rules

PASSED = ("success", "neutral", "skipped")
APPEARS = 60.0  # seconds within which a workflow that listens to the push shows
SETTLE = 5.0  # seconds in which an application beside Actions may show, where no workflow listens
_RUN = re.compile(r"/actions/runs/([0-9]+)/")


@dataclass(frozen=True)
class Check:
    """One check run, status or workflow run; `conclusion` is empty until it ends."""

    name: str
    conclusion: str
    url: str = ""


def follow_checks(context: Context, sha: str, branch: str, required: Sequence[str] = ()) -> list[Check]:
    """Return the checks of the branch's head once all have ended, the `required` ones among them; names each.

    Success, neutral and skipped (by a path filter or condition) count. Raises Failed at the first that does
    not, Waiting when time is up or somebody has to approve. A dry run looks once.
    """
    started, pace, shown = context.clock.now(), PollInterval(context.settings.release.poll), dict[str, str]()
    listening = workflows_started(context, sha, f"refs/heads/{branch}")
    patience = APPEARS if listening or required else SETTLE
    try:
        while True:
            before = http(context).sent
            found = checks_of(context, sha, branch)
            _show(context, found, shown)
            _check_none_failed(context, found, sha)
            missing = [name for name in required if name not in {each.name for each in found}]
            settled = bool(found) or context.clock.now() - started >= patience
            if context.dry or (settled and not missing and all(each.conclusion for each in found)):
                return _report_checks(context, found, sha, listening)
            _check_time(context, started, [each.name for each in found if not each.conclusion] + missing, branch)
            context.clock.sleep(pace.pause(http(context).sent - before))
    except KeyboardInterrupt:
        raise Waiting(f"stopped waiting for the checks of {branch}", "The same command goes on waiting.") from None


def checks_of(context: Context, sha: str, branch: str) -> list[Check]:
    """Return the checks of the commit that belong to the branch, all pages, those of other refs' runs left out.

    A run that is going on counts as one too: the check run of a job that needs another appears when that ends.
    """
    api = github(context)
    bodies = list(api.pages("actions/runs", key="workflow_runs", head_sha=sha))
    ours = {each["id"]: each for each in bodies if _is_checking(each, branch)}
    found = [_check(each) for each in api.pages(f"commits/{sha}/check-runs", key="check_runs") if _counts(each, ours)]
    found += [_status(each) for each in api.pages(f"commits/{sha}/status", key="statuses")]
    going = [each for each in ours.values() if each["status"] != "completed"]
    failed = [each for each in ours.values() if each["conclusion"] not in (None, *PASSED)]
    return found + [
        Check(f"workflow {each['name']}", each["conclusion"] or "", each["html_url"]) for each in going + failed
    ]


def required_checks(context: Context, branch: str) -> list[str]:
    """Return the names of the checks that the branch's rules require."""
    rules = [each for each in branch_rules(context, branch) if each["type"] == "required_status_checks"]
    return [check["context"] for rule in rules for check in rule["parameters"]["required_status_checks"]]


def _is_checking(run: Mapping[str, Any], branch: str) -> bool:
    """Whether a run checks the branch: what was dispatched, or runs for a tag of the same commit, does not."""
    return bool(run["head_branch"] == branch) and run["event"] != "workflow_dispatch"


def _counts(check: Mapping[str, Any], ours: Mapping[int, Any]) -> bool:
    run = _RUN.search(f"{check.get('details_url') or ''}/")
    return run is None or int(run[1]) in ours


def _check(body: Mapping[str, Any]) -> Check:
    done = body["status"] == "completed"
    return Check(body["name"], (body["conclusion"] or "") if done else "", body["html_url"] or "")


def _status(body: Mapping[str, Any]) -> Check:
    conclusion = "" if body["state"] == "pending" else body["state"]
    return Check(body["context"], conclusion, body.get("target_url") or "")


def _show(context: Context, found: Sequence[Check], shown: dict[str, str]) -> None:
    states = {each.name: each.conclusion or "in progress" for each in found}
    changes = [{"check": name, "state": state} for name, state in states.items() if shown.get(name) != state]
    shown.update(states)
    context.report.frame(("check", "state"), list(states.items()), changes)


def _check_none_failed(context: Context, found: Sequence[Check], sha: str) -> None:
    waiting = [each for each in found if each.conclusion == "action_required"]
    if waiting:
        raise Waiting(f"check {waiting[0].name} waits for somebody: {waiting[0].url}", "Then run the same again.")
    failed = [each for each in found if each.conclusion not in ("", *PASSED)]
    if failed and not context.dry:
        listed = "\n".join(f"  {each.name}: {each.conclusion.replace('_', ' ')}  {each.url}" for each in failed)
        raise Failed(
            f"checks of {sha[:9]} failed:\n{listed}",
            "Run them again there, or pick what mends them; then run the same again. --no-checks leaves them out.",
        )


def _report_checks(context: Context, found: Sequence[Check], sha: str, listening: Sequence[str]) -> list[Check]:
    """Name each check and what came of it; raise Waiting when there are none although a workflow listens."""
    for each in found:
        status = (
            "made" if each.conclusion == "success" else "failed" if each.conclusion not in ("", *PASSED) else "note"
        )
        context.report.step(status, f"check {each.name}: {each.conclusion or 'in progress'}")
    if not found and listening and not context.dry:
        raise Waiting(
            f"no check of {sha[:9]} started within {APPEARS:.0f} s, though {', '.join(listening)} listens to the push",
            "Look at the repository's Actions, then run the same again; or leave them out: --no-checks",
        )
    if not found:
        context.report.step("note", f"no checks are configured for {sha[:9]}: none reported, none listens to the push")
    return list(found)


def _check_time(context: Context, started: float, open_checks: Sequence[str], branch: str) -> None:
    limit = context.options.timeout or context.settings.release.timeout
    if context.clock.now() - started >= limit:
        raise Waiting(
            f"the checks of {branch} did not end within {limit:.0f} s: {', '.join(open_checks) or 'none began'}",
            "Run the same again to go on waiting.",
        )
