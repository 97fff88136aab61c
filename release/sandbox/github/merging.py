"""Pull requests: opened, judged, and merged in the bare repository."""

from __future__ import annotations

import tempfile
from contextlib import suppress

from release.sandbox.git import ZERO, Bare, GitError
from release.sandbox.github.answers import Refused, invalid
from release.sandbox.github.events import close, start_pull_request
from release.sandbox.github.judging import Change
from release.sandbox.github.records import Json, Pull, Token, now
from release.sandbox.github.rules import check_method, checks_pass, is_behind, update_ref, violations
from release.sandbox.github.state import Hub


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
    if not trial_merge(hub, pull, base):
        return False, "dirty"
    states = (
        ("draft", pull.draft),
        ("behind", is_behind(hub, pull, base)),
        ("blocked", bool(violations(hub, pull))),
        ("unstable", not checks_pass(hub, pull.head_sha)),
    )
    return True, next((name for name, holds in states if holds), "clean")


def trial_merge(hub: Hub, pull: Pull, base: str) -> str:
    """Find or make the commit that merging would, at `refs/pull/<number>/merge`; nothing where they conflict."""
    sides = [base, pull.head_sha]
    with hub.lock:
        if (base, pull.head_sha) not in pull.trials:
            message = f"Merge {pull.head_sha} into {base}"
            sha = pull.trials[base, pull.head_sha] = merge_commit(hub.bare, sides, message, pull.user) or ""
            if sha:
                hub.bare.update_ref(f"refs/pull/{pull.number}/merge", sha)
        return pull.trials[base, pull.head_sha]


def _check_mergeable(hub: Hub, pull: Pull, base: str, token: Token, *, queued: bool) -> None:
    """Raise 405 with GitHub's reason unless the pull request can be merged now."""
    if pull.state != "open" or merged_tree(hub.bare, base, pull.head_sha) is None:
        raise Refused(405, "Pull Request is not mergeable")
    if pull.draft:
        raise Refused(405, "Pull Request is still a draft")
    if is_behind(hub, pull, base) and not queued:
        raise Refused(405, "Head branch is out of date. Review and try the merge again.")
    against = violations(hub, pull, token, queued=queued)
    if against:
        raise Refused(405, "Repository rule violations found\n\n" + "\n\n".join(against) + "\n\n")


def _merge_commit(hub: Hub, pull: Pull, base: str, method: str, message: str) -> str:
    """Make the commit that the base branch shall have, as the method says; the branch is not moved."""
    if method == "rebase":
        return _rebase(hub.bare, base, pull.head_sha)
    sha = merge_commit(hub.bare, [base, pull.head_sha], message, pull.user, squash=method == "squash")
    if sha is None:
        raise Refused(405, "Pull Request is not mergeable")
    return sha


def merge_commit(bare: Bare, sides: list[str], message: str, login: str, *, squash: bool = False) -> str | None:
    """Make the commit that has two commits' changes; nothing when they conflict."""
    tree = merged_tree(bare, *sides)
    author = {"GIT_AUTHOR_NAME": login, "GIT_AUTHOR_EMAIL": f"{login}@users.noreply.github.com"}
    return bare.write_commit(tree, sides[:1] if squash else sides, message, **author) if tree else None


def _rebase(bare: Bare, base: str, head: str) -> str:
    """Put the commits of a head on top of the base, in a worktree that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        bare.git("worktree", "add", "--quiet", "--detach", f"{folder}/rebase", base)
        try:
            work = Bare(bare.path / folder / "rebase")
            shas = bare.git("rev-list", "--reverse", "--no-merges", f"{base}..{head}").split()
            work.git("cherry-pick", "--allow-empty", *shas)
            return work.git("rev-parse", "HEAD").strip()
        except GitError as error:
            raise Refused(405, "This branch can't be rebased") from error
        finally:
            bare.git("worktree", "remove", "--force", f"{folder}/rebase")


def fork_point(hub: Hub, pull: Pull) -> str:
    """Find where a pull request left its base branch."""
    base = pull.base_sha if pull.merged_at else hub.head(pull.base) or pull.base_sha
    return hub.bare.merge_base(base, pull.head_sha) or base


def has_commit(hub: Hub, pull: Pull, sha: str) -> bool:
    """Tell whether a commit is of a pull request: in its head, or made by merging it."""
    revisions = f"{fork_point(hub, pull)}..{pull.head_sha}"
    shas = hub.bare.git("rev-list", revisions).split()
    if pull.merge_sha:
        shas += hub.bare.git("rev-list", "--first-parent", f"{pull.base_sha}..{pull.merge_sha}").split()
    return sha in shas


def open_pull(hub: Hub, asked: Json, token: Token) -> Pull:
    """Open a pull request; raise 422 when one is open already, or there is nothing to merge."""
    head, base = str(asked.get("head", "")).removeprefix(f"{hub.owner}:"), str(asked.get("base", ""))
    with hub.lock:
        _check_new_pull(hub, head, base)
        number, head_sha, base_sha = hub.next_number(), hub.head(head) or "", hub.head(base) or ""
        title, text = str(asked.get("title") or head), str(asked.get("body") or "")
        pull = Pull(number, title, text, token.login, head, base, head_sha, base_sha, bool(asked.get("draft")))
        hub.pulls[number] = pull
        hub.bare.update_ref(f"refs/pull/{number}/head", head_sha)
        start_pull_request(hub, pull, token, "opened")
    return pull


def _check_new_pull(hub: Hub, head: str, base: str) -> None:
    for field, branch in (("head", head), ("base", base)):
        if hub.head(branch) is None:
            raise invalid("PullRequest", "invalid", field)
    if any(pull.state == "open" and (pull.head, pull.base) == (head, base) for pull in hub.pulls.values()):
        raise invalid("PullRequest", "custom", "", f"A pull request already exists for {hub.owner}:{head}.")
    if hub.bare.is_ancestor(f"refs/heads/{head}", f"refs/heads/{base}"):
        raise invalid("PullRequest", "custom", "", f"No commits between {base} and {head}")


def change_pull(hub: Hub, pull: Pull, asked: Json) -> None:
    """Change title, body, base or state of a pull request."""
    with hub.lock:
        pull.title = asked.get("title", pull.title)
        pull.body = asked.get("body", pull.body)
        pull.base = asked.get("base", pull.base)
        pull.updated_at = now()
        if asked.get("state") == "closed" and pull.state == "open":
            close(pull)
        elif asked.get("state") == "open" and pull.merged_at is None:
            pull.state, pull.closed_at = "open", None


def merge_pull(hub: Hub, pull: Pull, asked: Json, token: Token, *, queued: bool = False) -> str:
    """Merge a pull request, if its head is the one that was meant and the rules allow it; return the new commit.

    With `queued` it is the merge queue that merges, which has looked at the checks itself.
    Raises 409 for another head, and 405 for everything else that stands against it.
    """
    method = asked.get("merge_method", "merge")
    with hub.lock:
        base = hub.head(pull.base)
        if base is None:
            raise Refused(405, "Pull Request is not mergeable")
        if asked.get("sha") not in (None, pull.head_sha):
            raise Refused(409, "Head branch was modified. Review and try the merge again.")
        _check_mergeable(hub, pull, base, token, queued=queued)
        check_method(hub, pull, method)
        sha = _merge_commit(hub, pull, base, method, _message(hub, pull, method, asked))
        # Known before the branch moves: by it the update sees that this pull request is merged, squashed or not.
        pull.base_sha, pull.merge_sha = base, sha
        try:
            update_ref(hub, token, Change(f"refs/heads/{pull.base}", base, sha, pull, queued), 405)
        except Refused:
            pull.merge_sha = ""
            raise
        except GitError as error:
            pull.merge_sha = ""
            raise Refused(405, "Base branch was modified. Review and try the merge again.") from error
        if hub.settings.delete_branch_on_merge and hub.head(pull.head) == pull.head_sha:
            with suppress(Refused):  # a rule keeps it
                update_ref(hub, token, Change(f"refs/heads/{pull.head}", pull.head_sha, ZERO))
    return sha


def _message(hub: Hub, pull: Pull, method: str, asked: Json) -> str:
    if method == "squash":
        title, text = f"{pull.title} (#{pull.number})", pull.body
    else:
        title, text = f"Merge pull request #{pull.number} from {hub.owner}/{pull.head}", pull.title
    return f"{asked.get('commit_title') or title}\n\n{asked.get('commit_message', text)}".strip() + "\n"


def update_pull(hub: Hub, pull: Pull, asked: Json, token: Token) -> None:
    """Merge the base branch into a pull request's own; raise 422 where that is not what was seen, or conflicts."""
    with hub.lock:
        base = hub.head(pull.base) or ""
        if asked.get("expected_head_sha") not in (None, pull.head_sha):
            raise Refused(422, "expected head sha didn't match current head ref.")
        if hub.bare.is_ancestor(base, pull.head_sha):
            raise Refused(422, "There are no new commits on the base branch.")
        message = f"Merge branch '{pull.base}' into {pull.head}"
        sha = merge_commit(hub.bare, [pull.head_sha, base], message, token.login)
        if sha is None:
            raise Refused(422, "merge conflict between base and head")
        update_ref(hub, token, Change(f"refs/heads/{pull.head}", pull.head_sha, sha))
