"""YAML as GitHub reads a workflow: the core schema of YAML 1.2, so that `on` is a word, and no key twice."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from functools import lru_cache
from typing import Any, ClassVar

import yaml

LIMIT = 1024 * 1024  # bytes
_TAG = "tag:yaml.org,2002:"


class InvalidYaml(ValueError):
    """The text is no YAML that a workflow can be."""


class _Loader(yaml.SafeLoader):
    """The core schema's plain scalars (YAML 1.2.2, 10.3.2) and no tags beyond it."""

    yaml_implicit_resolvers: dict[str, list[Any]] = {}  # noqa: RUF012
    yaml_constructors: ClassVar[dict[str | None, Any]] = {
        tag: yaml.SafeLoader.yaml_constructors[tag] for tag in (f"{_TAG}str", f"{_TAG}seq", f"{_TAG}map", None)
    }

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """Take keys as the text they are, and none twice in any case: GitHub does so."""
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key is not a text", key.start_mark)
            if key.value.upper() in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} is there twice", key.start_mark)
            seen.add(key.value.upper())
        return {key.value: self.construct_object(value, deep=deep) for key, value in node.value}


_SCALARS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "null": (r"~|null|Null|NULL|", lambda _: None),
    "bool": (r"true|True|TRUE|false|False|FALSE", lambda text: text.lower() == "true"),
    "int": (r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", lambda text: int(text, 0 if text[:2] in ("0o", "0x") else 10)),
    "float": (
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        lambda text: float(text.lower().replace(".inf", "inf").replace(".nan", "nan")),
    ),
}


def _constructor(pattern: re.Pattern[str], value: Callable[[str], Any]) -> Callable[[Any, Any], Any]:
    def construct(loader: Any, node: Any) -> Any:
        text = loader.construct_scalar(node)
        if node.style or not pattern.match(text):  # a tag written out, as in `!!int "3"`
            raise yaml.constructor.ConstructorError(None, None, f"{text!r} is no {node.tag}", node.start_mark)
        return value(text)

    return construct


for _name, (_pattern, _value) in _SCALARS.items():
    _whole = re.compile(rf"(?:{_pattern})\Z")
    _Loader.add_implicit_resolver(_TAG + _name, _whole, None)
    _Loader.add_constructor(_TAG + _name, _constructor(_whole, _value))


def document(text: bytes) -> Any:
    """Parse the one document of a workflow file; raises InvalidYaml, saying where."""
    if len(text) > LIMIT:
        raise InvalidYaml(f"more than {LIMIT} bytes")
    return deepcopy(_document(text))


@lru_cache(maxsize=16)  # a call asks the same few files many things
def _document(text: bytes) -> Any:
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506  # nosec B506
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise InvalidYaml(f"{place}{error.problem or error.context}") from error
    except RecursionError as error:
        raise InvalidYaml("nested too deep") from error
    except (yaml.YAMLError, ValueError) as error:
        raise InvalidYaml(str(error).partition("\n")[0]) from error
