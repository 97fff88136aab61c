"""GitHub's OpenAPI description as it is kept here: its operations, and what it means where it is not literal."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

DESCRIPTION = Path(__file__).with_name("github_api") / "api.github.com.json"
SLASHED = {"ref", "branch", "basehead", "tag", "path", "tree_sha"}  # path parameters whose values may hold a slash


def description() -> dict[str, Any]:
    """Read the description; `github_api/trim.py` makes it."""
    kept: dict[str, Any] = json.loads(DESCRIPTION.read_text(encoding="utf-8"))
    return kept


@dataclass(frozen=True)
class Operation:
    """One path template and method of the description."""

    template: str
    method: str
    shape: Mapping[str, Any]
    query_names: frozenset[str]

    @property
    def server(self) -> str:
        """Return the host that the description gives to this operation."""
        return next((str(server["url"]) for server in self.shape.get("servers", ())), "https://api.github.com")

    def variables(self, path: str) -> dict[str, str] | None:
        """Return the path's parameters, or None when `path` is of another template."""
        found = template_pattern(self.template).fullmatch(path)
        return {name: unquote(value) for name, value in found.groupdict().items()} if found else None


@cache
def template_pattern(template: str) -> re.Pattern[str]:
    """Return the pattern that a path template stands for."""

    def group(name: str) -> str:
        some = ".*" if name == "path" else ".+" if name in SLASHED else "[^/]+"  # no path is the root
        return f"(?P<{name}>{some})"

    parts = re.split(r"\{(\w+)\}", template)
    return re.compile("".join(group(part) if odd % 2 else re.escape(part) for odd, part in enumerate(parts)))


def operations(whole: dict[str, Any]) -> list[Operation]:
    """Return every operation, the most literal template first."""

    def query_names(shape: dict[str, Any]) -> frozenset[str]:
        known = whole["components"]["parameters"]
        every = [known[one["$ref"].rpartition("/")[2]] if "$ref" in one else one for one in shape.get("parameters", ())]
        return frozenset(one["name"] for one in every if one["in"] == "query")

    every = [
        Operation(template, method, shape, query_names(shape))
        for template, methods in whole["paths"].items()
        for method, shape in methods.items()
    ]
    return sorted(every, key=lambda one: -len(re.sub(r"\{\w+\}", "", one.template)))


def mended(whole: dict[str, Any]) -> dict[str, Any]:
    """Return the description with its liberties written out.

    OpenAPI 3.0.3 gives `nullable` a meaning beside `type` alone; GitHub also writes it beside an enumeration without
    null, beside `oneOf`, and in several alternatives of one `oneOf`, and answers null in all three. Where properties
    are forbidden that are not described, a schema must not forbid what its parts or alternatives describe.
    """
    plain: dict[str, Any] = nullable_everywhere(whole)
    schemas = plain["components"]["schemas"]
    parts = re.findall(r"#/components/schemas/([\w-]+)", json.dumps([one["allOf"] for one in having("allOf", plain)]))
    plain["components"]["parameters"]["created"]["schema"].pop("format")  # its prose has ranges, as searches have
    schemas["api-overview"]["additionalProperties"] = True  # an Enterprise Server adds its version
    schemas["repository-rule-violation-error"]["required"] = ["metadata"]  # else any error is one
    for schema in having("discriminator", plain):
        schema.pop("discriminator")  # by the type of an object, where one alternative is a list of them
    inline = [part for schema in having("allOf", plain) for part in schema["allOf"] if "$ref" not in part]
    for schema in (*(schemas[name] for name in parts), *inline, *having("allOf", plain), *having("oneOf", plain)):
        schema.setdefault("additionalProperties", True)
    return plain


def having(keyword: str, node: Any) -> Iterator[dict[str, Any]]:
    """Yield each schema in `node` that has `keyword`."""
    if isinstance(node, dict) and keyword in node:
        yield node
    for part in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from having(keyword, part)


def nullable_everywhere(node: Any) -> Any:
    """Return a copy in which null is allowed wherever `nullable` is written."""
    if isinstance(node, list):
        return [nullable_everywhere(part) for part in node]
    if not isinstance(node, dict):
        return node
    node = {key: nullable_everywhere(part) for key, part in node.items()}
    if node.get("nullable") is True and "enum" in node:
        node["enum"] = [*node["enum"], None]
    for kind in node.keys() & {"oneOf", "anyOf"}:
        if any(part.get("nullable") is True for part in (node, *node[kind])):
            node["anyOf"] = [*node.pop(kind), {"enum": [None]}]
    return node
