"""Merge what was reviewed, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from release.call.context import Context
from release.call.ensure import ensure
from release.errors import Conflict, Failed, ReleaseError, Unknown, Waiting
from release.git.refs import NEW, RemoteRef, brief, short_name
from release.git.repository import repository
from release.git.snapshot import remote
from release.github.api import github
from release.github.checks import branch_rules, follow_required
from release.github.pulls import PullRequest, pull_request

BASE_MOVED = "Base branch was modified"
METHODS = {"merge": "allow_merge_commit", "squash": "allow_squash_merge", "rebase": "allow_rebase_merge"}
TRIES = 5
SETTLE = 30  # seconds in which GitHub works out whether it merges


def merge_pull_request(context: Context, opened: PullRequest, sha: str) -> PullRequest:
    """Return the pull request merged at exactly `sha` (F15), once its base's required checks passed; writes the merge.

    Raises Conflict when its head is another commit or it conflicts, Waiting when somebody has to
    approve or a merge queue takes over (F16), Failed in GitHub's own words when a policy says no.
    """

    def find() -> PullRequest | None:
        now = pull_request(github(context), opened.number) if opened.number else opened
        if now.number and now.head_sha != sha:
            raise Conflict(f"pull request #{now.number} is at {now.head_sha[:9]}, not at {sha[:9]}", f"Look: {now.url}")
        if now.state == "closed" and not now.merged:
            raise Conflict(f"pull request #{now.number} was closed without merging", f"Reopen it: {now.url}")
        return now if now.merged else None

    merged = replace(opened, merged=True, merge_sha=opened.merge_sha or NEW)
    return ensure(
        context,
        f"merge pull request #{opened.number or '…'} at {brief(sha)} into {opened.base}",
        find=find,
        make=lambda: _merge(context, opened, sha),
        planned=merged,
    )


def delete_branch(context: Context, head: RemoteRef) -> None:
    """Delete the remote's branch if it still is at this commit, and leave it alone otherwise; writes the remote."""
    name = short_name(head)
    now = remote(context).head_sha(name)
    if now is not None and now != head.sha:
        context.report.step("note", f"branch {name} has moved on to {now[:9]}: it stays")
        return
    ensure(
        context,
        f"branch {name} deleted",
        find=lambda: None if remote(context).head_sha(name) == head.sha else name,
        make=lambda: repository(context).delete_branch(head.name, head.sha),
        planned=name,
    )


def _merge(context: Context, opened: PullRequest, sha: str) -> None:
    rules = branch_rules(context, opened.base)
    if any(rule["type"] == "merge_queue" for rule in rules):
        raise _refusal(opened, "merge queue")
    method = _method(context, rules)
    for attempt in range(TRIES):
        # Anew each time: when the base moves, GitHub works out again whether it merges, and the checks may count anew.
        _check_mergeable(context, opened.number)
        follow_required(context, opened)
        answer = github(context).answer("PUT", f"pulls/{opened.number}/merge", {"sha": sha, "merge_method": method})
        if answer.status == 200:
            return
        if BASE_MOVED not in answer.problem:
            if answer.status != 409:  # a policy says no with 405; 409 means that the head moved (F15)
                raise _refusal(opened, answer.problem)
            hint = f"Somebody pushed to it: look, then run the same again: {opened.url}"
            raise Conflict(f"pull request #{opened.number}: {answer.problem}", hint)
        context.clock.sleep(2.0**attempt)
    raise Waiting(f"the base of pull request #{opened.number} keeps moving", "Run the same again.")


def _refusal(opened: PullRequest, problem: str) -> ReleaseError:
    """Say which policy says no, in GitHub's words or ours for the same; it is never tried again (F15)."""
    name, words, then = f"pull request #{opened.number}", problem.lower(), f"run the same again: {opened.url}"
    if "merge queue" in words:
        return Waiting(f"{name} has to go through the merge queue of {opened.base}", f"Add it there, then {then}")
    if "draft" in words:
        return Waiting(f"{name} is a draft", f"Mark it ready, then {then}")
    if "out of date" in words:
        behind = f"{name} is behind {opened.base}, which wants it up to date"
        return Failed(behind, f"Update its branch there, then {then}")
    if any(word in words for word in ("review", "approv", "changes have been requested")):
        return Waiting(f"{name} waits for approval: {problem.strip()}", f"Then {then}")
    return Failed(f"GitHub does not merge {name}: {problem.strip()}", f"Look: {opened.url}")


def _check_mergeable(context: Context, number: int) -> None:
    """Wait until GitHub has worked out whether it merges; raise when it is a draft, conflicts or is behind."""
    for _ in range(SETTLE):
        now = pull_request(github(context), number)
        if now.draft:
            raise _refusal(now, "draft")
        if now.mergeable is False:
            raise Conflict(f"pull request #{number} conflicts with {now.base}", f"Resolve it: {now.url}")
        if now.mergeable_state == "behind":
            raise _refusal(now, "out of date")
        if now.mergeable is not None or now.merged:
            return
        context.clock.sleep(1.0)
    raise Unknown(f"GitHub does not say whether pull request #{number} merges", "Run the same again.")


def _method(context: Context, rules: list[dict[str, Any]]) -> str:
    """Return the first of merge, squash and rebase that the repository and every rule of the base allow.

    Raises Failed when they leave none.
    """
    settings = github(context).get("")
    allowed = {name for name, setting in METHODS.items() if settings.get(setting, True)}
    for rule in rules:
        parameters = rule.get("parameters") or {}
        if rule["type"] == "pull_request":
            allowed &= set(parameters.get("allowed_merge_methods", METHODS))
        if rule["type"] == "required_linear_history":
            allowed.discard("merge")
    method = next((name for name in METHODS if name in allowed), None)
    if method is None:
        problem = "the base's rules and the repository's settings leave no way to merge"
        raise Failed(problem, "Allow one in its settings.")
    return method
