"""The server: its API below `/api/v3`, Git at `/<owner>/<repository>.git`, on one loopback port."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from release.sandbox.git import Bare
from release.sandbox.github import answers
from release.sandbox.github.answers import HUB, Refused, hub
from release.sandbox.github.events import notice_refs
from release.sandbox.github.git import git_answer
from release.sandbox.github.judging import Change
from release.sandbox.github.permissions import allows, check_route, workflow_refusal
from release.sandbox.github.records import API, JOB_TOKEN, OWNER_LOGIN, TOKEN, UPLOADS, Token, workflow_token
from release.sandbox.github.routes import (
    artifacts,
    checks,
    commits,
    contents,
    environments,
    graphql,
    issues,
    objects,
    pulls,
    refs,
    releases,
    repository,
    rulesets,
    runs,
    search,
    workflows,
)
from release.sandbox.github.rules import branch_rules, verdict
from release.sandbox.github.state import Hub
from release.sandbox.runner import Machine, RunLike, Start, new_run, run_job
from release.sandbox.serving import Faults, Front, Recorded, Server
from release.workflows import PERMISSIVE

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_RESOURCES = (
    repository, rulesets, refs, objects, commits, contents, checks, workflows, runs, environments, artifacts, pulls,
    issues, releases,
)  # fmt: skip

PATIENCE, POLL = 10.0, 0.05  # seconds that a cancelled run has to end, and between looks whether it has

READING_POSTS = ("upload-pack", "generate-notes", "graphql")  # asked by POST, though nothing is written


class GitHub:
    """A GitHub with one repository, from `start` to `stop`."""

    def __init__(self, bare: Bare, folder: Path, owner: str = "acme", name: str = "platform") -> None:
        self.hub = Hub(owner, name, bare, folder, run_workflow)
        self.hub.tokens = {TOKEN: Token(OWNER_LOGIN), JOB_TOKEN: workflow_token(PERMISSIVE)}
        self.hub.known_refs = bare.refs("refs/heads", "refs/tags")
        self.hub.gates.is_protected = lambda ref: bool(branch_rules(self.hub, ref.removeprefix("refs/heads/")))
        self.front = Front(application(self.hub))
        self._server = Server(self.front)
        self.hub.url = self._server.url

    @property
    def url(self) -> str:
        """The server's root."""
        return self.hub.url

    @property
    def api_url(self) -> str:
        """What GITHUB_API_URL has to be."""
        return self.hub.api_url

    @property
    def clone_url(self) -> str:
        """The remote's address, without credentials."""
        return f"{self.hub.html}.git"

    @property
    def requests(self) -> list[Recorded]:
        """Every request, Git's too, in the order it came."""
        return self.front.requests

    def writes(self) -> list[str]:
        """List every request that was no reading, pushes among them."""
        asked = [each for each in self.requests if each.method not in ("GET", "HEAD")]
        return [f"{each.method} {each.path}" for each in asked if not each.path.endswith(READING_POSTS)]

    @property
    def faults(self) -> Faults:
        """How the server misbehaves."""
        return self.front.faults

    def start(self) -> None:
        """Serve from now on."""
        self._server.start()

    def stop(self) -> None:
        """End the server and the runs, with what they started."""
        self._server.stop()
        going = [run.work for run in self.hub.runs.values() if run.work.status != "completed"]
        for work in [*going, *going]:
            work.cancel()  # the second time also ends what runs `always()`
        deadline = time.monotonic() + PATIENCE
        while any(work.status != "completed" for work in going) and time.monotonic() < deadline:
            time.sleep(POLL)

    def use_runner(self, runner: Callable[[Hub, Start], RunLike]) -> None:
        """Have something else run the workflows: a test's stand-in."""
        self.hub.runner = runner


def run_workflow(hub: Hub, start: Start, run_steps: Callable[[Machine], str] = run_job) -> RunLike:
    """Make the run that really runs a workflow's steps, as they are or as `run_steps` does."""
    folder = hub.folder / "runs" / str(start.id)
    context = hub.run_context(start)
    return new_run(start, hub.bare.path, folder, hub.job_environment, context, run_steps=run_steps, gates=hub.gates)


def application(state: Hub) -> WSGIApplication:
    """Make the WSGI application that answers for a state."""

    def _answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ[HUB] = state
        return routes()(environ, start_response)

    return _answer


@cache  # its routes take longer to make than all else of a sandbox
def routes() -> Flask:
    """Make the application; the state that it answers for comes with each request."""
    app = Flask(__name__, static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    below = "/repos/<owner>/<repository>"
    for resource in _RESOURCES:
        app.register_blueprint(resource.routes, url_prefix=API + below)
    app.register_blueprint(releases.uploads, url_prefix=UPLOADS + below)
    app.register_blueprint(repository.top, url_prefix=API)
    app.register_blueprint(search.routes, url_prefix=API)
    app.register_blueprint(graphql.routes, url_prefix="/api")
    for place in ("/<owner>/<repository>.git", "/<owner>/<repository>"):
        for path in ("info/refs", "git-upload-pack", "git-receive-pack"):
            app.add_url_rule(f"{place}/{path}", f"git {place}/{path}", _git, methods=["GET", "POST"])
    app.add_url_rule("/_blobs/<key>", "blob", _blob)
    download = "/<owner>/<repository>/releases/download/<path:tag>/<name>"
    app.add_url_rule(download, "download", releases.asset_download)
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
        answers.check_agent()
        answers.check_version()
        answers.authenticate()
        check_route()
    return None


def _finish(answer: Response) -> Response:
    return answers.finish(answer) if request.path.startswith("/api/") else answer


def _http_error(error: HTTPException) -> Response:
    if request.routing_exception is None:
        return answers.refusal(Refused(error.code or 500, "Not Found" if error.code == 404 else error.name))
    # GitHub answers 404 to a method that it does not have, too.
    return answers.refusal(Refused(404, f"The sandbox's GitHub does not have {request.method} {request.path}"))


def _git() -> ResponseReturnValue:
    """Answer Git, which sends no credentials until it is asked for them."""
    state = hub()
    path = "/" + request.path.split("/", 3)[3]
    known = answers.living(answers.given_token())
    if known is None:
        return "", 401, {"WWW-Authenticate": 'Basic realm="GitHub"'}
    if not allows(known, "contents=read", state.settings.private):
        if known.kind == "fine-grained":
            return _told("Write access to repository not granted.", 403)
        return _told("Repository not found.", 404)
    if "receive-pack" in request.full_path and not allows(known, "contents=write"):
        return _told(f"Permission to {state.full_name}.git denied to {known.login}.", 403)
    return git_answer(
        state.bare,
        path,
        request.environ,
        lambda ref, old, new: _judged(state, known, Change(ref, old, new)),
        lambda: notice_refs(state, known),
    )


def _judged(state: Hub, known: Token, change: Change) -> tuple[str, str]:
    """Say why a push's ref is refused, and what whoever pushes is told."""
    if refused := workflow_refusal(state, known, change.new):
        return refused, ""
    found = verdict(state, known, change)
    return found.reason, found.text(state.html)


def _told(words: str, status: int) -> ResponseReturnValue:
    """Refuse in words that Git shows."""
    return words, status, {"Content-Type": "text/plain; charset=UTF-8"}


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
