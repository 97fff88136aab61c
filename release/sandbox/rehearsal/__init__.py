"""One's own repository in the sandbox: a release of it there, and what that came to.

copy.py       the remote and a clone, by reference
outside.py    what the real world has, read only; admission.py: the same in the sandbox
mishaps.py    bad days on purpose; ways.py: the way on for a call that stopped
journal.py    what was written, in order; account.py: what is told at the end
"""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from release.call.context import Context
from release.call.flags import Kind
from release.errors import Failed, ReleaseError
from release.sandbox.child import run_command
from release.sandbox.github.app import run_workflow
from release.sandbox.rehearsal.account import RUNS, last_runs, run_stops, tell, tell_steps
from release.sandbox.rehearsal.admission import admit
from release.sandbox.rehearsal.journal import Journal, Written, cloud_changes, cloud_content
from release.sandbox.rehearsal.mishaps import BadDay
from release.sandbox.rehearsal.outside import Outside, read_outside
from release.sandbox.rehearsal.ways import Stop, stand_in, stops
from release.sandbox.runner import RunLike, Start, check_confinement, run_confined_job

if TYPE_CHECKING:
    from release.sandbox.github.state import Hub
    from release.sandbox.simulation import Told
    from release.sandbox.world import Sandbox

POLL, TIMEOUT = "0.5", "900"  # seconds: jobs end soon here, and what never comes shall not keep anybody
LEFT, LOOK = 120.0, 0.1  # seconds that runs have to end which nobody waits for, and between looks whether they have


@dataclass
class Rehearsal:
    """A call that is typed in a copy, until it ends well or no way on is known; `kind_of` tells what a task does.

    Raises Usage where steps shall really run, and this machine cannot set them apart.
    """

    context: Context
    world: Sandbox
    words: Sequence[str]
    day: BadDay
    kind_of: Callable[[str], Kind]
    plan: str = ""  # a file's absolute path
    outside: Outside = field(default_factory=Outside)
    stopped: list[Stop] = field(default_factory=list)

    def __post_init__(self) -> None:
        front, hub = self.world.github.front, self.world.github.hub
        if self.world.simulation is None:
            check_confinement()
            self.world.github.use_runner(_run_apart)
        self.journal = Journal(hub, front.application)
        front.application = self.journal
        self.journal.watchers += [partial(stand_in, hub), self.day.notice]

    def take_over(self) -> None:
        """Have the real world's state in the sandbox, as far as it may be read, and say how far."""
        self.outside = read_outside(self.context)
        self.world.github.hub.gates.approves = True
        for note in [*self.outside.notes, *admit(self.context, self.world, self.outside)]:
            self.context.report.step("note", note)

    def play(self) -> None:
        """Type it, mend what stops it and type it again; what wrote once more, which changes nothing; tell of it all.

        Raises Failed when it does not end well, or a workflow would not deliver what the release needs.
        """
        before = cloud_content(self.world.cloud)
        self.day.arm(self.world.github)
        problem = self._type_plan() or self._type_to_the_end()
        self._wait_for_runs()
        written = [*self.journal.written, *cloud_changes(before, cloud_content(self.world.cloud))]
        if problem is None and written:
            problem = self._type_again()
        told = self.world.simulation.told if self.world.simulation else []
        self._tell(written, told)
        missing = [each for each in told if each.kind == "missing"]
        if missing:
            places = "\n".join(f"{each.workflow}:{each.line}: {each.does}" for each in missing)
            raise Failed(f"a workflow does not deliver what the release needs\n{places}", "Mend it there.")
        if problem or (problem := self._missed()):
            raise problem

    def _type_plan(self) -> ReleaseError | None:
        """Have a dry call write the plan, which the calls after it are held against."""
        if not self.plan:
            return None
        self.words = self._with(lambda kind: kind.plans, "--plan", self.plan)
        code = self._type(["--dry", *self.words])
        return Failed(f"no plan could be made: exited {code}", "What it says above is to be mended.") if code else None

    def _type_to_the_end(self) -> ReleaseError | None:
        words = list(self.words)
        while True:
            seen = len(self.journal.written)
            code = self._type(words)
            if not code:
                return None
            new = stops(self.world.github.hub, self.day, self.journal.written[seen:], self.stopped)
            if not new:
                return Failed(f"inv {shlex.join(words)} exited {code}, not 0", "What it says above is to be mended.")
            for stop in new:
                self.context.report.step("note", f"{stop.where}: {stop.why}; here {stop.mended}")
            self.stopped += new
            rerun = any(stop.reruns for stop in new)
            words = self._with(lambda kind: kind.reruns, "--rerun-failed") if rerun else list(self.words)

    def _with(self, wanted: Callable[[Kind], bool], *flag: str) -> list[str]:
        """Return the words with a flag after each task that has it."""
        return [each for word in self.words for each in ((word, *flag) if wanted(self.kind_of(word)) else (word,))]

    def _type(self, words: Sequence[str]) -> int:
        """Show the command and run it in the clone, agreed to, its output going where this one's goes."""
        report = self.context.report
        report.line()
        report.line(f"$ inv {shlex.join(words)}")
        settings = {"YES": "1", "POLL": POLL, "TIMEOUT": TIMEOUT, **({"OUTPUT": "json"} if report.json else {})}
        variables = {f"INVOKE_RELEASE_{name}": value for name, value in settings.items()}
        return run_command(self.world, [sys.executable, "-m", "invoke", *words], partial(setattr, self.day, "child"),
                           **variables)  # fmt: skip

    def _wait_for_runs(self) -> None:
        """Let the runs end that the call did not wait for; those of a merge go on while it is already done."""
        deadline = time.monotonic() + LEFT
        while time.monotonic() < deadline:
            if all(run.work.status == "completed" for run in list(self.world.github.hub.runs.values())):
                return
            time.sleep(LOOK)
        self.context.report.step("note", f"runs that nobody waits for go on after {LEFT:.0f} s, and are left out")

    def _type_again(self) -> ReleaseError | None:
        seen, cloud = len(self.journal.written), cloud_content(self.world.cloud)
        code = self._type(self.words)
        changes = self.journal.written[seen:] + cloud_changes(cloud, cloud_content(self.world.cloud))
        if code or changes:
            what = ", ".join(each.what for each in changes) or f"exited {code}, not 0"
            return Failed(f"inv {shlex.join(self.words)}, typed again: {what}", "It shall change nothing then.")
        self.context.report.step("holds", "typed again it changed nothing")
        return None

    def _tell(self, written: Sequence[Written], told: Sequence[Told]) -> None:
        hub, report = self.world.github.hub, self.context.report
        workflows = dict.fromkeys(str(each.about["workflow"]) for each in written if each.kind in RUNS)
        waits = last_runs(self.context, workflows) if self.outside.repository else {}
        if written:
            tell(self.context, written, self.stopped, run_stops(hub), waits)
        elif not report.json:
            report.line("It writes nothing.")
        tell_steps(self.context, told)

    def _missed(self) -> ReleaseError | None:
        jobs = sorted({job.name for run in self.world.github.hub.runs.values() for job in run.work.jobs})
        missed = ", ".join(self.day.missed())
        hint = f"Jobs that ran: {', '.join(jobs) or 'none'}. All that was pushed is above."
        return Failed(f"asked for, and never came to it: {missed}", hint) if missed else None


def _run_apart(hub: Hub, start: Start) -> RunLike:
    """Make the run whose steps really run, each set apart from this machine."""
    return run_workflow(hub, start, run_confined_job)
