"""Bad days on purpose: a job that fails, answers that lag, a call that is killed, a push that is refused."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from release.errors import Usage
from release.github.runs import parse_time
from release.sandbox.github.records import Ruleset
from release.sandbox.github.rules import reject_pushes
from release.sandbox.runner import RunLike, Start

if TYPE_CHECKING:
    from release.sandbox.github.app import GitHub
    from release.sandbox.github.state import Hub
    from release.sandbox.rehearsal.journal import Written

LONGEST = 600  # seconds of lag: of GitHub's own, minutes are known and hours are not
KILLS = ("push", "dispatch", "merge", "tag")  # kinds of what is written
LISTS = {"workflow_runs": "created_at", "check_runs": "started_at"}  # what appears late, and what tells its age


@dataclass
class BadDay:
    """What shall go wrong, once each, and what of it did."""

    fail: tuple[str, ...] = ()
    lag: float = 0.0  # seconds
    kill_after: str = ""
    refuse_push: tuple[str, ...] = ()
    failed: dict[str, str] = field(default_factory=dict)  # the job that failed, by the name asked for
    killed: str = ""  # what was written right before
    refused: list[Ruleset] = field(default_factory=list)
    met: set[str] = field(default_factory=set)  # what of that refused a push, by the rule's refs
    child: int = 0  # the typed call's process

    def arm(self, github: GitHub) -> None:
        """Have it go wrong from now on."""
        hub = github.hub
        github.use_runner(_failing(self, hub.runner))
        for pattern in self.refuse_push:
            why = f"Refused on purpose: --refuse-push {pattern}"
            self.refused += [reject_pushes(hub, ref, why) for ref in _refs(pattern)]
        if self.lag:
            listed, pull = r"/(runs|check-runs)\?", r"/pulls/[0-9]+\?"
            github.faults.add("GET", listed, times=None, change=lambda answer: _late(answer, self.lag))
            github.faults.add("GET", pull, times=None, change=lambda answer: _undecided(answer, self.lag))

    def notice(self, written: Written) -> None:
        """Kill the typed call where this is the write after which it shall end."""
        if self.child and self.kill_after and not self.killed and written.kind == self.kill_after:
            self.killed = written.what
            with suppress(ProcessLookupError):
                os.killpg(self.child, signal.SIGKILL)

    def missed(self) -> list[str]:
        """List what was asked for and never came, with the flag."""
        jobs = [f"--fail {name}" for name in self.fail if name not in self.failed]
        kills = [f"--kill-after {self.kill_after}"] if self.kill_after and not self.killed else []
        pushes = [f"--refuse-push {pattern}" for pattern in self.refuse_push if not self.met & set(_refs(pattern))]
        return [*jobs, *kills, *pushes]


def bad_day(fail: tuple[str, ...], lag: str, kill_after: str, refuse_push: tuple[str, ...]) -> BadDay:
    """Return the day that flags ask for; raise Usage for a lag that is none, and for a write that nobody knows."""
    if kill_after and kill_after not in KILLS:
        raise Usage(f"--kill-after {kill_after}: there is no such write", f"One of {', '.join(KILLS)}.")
    if lag and not (lag.isascii() and lag.replace(".", "", 1).isdigit() and float(lag) <= LONGEST):
        raise Usage(f"--lag {lag} is no number of seconds up to {LONGEST}", "Give one such as --lag 30.")
    return BadDay(fail, float(lag or 0), kill_after, refuse_push)


def _refs(pattern: str) -> list[str]:
    return [pattern] if pattern.startswith("refs/") else [f"refs/heads/{pattern}", f"refs/tags/{pattern}"]


def _failing(day: BadDay, runner: Callable[[Hub, Start], RunLike]) -> Callable[[Hub, Start], RunLike]:
    """Make the runner whose jobs of these names fail, each name once; the others run as they would."""

    def _make(hub: Hub, start: Start) -> RunLike:
        run: Any = runner(hub, start)
        if day.fail:
            run.run_steps = _fail_once(day, run.run_steps)
        made: RunLike = run
        return made

    return _make


def _fail_once(day: BadDay, run_steps: Callable[[Any], str]) -> Callable[[Any], str]:
    def _run(machine: Any) -> str:
        name = next((each for each in day.fail if each not in day.failed and is_named(machine.job.name, each)), None)
        if name is None:
            return run_steps(machine)
        day.failed[name] = machine.job.name
        machine.log.write(f"##[error]Failed on purpose: --fail {name}")
        return "failure"

    return _run


def is_named(job: str, name: str) -> bool:
    """Tell whether a job, as GitHub shows it, is meant: whole, without its matrix, or as a called workflow's own."""
    return any(each == name or each.partition(" (")[0] == name for each in (job, *_inner(job)))


def _inner(job: str) -> Iterable[str]:
    while " / " in job:
        job = job.partition(" / ")[2]
        yield job


def _late(answer: Any, lag: float) -> Any:
    """Leave out of a listing what is younger than the lag."""
    for key, moment in LISTS.items():
        if isinstance(answer, dict) and key in answer:
            kept = [each for each in answer[key] if not _is_young(each.get(moment), lag)]
            answer = {**answer, key: kept, "total_count": answer["total_count"] - len(answer[key]) + len(kept)}
    return answer


def _undecided(answer: Any, lag: float) -> Any:
    """Say of a pull request that changed within the lag that nobody knows yet whether it can be merged."""
    if isinstance(answer, dict) and "mergeable" in answer and _is_young(answer.get("updated_at"), lag):
        return {**answer, "mergeable": None, "mergeable_state": "unknown"}
    return answer


def _is_young(moment: str | None, lag: float) -> bool:
    return moment is not None and datetime.now(timezone.utc) - parse_time(moment) < timedelta(seconds=lag)
