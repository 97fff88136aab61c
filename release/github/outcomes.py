"""What became of a run, in words, and what its failed jobs said."""

from __future__ import annotations

from release.call.context import Context
from release.errors import Failed, ReleaseError, Waiting
from release.github.api import GitHub, github
from release.github.requests import Dispatch
from release.github.runs import Job, Run, jobs_of
from release.workflows import check_roles

TAIL = 20  # lines of a failed job's log
APPROVAL = ("waiting", "action_required")
CONCLUSIONS = {
    "failure": "failed",
    "cancelled": "was cancelled, by somebody or by a newer run of its concurrency group",
    "timed_out": "ran out of its own time",
    "startup_failure": "could not start: its workflow file is wrong",
    "stale": "was given up by GitHub",
    "skipped": "was skipped whole: no job's condition held",
    "neutral": "ended neither well nor badly",
}
STATUSES = {
    "pending": "waits for its concurrency group",
    "waiting": "waits for approval",
    "requested": "is asked for",
    "queued": "waits for a runner",
}


def check_run(context: Context, finished: Run, dispatch: Dispatch) -> None:
    """Raise unless the run did all that was asked; prints the failed jobs' log tails first.

    Raises Waiting for one that somebody has to approve, Failed for all else that is not success (F26).
    """
    if not finished.id or finished.status != "completed":  # a dry run's: planned, or looked at once
        return
    if finished.conclusion == "success":
        check_jobs(github(context), finished, dispatch)
        return
    if finished.conclusion in APPROVAL:
        raise Waiting(
            f"run {finished.id} of {finished.name} needs somebody's approval to start:\n{finished.url}",
            "Approve it there, then run the same again.",
        )
    for job in jobs_of(github(context), finished.id):
        if job.conclusion not in ("success", "skipped", ""):
            _print_log_tail(context, job)
    became = CONCLUSIONS.get(finished.conclusion, f"ended: {finished.conclusion}")
    attempt = f", attempt {finished.attempt}," if finished.attempt > 1 else ""
    raise Failed(f"run {finished.id} of {finished.name}{attempt} {became}\n{finished.url}", dispatch.ways_on)


def state(one: Run | Job) -> str:
    """Return where a run or job stands, for a table."""
    words = one.conclusion or STATUSES.get(one.status, one.status)
    words = words.replace("_", " ")
    return f"{words} (attempt {one.attempt})" if isinstance(one, Run) and one.attempt > 1 else words


def _print_log_tail(context: Context, job: Job) -> None:
    became = CONCLUSIONS.get(job.conclusion, job.conclusion)
    context.report.step("failed", f"job {job.name} {became}" + (f" in step {job.step}" if job.step else ""))
    try:
        log = github(context).content(f"actions/jobs/{job.id}/logs").decode("utf-8", "replace")
    except ReleaseError as error:
        context.report.line(f"  its log cannot be read: {error.problem}")
        return
    context.report.lines(log.splitlines()[-TAIL:])


def check_jobs(github: GitHub, finished: Run, dispatch: Dispatch) -> None:
    """Raise Failed unless every role has a job and each of its jobs succeeded (F26)."""
    triples = [(job.name, job.status, job.conclusion) for job in jobs_of(github, finished.id)]
    check_roles(triples, dispatch.roles, dispatch.inputs, f"Look: {finished.url}\n{dispatch.ways_on}")
