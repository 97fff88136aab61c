"""The checks of a branch's head: its check runs, its statuses, and the runs they come from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from release.errors import Failed, Waiting
from release.pace import Pace
from release.triggers import starts_on_push

if TYPE_CHECKING:
    from release.world import World

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


def follow_checks(world: World, sha: str, branch: str, required: Sequence[str] = ()) -> list[Check]:
    """Return the checks of the branch's head once all have ended, the `required` ones among them; names each.

    Success, neutral and skipped (by a path filter or condition) count. Raises Failed at the first that does
    not, Waiting when time is up or somebody has to approve. A dry run looks once.
    """
    started, pace, shown = world.clock.now(), Pace(world.settings.release.poll), dict[str, str]()
    listening = _listening(world, sha, branch)
    patience = APPEARS if listening or required else SETTLE
    try:
        while True:
            before = world.http.sent
            found = checks(world, sha, branch)
            _show(world, found, shown)
            _check_none_failed(world, found, sha)
            missing = [name for name in required if name not in {each.name for each in found}]
            settled = bool(found) or world.clock.now() - started >= patience
            if world.dry or (settled and not missing and all(each.conclusion for each in found)):
                return _told(world, found, sha, listening)
            _check_time(world, started, [each.name for each in found if not each.conclusion] + missing, branch)
            world.clock.sleep(pace.pause(world.http.sent - before))
    except KeyboardInterrupt:
        raise Waiting(f"stopped waiting for the checks of {branch}", "The same command goes on waiting.") from None


def checks(world: World, sha: str, branch: str) -> list[Check]:
    """Return the checks of the commit that belong to the branch, all pages, those of other refs' runs left out.

    A run that is going on counts as one too: the check run of a job that needs another appears when that ends.
    """
    github = world.github
    bodies = list(github.pages("actions/runs", key="workflow_runs", head_sha=sha))
    ours = {each["id"]: each for each in bodies if _is_checking(each, branch)}
    found = [
        _check(each) for each in github.pages(f"commits/{sha}/check-runs", key="check_runs") if _counts(each, ours)
    ]
    found += [_status(each) for each in github.pages(f"commits/{sha}/status", key="statuses")]
    going = [each for each in ours.values() if each["status"] != "completed"]
    failed = [each for each in ours.values() if each["conclusion"] not in (None, *PASSED)]
    return found + [
        Check(f"workflow {each['name']}", each["conclusion"] or "", each["html_url"]) for each in going + failed
    ]


def required_checks(world: World, branch: str) -> list[str]:
    """Return the names of the checks that the branch's rules require."""
    rules = [each for each in branch_rules(world, branch) if each["type"] == "required_status_checks"]
    return [check["context"] for rule in rules for check in rule["parameters"]["required_status_checks"]]


def branch_rules(world: World, branch: str) -> list[dict[str, Any]]:
    """Return the rules in force on the branch, in GitHub's words."""
    return list(world.github.pages(f"rules/branches/{branch}"))


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


def _show(world: World, found: Sequence[Check], shown: dict[str, str]) -> None:
    states = {each.name: each.conclusion or "in progress" for each in found}
    changes = [{"check": name, "state": state} for name, state in states.items() if shown.get(name) != state]
    shown.update(states)
    world.report.frame(("check", "state"), list(states.items()), changes)


def _check_none_failed(world: World, found: Sequence[Check], sha: str) -> None:
    waiting = [each for each in found if each.conclusion == "action_required"]
    if waiting:
        raise Waiting(f"check {waiting[0].name} waits for somebody: {waiting[0].url}", "Then run the same again.")
    failed = [each for each in found if each.conclusion not in ("", *PASSED)]
    if failed and not world.dry:
        listed = "\n".join(f"  {each.name}: {each.conclusion.replace('_', ' ')}  {each.url}" for each in failed)
        raise Failed(
            f"checks of {sha[:9]} failed:\n{listed}",
            "Run them again there, or pick what mends them; then run the same again. --no-checks leaves them out.",
        )


def _told(world: World, found: Sequence[Check], sha: str, listening: Sequence[str]) -> list[Check]:
    """Name each check and what came of it; raise Waiting when there are none although a workflow listens."""
    for each in found:
        status = (
            "made" if each.conclusion == "success" else "failed" if each.conclusion not in ("", *PASSED) else "note"
        )
        world.report.step(status, f"check {each.name}: {each.conclusion or 'in progress'}")
    if not found and listening and not world.dry:
        raise Waiting(
            f"no check of {sha[:9]} started within {APPEARS:.0f} s, though {', '.join(listening)} listens to the push",
            "Look at the repository's Actions, then run the same again; or leave them out: --no-checks",
        )
    if not found:
        world.report.step("note", f"no checks are configured for {sha[:9]}: none reported, none listens to the push")
    return list(found)


def _check_time(world: World, started: float, open_checks: Sequence[str], branch: str) -> None:
    limit = world.timeout or world.settings.release.timeout
    if world.clock.now() - started >= limit:
        raise Waiting(
            f"the checks of {branch} did not end within {limit:.0f} s: {', '.join(open_checks) or 'none began'}",
            "Run the same again to go on waiting.",
        )


def _listening(world: World, sha: str, branch: str) -> list[str]:
    """Return the workflows at the commit that any push to the branch starts; a path filter may leave one out."""
    try:
        listed = world.repo.git("ls-tree", "--full-tree", "--name-only", "-z", sha, "--", ".github/workflows/")
    except Failed:
        return []
    files = [name for name in listed.split("\0") if name.endswith((".yml", ".yaml"))]
    return [name.rpartition("/")[2] for name in files if starts_on_push(world.repo.file(sha, name) or b"", branch)]
