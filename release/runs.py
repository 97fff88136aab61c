"""Workflow runs: find the one that was asked for, or ask for it once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from release.ensure import ensure
from release.errors import Conflict, Failed, Usage
from release.refs import brief
from release.roles import check_roles

if TYPE_CHECKING:
    from release.github import GitHub
    from release.world import World

SETTLE = 60.0  # seconds within which GitHub shows a run that it accepted
UNDERSTOOD = (200, 204)


@dataclass(frozen=True)
class Run:
    """One workflow run, in GitHub's words; an `id` of 0 is a run that a dry run would start."""

    id: int
    name: str
    status: str
    conclusion: str
    head_sha: str
    head_branch: str
    attempt: int = 1
    created_at: str = ""
    url: str = ""

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> Run:
        """Return the run in an answer of GitHub."""
        return cls(
            id=body["id"],
            name=str(body.get("path") or body.get("name") or "").split("@")[0].rpartition("/")[2],
            status=body["status"] or "",
            conclusion=body["conclusion"] or "",
            head_sha=body["head_sha"],
            head_branch=body["head_branch"] or "",
            attempt=body.get("run_attempt") or 1,
            created_at=body["created_at"],
            url=body["html_url"],
        )


@dataclass(frozen=True)
class Job:
    """One job of a run; `step` is the first step that failed."""

    id: int
    name: str
    status: str
    conclusion: str
    step: str = ""

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> Job:
        """Return the job in an answer of GitHub."""
        failed = (s["name"] for s in body.get("steps") or [] if s["conclusion"] not in (None, "success", "skipped"))
        return cls(body["id"], body["name"], body["status"] or "", body["conclusion"] or "", next(failed, ""))


@dataclass(frozen=True)
class Dispatch:
    """A run to ask for: the workflow's file, branch or tag by its short name, its commit, and the inputs."""

    workflow: str
    ref: str
    sha: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    roles: tuple[str, ...] = ()


def run(github: GitHub, run_id: int) -> Run:
    """Return the run; raise Failed when there is no such run."""
    return Run.parse(github.get(f"actions/runs/{run_id}"))


def runs(github: GitHub, sha: str, event: str, workflow: str = "") -> list[Run]:
    """Return the runs of that commit and event, newest first, all pages; of one workflow if it is named."""
    path = f"actions/workflows/{workflow}/runs" if workflow else "actions/runs"
    found = github.pages(path, key="workflow_runs", head_sha=sha, event=event)
    return sorted((Run.parse(body) for body in found), key=lambda each: -each.id)


def jobs(github: GitHub, run_id: int) -> list[Job]:
    """Return the jobs of the run's latest attempt, all pages (F26)."""
    return [Job.parse(body) for body in github.pages(f"actions/runs/{run_id}/jobs", key="jobs", filter="latest")]


def check_jobs(github: GitHub, finished: Run, dispatch: Dispatch) -> None:
    """Raise Failed unless every role has a job and each of its jobs succeeded (F26)."""
    triples = [(job.name, job.status, job.conclusion) for job in jobs(github, finished.id)]
    check_roles(triples, dispatch.roles, dispatch.inputs)


def dispatched_run(world: World, dispatch: Dispatch, *, again: bool = False, run_id: int = 0) -> Run:
    """Return the run of this workflow, ref, commit and inputs, asking GitHub for it at most once (F1, F2).

    A run that succeeded or is going on is taken; `run_id` chooses one, `again` asks for a new one.
    Raises Conflict when several match, Failed when the only ones failed or another commit was built (F4).
    """
    if run_id:
        return _bound(world, run(world.github, run_id), dispatch)
    seen = {each.id for each in _matching(world.github, dispatch)}
    floor = max(seen, default=0)
    asked: list[int] = []

    def find() -> Run | None:
        if asked:
            return run(world.github, asked[0])
        matching = _matching(world.github, dispatch)
        return _only(world.github, [each for each in matching if each.id > floor] if again else matching, dispatch)

    def make() -> None:
        new = _ask(world.github, dispatch)
        if new:
            asked.append(new)

    inputs = ", ".join(f"{name}={_text(value)}" for name, value in dispatch.inputs.items())
    found = ensure(
        world,
        f"run {dispatch.workflow} on {dispatch.ref} ({brief(dispatch.sha)}) with {inputs or 'no inputs'}",
        find=find,
        make=make,
        planned=Run(0, dispatch.workflow, "planned", "", dispatch.sha, dispatch.ref),
        patience=SETTLE,
    )
    return _bound(world, found, dispatch)


def existing_run(world: World, dispatch: Dispatch, run_id: int = 0) -> Run:
    """Return the newest run of the request, or the one of that id, whatever became of it; starts nothing.

    Raises Usage when there is none.
    """
    matching = [run(world.github, run_id)] if run_id else _matching(world.github, dispatch)
    if not matching:
        raise Usage(
            f"there is no run of {dispatch.workflow} on {dispatch.ref} at {dispatch.sha[:9]}",
            "Start it with the dispatch task.",
        )
    return _bound(world, matching[0], dispatch)


def parse_run_id(text: str) -> int:
    """Return the id in a flag, 0 for none; raise Usage for anything but a number."""
    if text and not text.isdigit():
        raise Usage(f"--run {text} is no run's id", "It is the number at the end of the run's link.")
    return int(text or 0)


def _bound(world: World, found: Run, dispatch: Dispatch) -> Run:
    """Return the run if it is of the commit that was meant; raise Failed otherwise (F4)."""
    if found.head_sha != dispatch.sha:
        raise Failed(
            f"run {found.id} builds {found.head_sha[:9]}, not {dispatch.sha[:9]}: {dispatch.ref} moved",
            f"Nothing of it counts. Look: {found.url}",
        )
    if found.id:
        world.report.record(run_id=found.id, run_url=found.url)
    return found


def _matching(github: GitHub, dispatch: Dispatch) -> list[Run]:
    found = runs(github, dispatch.sha, "workflow_dispatch", dispatch.workflow)
    return [each for each in found if each.head_branch == dispatch.ref]


def _only(github: GitHub, matching: list[Run], dispatch: Dispatch) -> Run | None:
    """Return the one run that is going on or did all that was asked; raise on several or on failed ones alone."""
    going = [each for each in matching if each.status != "completed"]
    done = [each for each in matching if each.conclusion == "success" and _did_all(github, each, dispatch)]
    useful = going or done[:1]
    if len(useful) > 1:
        listed = "\n".join(f"{each.id}  {each.status}  {each.url}" for each in useful)
        raise Conflict(
            f"{len(useful)} runs of {dispatch.workflow} at {dispatch.sha[:9]} match:\n{listed}", "Choose: --run ID"
        )
    failed = [each for each in matching if each.conclusion not in ("", "success")]
    if not useful and failed:
        last = failed[0]
        raise Failed(
            f"run {last.id} of {dispatch.workflow} at {dispatch.sha[:9]} ended: {last.conclusion}\n{last.url}",
            "Once the cause is mended: the same command with --rerun-failed, or with --again for a new run.",
        )
    return useful[0] if useful else None


def _did_all(github: GitHub, finished: Run, dispatch: Dispatch) -> bool:
    """Whether a green run had the right boxes ticked: GitHub does not tell a run's inputs, its jobs do."""
    try:
        check_jobs(github, finished, dispatch)
    except Failed:
        return False
    return True


def _ask(github: GitHub, dispatch: Dispatch) -> int:
    """Send the dispatch; return the run's id, or 0 from a server that does not say it (F3).

    A server that rejects the field did nothing, so asking it once more without is no repetition.
    """
    path = f"actions/workflows/{dispatch.workflow}/dispatches"
    body = {"ref": dispatch.ref, "inputs": {name: _text(value) for name, value in dispatch.inputs.items()}}
    answer = github.answer("POST", path, {**body, "return_run_details": True})
    if answer.status in (400, 422) and "return_run_details" in answer.problem:
        answer = github.answer("POST", path, body)
    if answer.status not in UNDERSTOOD:
        raise Failed(
            f"GitHub refuses to run {dispatch.workflow} on {dispatch.ref}: {answer.problem}",
            "Check the workflow's file at that ref, and that the token may run it: inv release.doctor",
        )
    return int(answer.json()["workflow_run_id"]) if answer.status == 200 else 0


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
