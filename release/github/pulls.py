"""Pull requests: opened once, their required checks awaited, and merged as they were reviewed, nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from release.call.context import Context
from release.call.ensure import ensure
from release.call.plan import Content, Facts
from release.errors import Conflict, Failed, ReleaseError, Unknown, Usage, Waiting
from release.git.refs import HEADS, NEW, RemoteRef, brief, short_name
from release.git.repository import repository
from release.git.snapshot import remote
from release.github.api import GitHub, github
from release.github.commits import Wanted, branch_rules, follow_checks, required_checks
from release.github.runs import APPEARS
from release.versions import parse_branch

BASE_MOVED = "Base branch was modified"
METHODS = {"merge": "allow_merge_commit", "squash": "allow_squash_merge", "rebase": "allow_rebase_merge"}
QUEUE = "queue"  # no method of ours: a merge queue has its own
TRIES = 5
LOOKS = 30  # a second apart, in which GitHub works out whether it merges


@dataclass(frozen=True)
class PullRequest:
    """One pull request; `merge_sha` is the commit it was merged as, `at` when that was, or when it was opened."""

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
    title: str = ""
    author: str = ""
    at: str = ""

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
            mergeable_state=body.get("mergeable_state") or "", head=body["head"]["ref"], title=body["title"],
            author=str((body.get("user") or {}).get("login") or ""), at=body.get("merged_at") or body["created_at"],
        )  # fmt: skip


def pull_request(api: GitHub, number: int) -> PullRequest:
    """Return the pull request; raise Failed when there is none of that number."""
    return _parsed(api, api.get(f"pulls/{number}"))


def _parsed(api: GitHub, body: Mapping[str, Any]) -> PullRequest:
    """Return the pull request in an answer, with the commit it was merged as where that version does not say it."""
    found = PullRequest.parse(body)
    is_untold = found.merged and "merge_commit_sha" not in body
    return replace(found, merge_sha=api.merge_commit(found.number)) if is_untold else found


def pulls_of(context: Context, sha: str) -> list[PullRequest]:
    """Return the pull requests that the commit is in; none for one that GitHub does not know, or for no commit."""
    found = github(context).find(f"commits/{sha}/pulls", (404, 422), per_page=100) if sha else []
    return [_parsed(github(context), body) for body in found or []]


def pull_request_of(api: GitHub, head: RemoteRef, base: str = "") -> PullRequest | None:
    """Return the open pull request of that head and base (or any), else one merged at the head's commit (F17)."""
    asked = {"head": f"{api.repository.split('/')[0]}:{short_name(head)}", "state": "all"}
    found = [_parsed(api, body) for body in api.pages("pulls", **asked, **({"base": base} if base else {}))]
    opened = [each for each in found if each.state == "open"]
    merged = [each for each in found if each.merged and each.head_sha == head.sha]
    return next(iter(opened + merged), None)


def open_pull_request(
    context: Context, head: RemoteRef, base: str, title: str, body: str, draft: bool = False
) -> PullRequest:
    """Return the pull request of head and base, opening it if there is none; writes it at most once (F17)."""
    name = short_name(head)
    if parse_branch(name):  # where branches go with their pull request, it would (F18)
        raise Usage(f"{name} is a release branch", "A pull request's branch may be deleted with it: use another.")
    texts = {"title": title, "body": body, **({"draft": True} if draft else {})}
    found = ensure(
        context,
        f"{'draft ' if draft else ''}pull request {name} → {base}: {title}",
        find=lambda: context.view.get(PullRequest, (name, base)) or pull_request_of(github(context), head, base),
        # 422 "A pull request already exists" is Failed here, and the look that follows adopts that one.
        make=lambda: github(context).send("POST", "pulls", {**texts, "head": name, "base": base}),
        planned=PullRequest(0, "planned", "", base, "", head=name),
        patience=APPEARS,
        facts=lambda _: {"pull request": f"{name} → {base}", "head": head.name, "base": base, "commit": head.sha},
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

    def _facts(there: PullRequest | None) -> Facts:
        named = {"merge": f"{opened.head} → {opened.base}", "into": f"{HEADS}{opened.base}", "head": sha}
        if there and there.merge_sha != NEW:
            return {**named, "commit": there.merge_sha}
        onto, method = remote(context).head_sha(opened.base), merge_method(context, opened.base)
        return {**named, "onto": onto, "method": method, "commit": Content()}

    return ensure(
        context,
        f"merge pull request #{opened.number or '…'} at {brief(sha)} into {opened.base}",
        find=_find,
        make=lambda: _merge(context, opened, sha),
        planned=replace(opened, merged=True, merge_sha=opened.merge_sha or NEW),
        patience=APPEARS,
        facts=_facts,
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
        make=lambda: repository(context).delete_ref(head.name, head.sha),
        planned=name,
        facts=lambda _: {"delete": head.name},
    )


def merged_branches(context: Context, pattern: str) -> list[RemoteRef]:
    """Return the remote's branches of this name or glob that were merged as they are and are in no open pull request.

    They are what a call leaves that is killed between a merge and the deletion of its branch (F33).
    """
    heads = remote(context).heads(pattern)
    found = [(head, pull_request_of(github(context), head)) for head in heads if head.sha != NEW]
    return [head for head, pull in found if pull and pull.merged]


def merge_method(context: Context, base: str) -> str:
    """Return the first of METHODS that the repository and every rule of the base allow, QUEUE where that merges.

    Raises Failed for none: asked for before anything is written that relies on a merge.
    """
    settings = context.once("repository settings", lambda: github(context).get(""))
    rules = branch_rules(context, base)
    if any(rule["type"] == "merge_queue" for rule in rules):
        return QUEUE
    allowed = {name for name, setting in METHODS.items() if settings.get(setting, True)}
    for rule in rules:
        parameters = rule.get("parameters") or {}
        if rule["type"] == "pull_request":
            allowed &= set(parameters.get("allowed_merge_methods", METHODS))
        if rule["type"] == "required_linear_history":
            allowed.discard("merge")
    if not allowed:
        problem = f"the rules of {base} and the repository's settings leave no way to merge a pull request"
        where = f"{github(context).web_url}/settings"
        raise Failed(problem, f"Allow a method that all of them allow, there: {where}; {where}/rules")
    return next(name for name in METHODS if name in allowed)


def _merge(context: Context, opened: PullRequest, sha: str) -> None:
    method = merge_method(context, opened.base)
    if method == QUEUE:
        raise _refusal(opened, "merge queue")
    wanted = Wanted(sha, f"pull request #{opened.number}", required_checks(context, opened.base), url=opened.url)
    for attempt in range(TRIES):
        # Anew each time: when the base moves, GitHub works out again whether it merges, and the checks may count anew.
        _check_mergeable(context, opened.number)
        follow_checks(context, wanted)
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
