"""Workflow runs and their jobs, in GitHub's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from release.errors import Usage
from release.github.api import GitHub


@dataclass(frozen=True)
class Run:
    """One workflow run, in GitHub's words; an `id` of 0 is a run that a dry run would start."""

    id: int
    name: str
    status: str
    conclusion: str
    head_sha: str
    head_branch: str
    attempt: int = 1
    created_at: str = ""
    url: str = ""
    actor: str = ""
    times: tuple[str, str] = ("", "")  # when it began, and last changed

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> Run:
        """Return the run in an answer of GitHub; its `name` is the workflow's file."""
        return cls(
            id=body["id"],
            name=str(body.get("path") or body.get("name") or "").split("@")[0].rpartition("/")[2],
            status=body["status"] or "",
            conclusion=body["conclusion"] or "",
            head_sha=body["head_sha"],
            head_branch=body["head_branch"] or "",
            attempt=body.get("run_attempt") or 1,
            created_at=body["created_at"],
            url=body["html_url"],
            actor=str((body.get("actor") or {}).get("login") or ""),
            times=(body.get("run_started_at") or body["created_at"] or "", body.get("updated_at") or ""),
        )


@dataclass(frozen=True)
class Job:
    """One job of a run; `step` is the first step that failed."""

    id: int
    name: str
    status: str
    conclusion: str
    step: str = ""
    times: tuple[str, str] = ("", "")  # when it began and ended

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> Job:
        """Return the job in an answer of GitHub."""
        failed = (s["name"] for s in body.get("steps") or [] if s["conclusion"] not in (None, "success", "skipped"))
        times = (body.get("started_at") or "", body.get("completed_at") or "")
        return cls(body["id"], body["name"], body["status"] or "", body["conclusion"] or "", next(failed, ""), times)


def run_by_id(github: GitHub, run_id: int) -> Run:
    """Return the run; raise Failed when there is no such run."""
    return Run.parse(github.get(f"actions/runs/{run_id}"))


def run_or_none(github: GitHub, run_id: int) -> Run | None:
    """Return the run, or None while GitHub does not show it."""
    body = github.find(f"actions/runs/{run_id}")
    return Run.parse(body) if body else None


def runs_of(github: GitHub, sha: str, event: str, workflow: str = "", branch: str = "") -> list[Run]:
    """Return the runs of that event, newest first, all pages: of a commit, a workflow, a branch, where named."""
    path = f"actions/workflows/{workflow}/runs" if workflow else "actions/runs"
    where = {name: text for name, text in {"head_sha": sha, "branch": branch}.items() if text}
    found = github.pages(path, key="workflow_runs", event=event, **where)
    return sorted((Run.parse(body) for body in found), key=lambda each: -each.id)


def jobs_of(github: GitHub, run_id: int) -> list[Job]:
    """Return the jobs of the run's latest attempt, all pages (F26); a page that did not change costs no limit."""
    found: list[Job] = []
    page = 1
    while True:
        body, _ = github.fresh(f"actions/runs/{run_id}/jobs", filter="latest", per_page=100, page=page)
        found += [Job.parse(each) for each in body["jobs"]]
        if not body["jobs"] or len(found) >= body["total_count"]:
            return found
        page += 1


def parse_run_id(text: str) -> int:
    """Return the id in a flag, 0 for none; raise Usage for anything but a number."""
    if text and not (text.isascii() and text.isdigit()):
        raise Usage(f"--run {text} is no run's id", "It is the number at the end of the run's link.")
    return int(text or 0)


def seconds_between(begin: str, end: str, now: float, ended: bool) -> float | None:
    """Return how long a run or job took, or has run by now; None while it has not begun."""
    if not begin:
        return None
    until = datetime.fromisoformat(end.replace("Z", "+00:00")).timestamp() if ended and end else now
    return max(0.0, until - datetime.fromisoformat(begin.replace("Z", "+00:00")).timestamp())
