"""How runs begin: by a dispatch, or because a ref changed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from release.sandbox.git import ZERO
from release.sandbox.github.answers import Refused
from release.sandbox.github.records import BOT_LOGIN, WORKFLOWS, Json, Pull, Run, Token, now
from release.sandbox.github.state import Hub
from release.sandbox.runner import InvalidWorkflow, JobLike, RunLike, Start, Workflow, input_values, parse_workflow
from release.workflows import expressions, paths_pass, ref_passes, skip_words

MOST_INPUTS = 25
_USUAL = {"pull_request": ("opened", "synchronize", "reopened")}  # activities, where a workflow names none


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


_FILES: dict[str, dict[str, str]] = {}  # by full SHA: what that names is the same in every sandbox, for ever


def workflow_files(hub: Hub, sha: str) -> dict[str, str]:
    """Read the workflows of a commit: path and text."""
    if sha not in _FILES:
        paths = [path for path in hub.bare.names(sha, WORKFLOWS) if path.endswith((".yml", ".yaml"))]
        _FILES[sha] = {path: hub.bare.file(sha, path) or "" for path in paths}
    return dict(_FILES[sha])


@lru_cache(maxsize=256)
def readable_workflow(text: str, path: str) -> Workflow | None:
    """Read a workflow's text; nothing when GitHub would refuse it."""
    try:
        return parse_workflow(text, path)
    except InvalidWorkflow:
        return None


def workflow_name(text: str, path: str) -> str:
    """Name a workflow: as it says, else by its path."""
    workflow = readable_workflow(text, path)
    return workflow.name if workflow else path


def start_run(hub: Hub, path: str, text: str, **begin: str | Json) -> Run:
    """Begin a run of a workflow's text (`sha`, `ref`, `event`, `actor`, `inputs`)."""
    with hub.lock:
        number = 1 + sum(run.start.path == path for run in hub.runs.values())
        start = Start(text=text, path=path, id=hub.next_id(), number=number, **begin)  # type: ignore[arg-type]
        run = Run(start, workflow_name(text, path), hub.workflow_id(path), _work(hub, start))
        hub.runs[run.id] = run
    run.work.start()
    return run


def _work(hub: Hub, start: Start) -> RunLike:
    try:
        parse_workflow(start.text, start.path)
    except InvalidWorkflow as error:
        return NeverStarted(str(error))
    return hub.runner(hub, start)


def run_again(hub: Hub, run: Run, only_failed: bool) -> None:
    """Begin another attempt of a run, with all jobs or those that failed; raise 403 while the run goes on."""
    with hub.lock:
        if run.work.status != "completed":
            raise Refused(403, "This workflow is already running")
        run.earlier.append((run.work.conclusion, list(run.work.jobs)))
        run.again_at = now()
        (run.work.rerun_failed if only_failed else run.work.rerun)()


def cancel_run(run: Run) -> None:
    """Cancel a run; raise 409 when it is over."""
    if run.work.status == "completed":
        raise Refused(409, "Cannot cancel a workflow run that is completed.")
    run.work.cancel()


def notice_refs(hub: Hub, token: Token | None = None) -> None:
    """Compare the refs with those seen before, and do what GitHub does about the changes.

    Pull requests follow their branches; workflows start unless the change came with a workflow's own token.
    """
    with hub.lock:
        old, new = hub.known_refs, hub.bare.refs("refs/heads", "refs/tags")
        hub.known_refs = new
        changes = [
            (ref, old.get(ref), new.get(ref, ZERO)) for ref in sorted({*old, *new}) if old.get(ref) != new.get(ref)
        ]
        for ref, before, after in changes:
            _follow_ref(hub, ref, after, token)
            if token is None or token.starts:
                _start_for_ref(hub, ref, before, after, token.login if token else hub.owner)


def _start_for_ref(hub: Hub, ref: str, before: str | None, after: str, login: str) -> None:
    """Start what listens to the ref's creation, its deletion, or a push to it."""
    kind = "tag" if ref.startswith("refs/tags/") else "branch"
    payload = {"ref": ref.split("/", 2)[-1], "ref_type": kind}
    if after == ZERO:
        start_listening(hub, "delete", login, payload)
        return
    if before is None:
        start_listening(hub, "create", login, payload, ref)
    _start_pushed(hub, ref, before, login)


def _start_pushed(hub: Hub, ref: str, before: str | None, login: str) -> None:
    sha = hub.bare.sha(ref)
    if sha is None or skip_words(hub.bare.commit(sha).message):
        return
    # GitHub does not look at the paths of tags; those of a new branch are taken as met.
    known = [before, sha] if before and ref.startswith("refs/heads/") else []
    for path, text in workflow_files(hub, sha).items():
        workflow = readable_workflow(text, path)
        # An unreadable file shows as a run that never started.
        if workflow is None or (starts(workflow, "push", ref) and _paths_pass(hub, workflow, "push", known)):
            start_run(hub, path, text, sha=sha, ref=ref, event="push", actor=login, inputs={})


def start_listening(hub: Hub, event: str, login: str, payload: Json, ref: str = "") -> None:
    """Start what listens to an event, and to its activity where it names some, at a ref or the default branch."""
    ref = ref or f"refs/heads/{hub.settings.default_branch}"
    sha = hub.bare.sha(ref)
    for path, text in workflow_files(hub, sha).items() if sha else ():
        workflow = readable_workflow(text, path)
        if workflow and has_activity(workflow, event, payload.get("action")):
            start_run(hub, path, text, sha=sha or "", ref=ref, event=event, actor=login, inputs={}, payload=payload)


def has_activity(workflow: Workflow, event: str, action: str | None) -> bool:
    """Tell whether a workflow listens to an event's activity: to those it names, else to those GitHub takes it for."""
    if event not in workflow.triggers:
        return False
    types = workflow.triggers[event].get("types") or _USUAL.get(event)
    return action is None or types is None or action in ([types] if isinstance(types, str) else types)


def _follow_ref(hub: Hub, ref: str, after: str, token: Token | None) -> None:
    """Have the open pull requests of a branch follow it: updated, closed with it, or merged."""
    name = ref.removeprefix("refs/heads/")
    for pull in [pull for pull in hub.pulls.values() if pull.state == "open"]:
        if pull.head == name and after == ZERO:
            close(pull)
        elif pull.head == name:
            pull.head_sha, pull.updated_at = after, now()
            hub.bare.update_ref(f"refs/pull/{pull.number}/head", after)
            start_pull_request(hub, pull, token)
        elif pull.base == name and after != ZERO and _is_merged(hub, pull, after):
            pull.merged_at, pull.merge_sha, pull.merged_by = now(), after, token.login if token else BOT_LOGIN
            close(pull)


def _is_merged(hub: Hub, pull: Pull, base: str) -> bool:
    """Tell whether a new head of the base branch brings a pull request: made by merging it, or above its commits."""
    return base == pull.merge_sha or hub.bare.is_ancestor(pull.head_sha, base)


def close(pull: Pull) -> None:
    """Close a pull request."""
    pull.state, pull.closed_at, pull.updated_at = "closed", now(), now()


def start_pull_request(hub: Hub, pull: Pull, token: Token | None, action: str = "synchronize") -> None:
    """Start what listens to that activity of a `pull_request` for the base branch, on the head commit."""
    if (token is not None and not token.starts) or skip_words(hub.bare.commit(pull.head_sha).message):
        return
    for path, text in workflow_files(hub, pull.head_sha).items():
        workflow = readable_workflow(text, path)
        known = [f"{pull.base_sha}...{pull.head_sha}"]
        is_meant = workflow and starts(workflow, "pull_request", f"refs/heads/{pull.base}")
        is_meant = is_meant and workflow and has_activity(workflow, "pull_request", action)
        if workflow and is_meant and _paths_pass(hub, workflow, "pull_request", known):
            sides = {"head": {"ref": pull.head, "sha": pull.head_sha}, "base": {"ref": pull.base, "sha": pull.base_sha}}
            payload = {"action": action, "number": pull.number, "pull_request": {"number": pull.number, **sides}}
            begin = {"sha": pull.head_sha, "ref": f"refs/heads/{pull.head}", "event": "pull_request"}
            start_run(hub, path, text, **begin, actor=pull.user, inputs={}, payload=payload)


def full_ref(hub: Hub, name: str) -> str:
    """Find what a branch or tag name means: as on GitHub, a branch before a tag; full names are taken as they are."""
    candidates = [name] if name.startswith("refs/") else [f"refs/heads/{name}", f"refs/tags/{name}"]
    for candidate in candidates:
        if name and hub.bare.says("show-ref", "--verify", "--quiet", candidate):
            return candidate
    raise Refused(422, f"No ref found for: {name}")


def dispatch_inputs(text: str, path: str, given: Json) -> Json:
    """Check the inputs of a dispatch and fill in the defaults; raise 422 with GitHub's reason."""
    if len(given) > MOST_INPUTS:
        raise Refused(
            422, f"Invalid request.\n\nNo more than {MOST_INPUTS} properties are allowed; {len(given)} were supplied."
        )
    workflow = readable_workflow(text, path)
    if workflow is None:
        raise Refused(422, f"Invalid workflow file: {path}")
    try:
        check_dispatch(workflow, given)
    except InvalidInputs as error:
        raise Refused(422, str(error)) from error
    return input_values(workflow, given)


class InvalidInputs(ValueError):
    """GitHub refuses this dispatch; the text is what it answers."""


def starts(workflow: Workflow, event: str, ref: str) -> bool:
    """Tell whether an event on a full ref starts the workflow; path filters are taken as met."""
    return event in workflow.triggers and ref_passes(workflow.triggers[event], ref)


def _paths_pass(hub: Hub, workflow: Workflow, event: str, change: list[str]) -> bool:
    """Tell whether the files of a change, where it is known, pass the event's filters of paths."""
    filters = workflow.triggers[event]
    if not change or not {"paths", "paths-ignore"} & filters.keys():
        return True
    return paths_pass(filters, hub.bare.same("diff", "--name-only", "--no-renames", "-z", *change).split("\0")[:-1])


def check_dispatch(workflow: Workflow, given: Mapping[str, Any]) -> None:
    """Raise `InvalidInputs` when GitHub would answer 422 to a dispatch with these inputs."""
    if "workflow_dispatch" not in workflow.triggers:
        raise InvalidInputs("Workflow does not have 'workflow_dispatch' trigger")
    if unexpected := [name for name in given if name not in workflow.inputs]:
        listed = ", ".join(f'"{name}"' for name in unexpected)
        raise InvalidInputs(f"Unexpected inputs provided: [{listed}]")
    for name, spec in workflow.inputs.items():
        value = expressions.text(given.get(name, spec.get("default")))
        if spec.get("required") and not value:
            raise InvalidInputs(f"Required input '{name}' not provided")
        allowed = _allowed(spec)
        if value and allowed and value not in allowed:
            raise InvalidInputs(f"Provided value '{value}' for input '{name}' not in the list of allowed values")


def _allowed(spec: Mapping[str, Any]) -> list[str]:
    if spec.get("type") == "boolean":
        return ["true", "false"]
    return [expressions.text(option) for option in spec.get("options") or []] if spec.get("type") == "choice" else []
