"""What the sandbox's GitHub keeps of a pull request, a release, a token and its settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    pass

Json = dict[str, Any]
OWNER_LOGIN = "releaser"
BOT_LOGIN = "github-actions[bot]"


def now() -> datetime:
    """Read the clock, in UTC."""
    return datetime.now(timezone.utc)


@dataclass
class Pull:
    """A pull request; its commits are in the repository."""

    number: int
    title: str
    body: str
    user: str
    head: str
    base: str
    head_sha: str
    base_sha: str
    draft: bool = False
    state: str = "open"
    created_at: datetime = field(default_factory=now)
    updated_at: datetime = field(default_factory=now)
    closed_at: datetime | None = None
    merged_at: datetime | None = None
    merged_by: str = ""
    merge_sha: str = ""
    labels: list[str] = field(default_factory=list)
    reviews: list[Json] = field(default_factory=list)
    asked: set[tuple[str, str]] = field(default_factory=set)


@dataclass
class Asset:
    """A file of a release."""

    id: int
    name: str
    content: bytes
    content_type: str
    label: str = ""
    created_at: datetime = field(default_factory=now)


@dataclass
class Release:
    """A GitHub Release."""

    id: int
    tag: str
    target: str
    name: str
    body: str
    draft: bool
    prerelease: bool
    author: str
    created_at: datetime = field(default_factory=now)
    published_at: datetime | None = None
    assets: list[Asset] = field(default_factory=list)


@dataclass
class Settings:
    """What an administrator can set on the repository."""

    allow_merge_commit: bool = True
    allow_squash_merge: bool = True
    allow_rebase_merge: bool = True
    delete_branch_on_merge: bool = False
    default_branch: str = "main"
    private: bool = True
    immutable_releases: bool = False
    # How a dispatch that asks for the run's id is answered: "details", "none" (204) or "reject" (422).
    dispatch_answer: str = "details"


@dataclass(frozen=True)
class Token:
    """Who a token belongs to, and what it may do."""

    login: str = OWNER_LOGIN
    push: bool = True
    scopes: str = "repo, workflow"
    # Events made with the token of a workflow start no workflows, dispatches excepted (F14).
    starts: bool = True
