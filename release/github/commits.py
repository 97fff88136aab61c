"""What GitHub tells of a commit: which history holds it, its checks, which are required, and the wait for them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from release.call.context import Context
from release.call.report import Progress
from release.call.wait import Wait, wait_until
from release.errors import Failed, Waiting
from release.git.refs import NEW
from release.github.api import GitHub, github
from release.github.events import workflows_started
from release.github.runs import APPEARS

PASSED = ("success", "neutral", "skipped")  # GitHub's own rule for required checks
OTHERS_APPEAR = 5.0  # seconds in which an application beside Actions may show, where no workflow listens
PENDING = "in progress"
_RUN = re.compile(r"/actions/runs/([0-9]+)/")


@dataclass(frozen=True)
class Check:
    """One check run, status or workflow run; `conclusion` is empty until it ends."""

    name: str
    conclusion: str
    url: str = ""

    @property
    def state(self) -> str:
        """Say where it stands."""
        return self.conclusion.replace("_", " ") or PENDING


def contains(context: Context, head: str, sha: str) -> bool:
    """Whether the commit is in the history of `head`; GitHub tells, since a shallow clone cannot (F10)."""
    if NEW in (head, sha):  # what a dry run would make comes on top of all that there is, and is in nothing of it
        return head == NEW
    return head == sha or github(context).get(f"compare/{sha}...{head}", per_page=1)["status"] in ("ahead", "identical")


def image_commit(context: Context, sha: str) -> str:
    """Return the last commit up to `sha` that changed config.py, or nothing."""
    path = context.settings.image.config_file
    found = github(context).get("commits", sha=sha, path=path, per_page=1)
    return str(found[0]["sha"]) if found else ""


def checks_of(context: Context, sha: str, branch: str) -> list[Check]:
    """Return the checks of the commit that belong to the branch, all pages, those of other refs' runs left out."""
    bodies = list(github(context).pages("actions/runs", key="workflow_runs", head_sha=sha))
    # What was dispatched, or runs for a tag of the same commit, checks no branch.
    ours = [each for each in bodies if each["head_branch"] == branch and each["event"] != "workflow_dispatch"]
    # A run that is going on counts too: the check run of a job that needs another appears when that ends.
    open_or_failed = [each for each in ours if each["conclusion"] not in PASSED]
    runs = [Check(f"workflow {each['name']}", each["conclusion"] or "", each["html_url"]) for each in open_or_failed]
    return commit_checks(github(context), sha, [each["id"] for each in ours]) + runs


def branch_rules(context: Context, branch: str) -> list[dict[str, Any]]:
    """Return the rules in force on the branch, in GitHub's words; there may be several of a type."""
    return list(github(context).pages(f"rules/branches/{branch}"))


def required_checks(context: Context, branch: str) -> list[str]:
    """Return the names of the checks that the branch requires, by its rules or by its older protection."""
    rules = [each for each in branch_rules(context, branch) if each["type"] == "required_status_checks"]
    found = [check["context"] for rule in rules for check in rule["parameters"]["required_status_checks"]]
    protection = (github(context).find(f"branches/{branch}") or {}).get("protection") or {}
    found += (protection.get("required_status_checks") or {}).get("contexts") or []
    return list(dict.fromkeys(found))


def follow_checks(context: Context, sha: str, branch: str, required: Sequence[str] = ()) -> list[Check]:
    """Return the branch's checks once all have ended, `required` ones too; raise Failed at the first that fails."""
    if sha == NEW:
        context.report.step("todo", f"the checks of {branch} succeed")
        return []
    listening = workflows_started(context, sha, f"refs/heads/{branch}")
    patience = APPEARS if listening or required else OTHERS_APPEAR
    found: list[Check] = []

    def _look(wait: Wait) -> bool:
        found[:] = checks_of(context, sha, branch)
        context.report.progress([Progress({"check": each.name}, each.state) for each in found])
        _check_none_failed(context, found, sha)
        # None yet is not none at all: GitHub shows a run some seconds after the push.
        return (bool(found) or wait.seconds >= patience) and not _going()

    def _going() -> list[str]:
        names = {each.name for each in found}
        return [each.name for each in found if not each.conclusion] + [name for name in required if name not in names]

    def _late(limit: float) -> Waiting:
        problem = f"the checks of {branch} did not end within {limit:.0f} s: {', '.join(_going()) or 'none began'}"
        return Waiting(problem, "Run the same again to go on waiting.")

    stopped = Waiting(f"stopped waiting for the checks of {branch}", "The same command goes on waiting.")
    wait_until(context, _look, late=_late, stopped=lambda: stopped)
    _report_checks(context, found, sha, listening)
    return found


def commit_checks(api: GitHub, sha: str, ours: Sequence[int] | None = None) -> list[Check]:
    """Return the commit's check runs and statuses; with `ours`, check runs of other workflow runs are left out."""
    found = []
    for body in api.pages(f"commits/{sha}/check-runs", key="check_runs"):
        run = _RUN.search(f"{body.get('details_url') or ''}/")
        if ours is None or run is None or int(run[1]) in ours:
            conclusion = body["conclusion"] if body["status"] == "completed" else ""
            found.append(Check(body["name"], conclusion or "", body["html_url"] or ""))
    for body in api.pages(f"commits/{sha}/status", key="statuses"):
        conclusion = "" if body["state"] == "pending" else body["state"]
        found.append(Check(body["context"], conclusion, body.get("target_url") or ""))
    return found


def _check_none_failed(context: Context, found: Sequence[Check], sha: str) -> None:
    waiting = [each for each in found if each.conclusion == "action_required"]
    if waiting:
        raise Waiting(f"check {waiting[0].name} waits for somebody: {waiting[0].url}", "Then run the same again.")
    failed = [each for each in found if each.conclusion not in ("", *PASSED)]
    if failed and not context.dry:
        listed = "\n".join(f"  {each.name}: {each.state}  {each.url}" for each in failed)
        hint = "Run them again there, or pick what mends them; then run the same again. --no-checks leaves them out."
        raise Failed(f"checks of {sha[:9]} failed:\n{listed}", hint)


def _report_checks(context: Context, found: Sequence[Check], sha: str, listening: Sequence[str]) -> None:
    """Name each check and what came of it; raise Waiting when there are none although a workflow listens."""
    for each in found:
        ended = "failed" if each.conclusion and each.conclusion not in PASSED else "note"
        context.report.step("made" if each.conclusion == "success" else ended, f"check {each.name}: {each.state}")
    if found:
        return
    if listening and not context.dry:
        names = ", ".join(listening)
        problem = f"no check of {sha[:9]} started within {APPEARS:.0f} s, though {names} listens to the push"
        hint = "Look at the repository's Actions, then run the same again; or leave them out: --no-checks"
        raise Waiting(problem, hint)
    context.report.step("note", f"no checks are configured for {sha[:9]}: none reported, none listens to the push")
