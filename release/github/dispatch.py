"""Bind a release to its run: find the one that was asked for, or ask for it once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from release.call.context import Context
from release.call.ensure import ensure
from release.errors import Conflict, Failed, Unknown, Usage
from release.git.refs import HEADS, NEW, TAGS, brief
from release.git.repository import repository
from release.git.snapshot import remote, trunk
from release.github.api import GitHub, github
from release.github.requests import Dispatch
from release.github.runs import APPEARS, Run, check_jobs, runs_of
from release.workflows import Source, check_judgement, judge

EVENT = "workflow_dispatch"
FOLDER = ".github/workflows"


def dispatch_run(context: Context, dispatch: Dispatch, *, again: bool = False, run_id: int = 0) -> Run:
    """Return the run of this workflow, ref, commit and inputs, asking GitHub for it at most once (F1, F2).

    One that succeeded or is going on is taken; `run_id` chooses one, `again` asks for a new one. Raises Conflict
    when several match, Failed when the only ones failed or another commit was built (F4).
    """
    if run_id:
        return _run_of_id(context, run_id, dispatch)
    # Before anything is sent: what shows later, and is newer than all of these, may be ours.
    before = matching_runs(github(context), dispatch)
    known = None if again else _usable_run(context, before, dispatch)
    if known is None:
        check_workflow(context, dispatch)
    asked = _SentDispatch(context, dispatch, max((each.id for each in before), default=0))
    inputs = ", ".join(f"{name}={_text(value)}" for name, value in dispatch.inputs.items())
    found = ensure(
        context,
        f"run {dispatch.workflow} on {dispatch.name} ({brief(dispatch.sha)}) with {inputs or 'no inputs'}",
        find=lambda: known or asked.run(),
        make=asked.send,
        planned=Run(0, dispatch.workflow, "planned", "", dispatch.sha, dispatch.name),
        patience=APPEARS,
    )
    return _check_bound(context, found, dispatch)


def existing_run(context: Context, dispatch: Dispatch, run_id: int = 0) -> Run:
    """Return the newest run of the request, or the one of that id, whatever became of it; raise Usage for none."""
    if run_id:
        return _run_of_id(context, run_id, dispatch)
    planned = context.view.get(Run, (dispatch.workflow, dispatch.name))
    matching = [planned] if planned else matching_runs(github(context), dispatch)
    if not matching:
        problem = f"there is no run of {dispatch.workflow} on {dispatch.name} at {dispatch.sha[:9]}"
        raise Usage(problem, f"Start it: {dispatch.new_run.removesuffix(' --again')}")
    return _check_bound(context, matching[0], dispatch)


def matching_runs(api: GitHub, dispatch: Dispatch) -> list[Run]:
    """Return the runs of this workflow, event, ref and commit, newest first; there are none of a planned commit."""
    found = [] if dispatch.sha == NEW else runs_of(api, dispatch.sha, EVENT, dispatch.workflow)
    return [each for each in found if each.head_branch == dispatch.name]


def succeeded_runs(context: Context, dispatch: Dispatch) -> list[Run]:
    """Return the runs of the request that succeeded, newest first."""
    return [each for each in matching_runs(github(context), dispatch) if each.conclusion == "success"]


class _SentDispatch:
    """One dispatch: sent at most once, and what it led to; `floor` is the highest id of the runs before it."""

    def __init__(self, context: Context, dispatch: Dispatch, floor: int) -> None:
        self._api, self._dispatch, self._floor = github(context), dispatch, floor
        self._sent, self._id = False, 0

    @cached_property
    def _login(self) -> str:
        return self._api.login()

    def send(self) -> None:
        """Ask GitHub for the run; raise Unknown when the answer is lost (F2)."""
        self._sent, file = True, self._dispatch.workflow
        try:
            self._id = _send_dispatch(self._api, self._dispatch)
        except Unknown as error:
            problem = f"{error.problem}; no run of {file} at {self._dispatch.sha[:9]} shows"
            look = f"Look for one: {self._api.web_url}/actions/workflows/{file}"
            then = "The same command takes it when it is there, and asks again when it is not."
            raise Unknown(problem, f"{look}\n{then}") from error

    def run(self) -> Run | None:
        """Return the run this led to, or None while there is none; raise Conflict when several may be it."""
        if self._id:
            body = self._api.find(f"actions/runs/{self._id}")  # None for some seconds after the answer that named it
            return Run.parse(body) if body else None
        if not self._sent:
            return None
        # Answered without the run's id: the one of ours that is newer than all there were (F3).
        us = self._login
        new = [each for each in matching_runs(self._api, self._dispatch) if each.id > self._floor]
        ours = [each for each in new if us in ("", each.actor)]
        if len(ours) > 1:
            raise _several(ours, self._dispatch)
        return ours[0] if ours else None


def _run_of_id(context: Context, run_id: int, dispatch: Dispatch) -> Run:
    """Return the run of that id if it is of the workflow and commit that are meant."""
    found = Run.parse(github(context).get(f"actions/runs/{run_id}"))
    if found.name != dispatch.workflow:
        raise Usage(f"run {run_id} is of {found.name}, not of {dispatch.workflow}", f"Look: {found.url}")
    return _check_bound(context, found, dispatch)


def _check_bound(context: Context, found: Run, dispatch: Dispatch) -> Run:
    """Return the run if it is of the commit that was meant; raise Failed otherwise (F4)."""
    if found.head_sha != dispatch.sha:
        problem = f"run {found.id} builds {found.head_sha[:9]}, not {brief(dispatch.sha)}: {dispatch.name} moved"
        raise Failed(problem, f"Nothing of it counts; cancel it there: {found.url}")
    if found.id:
        context.report.record(run_id=found.id, run_url=found.url)
    return found


def _usable_run(context: Context, matching: Sequence[Run], dispatch: Dispatch) -> Run | None:
    """Return the one run that is going on or did all that was asked; raise on several or on failed ones alone."""
    going = [each for each in matching if each.status != "completed"]
    done = [each for each in matching if each.conclusion == "success" and _did_all(github(context), each, dispatch)]
    useful = going + done[:1]  # several green ones built the same; one that goes on beside a green one is unclear
    if len(useful) > 1:
        raise _several(useful, dispatch)
    failed = [each for each in matching if each.conclusion not in ("", "success")]
    if failed and not useful and not context.options.rerun_failed:
        last, where = failed[0], f"{dispatch.workflow} at {dispatch.sha[:9]}"
        raise Failed(f"run {last.id} of {where} ended: {last.conclusion}\n{last.url}", dispatch.ways_on)
    return next(iter(useful + failed), None)


def _several(matching: Sequence[Run], dispatch: Dispatch) -> Conflict:
    listed = "\n".join(f"{each.id}  {each.conclusion or each.status}  {each.url}" for each in matching)
    problem = f"{len(matching)} runs of {dispatch.workflow} at {dispatch.sha[:9]} match:\n{listed}"
    return Conflict(problem, f"Choose: {dispatch.command} --run ID")


def _did_all(api: GitHub, finished: Run, dispatch: Dispatch) -> bool:
    """Whether a green run had the right boxes ticked: GitHub does not tell a run's inputs, its jobs do."""
    try:
        check_jobs(api, finished, dispatch)
    except Failed:
        return False
    return True


def _send_dispatch(api: GitHub, dispatch: Dispatch) -> int:
    """Send the dispatch; return the run's id, or 0 from a server that does not say it (F3)."""
    path = f"actions/workflows/{dispatch.workflow}/dispatches"
    body = {"ref": dispatch.name, "inputs": {name: _text(value) for name, value in dispatch.inputs.items()}}
    answer = api.answer("POST", path, {**body, "return_run_details": True})
    # A server that rejects the field did nothing, so asking it once more without is no repetition.
    if answer.status in (400, 422) and "return_run_details" in answer.problem:
        answer = api.answer("POST", path, body)
    if answer.status not in (200, 204):
        hint = "Check the workflow's file at that ref, and that the token may run it: inv release.doctor"
        raise Failed(f"GitHub refuses to run {dispatch.workflow} on {dispatch.name}: {answer.problem}", hint)
    return int(answer.json()["workflow_run_id"]) if answer.status == 200 else 0


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def check_workflow(context: Context, dispatch: Dispatch) -> None:
    """Raise unless the workflow's file at the commit does what is wanted of the run; say what cannot be known.

    Raises Failed for the file, Usage for the call, Conflict for a name that is a branch's and a tag's (F11).
    """
    planned = dispatch.sha == NEW  # a dry run's commit, not made yet: it has the trunk's file
    sha = remote(context).head_sha(trunk(context)) if planned else dispatch.sha
    ref = f"{HEADS}{trunk(context)}" if planned else dispatch.ref
    if sha is None:
        return
    repo = repository(context)
    repo.need_commit(sha, ref)
    text = repo.file(sha, f"{FOLDER}/{dispatch.workflow}")
    judged = judge(Source(text, ref, dispatch.workflow), dispatch.inputs, dispatch.roles, dispatch.rules)
    check_judgement(judged)
    for note in judged.notes:
        context.report.step("note", f"{judged.source.where} {note}")
    # A dispatch takes the short name alone.
    other = remote(context).head_sha if dispatch.ref.startswith(TAGS) else remote(context).tag
    if not planned and other(dispatch.name):
        problem = f"{dispatch.name} is a branch and a tag: GitHub could run {dispatch.workflow} on either"
        raise Conflict(problem, "Delete or rename the one that is not meant.")
