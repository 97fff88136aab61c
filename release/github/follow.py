"""Follow runs until they end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from release.call.context import Context
from release.call.ensure import ensure
from release.call.report import Progress
from release.call.texts import last_times
from release.call.wait import Wait, wait_until
from release.errors import ReleaseError, Waiting
from release.github.api import github
from release.github.approvals import Pending, pending_environments, waiting_reasons
from release.github.requests import Dispatch
from release.github.runs import (
    APPEARS,
    APPROVAL,
    Job,
    Run,
    check_run,
    duration,
    jobs_of,
    last_durations,
    runs_of,
    status_text,
)

MENDABLE = ("failure", "timed_out", "cancelled")
USUAL = 60.0  # seconds of a wait, after which people are told how long it takes: what is over sooner asks nothing


@dataclass
class _Followed:
    run: Run
    jobs: list[Job] = field(default_factory=list)
    changed: bool = True  # since its jobs were asked for
    pending: list[Pending] = field(default_factory=list)  # environments that it waits for
    told: set[str] = field(default_factory=set)  # why it waits
    rerun: bool = False
    usual: bool = False  # whether it was told how long it takes


def follow_runs(context: Context, runs: Mapping[str, Run], then: str = "") -> dict[str, Run]:
    """Return the runs, named for display, once all have ended; with `rerun_failed`, each failed one tries once more.

    Who waits is told how long each took the last times, and what comes `then`. Raises Waiting when time is up,
    somebody has to approve, or Ctrl-C stops the waiting. A dry run looks once.
    """
    followed = {name: _Followed(each) for name, each in runs.items() if each.id}

    def _going(why: str, hint: str) -> Waiting:
        return Waiting(f"{why}; the runs go on:\n{_links(followed.values())}", hint)

    wait_until(
        context,
        lambda wait: _look_at_all(context, followed, wait, then),
        late=lambda limit: _going(f"not finished within {limit:.0f} s", "Run the same again to go on waiting."),
        stopped=lambda: _going("stopped waiting", "The same command attaches again."),
    )
    return {name: followed[name].run if name in followed else each for name, each in runs.items()}


def watch_run(context: Context, name: str, started: Run, request: Dispatch) -> Run:
    """Return the run once it has ended and done all that was asked, and say so; raises what `check_run` raises."""
    ended = follow_runs(context, {name: started})[name]
    check_run(context, ended, request)
    context.report.step("note", f"run {ended.id} of {ended.name}: {status_text(ended)}", url=ended.url)
    return ended


def _look_at_all(context: Context, followed: Mapping[str, _Followed], wait: Wait, then: str) -> bool:
    """Look at each run that goes on, show what changed, start attempts; return whether all is over."""
    _look_at_runs(context, [each for each in followed.values() if each.run.status != "completed"], wait)
    for each in followed.values():
        # Its jobs are shown even of a run that had ended before the first look.
        if each.changed or (wait.seldom and each.run.status == "in_progress"):
            each.jobs, each.changed = jobs_of(context, each.run), False
            _tell_why(context, each)
            wait.breathe()
    context.report.progress(list(_progress(context, followed)))
    failed = [each for each in followed.values() if each.run.conclusion in MENDABLE and not each.rerun]
    reruns = failed if context.options.rerun_failed else []
    for each in reruns:
        _rerun(context, each)
    going = [each for each in followed.values() if each.run.status != "completed"]
    if wait.seconds >= USUAL:
        _tell_usual(context, [each for each in going if not each.usual], then)
    if going and not context.dry and all(map(_needs_somebody, going)):
        raise _for_approval(going)
    return not reruns and not going


def _tell_why(context: Context, each: _Followed) -> None:
    """Say once each why a run waits, where it or a job of it says that it does: nothing is asked otherwise."""
    states = {each.run.status, *(job.status for job in each.jobs)} if each.run.status != "completed" else set()
    each.pending = pending_environments(context, each.run.id) if "waiting" in states else []
    if states & {"pending", "waiting"}:
        for why in waiting_reasons(context, each.run, sorted(states), each.pending):
            if why not in each.told:
                each.told.add(why)
                context.report.step("waiting", why)


def _tell_usual(context: Context, going: Sequence[_Followed], then: str) -> None:
    """Say how long the runs took the last times, and what comes next; nothing where it cannot be read."""
    for each in going:
        each.usual = True
        with suppress(ReleaseError):
            took = last_durations(github(context), each.run.name)
            if took:
                context.report.step("note", f"{each.run.name} took {last_times(took)}")
    if going and then:
        context.report.step("note", f"then {then}")


def _needs_somebody(each: _Followed) -> bool:
    """Whether a run goes on once a person says so; one that only a timer holds goes on by itself."""
    timer_alone = bool(each.pending) and not any(one.reviewers for one in each.pending)
    return each.run.status in APPROVAL and not timer_alone


def _for_approval(going: Sequence[_Followed]) -> Waiting:
    names = ", ".join(each.run.name for each in going)
    who = "".join(f"\n{one.reason}" for each in going for one in each.pending)
    typed = ", ".join(f"inv release.approve --run {each.run.id}" for each in going)
    problem = f"{names} waits for approval:\n{_links(going)}{who}"
    return Waiting(problem, f"Approve it there, or type {typed}; then run the same again.")


def _look_at_runs(context: Context, going: Sequence[_Followed], wait: Wait) -> None:
    """Ask for the runs, those of one commit in one listing; what did not change costs no limit.

    A listing lags: a run that it has not, or an attempt, goes on; that one ended is the run's own word.
    """
    shas = [each.run.head_sha for each in going]
    listings = [runs_of(github(context), head_sha=sha) for sha in dict.fromkeys(shas) if shas.count(sha) > 1]
    listed = {run.id: run for listing in listings for run in listing}
    for each in going:
        now = listed.get(each.run.id)
        if now is None or now.status == "completed":
            now = Run.parse(github(context).fresh(f"actions/runs/{each.run.id}"))
            wait.breathe()
        if now.attempt >= each.run.attempt:
            each.changed |= now.state != each.run.state
            each.run = replace(now, name=each.run.name)


def _rerun(context: Context, each: _Followed) -> None:
    """Have GitHub run the failed jobs once more; writes that, and once in this call."""
    before, each.rerun = each.run, True

    def _find() -> Run | None:
        now = Run.parse(github(context).get(f"actions/runs/{before.id}"))
        return now if now.attempt > before.attempt else None

    now = ensure(
        context,
        f"attempt {before.attempt + 1} of run {before.id} of {before.name}: its failed jobs once more",
        find=_find,
        make=lambda: github(context).send("POST", f"actions/runs/{before.id}/rerun-failed-jobs"),
        planned=replace(before, status="planned", conclusion=""),
        patience=APPEARS,
    )
    each.run, each.changed = replace(now, name=before.name), True


def _links(followed: Iterable[_Followed]) -> str:
    return "\n".join(each.run.url for each in followed if each.run.status != "completed")


def _progress(context: Context, followed: Mapping[str, _Followed]) -> Iterator[Progress]:
    now = context.clock.now()
    for name, each in followed.items():
        rows: list[Run | Job] = [each.run, *each.jobs]
        for one in rows:
            job, link = (one.name, one.step) if isinstance(one, Job) else ("", one.url)
            took, ticks = duration(one, now), one.status != "completed"
            yield Progress({"run": name, "job": job}, status_text(one), took, link, head=one is each.run, ticks=ticks)
