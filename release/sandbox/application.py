"""Where each request goes: the API, Git, and what redirects point to."""

from __future__ import annotations

import time
from typing import Any

from flask import Flask, Response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from . import (
    answers,
    github_artifacts,
    github_assets,
    github_branches,
    github_checks,
    github_commits,
    github_graphql,
    github_jobs,
    github_merges,
    github_pull_parts,
    github_pulls,
    github_refs,
    github_releases,
    github_repository,
    github_reviews,
    github_runs,
    github_search,
    github_statuses,
    github_workflows,
)
from .answers import Refused
from .git_http import git_answer
from .hub import Hub, hub
from .starts import notice_refs

_RESOURCES = (
    github_repository,
    github_refs,
    github_commits,
    github_branches,
    github_checks,
    github_statuses,
    github_workflows,
    github_runs,
    github_jobs,
    github_artifacts,
    github_pulls,
    github_pull_parts,
    github_merges,
    github_reviews,
    github_releases,
    github_assets,
)


def application(state: Hub) -> Flask:
    """Make the WSGI application that answers for a state."""
    app = Flask("github", static_folder=None)
    app.extensions["hub"] = state
    app.json.sort_keys = False  # type: ignore[attr-defined]
    api = "/api/v3/repos/<owner>/<repository>"
    for resource in _RESOURCES:
        app.register_blueprint(resource.routes, url_prefix=api)
    app.register_blueprint(github_assets.uploads, url_prefix=api.replace("v3", "uploads"))
    app.register_blueprint(github_repository.top, url_prefix="/api/v3")
    app.register_blueprint(github_search.routes, url_prefix="/api/v3")
    app.register_blueprint(github_graphql.routes, url_prefix="/api")
    for place in ("/<owner>/<repository>.git", "/<owner>/<repository>"):
        for path in ("info/refs", "git-upload-pack", "git-receive-pack"):
            app.add_url_rule(f"{place}/{path}", f"git {place}/{path}", _git, methods=["GET", "POST"])
    app.add_url_rule("/_blobs/<key>", "blob", _blob)
    download = "/<owner>/<repository>/releases/download/<path:tag>/<name>"
    app.add_url_rule(download, "download", github_assets.asset_download)
    app.url_value_preprocessor(_take_names)
    app.before_request(_admit)
    app.after_request(_finish)
    app.register_error_handler(Refused, answers.refusal)
    app.register_error_handler(HTTPException, _http_error)
    return app


def _take_names(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    """Take the repository's names off the path; any other repository is not there."""
    if values is None or "owner" not in values:
        return
    if f"{values.pop('owner')}/{values.pop('repository')}".lower() != hub().full_name.lower():
        raise answers.not_found()


def _admit() -> ResponseReturnValue | None:
    if request.path.startswith("/api/"):
        answers.check_version()
        answers.authenticate()
    return None


def _finish(answer: Response) -> Response:
    return answers.finish(answer) if request.path.startswith("/api/") else answer


def _http_error(error: HTTPException) -> Response:
    return answers.refusal(Refused(error.code or 500, "Not Found" if error.code == 404 else error.name))


def _git() -> ResponseReturnValue:
    """Answer Git, which sends no credentials until it is asked for them."""
    state = hub()
    path = "/" + request.path.split("/", 3)[3]
    known = state.tokens.get(answers.given_token())
    if known is None:
        return "", 401, {"WWW-Authenticate": 'Basic realm="GitHub"'}
    if "receive-pack" in request.full_path and not known.push:
        return f"Permission to {state.full_name}.git denied to {known.login}.", 403
    return git_answer(state.bare, path, request.environ, known.login, lambda: notice_refs(state, known))


def _blob(key: str) -> ResponseReturnValue:
    """Answer what a redirect pointed to; credentials have no business here."""
    state = hub()
    if request.headers.get("Authorization"):
        state.leaks.append(request.path)
        return "InvalidAuthenticationInfo", 400
    until, content, kind = state.blobs.get(key, (0.0, b"", ""))
    if until < time.time():
        return "AuthenticationFailed", 403
    return Response(content, content_type=kind)
