"""What a push or a tag starts, and with whose token."""

from __future__ import annotations

import os

import semver

from release.call.context import Context
from release.call.wait import Wait, wait_until
from release.errors import Unknown, Usage, Waiting
from release.git.objects import objects
from release.git.refs import NEW, TAGS, RemoteRef, short_name
from release.git.remotes import token
from release.git.repository import repository
from release.git.tags import trunk_sha
from release.github.api import github
from release.github.dispatch import EVENT, dispatch_run
from release.github.requests import FOLDER, platform_request
from release.github.runs import APPEARS, Run, runs_of
from release.workflows import can_be_dispatched, starts_on_push

# GitHub's announcement of token formats (2021-04): a person's own are told by their first letters.
PERSONS = ("ghp_", "gho_", "ghu_", "github_pat_")
OWN = "github-actions[bot]"


def workflow_files(context: Context, sha: str) -> dict[str, bytes]:
    """Return the commit's workflow files by their names; none where it has no such folder."""
    repo = repository(context)
    repo.need_commit(sha)
    # Two processes of Git however many files there are.
    listed = repo.git("ls-tree", "--full-tree", "-z", sha, "--", f"{FOLDER}/").split("\0")
    paths = [entry for entry in listed if entry.endswith((".yml", ".yaml"))]
    contents = objects(repo, [entry.partition("\t")[0].split(" ")[2] for entry in paths])
    return {entry.rpartition("/")[2]: content for entry, content in zip(paths, contents, strict=True)}


def workflows_started(context: Context, sha: str, ref: str) -> list[str]:
    """Return the files of the commit's workflows that every push of this full ref starts."""
    return [name for name, text in workflow_files(context, sha).items() if starts_on_push(text, ref)]


def check_starts(context: Context, version: semver.Version, sha: str = "") -> None:
    """Raise Usage, before anything is written, where a tag's push starts nothing and nothing can stand in for it."""
    try:
        check_token_starts_workflows(context)
    except Usage:
        # `workflow_dispatch` is an event that such a token may make.
        names = dispatchable_workflows(context, f"{TAGS}{version}", sha or trunk_sha(context))
        if not names:  # what the token's check said then stands
            raise
        context.report.step("note", f"a push with this token starts no workflow: {', '.join(names)} will be asked for")


def dispatchable_workflows(context: Context, ref: str, sha: str) -> list[str]:
    """Return the files of the commit's workflows that the ref starts and that can be asked for too."""
    only = context.settings.platform.workflow
    found = {name: text for name, text in workflow_files(context, sha).items() if only in ("", name)}
    return [name for name, text in found.items() if starts_on_push(text, ref) and can_be_dispatched(text)]


def started_runs(context: Context, tag: RemoteRef) -> dict[str, Run]:
    """Return the newest run of each workflow that the tag's push started; raise Unknown when none appears in time."""
    found: dict[str, Run] = {}

    def _look(_: Wait) -> bool:
        found.update(pushed_runs(context, tag))
        return bool(found)

    hint = "Does a workflow run on tags? Was the tag pushed with a token that starts workflows?"  # F14
    silent = Unknown(f"the push of {tag.name} started no run within {APPEARS:.0f} s", hint)
    stopped = Waiting(f"stopped waiting for the runs of {tag.name}", "The same command looks again.")
    wait_until(context, _look, late=lambda _: silent, stopped=lambda: stopped, limit=APPEARS)
    return found


def needed_runs(context: Context, tag: RemoteRef) -> dict[str, Run]:
    """Return the tag's runs as `started_runs` does, asking for them where its push starts none (F14); writes that."""
    runs = pushed_runs(context, tag)
    try:
        if not runs:
            check_token_starts_workflows(context)
    except Usage:
        # A planned commit has the trunk's files, as far as anybody can know.
        names = dispatchable_workflows(context, tag.name, trunk_sha(context) if tag.sha == NEW else tag.sha)
        runs = {name: dispatch_run(context, platform_request(tag, name)) for name in names}
    return runs or started_runs(context, tag)


def pushed_runs(context: Context, tag: RemoteRef) -> dict[str, Run]:
    """Return the tag's runs that GitHub shows now, the newest of each workflow: its push's, else those asked for."""
    if tag.sha == NEW:
        return {}
    name, settings = short_name(tag), context.settings
    others = (settings.sdk.workflow, settings.image.workflow)  # these are asked for on their own
    for event in ("push", EVENT):
        found = runs_of(github(context), tag.sha, event, settings.platform.workflow)
        ours = {run.name: run for run in reversed(found) if run.head_branch == name and run.name not in others}
        if ours:
            return ours
    return {}


def check_token_starts_workflows(context: Context) -> None:
    """Raise Usage in Actions when the token that pushes is the workflow's own: its pushes start no workflow (F14)."""
    given = token(context)
    if os.environ.get("GITHUB_ACTIONS") != "true" or not given or given.startswith(PERSONS):
        return
    # An app's token looks like it (`ghs_`): GitHub tells. Without HTTP a key pushes, and that does start workflows.
    if repository(context).remote_url.startswith(("http://", "https://")) and github(context).viewer() == OWN:
        raise Usage(
            "the token is the workflow's own GITHUB_TOKEN: a tag that it pushes starts no workflow",
            "Set GITHUB_TOKEN to a GitHub App's token (actions/create-github-app-token) or a person's, "
            "or use a deploy key for the remote.",
        )
