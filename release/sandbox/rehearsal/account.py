"""What a rehearsal tells at its end: what would be written, where it would stop, how long its waits took."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from release.call.context import Context
from release.call.texts import duration
from release.errors import ReleaseError
from release.github.api import github
from release.github.runs import Run
from release.github.runs import duration as run_duration

if TYPE_CHECKING:
    from release.sandbox.github.state import Hub
    from release.sandbox.rehearsal.journal import Written
    from release.sandbox.rehearsal.ways import Stop
    from release.sandbox.simulation import Told

LAST = 3  # runs
COLUMNS = ("would write", "where it would stop", "its last runs took")
RUNS = ("dispatch", "run")
Waits = Mapping[str, Sequence[float]]


def last_runs(context: Context, workflows: Iterable[str]) -> dict[str, list[float]]:
    """Return how many seconds each workflow's last successful runs took, where that may be read."""
    found: dict[str, list[float]] = {}
    with suppress(ReleaseError):
        for workflow in workflows:
            path = f"actions/workflows/{workflow}/runs"
            answer = github(context).find(path, (403, 404), status="success", per_page=LAST) or {}
            runs = map(Run.parse, (answer.get("workflow_runs") or [])[:LAST])
            found[workflow] = [took for run in runs if (took := run_duration(run, 0.0)) is not None]
    return found


def run_stops(hub: Hub) -> dict[tuple[str, str], list[str]]:
    """Return what the jobs of each run waited for, by workflow and full ref: a queue, an approval, a timer."""
    found: dict[tuple[str, str], list[str]] = {}
    for run in list(hub.runs.values()):
        held = [why for of, why in list(hub.gates.stops) if of is run.work]
        known = found.setdefault((run.start.path.rpartition("/")[2], run.start.ref), [])
        known += [why for why in dict.fromkeys(held) if why not in known]
    return found


def tell(context: Context, written: Sequence[Written], stopped: Sequence[Stop], held: Mapping[Any, list[str]],
         waits: Waits) -> None:  # fmt: skip
    """Print what would be written, in order, beside where it would stop and how long each wait took."""
    rows = []
    real = [each for each in stopped if not each.on_purpose]
    for each in (each for each in written if each.kind not in ("refused", "rerun")):
        about = each.about
        found = [stop.why for stop in real if each.what.startswith(stop.where) or stop.where == f"push of {_ref(each)}"]
        found += held.get((about.get("workflow"), about.get("ref")), []) if each.kind in RUNS else []
        took = waits.get(str(about.get("workflow")), ()) if each.kind in RUNS else ()
        rows.append((each, "; ".join(dict.fromkeys(found)), took))
    shown = {reason for _, why, _ in rows for reason in why.split("; ")}
    others = [stop for stop in real if stop.why not in shown]
    if context.report.json:
        for each, why, took in rows:
            context.report.emit(event="written", kind=each.kind, what=each.what, stops=why, took=list(took),
                                about=each.about)  # fmt: skip
        for stop in stopped:
            context.report.emit(event="stop", where=stop.where, why=stop.why, mended=stop.mended,
                                on_purpose=stop.on_purpose)  # fmt: skip
        return
    context.report.line()
    context.report.line("What the real release would do, in order:")
    cells = [(each.what, why, ", ".join(map(duration, took))) for each, why, took in rows]
    context.report.rows(COLUMNS, [*cells, *((f"({stop.where})", stop.why, "") for stop in others)])


def _ref(each: Written) -> str:
    return str(each.about.get("ref", ""))


MARKS = {"effect": "made", "listed": "note", "untold": "unknown", "missing": "failed"}
TITLES = {
    "effect": "What the jobs' steps would make, as it was made in the sandbox:",
    "listed": "What else they would do, which was not done here:",
    "untold": "What could not be told of them:",
    "missing": "What the release needs and no step delivers:",
}


def tell_steps(context: Context, told: Sequence[Told]) -> None:
    """Print what the jobs' steps would do, a line each, what could not be told by name; the worst comes last."""
    listed = list(dict.fromkeys(told))
    for kind, title in TITLES.items():
        of_kind = [each for each in listed if each.kind == kind]
        if of_kind and not context.report.json:
            context.report.line()
            context.report.line(title)
        for each in of_kind:
            where = f"{each.workflow}:{each.line}"
            facts = {"workflow": each.workflow, "line": each.line, "job": each.job, "does": each.does, "kind": kind}
            context.report.step(MARKS[kind], f"{where}  {each.job}: {each.does}", **facts)
