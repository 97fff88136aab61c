"""Rehearsing workflows without running one of their steps: jobs by their contract, effects told from the steps.

run      a workflow's run: what is not known of its jobs is told
steps    a job's steps, one after the other; work: the state of one job
shell/   a shell that runs nothing; unknown: texts that are known in part
effects/ actions  tables: what a program or an action would do
needs    what the release needs of a run, and which step comes nearest to what is missing
wheels   the wheel that is built
lines told        where something stands in its file, and what is told of it
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from release.sandbox.cloud import Cloud
from release.sandbox.runner import Machine, RunLike, Start, parse_workflow
from release.sandbox.runner.run import WorkflowRun
from release.sandbox.runner.state import RunState
from release.sandbox.simulation.lines import file_lines
from release.sandbox.simulation.needs import Over, missing, run_need
from release.sandbox.simulation.run import SimulatedRun
from release.sandbox.simulation.steps import simulate_job
from release.sandbox.simulation.told import Named, Told
from release.sandbox.simulation.wheels import Wheels
from release.sandbox.simulation.work import Means
from release.settings import Settings
from release.workflows import expressions

if TYPE_CHECKING:
    from release.sandbox.github.state import Hub

__all__ = ["Simulation", "Told"]


class Simulation:
    """What runs the workflows of a sandbox, and keeps what they would do; `environment` is that of its jobs."""

    def __init__(self, cloud: Cloud, environment: Mapping[str, str]) -> None:
        self.settings = cloud.settings
        self.cloud = cloud
        self._environment = environment
        self._told: list[Told] = []
        self._named: list[tuple[Start, Named]] = []
        self._runs: list[tuple[Start, SimulatedRun]] = []
        self._wheels: Wheels | None = None
        self._lock = threading.RLock()

    def runner(self, hub: Hub, start: Start) -> RunLike:
        """Make the run of a workflow; `GitHub.use_runner` takes this."""
        folder = hub.folder / "runs" / str(start.id)
        folder.mkdir(parents=True)
        context = hub.run_context(start)
        known = {name: expressions.Partial(context[name]) for name in ("vars", "secrets")}
        run = SimulatedRun(
            parse_workflow(start.text, start.path),
            repository=hub.bare.path,
            sha=start.sha,
            ref=start.ref,
            event=start.event,
            inputs=start.inputs,
            env=dict(self._environment),
            folder=folder,
            context={**context, **known, "event": start.payload},
            run_steps=partial(self._run_steps, hub, start),
            undecided=partial(self._undecided, hub, start),
            gates=hub.gates,
        )
        with self._lock:
            self._runs.append((start, run))
        return run

    @property
    def told(self) -> list[Told]:
        """What was told so far, in order, then what the release needs of runs that are over and does not find."""
        with self._lock:
            found = list(dict.fromkeys(self._told))
            overs = self._overs()
        return [*found, *(each for over in overs for each in missing(self.settings, self.cloud, over))]

    def _run_steps(self, hub: Hub, start: Start, machine: Machine) -> str:
        wheels = self._builder(hub)
        means = Means(self.settings, self.cloud, hub.bare, wheels, self._tell, partial(self._name, start))
        text = _text(hub, start, machine.run)
        return simulate_job(means, run_need(self.settings, start), text, machine)

    def _builder(self, hub: Hub) -> Wheels:
        with self._lock:
            if self._wheels is None:
                folder = Path(hub.folder) / "wheels"
                self._wheels = Wheels(hub.bare, folder, self.settings.sdk, self._environment)
            return self._wheels

    def _undecided(self, hub: Hub, start: Start, run: WorkflowRun, key: str, part: str, does: str) -> None:
        path, lines = run.workflow.path, file_lines(_text(hub, start, run))
        self._tell(Told(path, lines.line("jobs", key, part), key, "", does, "untold"))

    def _tell(self, told: Told) -> None:
        with self._lock:
            self._told.append(told)

    def _name(self, start: Start, named: Named) -> None:
        with self._lock:
            self._named.append((start, named))

    def _overs(self) -> list[Over]:
        """Gather runs that one event started, once all of them are over; of several attempts the last counts."""
        groups: dict[tuple[str, ...], list[tuple[Start, SimulatedRun]]] = {}
        for start, run in self._runs:
            dispatched = start.path if start.event == "workflow_dispatch" else ""
            groups.setdefault((start.event, start.ref, start.sha, dispatched), []).append((start, run))
        return [over for group in groups.values() if (over := self._over(group))]

    def _over(self, group: list[tuple[Start, SimulatedRun]]) -> Over | None:
        starts = [start for start, _ in group]
        need = run_need(self.settings, starts[-1])
        if need is None or any(run.status != "completed" or run.is_cancelled for _, run in group):
            return None
        skipped = {(start.path, key) for start, run in group for key in run.groups if run.result(key) == "skipped"}
        named = [named for start, named in self._named if start in starts]
        return Over(starts, frozenset(skipped), named, need)


def _text(hub: Hub, start: Start, run: RunState) -> str:
    """Return the text of the file that a run is of: the one that was started, or one that it calls."""
    if run.caller is None:
        return start.text
    return hub.bare.file(run.file_sha or run.sha, run.workflow.path) or "{}"
