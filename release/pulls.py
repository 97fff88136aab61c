"""Pull requests: find the one of a branch, open it, merge what was reviewed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from release.ensure import ensure
from release.errors import Conflict, Failed, Waiting
from release.refs import brief

if TYPE_CHECKING:
    from release.github import GitHub
    from release.world import World

BASE_MOVED = "Base branch was modified"
METHODS = ("merge", "squash", "rebase")


@dataclass(frozen=True)
class Pull:
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

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> Pull:
        """Return the pull request in an answer of GitHub."""
        merged = bool(body.get("merged") or body.get("merged_at"))
        return cls(
            number=body["number"],
            state=body["state"],
            head_sha=body["head"]["sha"],
            base=body["base"]["ref"],
            url=body["html_url"],
            merged=merged,
            merge_sha=(body.get("merge_commit_sha") or "") if merged else "",
            draft=bool(body.get("draft")),
            mergeable=body.get("mergeable"),
            mergeable_state=body.get("mergeable_state") or "",
        )


def pull(github: GitHub, number: int) -> Pull:
    """Return the pull request; raise Failed when there is none of that number."""
    return Pull.parse(github.get(f"pulls/{number}"))


def pull_of(github: GitHub, head: str, base: str, sha: str = "") -> Pull | None:
    """Return the open pull request of that head and base, else the one merged at `sha`, else None (F17)."""
    listed = list(github.pages("pulls", head=f"{github.owner}:{head}", base=base, state="all"))
    found = [Pull.parse(body) for body in listed]
    opened = [each for each in found if each.state == "open"]
    merged = [each for each in found if each.merged and sha in ("", each.head_sha)]
    return next(iter(opened + merged), None)


def open_pull(world: World, head: str, base: str, title: str, body: str) -> Pull:
    """Return the pull request of head and base, opening it if there is none; writes it at most once (F17)."""

    def make() -> None:
        # 422 "A pull request already exists" is Failed here, and the look that follows adopts that one.
        world.github.send("POST", "pulls", {"title": title, "head": head, "base": base, "body": body})

    found = ensure(
        world,
        f"pull request {head} → {base}: {title}",
        find=lambda: pull_of(world.github, head, base),
        make=make,
        planned=Pull(0, "planned", "", base, ""),
    )
    if found.number:
        world.report.record(pr_number=found.number)
    return found


def merge_pull(world: World, opened: Pull, sha: str) -> Pull:
    """Return the pull request merged at exactly `sha` (F15); writes the merge.

    Raises Conflict when its head is another commit or it conflicts, Waiting when somebody has to
    approve or a merge queue takes over (F16), Failed in GitHub's own words when a policy says no.
    """

    def find() -> Pull | None:
        now = pull(world.github, opened.number) if opened.number else opened
        if now.number and now.head_sha != sha:
            raise Conflict(f"pull request #{now.number} is at {now.head_sha[:9]}, not at {sha[:9]}", f"Look: {now.url}")
        if now.state == "closed" and not now.merged:
            raise Conflict(f"pull request #{now.number} was closed without merging", f"Reopen it: {now.url}")
        return now if now.merged else None

    return ensure(
        world,
        f"merge pull request #{opened.number or '…'} at {brief(sha)} into {opened.base}",
        find=find,
        make=lambda: _merge(world, opened.number, sha),
        planned=opened,
    )


def _merge(world: World, number: int, sha: str) -> None:
    method = _method(world.github)
    for attempt in range(5):
        _check_mergeable(world, number)
        answer = world.github.answer("PUT", f"pulls/{number}/merge", {"sha": sha, "merge_method": method})
        if answer.status == 200:
            return
        if BASE_MOVED not in answer.problem:
            raise _refusal(answer.status, answer.problem, number)
        world.clock.sleep(2.0**attempt)
    raise Waiting(f"the base of pull request #{number} keeps moving", "Run the same again.")


def _refusal(status: int, problem: str, number: int) -> Failed | Conflict | Waiting:
    """Tell a head that moved (409) from a policy that says no (405); a policy is never tried again (F15)."""
    if status == 409:
        return Conflict(f"pull request #{number}: {problem}", "Somebody pushed to it: look, then run the same again.")
    if "merge queue" in problem.lower():
        return Waiting(
            f"pull request #{number} has to go through the merge queue: {problem}",
            "Add it there, then run the same again.",
        )
    if "review" in problem.lower() or "approv" in problem.lower():
        return Waiting(
            f"pull request #{number} waits for approval: {problem}", "Run the same again once it is approved."
        )
    return Failed(f"GitHub does not merge pull request #{number}: {problem}")


def _check_mergeable(world: World, number: int) -> None:
    """Wait until GitHub has worked out whether it merges; raise Conflict when it does not."""
    for _ in range(30):
        now = pull(world.github, number)
        if now.mergeable is False and now.mergeable_state == "dirty":
            raise Conflict(f"pull request #{number} conflicts with {now.base}", f"Resolve it: {now.url}")
        if now.draft:
            raise Waiting(f"pull request #{number} is a draft", f"Mark it ready: {now.url}")
        if now.mergeable is not None:
            return
        world.clock.sleep(1.0)


def _method(github: GitHub) -> str:
    """Return the first of merge, squash and rebase that the repository allows."""
    settings = github.get("")
    allowed = {"merge": "allow_merge_commit", "squash": "allow_squash_merge", "rebase": "allow_rebase_merge"}
    return next((method for method in METHODS if settings.get(allowed[method], True)), "merge")
