"""What the sandbox's GitHub remembers beside the bare repository."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex

from semver import Version

from release.sandbox.git import Bare
from release.sandbox.github.kept import Kept
from release.sandbox.github.records import (
    API,
    Check,
    Comment,
    Json,
    Pull,
    Release,
    Review,
    Ruleset,
    Run,
    Settings,
    Status,
    Token,
    now,
    workflow_token,
)
from release.sandbox.runner import Gates, JobLike, RunLike, Start
from release.workflows import RESTRICTED


@dataclass
class Hub:
    """The whole state of one server with one repository."""

    owner: str
    name: str
    bare: Bare
    folder: Path
    runner: Callable[[Hub, Start], RunLike]
    url: str = ""
    settings: Settings = field(default_factory=Settings)
    tokens: dict[str, Token] = field(default_factory=dict)
    job_environment: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    default_grants: Mapping[str, str] = field(default_factory=lambda: RESTRICTED)  # to a job's token
    pulls: Kept[int, Pull] = field(default_factory=Kept)
    runs: Kept[int, Run] = field(default_factory=Kept)
    releases: Kept[int, Release] = field(default_factory=Kept)
    statuses: list[Status] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    labels: dict[str, Json] = field(default_factory=dict)
    rulesets: list[Ruleset] = field(default_factory=list)
    gates: Gates = field(default_factory=Gates)
    protections: dict[str, Json] = field(default_factory=dict)  # the older one, by a branch's name or pattern
    burned: set[str] = field(default_factory=set)  # tags of immutable releases that were deleted
    known_refs: dict[str, str] = field(default_factory=dict)
    part_ids: Kept[tuple[int, int, str, int], int] = field(default_factory=Kept)
    workflow_ids: Kept[str, int] = field(default_factory=Kept)
    blobs: Kept[str, tuple[float, bytes, str]] = field(default_factory=Kept)
    leaks: list[str] = field(default_factory=list)
    used: int = 0
    searches: list[float] = field(default_factory=list)  # when each was, of the last minute
    lock: threading.RLock = field(default_factory=threading.RLock)
    last_id: int = 1_000
    last_number: int = 0

    @property
    def full_name(self) -> str:
        """`owner/name`, as in GITHUB_REPOSITORY."""
        return f"{self.owner}/{self.name}"

    @property
    def api_url(self) -> str:
        """What GITHUB_API_URL has to be."""
        return f"{self.url}{API}"

    def run_context(self, start: Start) -> Json:
        """Make the contexts that a workflow's expressions see, beside what its run knows itself."""
        github = {
            "actor": start.actor,
            "triggering_actor": start.actor,
            "api_url": self.api_url,
            "repository": self.full_name,
            "repository_owner": self.owner,
            "run_id": str(start.id),
            "run_number": str(start.number),
            "server_url": self.url,
        }
        sides = start.payload.get("pull_request", {})
        github |= {f"{side}_ref": sides[side]["ref"] if sides else "" for side in ("base", "head")}
        grants = {"grants": self.default_grants, "issue": self.issue_token, "is_private": self.settings.private}
        return {"github": github, "secrets": {**self.secrets}, "vars": {}, **grants}

    def issue_token(self, granted: Mapping[str, str]) -> str:
        """Make a token for a job, which has what was granted."""
        name = f"ghs_{token_hex(16)}"
        self.tokens[name] = workflow_token(granted)
        return name

    @property
    def api(self) -> str:
        """The address below which the repository's resources are."""
        return f"{self.api_url}/repos/{self.full_name}"

    @property
    def html(self) -> str:
        """The address people would open."""
        return f"{self.url}/{self.full_name}"

    def next_id(self) -> int:
        """Take the next number for an object of any kind."""
        with self.lock:
            self.last_id += 1
            return self.last_id

    def next_number(self) -> int:
        """Take the next number of a pull request."""
        with self.lock:
            self.last_number += 1
            return self.last_number

    def head(self, branch: str) -> str | None:
        """Find the commit of a branch."""
        return self.bare.sha(f"refs/heads/{branch}")

    def workflow_id(self, path: str) -> int:
        """Find or give the number of a workflow, which its path keeps for ever."""
        with self.lock:
            if path not in self.workflow_ids:
                self.workflow_ids[path] = self.next_id()
            return self.workflow_ids[path]

    def part_id(self, run: Run, attempt: int, name: str, nth: int = 0) -> int:
        """Find or give the number of a run's part: the nth job of its name in an attempt, or an artifact (0)."""
        with self.lock:
            key = (run.id, attempt, name, nth)
            if key not in self.part_ids:
                self.part_ids[key] = self.next_id()
            return self.part_ids[key]

    def job_id(self, run: Run, attempt: int, job: JobLike) -> int:
        """Find or give the number of a job, which it has for itself where another has its name."""
        same = [each for each in run.attempt_jobs(attempt) if each.name == job.name]
        return self.part_id(run, attempt, job.name, next(at for at, each in enumerate(same) if each is job))


def add_check(hub: Hub, sha: str, name: str, conclusion: str | None = None, status: str = "completed") -> Check:
    """Report a check of another application on a commit."""
    number, moment = hub.next_id(), now()
    completed_at = moment if conclusion else None
    check = Check(number, sha, name, "completed" if conclusion else status, conclusion, moment, completed_at)
    hub.checks.append(check)
    return check


def checks_of(hub: Hub, sha: str) -> list[Check]:
    """List the check runs of a commit, newest first: of each run the latest attempt, of other checks the newest."""
    others = {check.name: check for check in hub.checks if check.sha == sha}
    runs = [run for run in hub.runs.values() if run.start.sha == sha]
    jobs = [_job_check(hub, run, job) for run in runs for job in run.attempt_jobs(run.work.attempt)]
    return sorted([*others.values(), *jobs], key=lambda check: -check.id)


def _job_check(hub: Hub, run: Run, job: JobLike) -> Check:
    number, started_at = hub.job_id(run, run.work.attempt, job), job.started_at or run.created_at
    check = Check(number, run.start.sha, job.name, job.status, job.conclusion, started_at, job.completed_at)
    check.page = f"actions/runs/{run.id}/job/{number}"
    said = list(getattr(job, "annotations", ()))
    check.output = {"annotations": [_annotation(text) for text in said]} if said else {}
    return check


def _annotation(text: str) -> Json:
    """Describe what kept a job from running (schema check-annotation)."""
    nowhere = dict.fromkeys(("start_column", "end_column"))
    place = {"path": ".github", "blob_href": "", "start_line": 1, "end_line": 1, **nowhere}
    return {**place, "annotation_level": "failure", "title": "", "message": text, "raw_details": ""}


def add_status(hub: Hub, sha: str, state: str, context: str = "default", login: str = "ci") -> Status:
    """Put a status on a commit."""
    status = Status(hub.next_id(), sha, state, context, login)
    hub.statuses.append(status)
    return status


def statuses_of(hub: Hub, sha: str) -> list[Status]:
    """List the newest status of each context on a commit."""
    return list({status.context: status for status in hub.statuses if status.sha == sha}.values())


def add_review(hub: Hub, pull: Pull, state: str = "APPROVED", login: str = "reviewer", text: str = "") -> Review:
    """Have somebody review a pull request."""
    review = Review(hub.next_id(), login, state, pull.head_sha, text)
    pull.reviews.append(review)
    return review


def add_comment(hub: Hub, pull: Pull, login: str, text: str) -> Comment:
    """Have somebody comment on a pull request."""
    comment = Comment(hub.next_id(), login, text)
    pull.comments.append(comment)
    return comment


def known_labels(hub: Hub) -> list[str]:
    """List the labels by name: those that were made, and those that a pull request has."""
    return sorted({*hub.labels, *(label for pull in hub.pulls.values() for label in pull.labels)})


def latest_release(hub: Hub) -> Release | None:
    """Find the release that was said to be the latest last, or else the one of the newest commit; no draft.

    A pre-release neither. Of commits of one day the higher version goes first, as `legacy` has it.
    """
    found = [each for each in list(hub.releases.values()) if not each.draft and not each.prerelease]
    said = [each for each in found if each.latest_at]
    if said:
        return max(said, key=lambda each: (each.latest_at, each.id))
    return max(found, key=lambda each: legacy_order(hub, each), default=None)


def legacy_order(hub: Hub, release: Release) -> tuple[str, bool, Version, int]:
    """Order releases as `make_latest: legacy` does: by the day of the commit, then by semantic version."""
    sha = hub.bare.sha(f"refs/tags/{release.tag}")
    day = hub.bare.commit(sha).committer.date[:10] if sha else ""
    name = release.tag.removeprefix("v")
    is_version = Version.is_valid(name)
    return day, is_version, Version.parse(name) if is_version else Version(0), release.id
