"""What the sandbox's GitHub remembers beside the bare repository."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from release.sandbox.git import Bare
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
from release.sandbox.runner import Grants, JobLike, RunLike, Start, is_from_fork
from release.sandbox.runner.permissions import DEFAULTS


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
    pulls: dict[int, Pull] = field(default_factory=dict)
    runs: dict[int, Run] = field(default_factory=dict)
    releases: dict[int, Release] = field(default_factory=dict)
    statuses: list[Status] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    labels: dict[str, Json] = field(default_factory=dict)
    rulesets: list[Ruleset] = field(default_factory=list)
    environments: dict[str, list[Json]] = field(default_factory=dict)  # what protects each, by its name
    burned: set[str] = field(default_factory=set)  # tags of immutable releases that were deleted
    known_refs: dict[str, str] = field(default_factory=dict)
    part_ids: dict[tuple[int, int, str], int] = field(default_factory=dict)
    workflow_ids: dict[str, int] = field(default_factory=dict)
    blobs: dict[str, tuple[float, bytes, str]] = field(default_factory=dict)
    leaks: list[str] = field(default_factory=list)
    used: int = 0
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
        return {"github": github, "secrets": {"GITHUB_TOKEN": "", **self.secrets}, "vars": {}}

    def grants(self, start: Start) -> Grants:
        """Say what the jobs of a run may have, by the repository's settings."""
        default = DEFAULTS[self.settings.workflow_permissions]
        forked = is_from_fork(start.payload, self.full_name)
        private = self.settings.private
        return Grants(default, is_from_fork=forked, is_private=private, issue=self.issue_token)

    def issue_token(self, permissions: Mapping[str, str]) -> str:
        """Make a token for a job."""
        name = f"ghs_{secrets.token_hex(16)}"
        with self.lock:
            self.tokens[name] = workflow_token(permissions)
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

    def part_id(self, run: Run, attempt: int, name: str) -> int:
        """Find or give the number of a run's part: a job of an attempt, or with attempt 0 an artifact."""
        with self.lock:
            key = (run.id, attempt, name)
            if key not in self.part_ids:
                self.part_ids[key] = self.next_id()
            return self.part_ids[key]

    def is_immutable(self, release: Release) -> bool:
        """Tell whether a release can no longer change: published, where releases are set to be immutable."""
        return self.settings.immutable_releases and not release.draft


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
    runs = [run for run in list(hub.runs.values()) if run.start.sha == sha]
    jobs = [_job_check(hub, run, job) for run in runs for job in run.attempt_jobs(run.work.attempt)]
    return sorted([*others.values(), *jobs], key=lambda check: -check.id)


def _job_check(hub: Hub, run: Run, job: JobLike) -> Check:
    number, started_at = hub.part_id(run, run.work.attempt, job.name), job.started_at or run.created_at
    check = Check(number, run.start.sha, job.name, job.status, job.conclusion, started_at, job.completed_at)
    check.page = f"actions/runs/{run.id}/job/{number}"
    return check


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
    """Find the release last said to be the latest, or else the one published last; no draft, no pre-release."""
    found = [each for each in hub.releases.values() if not each.draft and not each.prerelease]

    def recent(release: Release) -> tuple[bool, datetime, int]:
        return release.latest_at is not None, release.latest_at or release.published_at or now(), release.id

    return max(found, key=recent, default=None)
