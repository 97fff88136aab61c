"""What a push or a tag starts, and with whose token."""

from __future__ import annotations

import os
from collections.abc import Sequence

import semver

from release.call.context import Context
from release.call.wait import Wait, wait_until
from release.errors import ReleaseError, Unknown, Usage, Waiting
from release.git.refs import NEW, TAGS, RemoteRef, brief, short_name
from release.git.repository import repository
from release.git.tags import trunk_sha
from release.github.api import github
from release.github.dispatch import EVENT, dispatch_run
from release.github.requests import FOLDER, platform_request
from release.github.runs import APPEARS, Run, runs_of
from release.workflows import can_be_dispatched, listens_to_push, skip_words, starts_on_push

# GitHub's announcement of token formats (2021-04): a person's own are told by their first letters.
PERSONS = ("ghp_", "gho_", "ghu_", "github_pat_")
OWN = "github-actions[bot]"


def workflow_files(context: Context, sha: str) -> dict[str, bytes]:
    """Return the commit's workflow files by their names; none where it has no such folder."""
    repo = repository(context)
    repo.need_commit(sha)
    # One process of Git however many files there are.
    listed = repo.git("ls-tree", "--full-tree", "-z", sha, "--", f"{FOLDER}/").split("\0")
    paths = [entry for entry in listed if entry.endswith((".yml", ".yaml"))]
    contents = repo.store.contents([entry.partition("\t")[0].split(" ")[2] for entry in paths])
    return {entry.rpartition("/")[2]: content for entry, content in zip(paths, contents, strict=True)}


def workflows_started(context: Context, sha: str, ref: str) -> dict[str, bool]:
    """Return the files of the commit's workflows that listen to the push of this full ref, and whether each must start.

    A path filter may leave one out. One that somebody disabled is named and does not count.
    """

    def _read() -> dict[str, bool]:
        files = {name: text for name, text in workflow_files(context, sha).items() if listens_to_push(text, ref)}
        listed = github(context).pages("actions/workflows", key="workflows") if files else []
        off = {each["path"].rpartition("/")[2] for each in listed if each["state"] != "active"}
        for name in sorted(off & files.keys()):
            context.report.step("note", f"workflow {name} is disabled: no push starts it")
        return {name: starts_on_push(text, ref) for name, text in files.items() if name not in off}

    return context.once((workflows_started, sha, ref), _read)


def platform_workflows(context: Context, ref: str, sha: str) -> list[str]:
    """Return the files of the commit's workflows that the tag's push starts: the setting's one, else all.

    Those of the SDK and the image are asked for on their own. A planned commit has the trunk's files, as far as
    anybody can know.
    """
    started = workflows_started(context, trunk_sha(context) if sha == NEW else sha, ref)
    return [name for name in started if _is_platform(context, name)]


def _is_platform(context: Context, name: str) -> bool:
    settings = context.settings
    return settings.platform.workflow in ("", name) and name not in (settings.sdk.workflow, settings.image.workflow)


def check_starts(context: Context, version: semver.Version, sha: str = "") -> None:
    """Raise Usage, before anything is written, where a tag's push starts nothing and nothing can stand in for it."""
    try:
        check_token_starts_workflows(context)
    except Usage:
        if not _can_stand_in(context, version, sha, "a push with this token"):
            raise
    check_commit_starts(context, version, sha)


def check_commit_starts(context: Context, version: semver.Version, sha: str) -> None:
    """Raise Usage where the commit's message keeps the tag's push from what it should start, and nothing stands in."""
    try:
        _check_not_skipped(context, sha)
    except Usage:
        listens = platform_workflows(context, f"{TAGS}{version}", sha)
        if listens and not _can_stand_in(context, version, sha, f"a push of {brief(sha)}"):
            raise


def _can_stand_in(context: Context, version: semver.Version, sha: str, what: str) -> bool:
    """Tell whether all that the tag's push starts can be asked for, and say so: any token may make that event."""
    ref, commit = f"{TAGS}{version}", sha or NEW
    names = dispatchable_workflows(context, ref, commit)
    able = bool(names) and names == platform_workflows(context, ref, commit)
    if able:
        context.report.step("note", f"{what} starts no workflow: {', '.join(names)} will be asked for")
    return able


def dispatchable_workflows(context: Context, ref: str, sha: str) -> list[str]:
    """Return the files of the commit's workflows that the ref starts and that can be asked for too."""
    files = workflow_files(context, trunk_sha(context) if sha == NEW else sha)
    return [name for name in platform_workflows(context, ref, sha) if can_be_dispatched(files[name])]


def started_runs(context: Context, tag: RemoteRef) -> dict[str, Run]:
    """Return the newest run of each workflow that the tag's push starts, once all of them show (F37).

    Raises Unknown when none appears in time, Waiting when some do not.
    """
    return _awaited_runs(context, tag, platform_workflows(context, tag.name, tag.sha))


def needed_runs(context: Context, tag: RemoteRef) -> dict[str, Run]:
    """Return the tag's runs as `started_runs` does, asking for them where its push starts none (F14); writes that."""
    wanted = platform_workflows(context, tag.name, tag.sha)
    try:
        if not pushed_runs(context, tag).keys() >= set(wanted):
            check_token_starts_workflows(context)
            _check_not_skipped(context, tag.sha)
    except Usage:
        # Somebody else may have pushed the tag a moment ago: what that starts may show yet (F37).
        shown = _awaited_runs(context, tag, wanted, must=False)
        names = [name for name in dispatchable_workflows(context, tag.name, tag.sha) if name not in shown]
        if not (shown or names):
            raise
        return shown | {name: dispatch_run(context, platform_request(tag, name)) for name in names}
    return _awaited_runs(context, tag, wanted)


def _awaited_runs(context: Context, tag: RemoteRef, wanted: Sequence[str], must: bool = True) -> dict[str, Run]:
    """Return the tag's runs once all that are wanted show; past APPEARS those that do, or with `must` raise."""
    found: dict[str, Run] = {}

    def _look(wait: Wait) -> bool:
        found.update(pushed_runs(context, tag))
        return (bool(found) and found.keys() >= set(wanted)) or (not must and wait.seconds >= APPEARS)

    def _late(_: float) -> ReleaseError:
        pushed = "Was the tag pushed with a token that starts workflows?"  # F14
        hint = f"Does a workflow run on tags? {pushed} Does its commit say [skip ci]?"
        if not found:
            return Unknown(f"the push of {tag.name} started no run within {APPEARS:.0f} s", hint)
        silent = ", ".join(name for name in wanted if name not in found)
        problem = f"{silent} listens to the push of {tag.name}, and no run of it showed within {APPEARS:.0f} s"
        return Waiting(problem, f"Look: {github(context).web_url}/actions; then run the same again.")

    stopped = Waiting(f"stopped waiting for the runs of {tag.name}", "The same command looks again.")
    wait_until(context, _look, late=_late, stopped=lambda: stopped, limit=APPEARS)
    return found


def pushed_runs(context: Context, tag: RemoteRef) -> dict[str, Run]:
    """Return the tag's runs that GitHub shows now, the newest of each workflow: its push's, else one asked for."""
    if tag.sha == NEW:
        return {}
    found = _newest_runs(context, tag, "push")
    silent = [name for name in platform_workflows(context, tag.name, tag.sha) if name not in found]
    asked = _newest_runs(context, tag, EVENT) if silent else {}
    return found | {name: asked[name] for name in silent if name in asked}


def _newest_runs(context: Context, tag: RemoteRef, event: str) -> dict[str, Run]:
    found = reversed(runs_of(github(context), tag.sha, event))
    return {run.name: run for run in found if run.head_branch == short_name(tag) and _is_platform(context, run.name)}


def _check_not_skipped(context: Context, sha: str) -> None:
    """Raise Usage for a commit that asks GitHub to start nothing when it, or a tag at it, is pushed."""
    if sha in ("", NEW):
        return
    _, message = repository(context).commit_parts(sha)
    words = skip_words(message)
    if words:
        problem = f"the message of {brief(sha)} says {words}: the push of a tag there starts no workflow"
        raise Usage(problem, "Release a later commit; an empty one will do: git commit --allow-empty")


def check_token_starts_workflows(context: Context) -> None:
    """Raise Usage in Actions when the token that pushes is the workflow's own: its pushes start no workflow (F14)."""
    if os.environ.get("GITHUB_ACTIONS") != "true" or github(context).token.startswith(PERSONS):
        return
    # An app's token looks like it (`ghs_`): GitHub tells. Without HTTP a key pushes, and that does start workflows.
    if repository(context).remote_url.startswith(("http://", "https://")) and github(context).viewer() == OWN:
        raise Usage(
            "the token is the workflow's own GITHUB_TOKEN: a tag that it pushes starts no workflow",
            "Set GITHUB_TOKEN to a GitHub App's token (actions/create-github-app-token) or a person's, "
            "or use a deploy key for the remote.",
        )
