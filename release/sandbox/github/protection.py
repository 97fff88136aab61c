"""The older protection of branches, as the rules that it means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from release.git.refs import ref_matches
from release.sandbox.github.answers import Refused
from release.sandbox.github.records import Json, Ruleset, user_id
from release.sandbox.github.state import Hub

ADMINS = {"actor_type": "RepositoryRole", "actor_id": 5, "bypass_mode": "always"}
SWITCHES = (
    "required_linear_history", "allow_force_pushes", "allow_deletions", "block_creations",
    "required_conversation_resolution", "lock_branch", "allow_fork_syncing",
)  # fmt: skip
NO_ACCESS = (
    "You're not authorized to push to this branch."
    " Visit https://docs.github.com/articles/about-protected-branches/ for more information."
)


def protected_pattern(hub: Hub, ref: str) -> str | None:
    """Find by what name or pattern a branch is protected; its own name goes first."""
    names = sorted(hub.protections, key=lambda each: ("*" in each, each))
    return next((name for name in names if ref_matches(f"refs/heads/{name}", ref)), None)


def classic_rulesets(hub: Hub, ref: str) -> list[Ruleset]:
    """Read the protection of a branch as rulesets: what holds for all, and who alone may push."""
    pattern = protected_pattern(hub, ref)
    if pattern is None:
        return []
    given = hub.protections[pattern]
    admins = () if given.get("enforce_admins") else (ADMINS,)
    pushers = (given.get("restrictions") or {}).get("users") or []
    users = tuple({"actor_type": "User", "actor_id": user_id(login)} for login in pushers)
    base = Ruleset(0, f"protection of {pattern}", "branch", (f"refs/heads/{pattern}",), is_classic=True)
    return [
        replace(base, rules=dict(_rules(given)), bypass=admins),
        replace(base, rules=dict(_restrictions(given)), bypass=(*admins, *users)),
    ]


def read_protection(asked: Json) -> Json:
    """Read a request; raise 422 unless it says all that GitHub asks for, null where nothing holds."""
    needed = ("required_status_checks", "enforce_admins", "required_pull_request_reviews", "restrictions")
    missing = [f'"{key}" wasn\'t supplied.' for key in needed if key not in asked]
    if missing:
        raise Refused(422, "Invalid request.\n\n" + "\n".join(missing))
    return dict(asked)


def classic_json(hub: Hub, branch: str, url: str) -> Json | None:
    """Describe the protection of a branch (schema branch-protection); nothing where there is none."""
    pattern = protected_pattern(hub, f"refs/heads/{branch}")
    if pattern is None:
        return None
    given, url = hub.protections[pattern], f"{url}/protection"
    switches = {name: {"enabled": bool(given.get(name))} for name in SWITCHES}
    admins = {"enforce_admins": {"url": f"{url}/enforce_admins", "enabled": bool(given.get("enforce_admins"))}}
    return {"url": url, **dict(_parts(given, url)), **admins, **switches}


def _parts(given: Json, url: str) -> Iterator[tuple[str, Json]]:
    """Yield what GitHub describes only where it holds."""
    if (checks := given.get("required_status_checks")) is not None:
        listed = checks.get("checks") or [{"context": name} for name in checks.get("contexts") or []]
        place = f"{url}/required_status_checks"
        yield (
            "required_status_checks",
            {
                "url": place,
                "strict": bool(checks.get("strict")),
                "contexts": [each["context"] for each in listed],
                "contexts_url": f"{place}/contexts",
                "checks": [{"context": each["context"], "app_id": each.get("app_id")} for each in listed],
            },
        )
    if (reviews := given.get("required_pull_request_reviews")) is not None:
        yield (
            "required_pull_request_reviews",
            {
                "url": f"{url}/required_pull_request_reviews",
                "dismiss_stale_reviews": bool(reviews.get("dismiss_stale_reviews")),
                "require_code_owner_reviews": bool(reviews.get("require_code_owner_reviews")),
                "required_approving_review_count": reviews.get("required_approving_review_count", 1),
            },
        )


def _restrictions(given: Json) -> Iterator[tuple[str, Json]]:
    if given.get("restrictions") is not None:
        yield "rejected", {"message": NO_ACCESS}


def _rules(given: Json) -> Iterator[tuple[str, Json]]:
    """Yield the rules that a protection means, by type; forced pushes and deletions are refused unless it says so."""
    if (checks := given.get("required_status_checks")) is not None:
        listed = checks.get("checks") or [{"context": name} for name in checks.get("contexts") or []]
        strict = bool(checks.get("strict"))
        given_checks = {"required_status_checks": listed, "strict_required_status_checks_policy": strict}
        yield "required_status_checks", {**given_checks, "do_not_enforce_on_create": True}
    if (reviews := given.get("required_pull_request_reviews")) is not None:
        counted = reviews.get("required_approving_review_count", 1)
        stale = bool(reviews.get("dismiss_stale_reviews"))
        yield "pull_request", {"required_approving_review_count": counted, "dismiss_stale_reviews_on_push": stale}
    for key, kind in (("required_linear_history", "linear_history"), ("required_signatures", "signatures")):
        if given.get(key):
            yield f"required_{kind}", {}
    if given.get("lock_branch"):
        yield "locked", {}
    if not given.get("allow_force_pushes"):
        yield "non_fast_forward", {}
    if not given.get("allow_deletions"):
        yield "undeletable", {}
