"""Workflow runs, their jobs and artifacts, in GitHub's words, and what became of them."""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from release.call.context import Context
from release.errors import Failed, ReleaseError, Usage, Waiting
from release.github.api import GitHub, github
from release.github.http import items
from release.github.requests import Dispatch
from release.workflows import check_roles

APPEARS = 60.0  # seconds within which GitHub shows what was asked for (a run, a Release …) or what a push starts
TAIL = 20  # lines of a failed job's log
MOST = 10  # artifacts of one run that are looked into
LARGEST = 60 * 2**20  # bytes of an archive: an answer of GitHub may have little more
LARGEST_FILE = 256 * 2**20  # bytes, unpacked
APPROVAL = ("waiting", "action_required")
CONCLUSIONS = {
    "failure": "failed", "timed_out": "ran out of its own time", "stale": "was given up by GitHub",
    "cancelled": "was cancelled: by somebody, a newer run of its concurrency group, or since another job failed",
    "startup_failure": "could not start: its workflow file is wrong",
    "skipped": "was skipped whole: no job's condition held", "neutral": "ended neither well nor badly",
}  # fmt: skip
STATUSES = {
    "pending": "waits for its concurrency group", "waiting": "waits for approval",
    "requested": "is asked for", "queued": "waits for a runner",
}  # fmt: skip


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
    event: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What it is found by in the view of a dry call: its workflow and branch or tag."""
        return self.name, self.head_branch

    @property
    def state(self) -> tuple[int, str, str]:
        """Return where it stands, which does not change with each of its jobs."""
        return self.attempt, self.status, self.conclusion

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> Run:
        """Return the run in an answer of GitHub; its `name` is the workflow's file."""
        began, changed = body.get("run_started_at") or body["created_at"] or "", body.get("updated_at") or ""
        return cls(
            id=body["id"], name=str(body.get("path") or body.get("name") or "").split("@")[0].rpartition("/")[2],
            status=body["status"] or "", conclusion=body["conclusion"] or "",
            head_sha=body["head_sha"], head_branch=body["head_branch"] or "",
            attempt=body.get("run_attempt") or 1, created_at=body["created_at"], url=body["html_url"],
            actor=str((body.get("actor") or {}).get("login") or ""), times=(began, changed),
            event=body.get("event") or "",
        )  # fmt: skip


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


def runs_of(api: GitHub, **where: str) -> list[Run]:
    """Return the runs, newest first, all pages: of a commit, an event, a branch, as GitHub names them, where given."""
    return _newest_first(api.fresh_pages("actions/runs", "workflow_runs", **where))


def workflow_runs(api: GitHub, workflow: str, **where: str) -> list[Run]:
    """Return the runs of the workflow's file as `runs_of` does."""
    return _newest_first(api.fresh_pages(f"actions/workflows/{workflow}/runs", "workflow_runs", **where))


def _newest_first(bodies: Iterable[Mapping[str, Any]]) -> list[Run]:
    return sorted(map(Run.parse, bodies), key=lambda each: -each.id)


def jobs_of(context: Context, run: Run) -> list[Job]:
    """Return the jobs of the run's latest attempt, all pages (F26); asked for once a call when all of it is over."""
    key = (jobs_of, run.id, run.attempt)
    found: list[Job] | None = context.doors.get(key)
    if found is None:
        bodies = github(context).fresh_pages(f"actions/runs/{run.id}/jobs", "jobs", filter="latest")
        found = list(map(Job.parse, bodies))
        if run.status == "completed" and all(each.status == "completed" for each in found):
            context.doors[key] = found
    return found


def parse_run_id(text: str) -> int:
    """Return the id in a flag, 0 for none; raise Usage for anything but a number."""
    if text and not (text.isascii() and text.isdigit()):
        raise Usage(f"--run {text} is no run's id", "It is the number at the end of the run's link.")
    return int(text or 0)


def parse_time(text: str) -> datetime:
    """Return the time in an answer of GitHub; Python 3.10 reads no `Z`."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def duration(one: Run | Job, now: float) -> float | None:
    """Return the seconds that a run or job took, or has run by now; None for one that has not, or never."""
    begin, end = one.times
    until = parse_time(end).timestamp() if end and one.status == "completed" else now
    return max(0.0, until - parse_time(begin).timestamp()) if begin and one.conclusion != "skipped" else None


def last_durations(api: GitHub, workflow: str, most: int = 3) -> list[float]:
    """Return the seconds that the workflow's newest runs that succeeded took, the newest first."""
    path = f"actions/workflows/{workflow}/runs"
    body = api.fresh(path, status="success", per_page=most)
    found = (duration(Run.parse(each), 0) for each in items(body, "workflow_runs", api.url(path)))
    return [seconds for seconds in found if seconds is not None]


def check_run(context: Context, finished: Run, dispatch: Dispatch) -> None:
    """Raise Failed unless the run did all that was asked (F26), Waiting for approval; prints failed jobs' log tails."""
    if not finished.id or finished.status != "completed":  # a dry run's: planned, or looked at once
        return
    if finished.conclusion == "success":
        check_jobs(asked_jobs(context, finished, dispatch), finished, dispatch)
        return
    name = f"run {finished.id} of {finished.name}"
    if finished.conclusion in APPROVAL:
        problem = f"{name} needs somebody's approval to start:\n{finished.url}"
        raise Waiting(problem, "Approve it there, then run the same again.")
    for job in jobs_of(context, finished):
        if job.conclusion not in ("success", "skipped", ""):
            _print_log_tail(context, job)
    became = CONCLUSIONS.get(finished.conclusion, f"ended: {finished.conclusion}")
    attempt = f", attempt {finished.attempt}," if finished.attempt > 1 else ""
    raise Failed(f"{name}{attempt} {became}\n{finished.url}", dispatch.ways_on)


def status_text(one: Run | Job) -> str:
    """Return where a run or job stands, for a table."""
    words = (one.conclusion or STATUSES.get(one.status, one.status)).replace("_", " ")
    return f"{words} (attempt {one.attempt})" if isinstance(one, Run) and one.attempt > 1 else words


def _print_log_tail(context: Context, job: Job) -> None:
    became = CONCLUSIONS.get(job.conclusion, job.conclusion)
    context.report.step("failed", f"job {job.name} {became}" + (f" in step {job.step}" if job.step else ""))
    try:
        log = github(context).content(f"actions/jobs/{job.id}/logs").decode("utf-8", "replace")
        context.report.lines(log.splitlines()[-TAIL:])
    except ReleaseError as error:
        context.report.line(f"  its log cannot be read: {error.problem}")


def asked_jobs(context: Context, finished: Run, dispatch: Dispatch) -> list[Job]:
    """Return the run's jobs, where the request has roles for them."""
    return jobs_of(context, finished) if dispatch.roles else []


def check_jobs(jobs: Iterable[Job], finished: Run, dispatch: Dispatch) -> None:
    """Raise Failed unless every role has a job and each of its jobs succeeded (F26)."""
    triples = [(job.name, job.status, job.conclusion) for job in jobs]
    check_roles(triples, dispatch.roles, dispatch.inputs, f"Look: {finished.url}\n{dispatch.ways_on}")


def artifact_sha256(api: GitHub, run_id: int, filename: str) -> str:
    """Return the SHA-256 of the file of that name in the run's artifacts, read in memory; raise Failed, saying why."""
    reasons = []
    for artifact in islice(api.pages(f"actions/runs/{run_id}/artifacts", key="artifacts"), MOST):
        try:
            if found := _sha256(_archive(api, artifact), filename):
                return found
        except (ReleaseError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
            reasons.append(f"{artifact['name']}: {getattr(error, 'problem', error)}")
    raise Failed("; ".join(reasons) or f"run {run_id} kept no {filename}")


def _archive(api: GitHub, artifact: Any) -> bytes:
    """Return the archive, checked against the digest that GitHub has of it; the token stays with GitHub (S2)."""
    if artifact["expired"]:
        raise Failed("it is kept no longer")
    if artifact["size_in_bytes"] > LARGEST:
        raise Failed(f"it is larger than {LARGEST >> 20} MiB")
    content = api.content(f"actions/artifacts/{artifact['id']}/zip")
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    if artifact.get("digest") not in (None, digest):
        raise Failed(f"its bytes are {digest[:19]}, GitHub says {artifact['digest'][:19]}")
    return content


def _sha256(archive: bytes, filename: str) -> str:
    """Return the hash of the one file of that name, in whatever folder of the archive, or nothing."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        entries = [each for each in opened.infolist() if each.filename.rpartition("/")[2] == filename]
        if not entries:
            return ""
        if len(entries) > 1 or entries[0].file_size > LARGEST_FILE:
            raise Failed(f"{filename} is in it twice, or too large")
        with opened.open(entries[0]) as stream:
            digest = hashlib.sha256()
            while chunk := stream.read(2**16):  # zipfile stops at the size that the entry has
                digest.update(chunk)
        return digest.hexdigest()
