"""Pull requests: find the one of a branch, or open it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from release.call.context import Context
from release.call.ensure import ensure
from release.errors import Usage
from release.github.api import GitHub, github
from release.versions import parse_branch


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

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> PullRequest:
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


def pull_request(api: GitHub, number: int) -> PullRequest:
    """Return the pull request; raise Failed when there is none of that number."""
    return PullRequest.parse(api.get(f"pulls/{number}"))


def pull_request_of(api: GitHub, head: str, base: str, sha: str = "") -> PullRequest | None:
    """Return the open pull request of that head and base, else the one merged at `sha`, else None (F17)."""
    listed = list(api.pages("pulls", head=f"{api.owner}:{head}", base=base, state="all"))
    found = [PullRequest.parse(body) for body in listed]
    opened = [each for each in found if each.state == "open"]
    merged = [each for each in found if each.merged and sha in ("", each.head_sha)]
    return next(iter(opened + merged), None)


def open_pull_request(context: Context, head: str, base: str, title: str, body: str) -> PullRequest:
    """Return the pull request of head and base, opening it if there is none; writes it at most once (F17).

    Raises Usage for a release branch as head: where branches go with their pull request, it would (F18).
    """
    if parse_branch(head):
        raise Usage(f"{head} is a release branch", "A pull request's branch may be deleted with it: use another.")

    def make() -> None:
        # 422 "A pull request already exists" is Failed here, and the look that follows adopts that one.
        github(context).send("POST", "pulls", {"title": title, "head": head, "base": base, "body": body})

    found = ensure(
        context,
        f"pull request {head} → {base}: {title}",
        find=lambda: pull_request_of(github(context), head, base),
        make=make,
        planned=PullRequest(0, "planned", "", base, ""),
    )
    if found.number:
        context.report.record(pr_number=found.number)
    return found
