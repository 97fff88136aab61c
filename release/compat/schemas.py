"""Compare two schemas of OpenAPI descriptions: does what is sent still fit, and is what comes still as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from release.errors import CouldNotTellError

Node = Mapping[str, Any]
Tell = Callable[[str, bool], None]  # what is not surely kept, and whether that breaks a caller for certain

# What people read, and what generated clients are named by: it changes no request and no response.
_WORDS = frozenset({
    "$comment", "deprecated", "description", "example", "examples", "externalDocs", "operationId", "summary", "tags",
    "title", "xml",
})  # fmt: skip
_MAPS = frozenset({
    "callbacks", "content", "dependentRequired", "dependentSchemas", "encoding", "headers", "links", "mapping",
    "patternProperties", "paths", "properties", "responses", "schemas", "scopes", "securitySchemes", "variables",
})  # fmt: skip
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_NARROWING = ("format", "multipleOf", "not", "pattern", "uniqueItems")  # without one of these, more fits
_ALTERNATIVES = ("allOf", "anyOf", "oneOf")
_HANDLED = frozenset({
    "$ref", "additionalProperties", "const", "enum", "items", "nullable", "properties", "readOnly", "required", "type",
    "writeOnly", *_UPPER, *_LOWER, *_ALTERNATIVES,
})  # fmt: skip
_FALSE = frozenset({
    "allowEmptyValue", "allowReserved", "exclusiveMaximum", "exclusiveMinimum", "nullable", "readOnly", "required",
    "uniqueItems", "writeOnly",
})  # fmt: skip


def target(document: Node, node: Any) -> Node:
    """Follow a reference within the description; raises CouldNotTellError for any other."""
    for _ in range(100):
        if not isinstance(node, dict):
            raise CouldNotTellError(f"the description has {str(node)[:40]!r} where an object belongs")
        reference = node.get("$ref")
        if not isinstance(reference, str):
            return node
        found: Any = document
        for step in reference.removeprefix("#/").split("/"):
            name = step.replace("~1", "/").replace("~0", "~").replace("%7B", "{").replace("%7D", "}")
            if isinstance(found, list) and name.isdecimal() and int(name) < len(found):
                found = found[int(name)]
            else:
                found = found.get(name) if isinstance(found, dict) else None
        if not reference.startswith("#/") or found is None:
            raise CouldNotTellError(f"the description has an external reference, or one to nothing: {reference}")
        node = found
    raise CouldNotTellError("the description has references that lead in a circle")


def meaning(node: Node) -> dict[str, Any]:
    """Return what an object says to programs: without words for people, extensions, and what is false unless said."""
    return {
        str(key): value
        for key, value in node.items()
        if key not in _WORDS and not str(key).startswith("x-") and not (value is False and key in _FALSE)
    }


@dataclass
class Schemas:
    """Both descriptions, and the pairs of schemas that were compared already."""

    before: Node
    after: Node
    seen: set[tuple[int, int, bool]] = field(default_factory=set)

    def same(self, old: Any, new: Any, *, names: bool = False, above: tuple[tuple[int, int], ...] = ()) -> bool:
        """Tell whether both say the same to programs, references followed; keys that are `names` have no meaning."""
        if isinstance(old, dict) and isinstance(new, dict):
            old, new = target(self.before, old), target(self.after, new)
            if (id(old), id(new)) in above:
                return True
            above = (*above, (id(old), id(new)))
            earlier, later = (old, new) if names else (meaning(old), meaning(new))
            return earlier.keys() == later.keys() and all(
                self.same(value, later[key], names=key in _MAPS and not names, above=above)
                for key, value in earlier.items()
            )
        if isinstance(old, list) and isinstance(new, list):
            return len(old) == len(new) and all(map(partial(self.same, above=above), old, new))
        return type(old) is type(new) and bool(old == new)

    def compare(self, old: Any, new: Any, sent: bool, tell: Tell, place: str) -> None:
        """Tell what of the earlier schema no longer fits when it is sent, or comes otherwise when it is received."""
        left = [(old, new, place)]
        while left:  # no recursion: schemas refer to each other in long chains
            old, new, place = left.pop()
            if isinstance(old, bool) or isinstance(new, bool):
                if old is not new:
                    tell(f"{place} has another schema", False)
                continue
            first, second = target(self.before, old), target(self.after, new)
            if (id(first), id(second), sent) in self.seen:
                continue
            self.seen.add((id(first), id(second), sent))
            if first == second and not any(isinstance(value, (dict, list)) for value in first.values()):
                continue  # most are the same and refer to nothing
            beside = [{**each, "$ref": True} if "$ref" in each else {"$ref": True} for each in (old, new)]
            if len(beside[0]) + len(beside[1]) > 2 and not self.same(*beside):
                tell(f"{place} says something else beside a reference", False)
            sides = Sides(meaning(first), meaning(second), sent)
            own = (*_value_changes(sides), *_bound_changes(sides), *self._keyword_changes(sides))
            for what, certain in (*own, *self._property_changes(sides), *self._part_changes(sides)):
                tell(f"{place} {what}", certain)
            left += [(*pair, f"{place}/{name}") for name, *pair in self._parts(sides)]

    def _keyword_changes(self, sides: Sides) -> Iterator[tuple[str, bool]]:
        for key in sorted((sides.old.keys() | sides.new.keys()) - _HANDLED):
            if (key in _NARROWING and key not in sides.outer) or (key == "default" and not sides.sent):
                continue
            if not self.same(sides.old.get(key), sides.new.get(key), names=key in _MAPS):
                yield f"has another {key}", False

    def _property_changes(self, sides: Sides) -> Iterator[tuple[str, bool]]:
        earlier, later = sides.properties(self.before, sides.old), sides.properties(self.after, sides.new)
        certain = not any(key in side for key in _ALTERNATIVES for side in (sides.old, sides.new))
        for name in earlier.keys() - later.keys():
            yield f"{name} was removed", certain
        said, declared = ("is required now", later) if sides.sent else ("may be missing now", earlier)
        for name in set(sides.outer.get("required", ())) - set(sides.inner.get("required", ())):
            if name in declared or name not in sides.outer.get("properties", {}):
                yield f"{name} {said}", certain

    def _part_changes(self, sides: Sides) -> Iterator[tuple[str, bool]]:
        for key in ("items", "additionalProperties"):
            outer, inner = sides.outer.get(key, True), sides.inner.get(key, True)
            compared = isinstance(outer, dict) and isinstance(inner, dict)
            if not (compared or outer in (True, {}) or inner is False or outer == inner):
                yield f"has other {key}", False
        for key in _ALTERNATIVES:
            compared = len(sides.old.get(key, ())) == len(sides.new.get(key, ()))
            if not compared and key in sides.outer and not self._has_all(sides, key):
                yield f"has other schemas in {key}", False

    def _parts(self, sides: Sides) -> Iterator[tuple[str, Any, Any]]:
        """Yield each pair of schemas within: of properties, items, other properties, and alternatives."""
        earlier, later = sides.properties(self.before, sides.old), sides.properties(self.after, sides.new)
        yield from ((name, schema, later[name]) for name, schema in earlier.items() if name in later)
        for key in ("items", "additionalProperties"):
            old, new = sides.old.get(key), sides.new.get(key)
            if isinstance(old, dict) and isinstance(new, dict):
                yield key, old, new
        for key in _ALTERNATIVES:
            pairs = zip(sides.old.get(key, ()), sides.new.get(key, ()), strict=False)
            if len(sides.old.get(key, ())) == len(sides.new.get(key, ())):
                yield from ((key, *pair) for pair in pairs)

    def _has_all(self, sides: Sides, key: str) -> bool:
        """Tell whether every alternative of the side that has to fit stands among the other side's."""
        wanted = sides.inner.get(key)
        if key == "allOf" or not isinstance(wanted, list):
            return False
        there = sides.outer[key]
        return all(any(self.same(*((one, each) if sides.sent else (each, one))) for each in there) for one in wanted)


@dataclass(frozen=True)
class Sides:
    """Both schemas; whatever fits the inner one has to fit the outer one."""

    old: dict[str, Any]
    new: dict[str, Any]
    sent: bool

    @property
    def outer(self) -> dict[str, Any]:
        """Return the schema that has to allow everything: the later one for what is sent."""
        return self.new if self.sent else self.old

    @property
    def inner(self) -> dict[str, Any]:
        """Return the schema that everything allowed comes from."""
        return self.old if self.sent else self.new

    def properties(self, document: Node, schema: Node) -> dict[str, Any]:
        """Return the properties that go this way: some are only sent, some only received."""
        other_way = "readOnly" if self.sent else "writeOnly"
        found = {str(name): value for name, value in schema.get("properties", {}).items()}
        return {
            name: value
            for name, value in found.items()
            if isinstance(value, bool) or target(document, value).get(other_way) is not True
        }


def _value_changes(sides: Sides) -> Iterator[tuple[str, bool]]:
    outer, inner = _types(sides.outer), _types(sides.inner)
    if outer is not None and (inner is None or not inner <= (outer | {"integer"} if "number" in outer else outer)):
        yield "has another type", inner is not None
    allowed, there = _values(sides.outer), _values(sides.inner)
    if allowed is not None and there is None:
        yield ("takes only some values now" if sides.sent else "may have any value now"), sides.sent
    for value in [each for each in there or () if allowed is not None and each not in allowed]:
        said = "no longer takes" if sides.sent else "may be"
        yield f"{said} {value!r}", sides.sent


def _types(schema: Node) -> set[str] | None:
    said = schema.get("type")
    if said is None:
        return None
    return {*([said] if isinstance(said, str) else said), *(["null"] if schema.get("nullable") else [])}


def _values(schema: Node) -> list[Any] | None:
    return [schema["const"]] if "const" in schema else schema.get("enum")


def _bound_changes(sides: Sides) -> Iterator[tuple[str, bool]]:
    for keys, sign in ((_UPPER, 1), (_LOWER, -1)):
        for key in keys:
            outer, inner = sides.outer.get(key), sides.inner.get(key)
            # In OpenAPI 3.0 an exclusive bound is true or false.
            if outer == inner or outer is None or (key.startswith("min") and key != "minimum" and outer == 0):
                continue
            if inner is None or isinstance(outer, bool) or isinstance(inner, bool) or sign * inner > sign * outer:
                yield f"has another {key}", sides.sent and not isinstance(outer, bool)
