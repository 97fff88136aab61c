"""The repository, the user and the limits."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from release.sandbox.github.answers import LIMIT, Refused, body, hub, limits, not_found, token
from release.sandbox.github.events import start_listening
from release.sandbox.github.permissions import needs
from release.sandbox.github.records import Json
from release.sandbox.github.shapes import full_repository_json, user_json
from release.workflows import allows

_ROOT = """
authorizations code_search commit_search current_user current_user_authorizations_html current_user_repositories emails
emojis events feeds followers following gists issue_search issues keys label_search notifications organization
organization_repositories organization_teams public_gists rate_limit repository repository_search starred starred_gists
user user_organizations user_repositories user_search
"""

routes = Blueprint("repository", __name__)
top = Blueprint("top", __name__)


@routes.get("")
@needs("metadata=read")
def repository() -> ResponseReturnValue:
    """Answer the repository and what the token may do with it."""
    return full_repository_json(hub(), token().push)


@routes.patch("")
@needs("administration=write")
def change_repository() -> ResponseReturnValue:
    """Change settings of the repository."""
    for key, value in body().items():
        if hasattr(hub().settings, key):
            setattr(hub().settings, key, value)
    return full_repository_json(hub(), token().push)


@routes.post("/dispatches")
@needs("contents=write")
def dispatch() -> ResponseReturnValue:
    """Start what listens on the default branch to a `repository_dispatch` of the type."""
    state, asked = hub(), body()
    if not asked.get("event_type"):
        raise Refused(422, 'Invalid request.\n\n"event_type" wasn\'t supplied.')
    payload = {"action": asked["event_type"], "client_payload": asked.get("client_payload", {})}
    start_listening(state, "repository_dispatch", token().login, payload)
    return "", 204


@routes.get("/collaborators/<login>/permission")
@needs("metadata=read")
def permission(login: str) -> ResponseReturnValue:
    """Answer what somebody may do: what one of their tokens may."""
    found = [each.push for each in list(hub().tokens.values()) if each.login == login]
    if not found:
        raise not_found()
    said = "write" if any(found) else "read"
    rights = {"admin": False, "maintain": False, "push": any(found), "triage": any(found), "pull": True}
    user = {**user_json(hub(), login), "permissions": rights, "role_name": said}
    return {"permission": said, "role_name": said, "user": user}


@routes.get("/actions/permissions/workflow")
@needs("administration=read")
def workflow_permissions() -> ResponseReturnValue:
    """Answer what a workflow's own token may do unless the workflow says otherwise."""
    level = "write" if allows(hub().default_grants, "contents", "write") else "read"
    return {"default_workflow_permissions": level, "can_approve_pull_request_reviews": False}


@top.get("/")
@needs()
def root() -> ResponseReturnValue:
    """Answer where things are, of which the sandbox has some (schema root): `gh auth status` looks at its headers."""
    return {f"{name}_url": f"{hub().api_url}/{name}" for name in _ROOT.split()}


@top.get("/user")
@needs(person=True)
def user() -> ResponseReturnValue:
    """Answer whose token it is."""
    return _public_user(token().login)


@top.get("/users/<login>")
@needs()
def one_user(login: str) -> ResponseReturnValue:
    """Answer somebody, whoever it is."""
    return _public_user(login)


def _public_user(login: str) -> Json:
    """Describe a user (schema public-user)."""
    described = user_json(hub(), login)
    unknown = dict.fromkeys(("bio", "blog", "company", "email", "hireable", "location"))
    counts = dict.fromkeys(("followers", "following", "public_gists", "public_repos"), 0)
    since = "2026-01-01T00:00:00Z"
    return {
        **described,
        **unknown,
        **counts,
        "name": login,
        "created_at": since,
        "updated_at": since,
        "user_view_type": "public",
    }


@top.get("/rate_limit")
@needs()
def rate_limit() -> ResponseReturnValue:
    """Answer what is left of the hour; asking costs nothing."""
    now = limits()
    core = {
        "limit": LIMIT,
        "used": int(now["x-ratelimit-used"]),
        "remaining": int(now["x-ratelimit-remaining"]),
        "reset": int(now["x-ratelimit-reset"]),
    }
    return {"resources": {"core": core, "search": {**core, "limit": 30, "used": 0, "remaining": 30}}, "rate": core}


@top.get("/meta")
@needs()
def meta() -> ResponseReturnValue:
    """Answer what a GitHub Enterprise Server says of itself."""
    return {"verifiable_password_authentication": False, "installed_version": "3.19.0"}  # nosec B105


@top.get("/versions")
@needs()
def versions() -> ResponseReturnValue:
    """Answer the versions of the API."""
    return list(reversed(hub().settings.versions))
