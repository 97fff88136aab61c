"""Bind a release to its run: find the one that was asked for, or ask for it once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property, partial
from itertools import islice

from release.call.context import Context
from release.call.ensure import ensure
from release.call.plan import Facts, File
from release.call.wait import Wait, wait_until
from release.errors import Conflict, Failed, ReleaseError, Unknown, Usage, Waiting
from release.git.refs import HEADS, NEW, TAGS, brief
from release.git.repository import repository
from release.git.snapshot import remote, trunk
from release.github.api import GitHub, github, needed_permission
from release.github.lease import Lease
from release.github.requests import FOLDER, Dispatch
from release.github.runs import APPEARS, Run, asked_jobs, check_jobs, workflow_runs
from release.workflows import Source, check_judgement, judge

EVENT = "workflow_dispatch"
CANCELS = 300.0  # seconds within which GitHub ends a run that is cancelled, by force at last


def dispatch_run(context: Context, dispatch: Dispatch, *, again: bool = False, run_id: int = 0) -> Run:
    """Return the run that counts for the request, asking GitHub for one at most once, whoever else does (F1, F2).

    `run_id` chooses one; `again` takes none that had ended before. Raises Conflict when several may count, Failed
    when the only ones failed or another commit was built (F4).
    """
    if run_id:
        return _run_of_id(context, run_id, dispatch)
    asked = _Asked(context, dispatch, again)
    if asked.known is None:
        check_workflow(context, dispatch)
    inputs = ", ".join(f"{name}={_text(value)}" for name, value in dispatch.inputs.items())
    at = brief(asked.known.head_sha if asked.known else dispatch.sha)
    try:
        found = ensure(
            context,
            f"run {dispatch.workflow} on {dispatch.name} ({at}) with {inputs or 'no inputs'}",
            find=asked.run,
            make=asked.ask,
            planned=Run(0, dispatch.workflow, "planned", "", dispatch.sha, dispatch.name),
            patience=APPEARS,
            facts=lambda _: _facts(dispatch),
        )
        asked.show(found)
    finally:
        if not asked.unseen:  # else it stays for those who look meanwhile, and ends as a killed call's
            asked.lease.let_go()
    return _check_bound(context, asked.first(found), dispatch)


def _facts(dispatch: Dispatch) -> Facts:
    file = File(dispatch.sha, f"{FOLDER}/{dispatch.workflow}")
    asked = {"ref": dispatch.ref, "commit": dispatch.sha, "file": file, "inputs": dispatch.inputs}
    return {"run": dispatch.workflow, **asked}


def existing_run(context: Context, dispatch: Dispatch, run_id: int = 0) -> Run:
    """Return the run that counts for the request, or that of the id, whatever became of it; raise Usage for none."""
    if run_id:
        return _run_of_id(context, run_id, dispatch)
    planned = context.view.get(Run, (dispatch.workflow, dispatch.name))
    found = planned or counting_run(context, dispatch, matching_runs(github(context), dispatch))
    if found is None:
        problem = f"there is no run of {dispatch.workflow} on {dispatch.name} at {dispatch.sha[:9]}"
        raise Usage(problem, f"Start it: {dispatch.new_run.removesuffix(' --again')}")
    return _check_bound(context, found, dispatch)


def matching_runs(api: GitHub, dispatch: Dispatch) -> list[Run]:
    """Return the runs of this workflow, event, ref and commit, newest first; there are none of a planned commit."""
    if dispatch.sha == NEW:
        return []
    where = {"branch": dispatch.name} if dispatch.also else {"head_sha": dispatch.sha}
    found = workflow_runs(api, dispatch.workflow, event=EVENT, **where)
    return [each for each in found if each.head_branch == dispatch.name and dispatch.is_of(each.head_sha)]


def right_runs(context: Context, dispatch: Dispatch, runs: Sequence[Run] | None = None) -> Iterator[Run]:
    """Yield those of the request's runs that did all that was asked: no run shows its inputs, but its jobs do."""
    for each in matching_runs(github(context), dispatch) if runs is None else runs:
        if each.conclusion == "success":
            # Jobs that cannot be read make no wrong run: asked for again, it would run twice (F1).
            jobs = asked_jobs(context, each, dispatch)
            with suppress(Failed):
                check_jobs(jobs, each, dispatch)
                yield each


def counting_run(context: Context, dispatch: Dispatch, runs: Sequence[Run]) -> Run | None:
    """Return which of the runs counts: the one going on, else the newest right one, else the newest that failed.

    Raises Conflict where several may.
    """
    going = [each for each in runs if each.status != "completed"]
    # Several green ones built the same; one that goes on beside a green one is unclear.
    useful = going + list(islice(right_runs(context, dispatch, runs), 1))
    if len(useful) > 1:
        raise _several(useful, dispatch)
    # What failed at an earlier commit may be mended at this one.
    failed = [each for each in runs if each.conclusion not in ("", "success") and each.head_sha == dispatch.sha]
    return next(iter(useful + failed), None)


class _Asked:
    """One request, asked for at most once and under a lease; `known` is the run that nobody has to ask for."""

    def __init__(self, context: Context, dispatch: Dispatch, again: bool) -> None:
        self._context, self._api, self._dispatch = context, github(context), dispatch
        self._old, self._floor, self._sent, self._id = 0, 0, False, 0
        self._listed: list[Run] = []
        self._shows = 0.0  # when GitHub's list has the run that was asked for, at the latest
        self.lease = Lease(context, dispatch)
        self.known = self._look(again)

    @cached_property
    def _login(self) -> str:
        return self._api.login()

    def ask(self) -> None:
        """Ask GitHub for the run, unless somebody else did meanwhile; raise Unknown when the answer is lost (F2)."""
        self.lease.take(self._look, self._floor)
        if self.known or self._look():
            return
        self._sent, file = True, self._dispatch.workflow
        self._shows = self._context.clock.monotonic() + APPEARS
        try:
            self._id = _send_dispatch(self._api, self._dispatch)
        except Unknown as error:
            problem = f"{error.problem}; no run of {file} at {self._dispatch.sha[:9]} shows"
            look = f"Look for one: {self._api.web_url}/actions/workflows/{file}"
            then = "The same command takes it when it is there, and asks again when it is not."
            raise Unknown(problem, f"{look}\n{then}") from error
        except ReleaseError:
            self._shows = 0.0
            raise

    def run(self) -> Run | None:
        """Return the run, or None while there is none; raise Conflict when several may be it."""
        if not self._sent:
            return self.known
        if self._id:
            listed = next((each for each in self._list(self._id) if each.id == self._id), None)
            # None for some seconds after the answer that named it, and longer in the list (F37).
            body = None if listed else self._api.find(f"actions/runs/{self._id}")
            return Run.parse(body) if body else listed
        # Answered without the run's id: the one of ours that is newer than all there were (F3).
        us = self._login
        ours = [each for each in self._new() if us in ("", each.actor)]
        if len(ours) > 1:
            raise _several(ours, self._dispatch)
        return ours[0] if ours else None

    @property
    def unseen(self) -> bool:
        """Whether a run of ours may be on its way that nobody else sees yet."""
        return not self._listed and self._context.clock.monotonic() < self._shows

    def show(self, found: Run) -> None:
        """Wait until the list of runs, which all others read, has ours: it lags behind the answer for one (F37)."""
        if not self._dispatch.is_of(found.head_sha):
            self._shows = 0.0
        elif self._sent and self.unseen:
            self._until(found, lambda _: bool(self._list(found.id)) or not self.unseen)

    def first(self, found: Run) -> Run:
        """Return the first of the runs that several asked for at once; ours is cancelled where that is another (F1)."""
        if self.known:
            self.lease.clear(self.known.id)
        doubt = self.lease.doubt
        if self._sent and doubt is not None:
            self._until(found, lambda wait: bool(_earlier(self._list(found.id), found)) or wait.seconds >= doubt)
        earlier = _earlier(self._listed, found)  # with a lease too, for not everybody can have one
        if not earlier:
            return found
        ensure(
            self._context,
            f"run {found.id} is cancelled: run {earlier[-1].id} was asked for before it, at the same moment",
            find=lambda: next((each for each in self._new() if each.id == found.id and each.conclusion), None),
            make=partial(self._api.send, "POST", f"actions/runs/{found.id}/cancel"),
            planned=found,
            patience=CANCELS,
        )
        if doubt:  # of three, the second may show before the first
            self._until(found, lambda wait: bool(self._list(found.id)) and wait.seconds >= doubt)
        return (_earlier(self._listed, found) or earlier)[-1]

    def _until(self, found: Run, look: Callable[[Wait], bool]) -> None:
        going = Waiting(f"run {found.id} goes on: {found.url}", "The same command attaches again.")
        wait_until(self._context, look, late=lambda _: going, stopped=lambda: going)

    def _list(self, our_id: int) -> list[Run]:
        """Look at the list, and return what it has of ours and those before it."""
        self._listed = [each for each in self._new() if each.id <= our_id]
        return self._listed

    def _new(self) -> list[Run]:
        """Return the runs of the request that there were none of when ours was sent, newest first."""
        return [each for each in matching_runs(self._api, self._dispatch) if each.id > self._floor]

    def _look(self, again: bool = False) -> Run | None:
        """Return the run that nobody has to ask for; raise Failed where the one that counts failed."""
        runs = matching_runs(self._api, self._dispatch)
        self._floor = max((each.id for each in runs), default=0)
        self._old = self._floor if again else self._old
        open_or_new = [each for each in runs if each.id > self._old or each.status != "completed"]
        self.known = found = counting_run(self._context, self._dispatch, open_or_new)
        if found and found.conclusion not in ("", "success") and not self._context.options.rerun_failed:
            where = f"{self._dispatch.workflow} at {self._dispatch.sha[:9]}"
            raise Failed(f"run {found.id} of {where} ended: {found.conclusion}\n{found.url}", self._dispatch.ways_on)
        return found


def _earlier(listed: Sequence[Run], found: Run) -> list[Run]:
    """Return the runs that others asked for before this one, newest first."""
    return [each for each in listed if each.id < found.id and each.conclusion in ("", "success")]


def _run_of_id(context: Context, run_id: int, dispatch: Dispatch) -> Run:
    """Return the run of that id if it is of the workflow and commit that are meant."""
    found = Run.parse(github(context).get(f"actions/runs/{run_id}"))
    if found.name != dispatch.workflow:
        raise Usage(f"run {run_id} is of {found.name}, not of {dispatch.workflow}", f"Look: {found.url}")
    return _check_bound(context, found, dispatch)


def _check_bound(context: Context, found: Run, dispatch: Dispatch) -> Run:
    """Return the run if it is of the commit that was meant; raise Failed otherwise (F4)."""
    if not dispatch.is_of(found.head_sha):
        problem = f"run {found.id} builds {found.head_sha[:9]}, not {brief(dispatch.sha)}: {dispatch.name} moved"
        raise Failed(problem, f"Nothing of it counts; cancel it there: {found.url}")
    if found.id:
        context.report.record(run_id=found.id, run_url=found.url)
    return found


def _several(matching: Sequence[Run], dispatch: Dispatch) -> Conflict:
    listed = "\n".join(f"{each.id}  {each.conclusion or each.status}  {each.url}" for each in matching)
    problem = f"{len(matching)} runs of {dispatch.workflow} at {dispatch.sha[:9]} match:\n{listed}"
    return Conflict(problem, f"Choose one, such as: {dispatch.command} --run {matching[-1].id}")


def _send_dispatch(api: GitHub, dispatch: Dispatch) -> int:
    """Send the dispatch; return the run's id, or 0 from a server that does not say it (F3)."""
    path = f"actions/workflows/{dispatch.workflow}/dispatches"
    body = {"ref": dispatch.name, "inputs": {name: _text(value) for name, value in dispatch.inputs.items()}}
    answer = api.answer("POST", path, {**body, "return_run_details": True})
    # A server that rejects the field did nothing, so asking it once more without is no repetition.
    if answer.status in (400, 422) and "return_run_details" in answer.problem:
        answer = api.answer("POST", path, body)
    if answer.status not in (200, 204):
        hint = "Check the workflow's file at that ref, and that the token may run it: inv release.doctor."
        words = f"GitHub refuses to run {dispatch.workflow} on {dispatch.name}: {answer.problem}"
        raise Failed(words, hint + (needed_permission(answer) if answer.status == 403 else ""))
    return int(answer.json(kind=Unknown)["workflow_run_id"]) if answer.status == 200 else 0


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
