"""The settings, their defaults, and what is wrong with the ones given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import PurePosixPath
from typing import Any, TypeVar, get_type_hints

from release.errors import Usage

Inputs = dict[str, Any]
T = TypeVar("T")
KINDS = ("python", "openapi", "command", "none")


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


COMPONENTS: Mapping[str, Mapping[str, Any]] = {
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


@dataclass(frozen=True)
class Release:
    """Where the repository is and how the tasks talk; `poll` and `timeout` in seconds.

    `components` are what is released on its own, by name (see `components.Component`), `oasdiff` the program;
    `notify_webhook` and `notify_command` are told when a whole release starts, waits, is done or fails.
    """

    remote: str = "origin"
    trunk: str = ""
    output: str = "text"
    yes: bool = False
    poll: float = 2.0
    timeout: float = 7200.0
    components: Inputs = field(default_factory=lambda: {name: dict(part) for name, part in COMPONENTS.items()})
    oasdiff: str = "oasdiff"
    notify_webhook: str = ""
    notify_command: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Sdk:
    """The Python package: a role is `job|or-job`, `?input` when only that input asks for it."""

    path: str = "sdk"
    package: str = "leptonai"
    command: str = "lep"
    workflow: str = "sdk-release.yaml"
    inputs: Inputs = field(default_factory=lambda: {"publish_s3": True, "is_release": True})
    roles: list[str] = field(
        default_factory=lambda: [
            "build-package",
            "test-package*",
            "publish-s3|publish-package?publish_s3",
            "publish-pypi?publish_pypi",
        ]
    )
    bucket: str = "lepton-sdk"
    prefix: str = "release/"


@dataclass(frozen=True)
class Image:
    """The runner image; `registry` is `ecr` or the URL of an OCI registry."""

    config_file: str = "sdk/leptonai/config.py"
    config_variable: str = "BASE_IMAGE_VERSION"
    workflow: str = "photon-runner-docker-images.yaml"
    inputs: Inputs = field(default_factory=lambda: {"is_release": True})
    registry: str = "ecr"
    repository: str = "lepton"
    tags: str = "photon-py{python}-runner-{version}"
    pythons: list[str] = field(default_factory=lambda: ["3.7", "3.8", "3.9", "3.10", "3.11"])


@dataclass(frozen=True)
class Platform:
    """What the tag's push builds; an empty `workflow` is whatever that push starts."""

    workflow: str = ""
    images: list[str] = field(default_factory=lambda: ["lepton-api-server", "lepton-deployment-operator", "lepton-web"])


@dataclass(frozen=True)
class Settings:
    """All of them, by the key each stands under."""

    release: Release = field(default_factory=Release)
    sdk: Sdk = field(default_factory=Sdk)
    image: Image = field(default_factory=Image)
    platform: Platform = field(default_factory=Platform)

    @property
    def components(self) -> dict[str, Component]:
        """The components, by name."""
        return components_of(self.release.components)

    def component(self, name: str) -> Component:
        """Return the component; raise Usage naming those there are."""
        known = self.components
        if name not in known:
            problem = f"there is no component {name!r}" if name else "which component?"
            raise Usage(problem, f"Give --name, one of: {_list(known)} (release.components in invoke.yaml)")
        return known[name]


DEFAULTS: dict[str, dict[str, Any]] = asdict(Settings())


def read(config: Mapping[str, Any]) -> Settings:
    """Return the settings in `config`; raise Usage naming a key that is unknown or of the wrong type."""
    kinds = get_type_hints(Settings)
    sections = {name: _section(name, kind, config.get(name, {})) for name, kind in kinds.items()}
    settings = Settings(**sections)
    if settings.release.output not in ("text", "json"):
        raise Usage(f"release.output is {settings.release.output!r}", "It can be text or json.")
    components_of(settings.release.components)
    return settings


def check_environment(environment: Mapping[str, str]) -> None:
    """Raise Usage for an INVOKE_… variable of ours that invoke would drop, misread or crash on."""
    for section, defaults in DEFAULTS.items():
        prefix = f"INVOKE_{section.upper()}_"
        for name, text in environment.items():
            if name.startswith(prefix):
                _check_variable(name, text, section, name.removeprefix(prefix).lower(), defaults)


def _section(name: str, kind: type[T], given: Mapping[str, Any]) -> T:
    hints = get_type_hints(kind)
    if not hasattr(given, "items"):  # invoke wraps its mappings in a class that is none
        raise Usage(f"setting {name} is {given!r}", f"It must be a mapping with: {', '.join(hints)}.")
    for key, value in given.items():
        if key not in hints:
            raise Usage(f"unknown setting {name}.{key}", f"{name} has: {', '.join(hints)}.")
        _check_type(f"{name}.{key}", value, DEFAULTS[name][key])
    known = {f.name for f in fields(kind)}  # type: ignore[arg-type]
    return kind(**{key: _plain(value) for key, value in given.items() if key in known})


def _check_type(key: str, value: Any, default: Any) -> None:
    wanted: type | tuple[type, ...] = type(default)
    if isinstance(default, (int, float)) and not isinstance(default, bool):
        wanted = (int, float)
    right = isinstance(value, Mapping) if isinstance(default, dict) else isinstance(value, wanted)
    if isinstance(value, bool) and not isinstance(default, bool):
        right = False
    if isinstance(default, list) and right:
        right = all(isinstance(item, str) for item in value)
    if not right:
        raise Usage(f"setting {key} is {value!r}", f"It must be {_kind(default)}, like {default!r}.")


def _check_variable(name: str, text: str, section: str, key: str, defaults: Mapping[str, Any]) -> None:
    inputs = key.startswith("inputs_") and isinstance(defaults.get("inputs"), dict)
    if key not in defaults and not inputs:
        raise Usage(f"unknown setting {name}", f"{section} has: {', '.join(defaults)}.")
    default = defaults["inputs"].get(key.removeprefix("inputs_"), "") if inputs else defaults[key]
    if isinstance(default, (list, dict)):
        raise Usage(
            f"{name}: {_kind(default)} cannot come from the environment", f"Set {section}.{key} in invoke.yaml."
        )
    if isinstance(default, bool) and text not in ("", "0", "1"):
        raise Usage(f"{name} is {text!r}", "It must be 1 or 0.")
    if isinstance(default, (int, float)) and not text.replace(".", "", 1).isdigit():
        raise Usage(f"{name} is {text!r}", f"It must be a number, like {default!r}.")


def _plain(value: Any) -> Any:
    """Copy what invoke wraps, so that nobody changes its configuration through ours."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return list(value) if isinstance(value, (list, tuple)) else value


def _kind(default: Any) -> str:
    names = {bool: "true or false", str: "text", list: "a list of texts", dict: "a mapping"}
    return names.get(type(default), "a number")


def components_of(settings: Mapping[str, Any], key: str = "release.components") -> dict[str, Component]:
    """Read components from settings, by name; raises Usage that names the key at fault."""
    found = {name: _component(name, value, f"{key}.{name}") for name, value in settings.items()}
    for name, component in found.items():
        for consumed in component.consumes:
            if consumed not in found or consumed == name:
                raise Usage(f"{key}.{name}.consumes: {consumed!r} is not another component", f"one of: {_list(found)}")
    return found


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
