"""Follow runs until they end, and say why one failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from release.errors import Failed, ReleaseError, Waiting
from release.runs import Dispatch, Job, Run, check_jobs, jobs

if TYPE_CHECKING:
    from release.github import GitHub
    from release.world import World

SLOWEST = 15.0  # seconds between looks
REQUESTS_AN_HOUR = 900  # GitHub's own GITHUB_TOKEN has 1,000
TAIL = 20  # lines of a failed job's log
WORDS = {
    "cancelled": "was cancelled",
    "timed_out": "ran out of its own time",
    "startup_failure": "could not start: its workflow file is wrong",
    "stale": "was given up by GitHub",
    "failure": "failed",
}


@dataclass
class _Followed:
    run: Run
    jobs: list[Job] = field(default_factory=list)
    shown: dict[str, str] = field(default_factory=dict)


def follow(world: World, runs: Mapping[str, Run]) -> dict[str, Run]:
    """Return the runs once all have ended; `runs` are named for display.

    Raises Waiting when time is up, somebody has to approve, or Ctrl-C stops the waiting: the runs
    go on, and the same command attaches again. A dry run looks once.
    """
    followed = {name: _Followed(run) for name, run in runs.items() if run.id}
    started, interval = world.clock.now(), world.settings.release.poll
    try:
        with world.report.live():
            while True:
                before = world.http.sent
                for each in followed.values():
                    _look(world.github, each)
                _show(world, followed)
                if world.dry or all(each.run.status == "completed" for each in followed.values()):
                    return {name: followed[name].run if name in followed else run for name, run in runs.items()}
                _check_wait(world, followed, started)
                interval = min(interval * 1.25, SLOWEST)
                world.clock.sleep(max(interval, (world.http.sent - before) * 3600 / REQUESTS_AN_HOUR / 4))
    except KeyboardInterrupt:
        links = "\n".join(each.run.url for each in followed.values() if each.run.status != "completed")
        raise Waiting(f"stopped waiting; the runs go on:\n{links}", "The same command attaches again.") from None


def check_run(world: World, finished: Run, dispatch: Dispatch) -> None:
    """Raise Failed unless the run did all that was asked; prints the failed jobs' log tails first."""
    if not finished.id or (world.dry and finished.status != "completed"):
        return
    if finished.conclusion == "success":
        check_jobs(world.github, finished, dispatch)
        return
    for job in jobs(world.github, finished.id):
        if job.conclusion not in ("success", "skipped", ""):
            _explain(world, job)
    became = WORDS.get(finished.conclusion, f"ended: {finished.conclusion}")
    raise Failed(
        f"run {finished.id} of {finished.name} {became}\n{finished.url}",
        "Once the cause is mended: the same command with --rerun-failed, or with --again for a new run.",
    )


def _look(github: GitHub, each: _Followed) -> None:
    """Ask for the run, and for its jobs only when it changed: an unchanged run costs no rate limit."""
    body, changed = github.fresh(f"actions/runs/{each.run.id}")
    each.run = replace(Run.parse(body), name=each.run.name)
    if changed or each.run.status == "in_progress":
        first, fresh = github.fresh(f"actions/runs/{each.run.id}/jobs", filter="latest", per_page=100)
        if fresh:
            each.jobs = _all_jobs(github, each.run.id, first)


def _all_jobs(github: GitHub, run_id: int, first: Mapping[str, Any]) -> list[Job]:
    if first["total_count"] > len(first["jobs"]):
        return jobs(github, run_id)
    return [Job.parse(body) for body in first["jobs"]]


def _check_wait(world: World, followed: Mapping[str, _Followed], started: float) -> None:
    for each in followed.values():
        if each.run.status == "waiting" or each.run.conclusion == "action_required":
            raise Waiting(
                f"{each.run.name} waits for approval: {each.run.url}", "Approve it there, then run the same again."
            )
    limit = world.timeout or world.settings.release.timeout
    if world.clock.now() - started >= limit:
        links = "\n".join(each.run.url for each in followed.values() if each.run.status != "completed")
        raise Waiting(
            f"not finished within {limit:.0f} s; the runs go on:\n{links}", "Run the same again to go on waiting."
        )


def _show(world: World, followed: Mapping[str, _Followed]) -> None:
    rows: list[tuple[str, str, str, str]] = []
    changes: list[dict[str, str]] = []
    for name, each in followed.items():
        lines = [
            ("", "", _state(each.run), each.run.url),
            *((job.name, job.step, _state(job), "") for job in each.jobs),
        ]
        for job, step, state, url in lines:
            rows.append((name if not job else "", job, state, url or step))
            if each.shown.get(job) != state:
                each.shown[job] = state
                changes.append({"run": name, "job": job, "state": state, "url": url or step})
    world.report.frame(("run", "job", "state", ""), rows, changes)


def _state(one: Run | Job) -> str:
    state = (one.conclusion or one.status).replace("_", " ")
    return f"{state} (attempt {one.attempt})" if isinstance(one, Run) and one.attempt > 1 else state


def _explain(world: World, job: Job) -> None:
    world.report.step(
        "failed",
        f"job {job.name} {WORDS.get(job.conclusion, job.conclusion)}" + (f" in step {job.step}" if job.step else ""),
    )
    try:
        log = world.github.content(f"actions/jobs/{job.id}/logs").decode("utf-8", "replace")
    except ReleaseError as error:
        world.report.line(f"  its log cannot be read: {error.problem}")
        return
    world.report.lines(log.splitlines()[-TAIL:])
