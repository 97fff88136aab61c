"""What each rule says against a change of a ref, in GitHub's words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from release.sandbox.git import ZERO
from release.sandbox.github.records import Json, Pull, Ruleset
from release.sandbox.github.state import Hub, checks_of, statuses_of

PASSED = ("success", "neutral", "skipped")
RESTRICTED = "Cannot create ref due to creations being restricted."
GITHUB_EMAIL = "noreply@github.com"  # whose commits are signed by GitHub itself


@dataclass(frozen=True)
class Change:
    """A ref from one object to another, zeros where there is none; of a pull request's merge, which one.

    `new` is empty as long as the merge is not made.
    """

    ref: str
    old: str
    new: str
    pull: Pull | None = None
    queued: bool = False

    @property
    def action(self) -> str:
        """Name what is done to the ref: create, update or delete."""
        return "create" if self.old == ZERO else "delete" if self.new == ZERO else "update"

    @property
    def kind(self) -> str:
        """Name what the ref is."""
        return "tag" if self.ref.startswith("refs/tags/") else "branch"


def objections(hub: Hub, change: Change, ruleset: Ruleset) -> Iterator[str]:
    """Yield what the rules of one ruleset say against a change; a rule that the sandbox does not know says so."""
    for kind, given in ruleset.rules.items():
        if kind in RULES:
            yield from RULES[kind](hub, change, given)
        else:
            yield unknown_rule(kind)


def unknown_rule(kind: str) -> str:
    """Say that nobody here can judge by a rule."""
    return f'The sandbox\'s GitHub does not know the rule "{kind}".'


def review_objections(pull: Pull, given: Json) -> Iterator[str]:
    """Yield what a pull request's reviews lack."""
    needed = given.get("required_approving_review_count", 0)
    latest = {review.user: review for review in pull.reviews if review.state != "COMMENTED"}
    if any(review.state == "CHANGES_REQUESTED" for review in latest.values()):
        yield "Changes have been requested."
    stale = given.get("dismiss_stale_reviews_on_push") or given.get("require_last_push_approval")
    counted = [each for each in latest.values() if not stale or each.sha == pull.head_sha]
    if sum(review.state == "APPROVED" for review in counted) < needed:
        plural = "s are" if needed > 1 else " is"
        yield f"At least {needed} approving review{plural} required by reviewers with write access."


def _action(action: str, message: str) -> Rule:
    def rule(_hub: Hub, change: Change, _given: Json) -> Iterator[str]:
        """Object to the one action."""
        if change.action == action:
            yield message

    return rule


def _pull_request(_hub: Hub, change: Change, given: Json) -> Iterator[str]:
    if change.action == "update":
        if change.pull:
            yield from review_objections(change.pull, given)
        else:
            yield "Changes must be made through a pull request."


def _merge_queue(_hub: Hub, change: Change, _given: Json) -> Iterator[str]:
    if change.action == "update" and not change.queued:
        yield "Changes must be made through the merge queue"


def _status_checks(hub: Hub, change: Change, given: Json) -> Iterator[str]:
    is_free = change.action == "create" and given.get("do_not_enforce_on_create")
    if change.action == "delete" or change.queued or is_free:
        return
    sha = change.pull.head_sha if change.pull else hub.bare.sha(change.new) or change.new
    names = list(dict.fromkeys(check["context"] for check in given.get("required_status_checks", [])))
    states: dict[str, list[str]] = {}
    for name in names:
        states.setdefault(_check_state(hub, sha, name), []).append(name)
    for state, found in states.items():
        if len(found) > 1 and state == "expected":
            yield f"{len(found)} of {len(names)} required status checks are expected."
        elif state:
            yield from (f'Required status check "{name}" is {state}.' for name in found)


def _check_state(hub: Hub, sha: str, name: str) -> str:
    """Say how a required check stands; nothing when it passed."""
    outcomes = [check.conclusion or "pending" for check in checks_of(hub, sha) if check.name == name]
    outcomes += [status.state for status in statuses_of(hub, sha) if status.context == name]
    if not outcomes:
        return "expected"
    if "pending" in outcomes:
        return "in progress"
    return "" if all(outcome in PASSED for outcome in outcomes) else "failing"


def _fast_forward(hub: Hub, change: Change, _given: Json) -> Iterator[str]:
    if change.action == "update" and change.new and not hub.bare.is_ancestor(change.old, change.new):
        yield f"Cannot force-push to this {change.kind}"


def _linear(hub: Hub, change: Change, _given: Json) -> Iterator[str]:
    yield from _counted("This branch must not contain merge commits.", new_commits(hub, change, "--merges"))


def _signatures(hub: Hub, change: Change, _given: Json) -> Iterator[str]:
    unsigned = [sha for sha in new_commits(hub, change) if not is_signed(hub, sha)]
    yield from _counted("Commits must have verified signatures.", unsigned)


def is_signed(hub: Hub, sha: str) -> bool:
    """Tell whether a commit has a signature, whose key nobody here knows, or is GitHub's own, which it signs."""
    found = hub.bare.objects.find(sha)
    header = found[2].partition(b"\n\n")[0].decode(errors="replace") if found else ""
    return "\ngpgsig" in header or f"\ncommitter GitHub <{GITHUB_EMAIL}>" in header


def new_commits(hub: Hub, change: Change, *options: str) -> list[str]:
    """List the commits that a change brings to a ref; of a new one, those that no branch has."""
    if change.action == "delete" or not change.new:
        return []
    known = ["--not", "--branches"] if change.action == "create" else [f"^{change.old}"]
    return hub.bare.git("rev-list", *options, change.new, *known).split()


def _counted(message: str, shas: list[str]) -> Iterator[str]:
    if shas:
        found = f"Found {len(shas)} violation{'s' * (len(shas) > 1)}:"
        yield "\n".join([message, f"  {found}", "", *(f"  {sha}" for sha in shas)])


def _name_pattern(kind: str) -> Rule:
    def rule(_hub: Hub, change: Change, given: Json) -> Iterator[str]:
        """Object to a new name that the pattern does not fit."""
        name = change.ref.split("/", 2)[-1]
        if (change.action, change.kind) == ("create", kind) and not _holds(given, name):
            yield f"{kind.capitalize()} name {_demand(given)}"

    return rule


def _commit_pattern(subject: str, text_of: Callable[[Any], str]) -> Rule:
    def rule(hub: Hub, change: Change, given: Json) -> Iterator[str]:
        """Object to new commits that the pattern does not fit."""
        shas = new_commits(hub, change)
        wrong = [sha for sha in shas if not _holds(given, text_of(hub.bare.commit(sha)))]
        yield from _counted(f"{subject} {_demand(given)}", wrong)

    return rule


def _holds(given: Json, text: str) -> bool:
    pattern = given["pattern"]
    found = {
        "starts_with": text.startswith(pattern),
        "ends_with": text.endswith(pattern),
        "contains": pattern in text,
        "regex": given["operator"] == "regex" and re.search(pattern, text) is not None,
    }[given["operator"]]
    return found is not bool(given.get("negate"))


def _demand(given: Json) -> str:
    words = {
        "starts_with": "start with",
        "ends_with": "end with",
        "contains": "contain",
        "regex": "match a given regex pattern:",
    }
    return f"must {'not ' * bool(given.get('negate'))}{words[given['operator']]} {given['pattern']}"


def _always(_hub: Hub, _change: Change, given: Json) -> Iterator[str]:
    yield given["message"]


Rule = Callable[[Hub, Change, Json], Iterator[str]]
RULES: dict[str, Rule] = {
    "creation": _action("create", RESTRICTED),
    "update": _action("update", "Cannot update this protected ref."),
    "deletion": _action("delete", "Cannot delete this protected ref."),
    "pull_request": _pull_request,
    "merge_queue": _merge_queue,
    "required_status_checks": _status_checks,
    "non_fast_forward": _fast_forward,
    "required_linear_history": _linear,
    "required_signatures": _signatures,
    "tag_name_pattern": _name_pattern("tag"),
    "branch_name_pattern": _name_pattern("branch"),
    "commit_message_pattern": _commit_pattern("Commit message", lambda commit: commit.message),
    "commit_author_email_pattern": _commit_pattern("Commit author email", lambda commit: commit.author.email),
    "committer_email_pattern": _commit_pattern("Committer email", lambda commit: commit.committer.email),
    "rejected": _always,
    # What the older protection alone has, in its own words.
    "locked": _action("update", "Cannot change this locked branch"),
    "undeletable": _action("delete", "Cannot delete this branch"),
}
