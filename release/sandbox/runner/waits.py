"""How the runs and jobs of a run wait at the gates."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from release.sandbox.runner.concurrency import DEADLOCK, Member, member_facts
from release.sandbox.runner.job import Job
from release.sandbox.runner.state import RunState

LOOK = 0.05  # seconds between looks at whether a job that waits may go on, or is cancelled


@dataclass(frozen=True)
class Wanted:
    """What a job asks for, evaluated: its `concurrency`, and its environment's name."""

    concurrency: Any
    environment: str


def enter_group(run: RunState, member: Member) -> None:
    """Have a run or job of a run enter its group; what it waits for there is remembered."""
    ahead = run.gates.groups.ahead(member.group)
    if ahead and not member.cancels:
        others = dict.fromkeys(each.label for each in ahead if isinstance(each, RunState) and each is not run.root)
        behind = f", behind {' and '.join(others)}" if others else ""
        run.gates.stops.append((run.root, f"waits for its turn in the concurrency group {member.group}{behind}"))
    run.gates.groups.enter(member)


def pass_gates(run: RunState, job: Job, wanted: Wanted, held: contextlib.ExitStack) -> str:
    """Wait until a job may run: for its group, then its environment; returns how it ended where it may not."""
    return _take_group(run, job, wanted, held) or _take_environment(run, job, wanted, held)


def _take_group(run: RunState, job: Job, wanted: Wanted, held: contextlib.ExitStack) -> str:
    facts = member_facts(wanted.concurrency)
    if not facts:
        return ""
    if facts["group"].lower() in run.all_groups:
        job.annotate(DEADLOCK.format(facts["group"], job.name))
        return "cancelled"
    turn = threading.Event()
    member = Member(run=run.root, begin=turn.set, cancel=job.give_way, **facts)
    held.callback(run.gates.groups.leave, member)
    enter_group(run, member)
    return _wait(run, job, "pending", turn.is_set)


def _take_environment(run: RunState, job: Job, wanted: Wanted, held: contextlib.ExitStack) -> str:
    gates, name = run.gates, wanted.environment
    if not name:
        return ""
    job.environment = environment = gates.environment(name)
    if refusal := environment.refusal(run.ref, gates.is_protected):
        job.annotate(refusal)
        return "failure"
    asked = gates.deploy(environment, run.root, job.name)
    if asked not in gates.deployments:
        return ""
    held.callback(gates.deployments.remove, asked)
    over = _wait(run, job, "waiting", lambda: asked.state == "rejected" or asked.is_due(gates.clock()))
    if not over and asked.state == "rejected":
        job.annotate(f"The deployment to {name} was rejected")
        return "failure"
    return over


def _wait(run: RunState, job: Job, status: str, is_over: Callable[[], bool]) -> str:
    """Wait with a status of its own; `cancelled` where the job was meanwhile."""
    if not is_over():
        run.show(job, status)
    while not is_over():
        if job.cancelled.is_set():
            return "cancelled"
        time.sleep(LOOK)
    if job.status == status:
        run.show(job, "queued")
    return "cancelled" if job.cancelled.is_set() else ""
