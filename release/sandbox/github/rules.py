"""What stands against a change: rulesets, the checks and reviews they ask for; and the one update of refs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from release.sandbox.github.answers import Refused
from release.sandbox.github.events import notice_refs
from release.sandbox.github.records import Json, Pull, Ruleset, Token
from release.sandbox.github.state import Hub, checks_of, statuses_of

PASSED = ("success", "neutral", "skipped")
_MESSAGES = {
    "creation": ("create", "Cannot create ref due to creations being restricted."),
    "update": ("update", "Cannot update this protected ref."),
    "deletion": ("delete", "Cannot delete this protected ref."),
    "pull_request": ("update", "Changes must be made through a pull request."),
    "merge_queue": ("update", "Changes must be made through the merge queue."),
}

RULES = "sandbox-rules"  # one line per rule: action, pattern, message, separated by tabs
UPDATE_HOOK = """#!/bin/sh
# Reject what the rules beside this folder name. Arguments: ref, old, new.
case "$2" in *[!0]*) action=update ;; *) action=create ;; esac
case "$3" in *[!0]*) ;; *) action=delete ;; esac
rules="${GIT_DIR:-.}/sandbox-rules"
[ -f "$rules" ] || exit 0
tab=$(printf '\\t')
found=
while IFS="$tab" read -r rule pattern message; do
    [ "$rule" = any ] || [ "$rule" = "$action" ] || continue
    case "$1" in $pattern) found="$found- $message
" ;; esac
done < "$rules"
[ -z "$found" ] && exit 0
echo "error: GH013: Repository rule violations found for $1."
echo
printf '%s\\n' "$found"
exit 1
"""


def write_rules(hub: Hub) -> None:
    """Tell the hook which pushes are rejected: (any, create, update or delete; ref pattern as in a shell; message)."""
    text = "".join("\t".join(line) + "\n" for line in _hook_lines(hub))
    (hub.bare.path / RULES).write_text(text, encoding="utf-8")


def protect(hub: Hub, include: str, **rules: Json) -> Ruleset:
    """Put rules in force for a full ref pattern, by type: `pull_request={"required_approving_review_count": 1}`."""
    target = "tag" if include.startswith("refs/tags/") else "branch"
    ruleset = Ruleset(hub.next_id(), f"protect {include}", target, include, rules)
    hub.rulesets.append(ruleset)
    write_rules(hub)
    return ruleset


def unprotect(hub: Hub) -> None:
    """Take all rules away."""
    hub.rulesets.clear()
    write_rules(hub)


def reject_pushes(hub: Hub, include: str, message: str) -> Ruleset:
    """Have all pushes to matching refs rejected with a message of one's own."""
    return protect(hub, include, rejected={"message": message})


def parameters(hub: Hub, branch: str, kind: str) -> list[Json]:
    """List the parameters of each rule of one type on a branch: all of them hold."""
    return [each.rules[kind] for each in hub.rulesets if each.covers(f"refs/heads/{branch}") and kind in each.rules]


def required_checks(hub: Hub, branch: str) -> list[str]:
    """List the names of the checks that a branch requires."""
    rules = parameters(hub, branch, "required_status_checks")
    return [check["context"] for rule in rules for check in rule.get("required_status_checks", [])]


def violations(hub: Hub, pull: Pull) -> list[str]:
    """List the rules that stand against merging now, in GitHub's words."""
    found = []
    if parameters(hub, pull.base, "merge_queue"):
        found.append("Changes must be made through the merge queue")
    reviews = parameters(hub, pull.base, "pull_request")
    needed = max((rule.get("required_approving_review_count", 0) for rule in reviews), default=0)
    latest = {review.user: review.state for review in pull.reviews if review.state != "COMMENTED"}
    if "CHANGES_REQUESTED" in latest.values():
        found.append("Changes have been requested.")
    if sum(state == "APPROVED" for state in latest.values()) < needed:
        found.append(f"At least {needed} approving review is required by reviewers with write access.")
    return found + [text for name in required_checks(hub, pull.base) if (text := _check_violation(hub, pull, name))]


def _check_violation(hub: Hub, pull: Pull, name: str) -> str:
    outcomes = [check.conclusion or "pending" for check in checks_of(hub, pull.head_sha) if check.name == name]
    outcomes += [status.state for status in statuses_of(hub, pull.head_sha) if status.context == name]
    if not outcomes:
        return f'Required status check "{name}" is expected.'
    if "pending" in outcomes:
        return f'Required status check "{name}" is in progress.'
    return "" if all(outcome in PASSED for outcome in outcomes) else f'Required status check "{name}" is failing.'


def checks_pass(hub: Hub, sha: str) -> bool:
    """Tell whether all checks and statuses of a commit have ended well, required or not."""
    outcomes = [*(check.conclusion for check in checks_of(hub, sha)), *(each.state for each in statuses_of(hub, sha))]
    return all(outcome in PASSED for outcome in outcomes)


def is_behind(hub: Hub, pull: Pull, base: str) -> bool:
    """Tell whether a pull request misses commits of its base where the rules want it up to date."""
    rules = parameters(hub, pull.base, "required_status_checks")
    strict = any(rule.get("strict_required_status_checks_policy") for rule in rules)
    return strict and not hub.bare.is_ancestor(base, pull.head_sha)


def check_method(hub: Hub, pull: Pull, method: str) -> None:
    """Raise 405 unless the repository and its rules allow the way of merging."""
    settings = hub.settings
    allowed = {
        "merge": settings.allow_merge_commit,
        "squash": settings.allow_squash_merge,
        "rebase": settings.allow_rebase_merge,
    }
    rules = parameters(hub, pull.base, "pull_request")
    linear = parameters(hub, pull.base, "required_linear_history")
    if allowed.get(method) and all(method in rule.get("allowed_merge_methods", allowed) for rule in rules):
        if not (linear and method == "merge"):
            return
        raise Refused(405, "Repository rule violations found\n\nThis branch must not contain merge commits.\n\n")
    words = {"merge": "Merge commits are", "squash": "Squash merges are", "rebase": "Rebase merges are"}
    raise Refused(405, f"{words.get(method, 'Such merges are')} not allowed on this repository.")


def branch_rules(hub: Hub, branch: str) -> list[Json]:
    """Describe the rules in force on a branch, one object each."""
    return [
        {
            **rule_json(kind, given),
            "ruleset_source_type": "Repository",
            "ruleset_source": hub.full_name,
            "ruleset_id": ruleset.id,
        }
        for ruleset in hub.rulesets
        if ruleset.covers(f"refs/heads/{branch}")
        for kind, given in ruleset.rules.items()
        if kind != "rejected"
    ]


def rule_json(kind: str, given: Json) -> Json:
    """Describe one rule, its required parameters filled in."""
    defaults: dict[str, Json] = {
        "pull_request": {
            "dismiss_stale_reviews_on_push": False,
            "require_code_owner_review": False,
            "require_last_push_approval": False,
            "required_approving_review_count": 0,
            "required_review_thread_resolution": False,
        },
        "required_status_checks": {"required_status_checks": [], "strict_required_status_checks_policy": False},
        "merge_queue": {
            "check_response_timeout_minutes": 60,
            "grouping_strategy": "ALLGREEN",
            "max_entries_to_build": 5,
            "max_entries_to_merge": 5,
            "merge_method": "MERGE",
            "min_entries_to_merge": 1,
            "min_entries_to_merge_wait_minutes": 5,
        },
        "update": {"update_allows_fetch_and_merge": False},
    }
    filled: dict[str, Any] = {**defaults.get(kind, {}), **given}
    return {"type": kind, "parameters": filled} if filled else {"type": kind}


def _hook_lines(hub: Hub) -> Iterator[tuple[str, str, str]]:
    for tag in sorted(hub.burned):
        yield "create", f"refs/tags/{tag}", _MESSAGES["creation"][1]
    for tag in sorted(each.tag for each in hub.releases.values() if hub.is_immutable(each)):
        for kind in ("update", "deletion"):
            yield _MESSAGES[kind][0], f"refs/tags/{tag}", _MESSAGES[kind][1]
    for ruleset in hub.rulesets:
        for kind, given in ruleset.rules.items():
            if kind == "rejected":
                yield "any", ruleset.include, given["message"]
            elif kind in _MESSAGES:
                action, message = _MESSAGES[kind]
                yield action, ruleset.include, message


def check_review(pull: Pull, outcome: str, login: str) -> None:
    """Raise 422 for somebody who approves their own pull request."""
    if outcome == "APPROVED" and login == pull.user:
        raise Refused(422, "Unprocessable Entity", ["Review Can not approve your own pull request"])


def check_update(hub: Hub, branch: str) -> None:
    """Raise 409 where the rules of a branch let nobody commit to it."""
    for kind in ("update", "pull_request", "merge_queue"):
        if parameters(hub, branch, kind):
            raise Refused(409, f"Repository rule violations found\n\n{_MESSAGES[kind][1]}\n\n")


def check_new_ref(hub: Hub, ref: str, sha: str) -> None:
    """Raise 422 for a ref that is there already, or whose object is not."""
    if hub.bare.refs(ref):
        raise Refused(422, "Reference already exists")
    if ref.removeprefix("refs/tags/") in hub.burned:
        raise Refused(422, f"Repository rule violations found\n\n{_MESSAGES['creation'][1]}\n\n")
    if not hub.bare.says("cat-file", "-e", sha):
        raise Refused(422, "Object does not exist")


def update_ref(hub: Hub, token: Token, ref: str, new: str, old: str | None = None) -> None:
    """Move a ref, create it (`old` zeros) or, with `new` zeros, delete it; then do what GitHub does about changes.

    The REST API, merges and Releases write here. A push is moved by Git, which asks the hook that `protect` fills
    first, and is noticed like these. Raises GitError when the ref moved meanwhile.
    """
    with hub.lock:
        hub.bare.update_ref(ref, new, old)
        notice_refs(hub, token)
