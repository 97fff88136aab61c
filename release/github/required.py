"""The checks that a base branch requires, and where they stand on a commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from release.call.context import Context
from release.call.wait import PollInterval
from release.errors import Failed, Waiting
from release.github.api import GitHub, github
from release.github.http import http
from release.github.pulls import PullRequest

PASSED = ("success", "neutral", "skipped")  # GitHub's own rule for required checks
EXPECTED = "expected"  # required, and never reported
PENDING = "in progress"
REPORTS = 120.0  # seconds after which it is said that nothing reported a check


def required_names(github: GitHub, branch: str) -> list[str]:
    """Return the names of the checks that the branch requires, by rules or by its older protection."""
    found = [
        check["context"]
        for rule in github.pages(f"rules/branches/{branch}")
        if rule["type"] == "required_status_checks"
        for check in rule["parameters"]["required_status_checks"]
    ]
    protection = (github.find(f"branches/{branch}") or {}).get("protection") or {}
    found += (protection.get("required_status_checks") or {}).get("contexts") or []
    return list(dict.fromkeys(found))


def required_states(github: GitHub, sha: str, names: Sequence[str]) -> dict[str, str]:
    """Return where each check stands on the commit, by check runs and statuses, all pages: the worst of a name."""
    found: dict[str, list[str]] = {name: [] for name in names}
    for check in github.pages(f"commits/{sha}/check-runs", key="check_runs"):
        if check["name"] in found:
            found[check["name"]].append(check["conclusion"] or PENDING)
    for status in github.pages(f"commits/{sha}/status", key="statuses"):
        if status["context"] in found:
            found[status["context"]].append(PENDING if status["state"] == "pending" else status["state"])
    return {name: min(states, key=_rank, default=EXPECTED) for name, states in found.items()}


def wait_for_checks(context: Context, pull: PullRequest) -> None:
    """Return once all checks that the base requires have passed on the pull request's head.

    Raises Failed when one failed, Waiting when time is up. One that nothing has reported for two minutes is named.
    """
    names = required_names(github(context), pull.base)
    started, pace, said, shown = (
        context.clock.now(),
        PollInterval(context.settings.release.poll),
        False,
        dict[str, str](),
    )
    while names:
        before = http(context).sent
        found = required_states(github(context), pull.head_sha, names)
        _show(context, found, shown)
        _check_none_failed(found, pull)
        going = [name for name, state in found.items() if state not in PASSED]
        if not going:
            return
        silent = [name for name in going if found[name] == EXPECTED]
        waited = context.clock.now() - started
        if silent and waited >= REPORTS and not said:
            said = True
            context.report.step("waiting", f"{_listed(silent)} expected, never reported: does anything report it?")
        if waited >= (context.options.timeout or context.settings.release.timeout):
            raise Waiting(
                f"pull request #{pull.number} waits for required checks: "
                + ", ".join(f"{name} ({found[name]})" for name in going),
                f"Run the same again to go on waiting: {pull.url}",
            )
        context.clock.sleep(pace.pause(http(context).sent - before))


def _check_none_failed(found: Mapping[str, str], pull: PullRequest) -> None:
    failed = [f"{name} ({state})" for name, state in found.items() if state not in (*PASSED, EXPECTED, PENDING)]
    if failed:
        raise Failed(
            f"pull request #{pull.number}: required checks failed: {', '.join(failed)}",
            f"Mend it or run them again there, then run the same again: {pull.url}",
        )


def _show(context: Context, found: Mapping[str, str], shown: dict[str, str]) -> None:
    changes = [{"check": name, "state": state} for name, state in found.items() if shown.get(name) != state]
    shown.update(found)
    context.report.frame(("check", "state"), list(found.items()), changes)


def _listed(names: Sequence[str]) -> str:
    return f"required check {names[0]} is" if len(names) == 1 else f"required checks {', '.join(names)} are"


def _rank(state: str) -> int:
    return 2 if state in PASSED else 1 if state == PENDING else 0
