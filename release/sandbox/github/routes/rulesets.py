"""Rulesets, the rules on a branch, its older protection, and whether releases are immutable."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint
from flask.typing import ResponseReturnValue

from release.sandbox.github.answers import Refused, body, hub, invalid, not_found, page, token
from release.sandbox.github.permissions import needs
from release.sandbox.github.protection import classic_json, protected_pattern, read_protection
from release.sandbox.github.records import Json, Ruleset
from release.sandbox.github.rules import branch_rules, can_bypass, check_rules, rule_json
from release.sandbox.github.shapes import node_id, stamp

routes = Blueprint("rulesets", __name__)
TARGETS = ("branch", "tag")
ENFORCEMENTS = ("active", "disabled", "evaluate")


@routes.get("/rulesets")
@needs("metadata=read")
def rulesets() -> ResponseReturnValue:
    """Answer the rulesets, without their rules."""
    return [_simple_json(ruleset) for ruleset in page(hub().rulesets)]


@routes.post("/rulesets")
@needs("administration=write")
def create_ruleset() -> ResponseReturnValue:
    """Put a ruleset in force; 422 for a rule that the sandbox does not know, and for a name that is taken."""
    _check_admin()
    state, asked = hub(), body()
    if not asked.get("name"):
        raise invalid("RepositoryRuleset", "missing_field", "name")
    if any(each.name == asked["name"] for each in state.rulesets):
        raise invalid("RepositoryRuleset", "custom", "name", "Name must be unique")
    made = _asked(Ruleset(state.next_id(), asked["name"], "branch", ()), asked)
    state.rulesets.append(made)
    return _ruleset_json(made), 201


@routes.get("/rulesets/<int:number>")
@needs("metadata=read")
def one_ruleset(number: int) -> ResponseReturnValue:
    """Answer one ruleset with its rules."""
    return _ruleset_json(_find(number))


@routes.put("/rulesets/<int:number>")
@needs("administration=write")
def change_ruleset(number: int) -> ResponseReturnValue:
    """Change what is given of a ruleset."""
    _check_admin()
    state, old = hub(), _find(number)
    new = _asked(old, body())
    state.rulesets[state.rulesets.index(old)] = new
    return _ruleset_json(new)


@routes.delete("/rulesets/<int:number>")
@needs("administration=write")
def delete_ruleset(number: int) -> ResponseReturnValue:
    """Take a ruleset away."""
    _check_admin()
    hub().rulesets.remove(_find(number))
    return "", 204


def _check_admin() -> None:
    """Hide from all but administrators what they alone may change, as GitHub does."""
    if token().role != "admin":
        raise not_found()


def _find(number: int) -> Ruleset:
    for ruleset in hub().rulesets:
        if ruleset.id == number:
            return ruleset
    raise not_found()


def _asked(ruleset: Ruleset, asked: Json) -> Ruleset:
    """Read a request into a ruleset; what it does not say stays."""
    names = (asked.get("conditions") or {}).get("ref_name")
    changes: Json = {key: asked[key] for key in ("name", "target", "enforcement") if key in asked}
    if changes.get("target", "tag") not in TARGETS or changes.get("enforcement", "active") not in ENFORCEMENTS:
        words = "The sandbox's GitHub does not know this target or enforcement."
        raise invalid("RepositoryRuleset", "custom", "target", words)
    if names is not None:
        changes |= {"include": tuple(names.get("include") or ()), "exclude": tuple(names.get("exclude") or ())}
    if "rules" in asked:
        changes["rules"] = check_rules(asked["rules"])
    if "bypass_actors" in asked:
        changes["bypass"] = tuple(asked["bypass_actors"])
    return replace(ruleset, **changes)


def _ruleset_json(ruleset: Ruleset) -> Json:
    """Describe a ruleset (schema repository-ruleset); who goes past it is told to administrators alone."""
    rules = [rule_json(kind, given) for kind, given in ruleset.rules.items() if kind != "rejected"]
    conditions = {"ref_name": {"include": [*ruleset.include], "exclude": [*ruleset.exclude]}}
    known = {"conditions": conditions, "rules": rules, "current_user_can_bypass": can_bypass(token(), ruleset)}
    actors = {"bypass_actors": [*ruleset.bypass]} if token().role == "admin" else {}
    return {**_simple_json(ruleset), **known, **actors}


def _simple_json(ruleset: Ruleset) -> Json:
    state = hub()
    return {
        "id": ruleset.id,
        "name": ruleset.name,
        "target": ruleset.target,
        "source_type": "Repository",
        "source": state.full_name,
        "enforcement": ruleset.enforcement,
        "node_id": node_id("RepositoryRuleset", ruleset.id),
        "_links": {
            "self": {"href": f"{state.api}/rulesets/{ruleset.id}"},
            "html": {"href": f"{state.html}/rules/{ruleset.id}"},
        },
        "created_at": stamp(ruleset.created_at),
        "updated_at": stamp(ruleset.created_at),
    }


@routes.get("/rules/branches/<path:branch>")
@needs("metadata=read")
def rules_of_branch(branch: str) -> ResponseReturnValue:
    """Answer the rules in force on a branch, which need not exist."""
    return page(branch_rules(hub(), branch))


@routes.get("/branches/<path:branch>/protection")
@needs("administration=read")
def protection(branch: str) -> ResponseReturnValue:
    """Answer the older protection of a branch, or 404."""
    state = hub()
    found = classic_json(state, branch, f"{state.api}/branches/{branch}")
    if found is None:
        raise Refused(404, "Branch not protected" if state.head(branch) else "Branch not found")
    return found


@routes.put("/branches/<path:branch>/protection")
@needs("administration=write")
def protect_branch(branch: str) -> ResponseReturnValue:
    """Protect a branch the older way."""
    _check_admin()
    state = hub()
    if not state.head(branch):
        raise Refused(404, "Branch not found")
    state.protections[branch] = read_protection(body())
    return protection(branch)


@routes.delete("/branches/<path:branch>/protection")
@needs("administration=write")
def unprotect_branch(branch: str) -> ResponseReturnValue:
    """Take the older protection of a branch away."""
    _check_admin()
    pattern = protected_pattern(hub(), f"refs/heads/{branch}")
    if pattern is None:
        raise Refused(404, "Branch not protected")
    del hub().protections[pattern]
    return "", 204


@routes.get("/immutable-releases")
@needs("administration=read")
def immutable_releases() -> ResponseReturnValue:
    """Answer whether releases are immutable from their publication on; 404 where they are not."""
    if not hub().settings.immutable_releases:
        raise not_found()
    return {"enabled": True, "enforced_by_owner": False}


@routes.put("/immutable-releases")
@needs("administration=write")
def make_releases_immutable() -> ResponseReturnValue:
    """Have what is published from now on immutable."""
    _check_admin()
    hub().settings.immutable_releases = True
    return "", 204


@routes.delete("/immutable-releases")
@needs("administration=write")
def leave_releases_mutable() -> ResponseReturnValue:
    """Have what is published from now on changeable; what is immutable stays so."""
    _check_admin()
    hub().settings.immutable_releases = False
    return "", 204
