"""The settings, their defaults, and what is wrong with the ones given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, TypeVar, get_type_hints

from release.components import DEFAULTS as COMPONENTS
from release.components import components_of
from release.errors import Usage

Inputs = dict[str, Any]
T = TypeVar("T")


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
