"""What is released on its own, and which comparisons ask whether it may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import PurePosixPath
from typing import Any, get_type_hints

from release.errors import Usage

KINDS = ("python", "openapi", "command", "none")
COMMIT = ""
"""In a pair: the commit to release, instead of a component's last release in the line."""


@dataclass(frozen=True)
class Component:
    """One part of the repository; adding one is a matter of settings.

    `interface` is a package's folder (python), the description file (openapi) or what `command` gets to see. `command`
    is an argument list. `has_interface` is false for a part that nobody calls: without it, kind `none` blocks.
    `workflow` is dispatched on the tag; without it the tag's push starts what builds `images`. `roles` are the jobs
    that must succeed (as `sdk.roles`), where not every job of those runs is about this component.
    """

    name: str
    path: str
    kind: str = "none"
    interface: str = ""
    has_interface: bool = True
    consumes: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    workflow: str = ""
    images: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()

    @property
    def source_path(self) -> str:
        """The file or folder whose contents are compared."""
        return self.interface or self.path


@dataclass(frozen=True)
class Pair:
    """Ask one thing: does `owner`'s interface at `after` still have everything it had at `before`.

    Each moment is COMMIT or the name of the component whose last release in the line is meant.
    """

    owner: Component
    question: str
    before: str
    after: str


DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "backend": {
        "path": "backend",
        "kind": "openapi",
        "interface": "backend/openapi.yaml",
        "images": ["lepton-api-server", "lepton-deployment-operator"],
    },
    "web": {"path": "web", "has_interface": False, "consumes": ["backend"], "images": ["lepton-web"]},
    "sdk": {
        "path": "sdk",
        "kind": "python",
        "interface": "sdk/leptonai",
        "consumes": ["backend"],
        "workflow": "sdk-release.yaml",
    },
}


def components_of(settings: Mapping[str, Any], key: str = "release.components") -> dict[str, Component]:
    """Read components from settings, by name; raises Usage that names the key at fault."""
    found = {name: _component(name, value, f"{key}.{name}") for name, value in settings.items()}
    for name, component in found.items():
        for consumed in component.consumes:
            if consumed not in found or consumed == name:
                raise Usage(f"{key}.{name}.consumes: {consumed!r} is not another component", f"one of: {_list(found)}")
    return found


def pairs(name: str, components: Mapping[str, Component]) -> tuple[Pair, ...]:
    """Decide which comparisons the release of one component needs; raises Usage for an unknown name.

    Its own interface; what it consumes, as released, against what the commit was written for; and its interface
    against what each released consumer was written for.
    """
    if name not in components:
        raise Usage(f"there is no component {name!r}", f"one of: {_list(components)}")
    component = components[name]
    asked = [Pair(component, f"does {name} keep what it released?", name, COMMIT)]
    for consumed in component.consumes:
        question = f"does the released {consumed} have what {name} at the commit was written for?"
        asked.append(Pair(components[consumed], question, COMMIT, consumed))
    for consumer in components.values():
        if name in consumer.consumes:
            question = f"does {name} keep what the released {consumer.name} was written for?"
            asked.append(Pair(component, question, consumer.name, COMMIT))
    return tuple(asked)


def _component(name: str, value: Any, key: str) -> Component:
    if not isinstance(value, Mapping):
        raise Usage(f"{key}: a table of settings is needed, not {value!r}")
    types = get_type_hints(Component)
    known = {field.name for field in fields(Component)} - {"name"}
    for unknown in sorted(str(part) for part in value if part not in known):
        raise Usage(f"{key}.{unknown}: no such key", f"one of: {_list(known)}")
    read = {part: _typed(given, types[part], f"{key}.{part}") for part, given in value.items()}
    component = Component(name=name, **{"path": name, **read})
    _check_component(component, key)
    return component


def _typed(given: Any, kind: Any, key: str) -> Any:
    if kind in {str, bool}:
        if not isinstance(given, kind):
            raise Usage(f"{key}: {given!r} is not {'a text' if kind is str else 'true or false'}")
        return given
    if not isinstance(given, (list, tuple)) or not all(isinstance(part, str) for part in given):
        raise Usage(f"{key}: a list of texts is needed, not {given!r}")
    return tuple(given)


def _check_component(component: Component, key: str) -> None:
    if component.kind not in KINDS:
        raise Usage(f"{key}.kind: {component.kind!r} is not a kind", f"one of: {', '.join(KINDS)}")
    if component.kind in {"python", "openapi"} and not component.interface:
        raise Usage(f"{key}.interface: kind {component.kind} needs the path of its interface")
    if component.kind == "command" and not component.command:
        raise Usage(f"{key}.command: kind command needs a list of arguments")
    if component.kind != "none" and not component.has_interface:
        raise Usage(f"{key}.has_interface: false goes with kind none alone")
    for part, path in (("path", component.path), ("interface", component.interface)):
        if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts or "\\" in path:
            raise Usage(f"{key}.{part}: {path!r} is not a path inside the repository")


def _list(names: Any) -> str:
    return ", ".join(sorted(names))
