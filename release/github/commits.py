"""What GitHub tells of a commit: which history holds it, its checks, which are required, and the wait for them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from release.call.context import Context
from release.call.report import Progress
from release.call.wait import Wait, wait_until
from release.errors import Blocked, Failed, Waiting
from release.git.refs import NEW
from release.git.repository import repository
from release.git.tags import written_at
from release.github.api import Forbidden, GitHub, github
from release.github.dispatch import EVENT
from release.github.events import workflows_started
from release.github.runs import APPEARS, Run, jobs_of, parse_time, runs_of

PASSED = ("success", "neutral", "skipped")  # GitHub's own rule for required checks
REPORTS = 120.0  # seconds after which it is said that nothing reported a required check
_RUN = re.compile(r"/actions/runs/([0-9]+)/")


@dataclass(frozen=True)
class Check:
    """One check run, status or workflow run; `conclusion` is empty until it ends, `expected` has yet to show."""

    name: str
    conclusion: str
    url: str = ""
    expected: bool = False

    @property
    def state(self) -> str:
        """Say where it stands."""
        return self.conclusion.replace("_", " ") or ("expected" if self.expected else "in progress")


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


def branch_rules(context: Context, branch: str) -> list[dict[str, Any]]:
    """Return the rules in force on the branch, in GitHub's words, read once a call; there may be several of a type."""
    return context.once((branch_rules, branch), lambda: list(github(context).pages(f"rules/branches/{branch}")))


def required_checks(context: Context, branch: str) -> list[str]:
    """Return the names of the checks that the branch requires, by its rules or by its older protection."""
    rules = [each for each in branch_rules(context, branch) if each["type"] == "required_status_checks"]
    found = [check["context"] for rule in rules for check in rule["parameters"]["required_status_checks"]]
    protection = (github(context).find(f"branches/{branch}") or {}).get("protection") or {}
    found += (protection.get("required_status_checks") or {}).get("contexts") or []
    return list(dict.fromkeys(found))


@dataclass(frozen=True)
class Wanted:
    """What has to end well before a commit counts as checked (F31): all of its branch, or what is required alone."""

    sha: str
    name: str  # the branch or pull request, as people are told
    required: Sequence[str] = ()
    branch: str = ""
    listening: Mapping[str, bool] = field(default_factory=dict)  # workflows, and whether the push must start each
    url: str = ""

    @property
    def way_round(self) -> str:
        """Say where to look, or how to leave the checks out."""
        return f": {self.url}" if self.url else "; or leave them out: --no-checks"


@dataclass(frozen=True)
class Seen:
    """What was seen of a commit: its workflows' runs, check runs, statuses, and what the token may not read."""

    runs: list[Run]
    check_runs: list[Check]
    statuses: list[Check]
    hidden: list[str]

    @property
    def checks(self) -> list[Check]:
        """All of it; a run that is going on counts too: a job that needs another has its check run when that ends."""
        runs = [Check(f"workflow {run.name}", run.conclusion, run.url) for run in self.runs]
        return [each for each in runs if each.conclusion not in PASSED] + self.check_runs + self.statuses

    @property
    def started(self) -> set[str]:
        """The workflows that the push started."""
        return {run.name for run in self.runs if run.event == "push"}


def branch_checks(context: Context, sha: str, branch: str, base: str = "", url: str = "") -> Wanted:
    """Return what has to end well at a branch's head: every workflow that its push starts, all that `base` requires."""
    listening = {} if sha == NEW else workflows_started(context, sha, f"refs/heads/{branch}")
    return Wanted(sha, branch, required_checks(context, base or branch), branch, listening, url)


def follow_checks(context: Context, wanted: Wanted) -> list[Check]:
    """Return the checks once all that is wanted has ended well, and name each; raise at the first that fails.

    What did not show is going on, until GitHub had time to show it (F37). Raises Waiting for a workflow that never
    began, Blocked for a required check that this token cannot see (F31).
    """
    if wanted.sha == NEW:
        context.report.step("todo", f"the checks of {wanted.name} succeed")
        return []
    found, notes, seen = list[Check](), list[str](), None
    named = bool(wanted.required or wanted.listening or not wanted.branch)

    def _look(wait: Wait) -> bool:
        nonlocal seen
        seen = _checks_now(context, wanted, None if wait.seldom else seen)
        found[:] = _counting(wanted, seen, wait.seconds)
        context.report.progress([Progress({"check": each.name}, each.state) for each in found])
        _check_none_failed(context, found, wanted)
        going = [each for each in found if not each.conclusion]
        if going and wait.seconds >= APPEARS and all(each.expected for each in going):
            _check_silence(wanted, seen, going)
        for note in [each for each in _notes(going, seen, wait.seconds) if each not in notes]:
            notes.append(note)
            context.report.step("waiting", note)
        return not going and (named or wait.seconds >= APPEARS)

    def _late(limit: float) -> Waiting:
        going = ", ".join(f"{each.name} ({each.state})" for each in found if not each.conclusion) or "none began"
        problem = f"the checks of {wanted.name} did not end within {limit:.0f} s: {going}"
        return Waiting(problem, "Run the same again to go on waiting.")

    stopped = Waiting(f"stopped waiting for the checks of {wanted.name}", "The same command goes on waiting.")
    if wanted.required or wanted.branch:
        wait_until(context, _look, late=_late, stopped=lambda: stopped)
    _report_checks(context, found, wanted)
    return found


def checks_now(context: Context, wanted: Wanted) -> tuple[list[Check], list[str]]:
    """Return the checks that count as they stand now, those too that have yet to show, and what nobody may read."""
    seen = commit_checks(context, wanted.sha, wanted.branch)
    header, _ = repository(context).commit_parts(wanted.sha)
    made = written_at(header)  # it was pushed then or later: what a path filter leaves out never shows
    age = context.clock.now() - parse_time(made).timestamp() if made else 0.0
    return _counting(wanted, seen, age), seen.hidden


def commit_checks(context: Context, sha: str, branch: str = "") -> Seen:
    """Return what is to be seen of the commit: check runs, statuses, and its branch's runs, all pages.

    With a branch, its own alone: what was dispatched, or runs for a tag of the same commit, checks no branch. Where
    the token may not read check runs, the jobs of the runs stand in: they have the same names.
    """
    api, hidden, statuses = github(context), list[str](), list[Check]()
    runs = _branch_runs(api, sha, branch) if branch else []
    try:
        found = _check_runs(api, sha, runs if branch else None)
    except Forbidden:
        hidden.append("check runs")
        runs = runs if branch else runs_of(api, head_sha=sha)
        found = [Check(job.name, job.conclusion, run.url) for run in runs for job in jobs_of(context, run)]
    try:
        statuses = _statuses(api, sha)
    except Forbidden:
        hidden.append("commit statuses")
    return Seen(runs, found, statuses, hidden)


def _checks_now(context: Context, wanted: Wanted, before: Seen | None) -> Seen:
    """Return what is to be seen of the commit; while a check run goes on, what was seen `before` with those anew."""
    if before and not before.hidden:
        found = _check_runs(github(context), wanted.sha, before.runs if wanted.branch else None)
        became = {each.conclusion for each in found if wanted.branch or each.name in wanted.required}
        if "" in became and became <= {"", *PASSED}:
            return replace(before, check_runs=found)
    return commit_checks(context, wanted.sha, wanted.branch)


def _branch_runs(api: GitHub, sha: str, branch: str) -> list[Run]:
    """Return the branch's runs, of each workflow and event the newest, which tells.

    The branch may have been pushed again at the same commit, or a run cancelled for a later one.
    """
    runs = [each for each in runs_of(api, head_sha=sha) if each.head_branch == branch and each.event != EVENT]
    return list({(each.name, each.event): each for each in reversed(runs)}.values())


def _check_runs(api: GitHub, sha: str, ours: Collection[Run] | None) -> list[Check]:
    """Return the commit's check runs; with `ours`, without those of other workflow runs."""
    found, ids = list[Check](), {each.id for each in ours or ()}
    for body in api.fresh_pages(f"commits/{sha}/check-runs", "check_runs"):
        run = _RUN.search(f"{body.get('details_url') or ''}/")
        if ours is None or run is None or int(run[1]) in ids:
            conclusion = body["conclusion"] if body["status"] == "completed" else ""
            found.append(Check(body["name"], conclusion or "", body["html_url"] or ""))
    return found


def _statuses(api: GitHub, sha: str) -> list[Check]:
    found = []
    for body in api.fresh_pages(f"commits/{sha}/status", "statuses"):
        conclusion = "" if body["state"] == "pending" else body["state"]
        found.append(Check(body["context"], conclusion, body.get("target_url") or ""))
    return found


def _counting(wanted: Wanted, seen: Seen, seconds: float) -> list[Check]:
    """Return the checks that count, those too that have yet to show."""
    names = {each.name for each in seen.checks}
    late = [
        f"workflow {name}"
        for name, must in wanted.listening.items()
        if name not in seen.started and (must or seconds < APPEARS)  # a path filter may have left it out
    ]
    found = [each for each in seen.checks if wanted.branch or each.name in wanted.required]
    return found + [Check(name, "", expected=True) for name in (*wanted.required, *late) if name not in names]


def _notes(going: Sequence[Check], seen: Seen, seconds: float) -> Iterator[str]:
    if seen.hidden:
        yield f"this token may not read {' and '.join(seen.hidden)}: what Actions does not run itself is not seen"
    for each in going if seconds >= REPORTS else ():
        if each.expected:
            yield f"{each.name} is expected, never reported: does anything report it?"


def _check_silence(wanted: Wanted, seen: Seen, silent: Sequence[Check]) -> None:
    """Raise for what did not show though GitHub had time to, once nothing else goes on."""
    absent = ", ".join(each.name for each in silent if each.name not in wanted.required)
    if absent:
        problem = f"{absent} listens to the push of {wanted.name}, and no run of it showed within {APPEARS:.0f} s"
        hint = "Was it pushed with a token that starts workflows? Does its commit say [skip ci]? Then run the same"
        raise Waiting(problem, f"{hint} again{wanted.way_round}")
    if seen.hidden:
        unseen = f"could not tell whether {', '.join(each.name for each in silent)} passed on {wanted.name}"
        problem = f"{unseen}: this token may not read {' and '.join(seen.hidden)}"
        raise Blocked(problem, f"Use a GitHub App's or a classic token: fine-grained ones cannot{wanted.way_round}")


def _check_none_failed(context: Context, found: Sequence[Check], wanted: Wanted) -> None:
    waiting = [each for each in found if each.conclusion == "action_required"]
    if waiting:
        raise Waiting(f"CI check {waiting[0].name!r} waits for somebody: {waiting[0].url}", "Then run the same again.")
    failed = [each for each in found if each.conclusion not in ("", *PASSED)]
    if failed and not context.dry:
        listed = "\n".join(f"  {each.name}: {each.state}  {each.url}" for each in failed)
        hint = f"Run them again there, or mend what fails; then run the same again{wanted.way_round}"
        raise Failed(f"checks of {wanted.name} at {wanted.sha[:9]} failed:\n{listed}", hint)


def _report_checks(context: Context, found: Sequence[Check], wanted: Wanted) -> None:
    """Name each check and what came of it, or that there are none."""
    for each in found:
        ended = "failed" if each.conclusion and each.conclusion not in PASSED else "note"
        became = "passed" if each.conclusion == "success" else f"is {each.state}"
        context.report.step("holds" if each.conclusion == "success" else ended, f"CI check {each.name!r} {became}")
    if wanted.branch and not found:
        context.report.step("note", f"no checks of {wanted.name}: none reported, none listens to the push")
