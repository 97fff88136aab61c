"""How runs begin: by a dispatch, or because a ref changed."""

from __future__ import annotations

from pathlib import Path

from . import triggers
from .bare import ZERO
from .hub import Hub
from .records import BOT_LOGIN, Json, Pull, Token, now
from .running import JobLike, Run, RunLike, Start
from .workflow import InvalidWorkflow, Workflow, parse_workflow

WORKFLOWS = ".github/workflows"


class NeverStarted:
    """A run whose workflow cannot be read: over before it began."""

    def __init__(self, log: str) -> None:
        self.status = "completed"
        self.attempt = 1
        self.conclusion: str | None = "startup_failure"
        self.jobs: list[JobLike] = []
        self.artifacts: dict[str, Path] = {}
        self.log = log

    def start(self) -> None:
        """Do nothing."""

    def cancel(self) -> None:
        """Do nothing."""

    def rerun_failed(self) -> None:
        """Do nothing."""

    def rerun(self) -> None:
        """Do nothing."""


def workflow_files(hub: Hub, sha: str) -> dict[str, str]:
    """Read the workflows of a commit: path and text."""
    paths = [path for path in hub.bare.names(sha, WORKFLOWS) if path.endswith((".yml", ".yaml"))]
    return {path: hub.bare.file(sha, path) or "" for path in paths}


def workflow_id(hub: Hub, path: str) -> int:
    """Find or give the number of a workflow, which its path keeps for ever."""
    with hub.lock:
        if path not in hub.workflow_ids:
            hub.workflow_ids[path] = hub.next_id()
        return hub.workflow_ids[path]


def parsed(text: str, path: str) -> Workflow | None:
    """Read a workflow's text; nothing when GitHub would refuse it."""
    try:
        return parse_workflow(text, path)
    except InvalidWorkflow:
        return None


def workflow_name(text: str, path: str) -> str:
    """Name a workflow: as it says, else by its path."""
    workflow = parsed(text, path)
    return workflow.name if workflow else path


def start_run(hub: Hub, path: str, text: str, **begin: str | Json) -> Run:
    """Begin a run of a workflow's text (`sha`, `ref`, `event`, `actor`, `inputs`)."""
    with hub.lock:
        number = 1 + sum(run.start.path == path for run in hub.runs.values())
        start = Start(text=text, path=path, id=hub.next_id(), number=number, **begin)  # type: ignore[arg-type]
        run = Run(start, workflow_name(text, path), workflow_id(hub, path), _work(hub, start))
        hub.runs[run.id] = run
    run.work.start()
    return run


def _work(hub: Hub, start: Start) -> RunLike:
    try:
        parse_workflow(start.text, start.path)
    except InvalidWorkflow as error:
        return NeverStarted(str(error))
    return hub.runner(hub, start)


def notice_refs(hub: Hub, token: Token | None = None) -> None:
    """Compare the refs with those seen before, and do what GitHub does about the changes.

    Pull requests follow their branches; workflows start unless the change came with a workflow's own token.
    """
    with hub.lock:
        old, new = hub.known_refs, hub.bare.refs("refs/heads", "refs/tags")
        hub.known_refs = new
        changes = [(ref, new.get(ref, ZERO)) for ref in sorted({*old, *new}) if old.get(ref) != new.get(ref)]
        for ref, after in changes:
            _follow(hub, ref, after, token)
            if after != ZERO and (token is None or token.starts):
                _start_pushed(hub, ref, token)


def _start_pushed(hub: Hub, ref: str, token: Token | None) -> None:
    sha = hub.bare.sha(ref)
    if sha is None:
        return
    login = token.login if token else hub.owner
    for path, text in workflow_files(hub, sha).items():
        workflow = parsed(text, path)
        # An unreadable file shows as a run that never started.
        if workflow is None or triggers.starts(workflow, "push", ref):
            start_run(hub, path, text, sha=sha, ref=ref, event="push", actor=login, inputs={})


def _follow(hub: Hub, ref: str, after: str, token: Token | None) -> None:
    """Have the open pull requests of a branch follow it: updated, closed with it, or merged by a push."""
    name = ref.removeprefix("refs/heads/")
    for pull in [pull for pull in hub.pulls.values() if pull.state == "open"]:
        if pull.head == name and after == ZERO:
            close(pull)
        elif pull.head == name:
            pull.head_sha, pull.updated_at = after, now()
            hub.bare.update_ref(f"refs/pull/{pull.number}/head", after)
            start_pull_request(hub, pull, token)
        elif pull.base == name and after != ZERO and hub.bare.is_ancestor(pull.head_sha, after):
            pull.merged_at, pull.merge_sha, pull.merged_by = now(), after, token.login if token else BOT_LOGIN
            close(pull)


def close(pull: Pull) -> None:
    """Close a pull request."""
    pull.state, pull.closed_at, pull.updated_at = "closed", now(), now()


def start_pull_request(hub: Hub, pull: Pull, token: Token | None) -> None:
    """Start what listens to `pull_request` for the base branch, on the head commit."""
    if token is not None and not token.starts:
        return
    for path, text in workflow_files(hub, pull.head_sha).items():
        workflow = parsed(text, path)
        if workflow and triggers.starts(workflow, "pull_request", f"refs/heads/{pull.base}"):
            ref = f"refs/heads/{pull.head}"
            start_run(hub, path, text, sha=pull.head_sha, ref=ref, event="pull_request", actor=pull.user, inputs={})
