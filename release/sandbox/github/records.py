"""What the sandbox's GitHub keeps of a run, a check, a pull request, a release, a rule, a token and its settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from release.git.refs import ref_matches
from release.sandbox.runner import JobLike, RunLike, Start
from release.workflows import allows

Json = dict[str, Any]
TOKEN = "sandbox-token"  # noqa: S105  # nosec B105
JOB_TOKEN = "sandbox-job-token"  # noqa: S105  # nosec B105
OWNER_LOGIN = "releaser"
BOT_LOGIN = "github-actions[bot]"
REPOSITORY_ID = 4_711
APP_LIFE = timedelta(hours=1)  # of an application's token
WORKFLOWS = ".github/workflows"  # the folder of their files
API, UPLOADS = "/api/v3", "/api/uploads"  # below the server's root, as on an Enterprise server


def user_id(login: str) -> int:
    """Give somebody's number, the same in every sandbox."""
    return sum(login.encode())


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
    milestone: str = ""
    reviews: list[Review] = field(default_factory=list)
    asked: set[tuple[str, str]] = field(default_factory=set)
    trials: dict[tuple[str, str], str] = field(default_factory=dict)  # what merging made, by base and head
    reviewers: list[str] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)


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
    latest_at: datetime | None = None  # when it was last said to be the latest
    immutable: bool = False  # as the repository was set when it was published
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
    versions: tuple[str, ...] = ("2022-11-28", "2026-03-10")  # of the API, that the server takes
    search_limit: int = 30  # a minute
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
    role: str = "write"  # in the repository; an administrator's goes past rules that say so
    app: int = 0  # the number of the application whose it is
    kind: str = "classic"  # or "fine-grained", "app" and "workflow"
    permissions: Mapping[str, str] | None = None  # by their names in the API
    expires_at: datetime | None = None

    @property
    def is_integration(self) -> bool:
        """Tell whether no person's: an application's, or a workflow's own."""
        return self.kind in ("app", "workflow")

    def hides(self, is_private: bool) -> bool:
        """Tell whether the repository is not there for a classic token."""
        return is_private and "repo" not in self.scopes.replace(",", " ").split()

    def has(self, kind: str, level: str, is_private: bool = True) -> bool:
        """Tell whether it has a permission, by the name that the API gives it, at a level."""
        if self.permissions is None:
            named = {"repo"} if is_private else {"repo", "public_repo"}
            return bool(named & set(self.scopes.replace(",", " ").split())) and (level == "read" or self.push)
        if (kind, level) == ("metadata", "read"):
            return True
        return allows(self.permissions, kind, level)

    def may_change_workflows(self) -> bool:
        """Tell whether it may push a change of a workflow's file: no workflow's own token may."""
        if self.permissions is None:
            return "workflow" in self.scopes.replace(",", " ").split()
        return self.kind != "workflow" and self.has("workflows", "write")


def fine_grained_token(permissions: Mapping[str, str], login: str = OWNER_LOGIN) -> Token:
    """Make a person's token that has these permissions; there is none for checks."""
    found = {kind: level for kind, level in permissions.items() if kind != "checks"}
    return Token(login, allows(found, "contents", "write"), "", kind="fine-grained", permissions=found)


def app_token(permissions: Mapping[str, str], login: str = "release-app[bot]") -> Token:
    """Make an application's token, which lives an hour from now."""
    ends = now() + APP_LIFE
    push = allows(permissions, "contents", "write")
    return Token(login, push, "", kind="app", permissions=permissions, expires_at=ends)


def workflow_token(permissions: Mapping[str, str]) -> Token:
    """Make a job's own token; `permissions` are named as in a workflow."""
    found = {kind.replace("-", "_"): level for kind, level in permissions.items()}
    push = allows(found, "contents", "write")
    return Token(BOT_LOGIN, push, "", starts=False, kind="workflow", permissions=found)


@dataclass(frozen=True)
class Ruleset:
    """Rules for the refs that match; `rules` holds the parameters of each by its type."""

    id: int
    name: str
    target: str
    include: tuple[str, ...]
    rules: dict[str, Json] = field(default_factory=dict)
    exclude: tuple[str, ...] = ()
    enforcement: str = "active"
    bypass: tuple[Json, ...] = ()  # actors, as the API has them
    is_classic: bool = False  # the older protection of a branch
    created_at: datetime = field(default_factory=now)

    def covers(self, ref: str, default_branch: str = "") -> bool:
        """Tell whether a full ref name is meant, and the rules are in force."""

        def matches(pattern: str) -> bool:
            """Tell whether one pattern means the ref."""
            if pattern == "~ALL":
                return ref.startswith("refs/tags/" if self.target == "tag" else "refs/heads/")
            if pattern == "~DEFAULT_BRANCH":
                return ref == f"refs/heads/{default_branch}"
            return ref_matches(pattern, ref)

        is_active = self.enforcement == "active"
        return is_active and any(map(matches, self.include)) and not any(map(matches, self.exclude))


@dataclass
class Run:
    """A workflow run: what started it, and what runs it."""

    start: Start
    name: str
    workflow_id: int
    work: RunLike
    created_at: datetime = field(default_factory=now)
    earlier: list[tuple[str | None, Sequence[JobLike]]] = field(default_factory=list)
    again_at: datetime | None = None

    @property
    def id(self) -> int:
        """The run's number on the whole server."""
        return self.start.id

    @property
    def ref_name(self) -> str:
        """The branch or tag without its prefix."""
        return self.start.ref.split("/", 2)[-1]

    def attempt_jobs(self, attempt: int) -> Sequence[JobLike]:
        """List the jobs of an attempt; those of earlier ones were kept when the next began."""
        return self.earlier[attempt - 1][1] if attempt <= len(self.earlier) else self.work.jobs


@dataclass
class Check:
    """A check of a commit: a job of a run, or what another application reports."""

    id: int
    sha: str
    name: str
    status: str
    conclusion: str | None
    started_at: datetime
    completed_at: datetime | None
    page: str = ""
    output: Json = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.page = self.page or f"runs/{self.id}"


@dataclass
class Status:
    """A status of a commit."""

    id: int
    sha: str
    state: str
    context: str
    user: str
    description: str | None = None
    target_url: str | None = None
    created_at: datetime = field(default_factory=now)


@dataclass(frozen=True)
class Review:
    """What somebody said of a pull request at one of its commits."""

    id: int
    user: str
    state: str
    sha: str
    body: str
    submitted_at: datetime = field(default_factory=now)


@dataclass
class Comment:
    """What somebody wrote below a pull request."""

    id: int
    user: str
    body: str
    created_at: datetime = field(default_factory=now)
    updated_at: datetime = field(default_factory=now)
