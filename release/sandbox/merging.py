"""Whether a pull request can be merged, and merging it in the bare repository."""

from __future__ import annotations

import tempfile

from .answers import Refused
from .bare import Bare, GitError
from .github_checks import checks_of
from .github_statuses import statuses_of
from .hub import Hub
from .records import Json, Pull
from .rules import parameters, required_checks

PASSED = ("success", "neutral", "skipped")
COMMITTER = {"GIT_COMMITTER_NAME": "GitHub", "GIT_COMMITTER_EMAIL": "noreply@github.com"}


def merged_tree(bare: Bare, base: str, head: str) -> str | None:
    """Merge two commits without a worktree; nothing when they conflict."""
    try:
        return bare.git("merge-tree", "--write-tree", base, head).splitlines()[0]
    except GitError:
        return None


def mergeable(hub: Hub, pull: Pull) -> tuple[bool | None, str]:
    """Answer `mergeable` and `mergeable_state`; unknown when asked for the first time about this base and head."""
    base = hub.head(pull.base)
    if pull.state != "open" or base is None:
        return None, "unknown"
    if (base, pull.head_sha) not in pull.asked:
        pull.asked.add((base, pull.head_sha))
        return None, "unknown"
    if merged_tree(hub.bare, base, pull.head_sha) is None:
        return False, "dirty"
    states = (
        ("draft", pull.draft),
        ("behind", _is_behind(hub, pull, base)),
        ("blocked", bool(violations(hub, pull))),
        ("unstable", not _all_pass(hub, pull.head_sha)),
    )
    return True, next((name for name, holds in states if holds), "clean")


def _is_behind(hub: Hub, pull: Pull, base: str) -> bool:
    required = parameters(hub, pull.base, "required_status_checks") or {}
    return bool(required.get("strict_required_status_checks_policy")) and not hub.bare.is_ancestor(base, pull.head_sha)


def _all_pass(hub: Hub, sha: str) -> bool:
    checks = [check["conclusion"] for check in checks_of(hub, sha)]
    return all(conclusion in PASSED for conclusion in [*checks, *(status["state"] for status in statuses_of(hub, sha))])


def violations(hub: Hub, pull: Pull) -> list[str]:
    """List the rules that stand against merging now, in GitHub's words."""
    found = []
    if parameters(hub, pull.base, "merge_queue") is not None:
        found.append("Changes must be made through the merge queue")
    review = parameters(hub, pull.base, "pull_request") or {}
    needed = review.get("required_approving_review_count", 0)
    latest = {review["user"]["login"]: review["state"] for review in pull.reviews if review["state"] != "COMMENTED"}
    if "CHANGES_REQUESTED" in latest.values():
        found.append("Changes have been requested.")
    if sum(state == "APPROVED" for state in latest.values()) < needed:
        found.append(f"At least {needed} approving review is required by reviewers with write access.")
    return found + [text for name in required_checks(hub, pull.base) if (text := _check_violation(hub, pull, name))]


def _check_violation(hub: Hub, pull: Pull, name: str) -> str:
    outcomes = [check["conclusion"] or "pending" for check in checks_of(hub, pull.head_sha) if check["name"] == name]
    outcomes += [status["state"] for status in statuses_of(hub, pull.head_sha) if status["context"] == name]
    if not outcomes:
        return f'Required status check "{name}" is expected.'
    if "pending" in outcomes:
        return f'Required status check "{name}" is in progress.'
    return "" if all(outcome in PASSED for outcome in outcomes) else f'Required status check "{name}" is failing.'


def check_mergeable(hub: Hub, pull: Pull, base: str) -> None:
    """Raise 405 with GitHub's reason unless the pull request can be merged now."""
    if pull.state != "open" or merged_tree(hub.bare, base, pull.head_sha) is None:
        raise Refused(405, "Pull Request is not mergeable")
    if pull.draft:
        raise Refused(405, "Pull Request is still a draft")
    if _is_behind(hub, pull, base):
        raise Refused(405, "Head branch is out of date. Review and try the merge again.")
    against = violations(hub, pull)
    if against:
        raise Refused(405, "Repository rule violations found\n\n" + "\n\n".join(against) + "\n\n")


def check_method(hub: Hub, pull: Pull, method: str) -> None:
    """Raise 405 unless the repository and its rules allow the way of merging."""
    settings = hub.settings
    allowed = {
        "merge": settings.allow_merge_commit,
        "squash": settings.allow_squash_merge,
        "rebase": settings.allow_rebase_merge,
    }
    rule: Json = parameters(hub, pull.base, "pull_request") or {}
    if allowed.get(method) and method in rule.get("allowed_merge_methods", allowed):
        return
    words = {"merge": "Merge commits are", "squash": "Squash merges are", "rebase": "Rebase merges are"}
    raise Refused(405, f"{words.get(method, 'Such merges are')} not allowed on this repository.")


def merge_commit(hub: Hub, pull: Pull, base: str, method: str, message: str) -> str:
    """Make the commit that the base branch shall have, as the method says; the branch is not moved."""
    if method == "rebase":
        return _rebased(hub.bare, base, pull.head_sha)
    tree = merged_tree(hub.bare, base, pull.head_sha)
    if tree is None:
        raise Refused(405, "Pull Request is not mergeable")
    parents = [base] if method == "squash" else [base, pull.head_sha]
    options = [word for parent in parents for word in ("-p", parent)]
    author = {"GIT_AUTHOR_NAME": pull.user, "GIT_AUTHOR_EMAIL": f"{pull.user}@users.noreply.github.com"}
    return hub.bare.git("commit-tree", tree, *options, text=message, **author, **COMMITTER).strip()


def _rebased(bare: Bare, base: str, head: str) -> str:
    """Put the commits of a head on top of the base, in a worktree that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        bare.git("worktree", "add", "--quiet", "--detach", f"{folder}/rebase", base)
        try:
            work = Bare(bare.path / folder / "rebase")
            shas = bare.git("rev-list", "--reverse", "--no-merges", f"{base}..{head}").split()
            work.git("cherry-pick", "--allow-empty", *shas, **COMMITTER)
            return work.git("rev-parse", "HEAD").strip()
        except GitError as error:
            raise Refused(405, "This branch can't be rebased") from error
        finally:
            bare.git("worktree", "remove", "--force", f"{folder}/rebase")
