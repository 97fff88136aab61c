"""Which permission each route asks for, declared beside it, and the one place that judges whether a token has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import current_app, g, request

from release.sandbox.git import ZERO
from release.sandbox.github.answers import Refused, hub, not_found, token
from release.sandbox.github.records import WORKFLOWS, Token
from release.sandbox.github.state import Hub

View = TypeVar("View", bound=Callable[..., Any])
# What anybody who is signed in reads of a public repository.
PUBLIC = ("actions", "checks", "contents", "deployments", "issues", "metadata", "pull_requests", "statuses")
INTEGRATION = "Resource not accessible by integration"
PERSONAL = "Resource not accessible by personal access token"

_ways: dict[Callable[..., Any], tuple[str, ...]] = {}
_persons: set[Callable[..., Any]] = set()


def needs(*ways: str, person: bool = False) -> Callable[[View], View]:
    """Declare which permission a route asks for, such as `contents=write`: of several one is enough.

    None at all is for what every token may ask; with `person` only a person's.
    """

    def declare(view: View) -> View:
        """Remember what the route asks for."""
        _ways[view] = ways
        if person:
            _persons.add(view)
        return view

    return declare


def declared(view: Callable[..., Any]) -> tuple[str, ...] | None:
    """Return what a route asks for, or nothing where its declaration is forgotten."""
    return _ways.get(view)


def check_route() -> None:
    """Raise 403, or the 404 with which GitHub hides, unless the token may ask for the route of this request."""
    view = current_app.view_functions.get(request.endpoint or "")
    if view is None:  # there is no such route: told elsewhere
        return
    g.accepted = "; ".join(_ways[view])
    if view in _persons and token().is_integration:
        raise Refused(403, INTEGRATION)
    require(*_ways[view])


def require(*ways: str) -> None:
    """Raise unless the token has one of these permissions, or none is asked for."""
    known, is_private = token(), hub().settings.private
    if not ways or any(allows(known, way, is_private) for way in ways):
        return
    if known.permissions is None and known.hides(is_private):
        raise not_found()
    raise Refused(403, INTEGRATION if known.is_integration else PERSONAL)


def allows(known: Token, way: str, is_private: bool = True) -> bool:
    """Tell whether a token has a permission."""
    kind, _, level = way.partition("=")
    if level == "read" and kind in PUBLIC and not is_private:
        return True
    return known.has(kind, level, is_private)


def workflow_refusal(state: Hub, known: Token | None, new: str) -> str:
    """Say why a ref may not come to a commit, for a workflow's file that a new commit before it changes."""
    if known is None or new in ("", ZERO) or known.may_change_workflows():
        return ""
    changed = state.bare.git("log", "--format=", "--name-only", new, "--not", "--all", "--", WORKFLOWS).split()
    if not changed:
        return ""
    who = "GitHub App" if known.is_integration else "Personal Access Token"
    lacks = "`workflow` scope" if known.permissions is None else "`workflows` permission"
    return f"refusing to allow a {who} to create or update workflow `{changed[0]}` without {lacks}"
