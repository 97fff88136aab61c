"""What is read of single answers of GitHub."""

from __future__ import annotations

from typing import Any

import pytest

from release.github.burned import covers
from release.github.pulls import PullRequest

PULL: dict[str, Any] = {
    "number": 5, "state": "open", "html_url": "https://github.example/pull/5", "created_at": "2026-11-22T10:00:00Z",
    "head": {"sha": "a" * 40, "ref": "topic"}, "base": {"ref": "main"}, "title": "feat: a", "user": {"login": "ann"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("include", "exclude", "covered"),
    [
        (["~ALL"], [], True),
        (["refs/tags/0.*"], [], True),
        (["refs/tags/1.*"], [], False),
        (["refs/tags/1.*", "refs/tags/0.7.0"], [], True),
        (["~ALL"], ["refs/tags/0.7.*"], False),
        (["~ALL"], ["refs/tags/1.*"], True),
        ([], [], False),
        (None, None, False),
    ],
)
def test_a_ruleset_covers_what_it_includes_and_does_not_exclude(
    include: list[str] | None, exclude: list[str] | None, covered: bool
) -> None:
    assert covers({"conditions": {"ref_name": {"include": include, "exclude": exclude}}}, "refs/tags/0.7.0") == covered
    assert not covers({"conditions": None}, "refs/tags/0.7.0")


def test_a_pull_request_is_a_draft_or_merged_as_its_answer_says() -> None:
    found = PullRequest.parse(PULL)
    assert (found.number, found.head, found.base, found.author, found.at) == (
        5, "topic", "main", "ann", PULL["created_at"],
    )  # fmt: skip
    assert (found.draft, found.merged, found.merge_sha, found.mergeable) == (False, False, "", None)
    assert PullRequest.parse({**PULL, "draft": True, "mergeable": False}).draft
    # Of one that is open GitHub names the commit that it would become.
    assert PullRequest.parse({**PULL, "merge_commit_sha": "b" * 40}).merge_sha == ""
    merged = PullRequest.parse({**PULL, "merged_at": "2026-11-23T10:00:00Z", "merge_commit_sha": "b" * 40})
    assert (merged.merged, merged.merge_sha, merged.at) == (True, "b" * 40, "2026-11-23T10:00:00Z")
