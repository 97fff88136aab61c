"""The rules in force, and the one update of refs that every writer goes through: they are asked there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from release.sandbox.git import ZERO
from release.sandbox.github.answers import Refused, invalid
from release.sandbox.github.events import notice_refs
from release.sandbox.github.judging import PASSED, Change, objections, unknown_rule
from release.sandbox.github.judging import RULES as KNOWN
from release.sandbox.github.permissions import workflow_refusal
from release.sandbox.github.protection import classic_rulesets
from release.sandbox.github.records import Json, Pull, Ruleset, Token, user_id
from release.sandbox.github.state import Hub, checks_of, statuses_of

ROLES = {2: "maintain", 4: "write", 5: "admin"}  # by the number that a bypass names
RANKS = ("read", "triage", "write", "maintain", "admin")


@dataclass(frozen=True)
class Verdict:
    """What stands against a change: of rulesets, of the older protection, and what its author goes past."""

    ref: str
    of_rulesets: tuple[str, ...] = ()
    of_protection: tuple[str, ...] = ()
    bypassed: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """Say in a push's report why the ref is refused; nothing when it is not."""
        if self.of_rulesets:
            return "push declined due to repository rule violations"
        return "protected branch hook declined" if self.of_protection else ""

    def text(self, html: str) -> str:
        """Write what whoever pushes is told."""
        if self.of_rulesets:
            head = f"error: GH013: Repository rule violations found for {self.ref}."
            where = f"Review all repository rules at {html}/rules?ref={quote(self.ref, safe='')}"
            return _listed([head, where], self.of_rulesets)
        if self.of_protection:
            return _listed([f"error: GH006: Protected branch update failed for {self.ref}."], self.of_protection)
        return _listed([f"Bypassed rule violations for {self.ref}:"], self.bypassed) if self.bypassed else ""

    def check(self, status: int) -> None:
        """Raise what the API answers to a change that is refused."""
        if self.of_rulesets:
            raise Refused(status, "\n\n".join(["Repository rule violations found", *self.of_rulesets]) + "\n\n")
        if self.of_protection:
            raise Refused(status, "\n".join(self.of_protection))


def _listed(head: list[str], said: Iterable[str]) -> str:
    return "\n".join([*head, "", *(f"- {each}\n" for each in said)])


def in_force(hub: Hub, ref: str) -> list[Ruleset]:
    """List the rulesets that hold for a full ref name: those that were made, and the older protection of a branch."""
    made = [each for each in list(hub.rulesets) if each.covers(ref, hub.settings.default_branch)]
    return [*made, *classic_rulesets(hub, ref)]


def _kept_name(hub: Hub, ref: str) -> Iterator[Ruleset]:
    """Yield what keeps the tag of an immutable release where it is, and its name from any other for ever."""
    tag = ref.removeprefix("refs/tags/")
    if tag in hub.burned:
        yield Ruleset(0, "burned", "tag", (ref,), {"creation": {}, "update": {}})
    elif any(each.immutable and each.tag == tag for each in list(hub.releases.values())):
        yield Ruleset(0, "immutable", "tag", (ref,), {"update": {}, "deletion": {}})


def verdict(hub: Hub, token: Token | None, change: Change) -> Verdict:
    """Judge a change of a ref by all rules that hold for it."""
    found: dict[str, list[str]] = {"rulesets": [], "protection": [], "bypassed": []}
    with hub.lock:
        for ruleset in [*_kept_name(hub, change.ref), *in_force(hub, change.ref)]:
            kind = "protection" if ruleset.is_classic else "rulesets"
            place = "bypassed" if token and _bypasses(token, ruleset, change) else kind
            found[place] += objections(hub, change, ruleset)
    said = [tuple(dict.fromkeys(found[kind])) for kind in ("rulesets", "protection", "bypassed")]
    return Verdict(change.ref, *said)


def _bypasses(token: Token, ruleset: Ruleset, change: Change) -> bool:
    return any(
        (actor.get("bypass_mode", "always") != "pull_request" or change.pull is not None) and _is_actor(token, actor)
        for actor in ruleset.bypass
    )


def _is_actor(token: Token, actor: Json) -> bool:
    kind, number = actor["actor_type"], actor.get("actor_id")
    if kind == "RepositoryRole":
        return RANKS.index(token.role) >= RANKS.index(ROLES.get(number or 0, "admin"))
    if kind == "Integration":
        return bool(token.app) and token.app == number
    if kind == "User":
        return not token.app and user_id(token.login) == number
    return False  # teams, deploy keys and an organization's owners: nobody here is one


def can_bypass(token: Token, ruleset: Ruleset) -> str:
    """Say whether a token goes past a ruleset, as `current_user_can_bypass` has it."""
    modes = [actor.get("bypass_mode", "always") for actor in ruleset.bypass if _is_actor(token, actor)]
    known = {"always": "always", "pull_request": "pull_requests_only", "exempt": "exempt"}
    return next((word for mode, word in known.items() if mode in modes), "never")


def update_ref(hub: Hub, token: Token, change: Change, status: int = 422) -> None:
    """Move a ref, create or delete it if the rules allow that; then do what GitHub does about changes.

    The REST API, merges, the merge queue and Releases write here. A push is moved by Git, whose hook asks `verdict`
    too, and is noticed like these. Raises what the rules say with the status, and GitError when the ref moved
    meanwhile.
    """
    with hub.lock:
        if refused := workflow_refusal(hub, token, change.new):
            raise Refused(403, refused)
        verdict(hub, token, change).check(status)
        hub.bare.update_ref(change.ref, change.new, change.old)
        notice_refs(hub, token)


def protect(hub: Hub, include: str | Iterable[str], **rules: Json) -> Ruleset:
    """Put rules in force for full ref patterns, by type: `pull_request={"required_approving_review_count": 1}`."""
    patterns = (include,) if isinstance(include, str) else tuple(include)
    target = "tag" if patterns[0].startswith("refs/tags/") else "branch"
    ruleset = Ruleset(hub.next_id(), f"protect {', '.join(patterns)}", target, patterns, rules)
    hub.rulesets.append(ruleset)
    return ruleset


def unprotect(hub: Hub) -> None:
    """Take all rules away."""
    hub.rulesets.clear()
    hub.protections.clear()


def reject_pushes(hub: Hub, include: str, message: str) -> Ruleset:
    """Have all changes of matching refs rejected with a message of one's own."""
    return protect(hub, include, rejected={"message": message})


def parameters(hub: Hub, branch: str, kind: str) -> list[Json]:
    """List the parameters of each rule of one type on a branch: all of them hold."""
    return [each.rules[kind] for each in in_force(hub, f"refs/heads/{branch}") if kind in each.rules]


def required_checks(hub: Hub, branch: str) -> list[str]:
    """List the names of the checks that a branch requires."""
    rules = parameters(hub, branch, "required_status_checks")
    return [check["context"] for rule in rules for check in rule.get("required_status_checks", [])]


def violations(hub: Hub, pull: Pull, token: Token | None = None, *, queued: bool = False) -> list[str]:
    """List the rules that stand against merging now, in GitHub's words; a token's bypass counts."""
    base = hub.head(pull.base) or ZERO
    found = verdict(hub, token, Change(f"refs/heads/{pull.base}", base, "", pull, queued))
    latest = {review.user: review.state for review in pull.reviews if review.state != "COMMENTED"}
    against = [*found.of_rulesets, *found.of_protection]
    requested = "Changes have been requested."
    return [requested, *against] if "CHANGES_REQUESTED" in latest.values() and requested not in against else against


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
        for ruleset in in_force(hub, f"refs/heads/{branch}")
        if not ruleset.is_classic
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


def check_rules(rules: Iterable[Json]) -> dict[str, Json]:
    """Read the rules of a request, by type; raise 422 for one that the sandbox cannot judge by."""
    found = {str(rule.get("type")): rule.get("parameters") or {} for rule in rules}
    unknown = [kind for kind in found if kind not in KNOWN or kind == "rejected"]
    if unknown:
        raise invalid("RepositoryRuleset", "custom", "rules", " ".join(map(unknown_rule, unknown)))
    return found


def check_review(pull: Pull, outcome: str, login: str) -> None:
    """Raise 422 for somebody who approves their own pull request."""
    if outcome == "APPROVED" and login == pull.user:
        raise Refused(422, "Unprocessable Entity", ["Review Can not approve your own pull request"])


def check_new_ref(hub: Hub, ref: str, sha: str) -> None:
    """Raise 422 for a ref that is there already, or whose object is not."""
    if hub.bare.refs(ref):
        raise Refused(422, "Reference already exists")
    if not hub.bare.says("cat-file", "-e", sha):
        raise Refused(422, "Object does not exist")
