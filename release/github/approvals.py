"""Deployments that wait for people: which environments a run waits for, who may review it, and what is ahead of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from release.call.context import Context
from release.call.ensure import ensure
from release.errors import Conflict, Failed, Usage
from release.github.api import github
from release.github.runs import APPEARS, Run, parse_run_id, runs_of

AHEAD = 3  # runs that are named
STATES = ("approved", "rejected")


@dataclass(frozen=True)
class Pending:
    """An environment that a run waits for; of its `reviewers` one is enough, with none it is a timer that runs."""

    id: int
    name: str
    reviewers: tuple[str, ...]
    may: bool  # the token's owner review it
    minutes: int = 0

    @property
    def reason(self) -> str:
        """Say what is waited for."""
        people = f"{' or '.join(self.reviewers)} may approve it" if self.reviewers else ""
        timer = f"its timer is {self.minutes} min" if self.minutes else ""
        return f"environment {self.name}: {'; '.join(filter(None, (people, timer))) or 'nothing more is told of it'}"


def pending_environments(context: Context, run_id: int) -> list[Pending]:
    """Return the environments that a run waits for, none where the server or token does not tell."""
    found = github(context).find(f"actions/runs/{run_id}/pending_deployments", (403, 404)) or []
    return [
        Pending(
            id=each["environment"]["id"],
            name=each["environment"]["name"],
            reviewers=tuple(_name(one.get("reviewer") or {}) for one in each["reviewers"]),
            may=bool(each["current_user_can_approve"]),
            minutes=each["wait_timer"] or 0,
        )
        for each in found
    ]


def _name(reviewer: dict[str, object]) -> str:
    return str(reviewer.get("login") or f"team {reviewer.get('slug')}")


def runs_ahead(context: Context, run: Run) -> list[Run]:
    """Return what may hold the group of a run, the one before it first: its workflow's own, else whatever goes on.

    GitHub tells no run's group.
    """
    going = [each for each in runs_of(github(context), status="in_progress") if each.id != run.id]
    going += [each for each in runs_of(github(context), status="waiting") if each.id != run.id]
    own = [each for each in going if each.name == run.name]
    return sorted(own or going, key=lambda each: -each.id)[:AHEAD]


def waiting_reasons(context: Context, run: Run, states: Sequence[str], pending: Sequence[Pending]) -> Iterator[str]:
    """Yield why a run waits, where it or one of its jobs stands at such a state: a line each."""
    name = f"run {run.id} of {run.name}"
    if "pending" in states:
        ahead = runs_ahead(context, run)
        own = bool(ahead) and ahead[0].name == run.name
        listed = ", ".join(f"run {each.id} of {each.name} ({each.url})" for each in ahead)
        holds = f"ahead of it {'is' if own else 'may be'} {listed}" if ahead else "no other run is seen to go on"
        yield f"{name} waits for its concurrency group: {holds}"
    if "waiting" in states:
        asked = f"; {run.actor} asked for it" if run.actor else ""
        yield from (f"{name} waits for {each.reason}{asked}" for each in pending)


def waiting_run(context: Context, run: str, version: str) -> Run | None:
    """Return the run of that id, or the one that waits, of a version's where it is named; raise Conflict for several.

    A version's runs are those on its tag, its image's branch, and its line's branch.
    """
    if run_id := parse_run_id(run):
        return Run.parse(github(context).get(f"actions/runs/{run_id}"))
    found = [each for each in runs_of(github(context), status="waiting") if _is_of(each, version)]
    if len(found) > 1:
        listed = "\n".join(f"{each.id}  {each.name} on {each.head_branch}  {each.url}" for each in found)
        problem = f"{len(found)} runs wait for approval:\n{listed}"
        raise Conflict(problem, f"Choose one, such as: inv release.approve --run {found[-1].id}")
    return next(iter(found), None)


def _is_of(run: Run, version: str) -> bool:
    line = ".".join(version.split(".")[:2])
    return (
        not version
        or run.head_branch in (version, f"image-{version}")
        or run.head_branch.startswith(f"release-{line}-")
    )


def review_run(context: Context, run: Run, environment: str, comment: str, *, reject: bool) -> list[str]:
    """Review what a run waits for, and return the environments; says so where nothing waits.

    Raises Usage for an environment that it does not wait for, Failed where this token's owner may not, Conflict where
    somebody else said the opposite meanwhile.
    """
    waiting = [each for each in pending_environments(context, run.id) if each.reviewers]
    name = f"run {run.id} of {run.name}"
    if environment and waiting and environment.lower() not in [each.name.lower() for each in waiting]:
        listed = ", ".join(each.name for each in waiting)
        raise Usage(f"{name} does not wait for environment {environment}", f"It waits for: {listed}")
    waiting = [each for each in waiting if environment.lower() in ("", each.name.lower())]
    if not waiting:
        _tell_reviews(context, run)
        return []
    for each in waiting:
        context.report.step("waiting", f"{name}, which {run.actor or 'somebody'} asked for, waits for {each.reason}")
    mine = [each for each in waiting if each.may]
    if not mine:
        raise _may_not(context, run, waiting)
    state, names = STATES[reject], [each.name for each in mine]
    body = {"environment_ids": [each.id for each in mine], "state": state, "comment": comment}
    path = f"actions/runs/{run.id}/pending_deployments"
    ensure(
        context,
        f"{name}: environment {' and '.join(names)} {state}",
        find=lambda: _given_state(context, run, mine, state),
        make=lambda: github(context).send("POST", path, body),
        planned=state,
        patience=APPEARS,
    )
    return names


def _given_state(context: Context, run: Run, mine: Sequence[Pending], state: str) -> str | None:
    """Return the state once none of the environments waits; that it was given is told by the reviews alone."""
    ids = {each.id for each in mine}
    if any(each.id in ids for each in pending_environments(context, run.id)):
        return None
    for each in mine:
        said = [one for one in _reviews(context, run) if each.name in [other["name"] for other in one["environments"]]]
        if said and state not in [one["state"] for one in said]:
            problem = f"environment {each.name} of run {run.id} was {said[-1]['state']} by {said[-1]['user']['login']}"
            raise Conflict(problem, f"Look: {run.url}")
    return state


def _reviews(context: Context, run: Run) -> list[Any]:
    return github(context).find(f"actions/runs/{run.id}/approvals", (403, 404)) or []


def _may_not(context: Context, run: Run, waiting: Sequence[Pending]) -> Failed:
    login = github(context).login() or github(context).viewer() or "this token's owner"
    who = ", ".join(dict.fromkeys(name for each in waiting for name in each.reviewers))
    own = any(login in each.reviewers for each in waiting) and login == run.actor
    why = f": who asked for a run does not review it there, and {login} did" if own else ""
    problem = f"{login} may not review run {run.id} of {run.name}{why}"
    return Failed(problem, f"Who may: {who}. They type: inv release.approve --run {run.id}, or go to {run.url}")


def _tell_reviews(context: Context, run: Run) -> None:
    """Say who reviewed what of a run, and that nothing of it waits for a person."""
    for each in _reviews(context, run):
        names = " and ".join(one["name"] for one in each["environments"])
        context.report.step("done", f"environment {names} {each['state']} by {each['user']['login']}")
    context.report.step("note", f"nothing of run {run.id} of {run.name} waits for approval", url=run.url)
