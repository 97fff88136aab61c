"""Compare two OpenAPI descriptions by what they say: what is not surely kept is told, whether it is known or not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from release.compat.schemas import Schemas, Tell, meaning, target

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")
_STYLES = {"query": "form", "cookie": "form"}
Node = Mapping[str, Any]


class Operation(NamedTuple):
    """An operation: its name, its parameters by place and name, and all else that is said of it, wherever."""

    name: str
    parameters: dict[tuple[str, str], Node]
    said: Node


def contract_changes(before: Node, after: Node) -> list[tuple[str, str, bool]]:
    """Return what a client of the earlier description may do that the later one may not allow.

    Of each: the operation, what it does not surely keep, and whether that breaks a caller for certain. Raises
    CouldNotTellError for a reference that leads out of the description, or nowhere.
    """
    schemas, found = Schemas(before, after), list[tuple[str, str, bool]]()

    def tell(operation: str, what: str, certain: bool) -> None:
        found.append((operation, what, certain))

    later = dict(_operations(after))
    for key, old in _operations(before):
        if key in later:
            _compare_operations(old, later[key], schemas, partial(tell, old.name))
        else:
            tell(old.name, "was removed", True)
    schemes = [(each.get("components") or {}).get("securitySchemes") or {} for each in (before, after)]
    kept = {name: schemes[1].get(name) for name in schemes[0]}  # one that is only new harms nobody
    sides = [{"webhooks": each.get("webhooks")} for each in (before, after)]
    _compare_rest([{**sides[0], **schemes[0]}, {**sides[1], **kept}], set(), schemas, partial(tell, "components"))
    return found


def _operations(document: Node) -> Iterator[tuple[tuple[str, str], Operation]]:
    for path, item in (document.get("paths") or {}).items():
        there = target(document, item)
        for method in there.keys() & set(METHODS):
            node = target(document, there[method])
            above = {key: there.get(key, document.get(key)) for key in ("security", "servers")}
            listed = [*there.get("parameters", ()), *node.get("parameters", ())]
            parameters = dict(_parameters(document, str(path), listed))
            # What a path calls its parameters is no concern of a caller's.
            key = re.sub(r"\{[^}]*\}", "{}", str(path)), method
            yield key, Operation(f"{method.upper()} {path}", parameters, {**above, **node})


def _parameters(document: Node, path: str, listed: list[Any]) -> Iterator[tuple[tuple[str, str], Node]]:
    places = re.findall(r"\{([^}]*)\}", path)
    for each in listed:
        node = target(document, each)
        where, name = str(node.get("in")), str(node.get("name"))
        shown = f"#{places.index(name) + 1}" if where == "path" and name in places else name
        yield (where, shown.lower() if where == "header" else shown), node


def _compare_operations(old: Operation, new: Operation, schemas: Schemas, tell: Tell) -> None:
    for (where, name), parameter in old.parameters.items():
        later = new.parameters.get((where, name))
        if later is None:
            tell(f"the {where} parameter {name} was removed", True)
        else:
            _compare_parameters(parameter, later, schemas, partial(_tell_of, tell, f"the {where} parameter {name}"))
    for (where, name), parameter in new.parameters.items():
        if (where, name) not in old.parameters and parameter.get("required"):
            tell(f"the new {where} parameter {name} is required", True)
    _compare_bodies(old.said.get("requestBody"), new.said.get("requestBody"), schemas, tell)
    _compare_responses(old.said.get("responses", {}), new.said.get("responses", {}), schemas, tell)
    _compare_rest([old.said, new.said], {"parameters", "requestBody", "responses"}, schemas, tell)


def _compare_parameters(old: Node, new: Node, schemas: Schemas, tell: Tell, *, sent: bool = True) -> None:
    """Compare two parameters, or two headers of a response."""
    if old.get("required", False) is not new.get("required", False) and bool(new.get("required")) is sent:
        tell("is required now" if sent else "may be missing now", True)
    _compare_contents({"": old}, {"": new}, schemas, tell, sent=sent)
    _compare_contents(old.get("content", {}), new.get("content", {}), schemas, tell, sent=sent)
    written = []
    for node in (old, new):
        style = node.get("style", _STYLES.get(str(node.get("in")), "simple"))
        written.append({**node, "style": style, "explode": node.get("explode", style == "form")})
    _compare_rest(written, {"required", "schema", "content", "name"}, schemas, tell)


def _compare_bodies(old: Any, new: Any, schemas: Schemas, tell: Tell) -> None:
    earlier, later = target(schemas.before, old or {}), target(schemas.after, new or {})
    if old is not None and new is None:
        tell("no longer takes a body", True)
    elif later.get("required") and not earlier.get("required"):
        tell("requires a body now", True)
    elif old is not None:
        _compare_contents(earlier.get("content", {}), later.get("content", {}), schemas, tell, sent=True)
        _compare_rest([earlier, later], {"required", "content"}, schemas, tell)


def _compare_responses(old: Node, new: Node, schemas: Schemas, tell: Tell) -> None:
    later = {str(status): response for status, response in new.items()}
    for status, response in meaning(old).items():
        of_status = partial(_tell_of, tell, f"the response {status}")
        if status not in later:
            of_status("was removed", status.startswith("2"))
            continue
        earlier, there = target(schemas.before, response), target(schemas.after, later[status])
        headers = {str(name).lower(): header for name, header in there.get("headers", {}).items()}
        for name, header in earlier.get("headers", {}).items():
            of_header, was = partial(_tell_of, of_status, f"header {name}"), target(schemas.before, header)
            if name.lower() not in headers:
                of_header("was removed", bool(was.get("required")))
            else:
                now = target(schemas.after, headers[name.lower()])
                _compare_parameters(was, now, schemas, of_header, sent=False)
        _compare_contents(earlier.get("content", {}), there.get("content", {}), schemas, of_status, sent=False)
        _compare_rest([earlier, there], {"headers", "content"}, schemas, of_status)


def _compare_contents(old: Node, new: Node, schemas: Schemas, tell: Tell, *, sent: bool) -> None:
    """Compare what has a schema: media types by their names, or one nameless thing."""
    for name, media in old.items():
        of_media = partial(_tell_of, tell, f"({name})" if name else "")
        if name not in new:
            of_media("was removed", True)
            continue
        earlier, later = media.get("schema"), new[name].get("schema")
        if earlier is not None and later is not None:
            schemas.compare(earlier, later, sent, of_media, "schema")
        elif (earlier is None) is sent and earlier is not later:
            of_media("has a schema now" if sent else "has no schema any more", True)
        if name:
            _compare_rest([media, new[name]], {"schema"}, schemas, of_media)


def _compare_rest(sides: Sequence[Node], known: set[str], schemas: Schemas, tell: Tell) -> None:
    """Tell every other difference: what is not compared by a rule of its own is not surely kept."""
    earlier, later = map(meaning, sides)
    for key in sorted((earlier.keys() | later.keys()) - known):
        if not schemas.same({key: earlier.get(key)}, {key: later.get(key)}):
            tell(f"has other {key}", False)


def _tell_of(tell: Tell, name: str, what: str, certain: bool) -> None:
    tell(f"{name} {what}".strip(), certain)
