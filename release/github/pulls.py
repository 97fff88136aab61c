"""Pull requests: opened once, their required checks awaited, and merged as they were reviewed, nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from release.call.context import Context
from release.call.ensure import ensure
from release.call.report import Progress
from release.call.wait import Wait, wait_until
from release.errors import Conflict, Failed, ReleaseError, Unknown, Usage, Waiting
from release.git.refs import NEW, RemoteRef, brief, short_name
from release.git.repository import repository
from release.git.snapshot import remote
from release.github.api import GitHub, github
from release.github.commits import PASSED, PENDING, Check, branch_rules, commit_checks, required_checks
from release.versions import parse_branch

BASE_MOVED = "Base branch was modified"
METHODS = {"merge": "allow_merge_commit", "squash": "allow_squash_merge", "rebase": "allow_rebase_merge"}
TRIES = 5
LOOKS = 30  # a second apart, in which GitHub works out whether it merges
REPORTS = 120.0  # seconds after which it is said that nothing reported a required check
EXPECTED = "expected"  # required, and never reported


@dataclass(frozen=True)
class PullRequest:
    """One pull request; `merge_sha` is the commit it was merged as."""

    number: int
    state: str
    head_sha: str
    base: str
    url: str
    merged: bool = False
    merge_sha: str = ""
    draft: bool = False
    mergeable: bool | None = None
    mergeable_state: str = ""
    head: str = ""  # its branch

    @property
    def key(self) -> tuple[str, str]:
        """What it is found by in the view of a dry call."""
        return self.head, self.base

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> PullRequest:
        """Return the pull request in an answer of GitHub."""
        merged = bool(body.get("merged") or body.get("merged_at"))
        return cls(
            number=body["number"], state=body["state"], url=body["html_url"],
            head_sha=body["head"]["sha"], base=body["base"]["ref"],
            merged=merged, merge_sha=(body.get("merge_commit_sha") or "") if merged else "",
            draft=bool(body.get("draft")), mergeable=body.get("mergeable"),
            mergeable_state=body.get("mergeable_state") or "", head=body["head"]["ref"],
        )  # fmt: skip


def pull_request(api: GitHub, number: int) -> PullRequest:
    """Return the pull request; raise Failed when there is none of that number."""
    return PullRequest.parse(api.get(f"pulls/{number}"))


def pull_request_of(api: GitHub, head: RemoteRef, base: str = "") -> PullRequest | None:
    """Return the open pull request of that head and base (or any), else one merged at the head's commit (F17)."""
    asked = {"head": f"{api.repository.split('/')[0]}:{short_name(head)}", "state": "all"}
    found = [PullRequest.parse(body) for body in api.pages("pulls", **asked, **({"base": base} if base else {}))]
    opened = [each for each in found if each.state == "open"]
    merged = [each for each in found if each.merged and each.head_sha == head.sha]
    return next(iter(opened + merged), None)


def open_pull_request(context: Context, head: RemoteRef, base: str, title: str, body: str) -> PullRequest:
    """Return the pull request of head and base, opening it if there is none; writes it at most once (F17)."""
    name = short_name(head)
    if parse_branch(name):  # where branches go with their pull request, it would (F18)
        raise Usage(f"{name} is a release branch", "A pull request's branch may be deleted with it: use another.")
    found = ensure(
        context,
        f"pull request {name} → {base}: {title}",
        find=lambda: context.view.get(PullRequest, (name, base)) or pull_request_of(github(context), head, base),
        # 422 "A pull request already exists" is Failed here, and the look that follows adopts that one.
        make=lambda: github(context).send("POST", "pulls", {"title": title, "head": name, "base": base, "body": body}),
        planned=PullRequest(0, "planned", "", base, "", head=name),
    )
    if found.number:
        context.report.record(pr_number=found.number)
    return found


def merge_pull_request(context: Context, opened: PullRequest, sha: str) -> PullRequest:
    """Return the pull request merged at exactly `sha` (F15), once its base's required checks passed; writes the merge.

    Raises Conflict when its head is another commit or it conflicts, Waiting when somebody has to
    approve or a merge queue takes over (F16), Failed in GitHub's own words when a policy says no.
    """

    def _find() -> PullRequest | None:
        now = pull_request(github(context), opened.number) if opened.number else opened
        if now.number and now.head_sha != sha:
            raise Conflict(f"pull request #{now.number} is at {now.head_sha[:9]}, not at {sha[:9]}", f"Look: {now.url}")
        if now.state == "closed" and not now.merged:
            raise Conflict(f"pull request #{now.number} was closed without merging", f"Reopen it: {now.url}")
        return now if now.merged else None

    return ensure(
        context,
        f"merge pull request #{opened.number or '…'} at {brief(sha)} into {opened.base}",
        find=_find,
        make=lambda: _merge(context, opened, sha),
        planned=replace(opened, merged=True, merge_sha=opened.merge_sha or NEW),
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
        find=lambda: name if remote(context).head_sha(name) is None else None,
        make=lambda: repository(context).delete_branch(head.name, head.sha),
        planned=name,
    )


def merged_branches(context: Context, pattern: str) -> list[RemoteRef]:
    """Return the remote's branches of this name or glob that were merged as they are and are in no open pull request.

    They are what a call leaves that is killed between a merge and the deletion of its branch (F33).
    """
    heads = remote(context).heads(pattern)
    found = [(head, pull_request_of(github(context), head)) for head in heads if head.sha != NEW]
    return [head for head, pull in found if pull and pull.merged]


def follow_required(context: Context, pull: PullRequest) -> None:
    """Return once all checks that the base requires have passed on the head; raise Failed when one failed."""
    names, pull_name = required_checks(context, pull.base), f"pull request #{pull.number}"
    states: dict[str, str] = {}
    silent: list[str] = []

    def _look(wait: Wait) -> bool:
        reported = commit_checks(github(context), pull.head_sha) if names else []
        states.update({name: _worst([each for each in reported if each.name == name]) for name in names})
        context.report.progress([Progress({"check": name}, state) for name, state in states.items()])
        failed = [f"{name} ({state})" for name, state in states.items() if state not in (*PASSED, EXPECTED, PENDING)]
        if failed:
            hint = f"Mend it or run them again there, then run the same again: {pull.url}"
            raise Failed(f"{pull_name}: required checks failed: {', '.join(failed)}", hint)
        if wait.seconds >= REPORTS and not silent:
            silent.extend(name for name, state in states.items() if state == EXPECTED)
            if silent:
                listed = ("checks {} are" if silent[1:] else "check {} is").format(", ".join(silent))
                context.report.step("waiting", f"required {listed} expected, never reported: does anything report it?")
        return all(state in PASSED for state in states.values())

    def _late(_: float) -> Waiting:
        going = ", ".join(f"{name} ({state})" for name, state in states.items() if state not in PASSED)
        hint = f"Run the same again to go on waiting: {pull.url}"
        return Waiting(f"{pull_name} waits for required checks: {going}", hint)

    stopped = Waiting(f"stopped waiting for the checks of {pull_name}", "The same command goes on.")
    wait_until(context, _look, late=_late, stopped=lambda: stopped)


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
        return Failed(f"{name} is behind {opened.base}, which wants it up to date", f"Update it there, then {then}")
    if any(word in words for word in ("review", "approv", "changes have been requested")):
        return Waiting(f"{name} waits for approval: {problem.strip()}", f"Then {then}")
    return Failed(f"GitHub does not merge {name}: {problem.strip()}", f"Look: {opened.url}")


def _check_mergeable(context: Context, number: int) -> None:
    """Wait until GitHub has worked out whether it merges; raise when it is a draft, conflicts or is behind."""
    for _ in range(LOOKS):
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
    """Return the first of METHODS that the repository and every rule of the base allow; raise Failed for none."""
    settings = github(context).get("")
    allowed = {name for name, setting in METHODS.items() if settings.get(setting, True)}
    for rule in rules:
        parameters = rule.get("parameters") or {}
        if rule["type"] == "pull_request":
            allowed &= set(parameters.get("allowed_merge_methods", METHODS))
        if rule["type"] == "required_linear_history":
            allowed.discard("merge")
    if not allowed:
        problem = "the base's rules and the repository's settings leave no way to merge"
        raise Failed(problem, "Allow one in its settings.")
    return next(name for name in METHODS if name in allowed)


def _worst(checks: Sequence[Check]) -> str:
    """Return the worst state of the checks of one name; one that nothing reported is expected."""
    states = [each.conclusion or PENDING for each in checks]
    return min(states, key=lambda state: 2 if state in PASSED else 1 if state == PENDING else 0, default=EXPECTED)
