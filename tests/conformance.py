"""Whether an exchange over HTTP is one that GitHub's own OpenAPI description shows.

`github_api/api.github.com.json` is the description (`github_api/trim.py` makes it). Both sides are read strictly: what
a request sends beyond it would do nothing at GitHub, and what an answer holds beyond it GitHub does not send.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from github_description import Operation, description, mended, operations
from jsonschema.exceptions import best_match
from jsonschema_path import SchemaPath
from openapi_core import V30RequestValidator, V30ResponseValidator
from openapi_core.testing import MockRequest, MockResponse
from openapi_core.validation.request.exceptions import InvalidParameter
from recording import Exchange
from werkzeug.datastructures import Headers

API_VERSION = "2022-11-28"  # whose shapes the description has
NEWER = "2026-03-10"
GONE = {f"{name!r} is a required property" for name in ("assignee", "merge_commit_sha", "rate")}  # in the newer one
LONG = 300  # characters of a message that quotes the body

# What any operation may answer although the description lists it for a few or for none, and why.
REFUSALS = {
    400: "a server that does not know a newer field or API version answers so",
    401: "the credentials are bad, whatever the operation",
    403: "the token lacks a permission, or a rate limit is reached",
    404: "the token cannot see the repository, whatever the operation",
    422: "a dispatch's ref, input or trigger is wrong (the description has no error for it), or a field is not known",
    429: "a secondary rate limit",
}
UNCHANGED = 304  # to any GET that sent an entity tag or a date
REDIRECTS = {
    301: "the repository was renamed",
    302: "a file is elsewhere, or the repository was renamed",
    307: "the repository was renamed; the method stays",
    308: "the repository was renamed; the method stays",
}
# The schema `basic-error`; `validation-error` adds the list.
BASIC_ERROR = {"message": str, "documentation_url": str, "url": str, "status": str, "errors": list}
FAULTS = {
    500: "GitHub's own failure, in whatever words",
    502: "a gateway's failure, in whatever words",
    503: "GitHub is down or busy, in whatever words",
    504: "a gateway's patience ended, in whatever words",
}
# Content that the prose describes and the shapes do not.
FILES = {("repos/get-release-asset", "application/octet-stream"): "asked for by `Accept`, the file itself is sent"}


def described_errors(problems: Iterable[Exception]) -> Iterator[str]:
    """Yield a line for each thing a validator found, with the place in the body."""
    for problem in problems:
        found = list(getattr(problem.__cause__, "schema_errors", ()))
        parameter = f"{problem.location} parameter {problem.name}" if isinstance(problem, InvalidParameter) else ""
        for one in filter(None, (best_match([error]) for error in found)):
            yield f"{parameter or one.json_path}: {shortened(one.message)}"
        if not found:
            yield f"{problem}: {problem.__cause__}" if problem.__cause__ else str(problem)


def shortened(message: str) -> str:
    """Return a message without the middle of the body that it quotes."""
    return message if len(message) < LONG else f"{message[: LONG // 2]} … {message[-LONG // 2 :]}"


class Conformance:
    """GitHub's description, ready to judge exchanges."""

    def __init__(self, whole: dict[str, Any]) -> None:
        self.operations = operations(whole)
        spec = SchemaPath.from_dict(mended(whole))
        self.requests = V30RequestValidator(spec, forbid_unspecified_additional_properties=True)
        self.responses = V30ResponseValidator(spec, forbid_unspecified_additional_properties=True)
        self.refusals = V30ResponseValidator(spec)  # GitHub's errors have a `status` that few schemas list

    @classmethod
    @cache
    def load(cls) -> Conformance:
        """Return the description kept here."""
        return cls(description())

    def check(self, exchange: Exchange) -> None:
        """Raise AssertionError when the exchange is not as described, with a line for each reason."""
        self.check_all([exchange])

    def check_all(self, exchanges: Iterable[Exchange]) -> None:
        """Raise one AssertionError for all exchanges that are not as described; the same exchange is read once."""
        wrong = []
        for exchange in {repr(one): one for one in exchanges}.values():
            problems = list(self.problems(exchange))
            if problems:
                wrong.append("\n    ".join([f"{exchange}", *problems]))
        if wrong:
            raise AssertionError("\n".join(wrong))

    def problems(self, exchange: Exchange) -> Iterator[str]:
        """Yield each way in which the exchange differs from the description."""
        operation, variables = self.operation(exchange)
        if operation is None:
            yield "no such operation in the description: a wrong path or method, or one to add to github_api/trim.py"
            return
        request = request_of(exchange, operation, variables)
        # A request that is refused may have been wrong on purpose.
        if exchange.status not in (400, 422):
            yield from (f"request: {line}" for line in self.request_problems(operation, exchange, request))
        wrong = self.answer_problems(operation, exchange, request)
        gone = GONE if version_of(exchange) == NEWER else ()
        yield from (f"answer: {line}" for line in wrong if line.rpartition(": ")[2] not in gone)

    def operation(self, exchange: Exchange) -> tuple[Operation | None, dict[str, str]]:
        """Return the operation that the exchange uses, and its path's parameters."""
        for one in self.operations:
            variables = one.variables(exchange.path) if one.method == exchange.method.lower() else None
            if variables is not None:
                return one, variables
        return None, {}

    def request_problems(self, operation: Operation, exchange: Exchange, request: MockRequest) -> Iterator[str]:
        """Yield what is wrong with the request."""
        if version_of(exchange) not in (API_VERSION, NEWER):
            yield f"API version {version_of(exchange)}: the description is of {API_VERSION}"
        for name in sorted({name for name, _ in parse_qsl(exchange.query)} - operation.query_names):
            yield f"query parameter {name!r} is not described"
        if exchange.request_body and "requestBody" not in operation.shape:
            yield "a body, and none is described"
        yield from described_errors(self.requests.iter_errors(request))

    def answer_problems(self, operation: Operation, exchange: Exchange, request: MockRequest) -> Iterator[str]:
        """Yield what is wrong with the answer."""
        responses = operation.shape["responses"]
        content = (operation.shape["operationId"], exchange.response_type.partition(";")[0])
        if exchange.status in REDIRECTS and "Location" not in Headers(exchange.response_headers):
            yield "a redirect without Location"
        if exchange.status in {204, UNCHANGED} and exchange.response_body:
            yield "a body, and this status has none"
        conditions = {"if-none-match", "if-modified-since"}
        if exchange.status == UNCHANGED and not conditions & {name.lower() for name in exchange.request_headers}:
            yield "not changed, but nobody asked whether"
        if exchange.status in FAULTS or content in FILES:
            return
        if str(exchange.status) in responses and responses[str(exchange.status)].keys() & {"content", "$ref"}:
            validator = self.refusals if exchange.status >= 400 else self.responses
            yield from described_errors(validator.iter_errors(request, answer_of(exchange)))
        elif exchange.status in REFUSALS:
            yield from refusal_problems(exchange)
        elif str(exchange.status) not in {*responses, *map(str, [UNCHANGED, *REDIRECTS])}:
            yield f"status {exchange.status} is not described, nor one that any operation may have"


def version_of(exchange: Exchange) -> str:
    """Return the version of the API that was asked in."""
    return str(Headers(exchange.request_headers).get("X-GitHub-Api-Version", API_VERSION))


def request_of(exchange: Exchange, operation: Operation, variables: dict[str, str]) -> MockRequest:
    """Return the request as the validator wants it."""
    return MockRequest(
        operation.server,
        operation.method,
        exchange.path,
        path_pattern=operation.template,
        args=dict(parse_qsl(exchange.query, keep_blank_values=True)),
        view_args=variables,
        headers=dict(exchange.request_headers),
        data=exchange.request_body,
        content_type=exchange.request_type,
    )


def answer_of(exchange: Exchange) -> MockResponse:
    """Return the answer as the validator wants it."""
    headers = dict(exchange.response_headers)
    return MockResponse(exchange.response_body, exchange.status, headers=headers, content_type=exchange.response_type)


def refusal_problems(exchange: Exchange) -> Iterator[str]:
    """Yield what keeps an error's body from being GitHub's basic error: a message and a link, all text."""
    try:
        body = json.loads(exchange.response_body)
    except ValueError:
        yield "an error whose body is not JSON"
        return
    if not isinstance(body, dict) or "message" not in body:
        yield "an error without a message"
        return
    for name, value in body.items():
        if name not in BASIC_ERROR:
            yield f"$: {name!r} is no part of a basic error"
        elif not isinstance(value, BASIC_ERROR[name]):
            yield f"$.{name}: {value!r} is not of type {BASIC_ERROR[name].__name__}"
