"""Labels of the repository, and of pull requests as the issues that they are; comments on them."""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from release.sandbox.github.answers import Refused, body, find_pull, hub, invalid, not_found, page, token
from release.sandbox.github.merging import change_pull
from release.sandbox.github.permissions import needs
from release.sandbox.github.records import Comment, Json, Pull, now
from release.sandbox.github.shapes.pulls import comment_json, issue_json, label_json
from release.sandbox.github.state import add_comment, known_labels

routes = Blueprint("issues", __name__)


@routes.get("/labels")
@needs("issues=read", "pull_requests=read")
def labels() -> ResponseReturnValue:
    """Answer the labels by name."""
    return [label_json(hub(), label) for label in page(known_labels(hub()))]


@routes.post("/labels")
@needs("issues=write", "pull_requests=write")
def create_label() -> ResponseReturnValue:
    """Make a label; 422 when there is one of that name."""
    asked = body()
    if asked["name"] in known_labels(hub()):
        raise invalid("Label", "already_exists", "name")
    hub().labels[asked["name"]] = _label(asked)
    return label_json(hub(), asked["name"]), 201


def _label(asked: Json) -> Json:
    return {key: asked[key] for key in ("color", "description") if asked.get(key)}


@routes.get("/labels/<path:name>")
@needs("issues=read", "pull_requests=read")
def one_label(name: str) -> ResponseReturnValue:
    """Answer one label."""
    if name not in known_labels(hub()):
        raise not_found()
    return label_json(hub(), name)


@routes.patch("/labels/<path:name>")
@needs("issues=write", "pull_requests=write")
def change_label(name: str) -> ResponseReturnValue:
    """Change a label, on pull requests too."""
    one_label(name)
    asked, state = body(), hub()
    new = asked.get("new_name", name)
    state.labels[new] = state.labels.pop(name, {}) | _label(asked)
    for pull in state.pulls.values():
        pull.labels = [new if label == name else label for label in pull.labels]
    return label_json(state, new)


@routes.delete("/labels/<path:name>")
@needs("issues=write", "pull_requests=write")
def delete_label(name: str) -> ResponseReturnValue:
    """Delete a label, from pull requests too."""
    one_label(name)
    hub().labels.pop(name, None)
    for pull in hub().pulls.values():
        pull.labels = [label for label in pull.labels if label != name]
    return "", 204


@routes.get("/issues/<int:number>/labels")
@needs("issues=read", "pull_requests=read")
def labels_of(number: int) -> ResponseReturnValue:
    """Answer the labels of a pull request."""
    return _labels_json(find_pull(number))


def _labels_json(pull: Pull) -> list[Json]:
    return [label_json(hub(), label) for label in page(pull.labels)]


@routes.route("/issues/<int:number>/labels", methods=["POST", "PUT"])
@needs("issues=write", "pull_requests=write")
def add_labels(number: int) -> ResponseReturnValue:
    """Put labels on a pull request; with PUT in place of those that it has. A list alone will do."""
    pull, asked = find_pull(number), request.get_json(force=True, silent=True)
    listed = asked.get("labels", []) if isinstance(asked, dict) else asked
    if not isinstance(listed, list):
        raise Refused(422, "Validation Failed")
    names = [str(each["name"]) if isinstance(each, dict) else str(each) for each in listed]
    pull.labels = list(dict.fromkeys([*(pull.labels if request.method == "POST" else []), *names]))
    return _labels_json(pull)


@routes.delete("/issues/<int:number>/labels")
@needs("issues=write", "pull_requests=write")
def remove_labels(number: int) -> ResponseReturnValue:
    """Take all labels off a pull request."""
    find_pull(number).labels.clear()
    return "", 204


@routes.delete("/issues/<int:number>/labels/<path:name>")
@needs("issues=write", "pull_requests=write")
def remove_label(number: int, name: str) -> ResponseReturnValue:
    """Take one label off a pull request."""
    pull = find_pull(number)
    if name not in pull.labels:
        raise Refused(404, "Label does not exist")
    pull.labels.remove(name)
    return _labels_json(pull)


@routes.get("/issues")
@needs("issues=read", "pull_requests=read")
def issues() -> ResponseReturnValue:
    """Answer the pull requests as issues, newest first: `state`, `labels`."""
    state, wanted = request.args.get("state", "open"), set(filter(None, request.args.get("labels", "").split(",")))
    found = [each for each in hub().pulls.values() if state in ("all", each.state) and wanted <= set(each.labels)]
    return [issue_json(hub(), each) for each in page(sorted(found, key=lambda pull: -pull.number))]


@routes.get("/issues/<int:number>")
@needs("issues=read", "pull_requests=read")
def one_issue(number: int) -> ResponseReturnValue:
    """Answer a pull request as an issue."""
    return issue_json(hub(), find_pull(number))


@routes.patch("/issues/<int:number>")
@needs("issues=write", "pull_requests=write")
def change_issue(number: int) -> ResponseReturnValue:
    """Change title, body, state or labels of a pull request."""
    pull, asked = find_pull(number), body()
    change_pull(hub(), pull, asked)
    pull.labels = [str(label) for label in asked.get("labels", pull.labels)]
    return issue_json(hub(), pull)


@routes.get("/issues/<int:number>/comments")
@needs("issues=read", "pull_requests=read")
def comments(number: int) -> ResponseReturnValue:
    """Answer the comments on a pull request, oldest first."""
    pull = find_pull(number)
    return [comment_json(hub(), pull, each) for each in page(pull.comments)]


@routes.post("/issues/<int:number>/comments")
@needs("issues=write", "pull_requests=write")
def create_comment(number: int) -> ResponseReturnValue:
    """Comment on a pull request."""
    pull = find_pull(number)
    return comment_json(hub(), pull, add_comment(hub(), pull, token().login, body()["body"])), 201


@routes.get("/issues/comments/<int:number>")
@needs("issues=read", "pull_requests=read")
def one_comment(number: int) -> ResponseReturnValue:
    """Answer one comment."""
    return comment_json(hub(), *_find_comment(number))


@routes.patch("/issues/comments/<int:number>")
@needs("issues=write", "pull_requests=write")
def change_comment(number: int) -> ResponseReturnValue:
    """Change what a comment says."""
    pull, comment = _find_comment(number)
    comment.body, comment.updated_at = body()["body"], now()
    return comment_json(hub(), pull, comment)


@routes.delete("/issues/comments/<int:number>")
@needs("issues=write", "pull_requests=write")
def delete_comment(number: int) -> ResponseReturnValue:
    """Delete a comment."""
    pull, comment = _find_comment(number)
    pull.comments.remove(comment)
    return "", 204


def _find_comment(number: int) -> tuple[Pull, Comment]:
    for pull in hub().pulls.values():
        for comment in pull.comments:
            if comment.id == number:
                return pull, comment
    raise not_found()
