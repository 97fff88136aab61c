"""Environments: what holds up the jobs that name one, and what these get of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from release.git.refs import HEADS, TAGS, ref_matches

REFUSED = '{} "{}" is not allowed to deploy to {} due to environment protection rules.'


@dataclass
class Environment:
    """An environment of the repository; `branches` and `tags` are the patterns of those that may use it."""

    name: str
    id: int = 0
    reviewers: Sequence[str] = ()  # logins, of whom one is enough
    prevents_self_review: bool = False
    wait_minutes: int = 0
    branches: Sequence[str] | None = None
    tags: Sequence[str] | None = None
    protected_branches: bool = False  # only these, and no tag
    secrets: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """Whether any branch and tag may use it."""
        return not self.protected_branches and self.branches is None and self.tags is None

    def refusal(self, ref: str, is_protected: Callable[[str], bool]) -> str:
        """Say in GitHub's words why a ref may not use it, or nothing."""
        kind, prefix, patterns = ("Branch", HEADS, self.branches)
        if ref.startswith(TAGS):
            kind, prefix, patterns = ("Tag", TAGS, self.tags)
        is_named = any(ref_matches(f"{prefix}{each}", ref) for each in patterns or ())
        if self.is_open or is_named or (self.protected_branches and is_protected(ref)):
            return ""
        return REFUSED.format(kind, ref.split("/", 2)[-1], self.name)


@dataclass(eq=False)
class Deployment:
    """A job that waits for its environment: for a review, its wait timer, or both."""

    environment: Environment
    id: int
    run: object  # that GitHub lists
    job: str
    asked_at: datetime
    state: str = ""  # approved or rejected, where it was reviewed

    def is_due(self, now: datetime) -> bool:
        """Tell whether its timer has ended and nobody has to review it any more."""
        is_reviewed = not self.environment.reviewers or bool(self.state)
        return is_reviewed and now >= self.asked_at + timedelta(minutes=self.environment.wait_minutes)

    def may_review(self, login: str, asked_by: str) -> bool:
        """Tell whether somebody may review it: a reviewer, and not who asked for the run where that is forbidden."""
        is_own = self.environment.prevents_self_review and login.lower() == asked_by.lower()
        return login.lower() in map(str.lower, self.environment.reviewers) and not is_own


@dataclass(frozen=True)
class Review:
    """What somebody said of the environments that a run waited for."""

    run: object
    environments: tuple[Environment, ...]
    login: str
    state: str
    comment: str
