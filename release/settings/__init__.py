"""The settings, their defaults, and what is wrong with the ones given."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from difflib import get_close_matches
from pathlib import PurePosixPath
from typing import Any, get_origin, get_type_hints

from release.errors import Usage, suggestion
from release.settings.values import value_of, values_of
from release.versions import check_ref_name

KINDS = ("python", "openapi", "command", "none")


@dataclass(frozen=True)
class Component:
    """One part of the repository; adding one is a matter of settings. Its `path` is its name where none is given.

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
class Smoke:
    """What to run in an image, without a shell, and a word or line that it must print; `{version}` is the version."""

    command: tuple[str, ...]
    prints: str = "{version}"

    def of(self, version: object) -> tuple[list[str], str]:
        """Return the command, and what it must print, for a version."""
        command = [part.replace("{version}", str(version)) for part in self.command]
        return command, self.prints.replace("{version}", str(version))


ROLES = ("build-package", "test-package*", "publish-s3|publish-package?publish_s3", "publish-pypi?publish_pypi")
COMPONENTS: Mapping[str, Mapping[str, Any]] = {
    "backend": {
        "kind": "openapi",
        "interface": "backend/openapi.yaml",
        "images": ["lepton-api-server", "lepton-deployment-operator"],
    },
    "web": {"has_interface": False, "consumes": ["backend"], "images": ["lepton-web"]},
    "sdk": {"kind": "python", "interface": "sdk/leptonai", "consumes": ["backend"], "workflow": "sdk-release.yaml"},
}


GATES: Mapping[str, Any] = {
    "checks": True, "blockers": ["release-blocker"], "backports": True, "freeze": [], "finished": True, "rights": True,
    "clock": True,
}  # fmt: skip


@dataclass(frozen=True)
class Release:
    """Where the repository is and how the tasks talk; `poll` and `timeout` in seconds.

    `components` are what is released on its own, by name (see `Component`), `oasdiff` the program; `smoke` is what an
    image runs before its release is published, by its repository's name (see `Smoke`); `gates` are what
    `release.ready` asks, and each whole release too with `ready`. `notify_webhook` and
    `notify_command` are told when a whole release starts, waits, is done or fails.
    """

    remote: str = "origin"
    trunk: str = ""
    output: str = "text"
    yes: bool = False
    poll: float = 2.0
    timeout: float = 7200.0
    components: dict[str, Any] = field(default_factory=lambda: {name: dict(part) for name, part in COMPONENTS.items()})
    oasdiff: str = "oasdiff"
    smoke: dict[str, Any] = field(default_factory=dict)
    ready: bool = False
    gates: dict[str, Any] = field(default_factory=lambda: dict(GATES))
    backport_label: str = "backport-{line}"
    notify_webhook: str = ""
    notify_command: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Sdk:
    """The Python package: a role is `job|or-job`, `?input` when only that input asks for it.

    `version_file` fixes the wheel's version, and a release sets it there; empty: it comes from the tag. `distribution`
    is the wheel's name where that is not the package's. `smoke` has a release install the wheel before it is published.
    """

    path: str = "sdk"
    package: str = "leptonai"
    command: str = "lep"
    workflow: str = "sdk-release.yaml"
    inputs: dict[str, Any] = field(default_factory=lambda: {"publish_s3": True, "is_release": True})
    roles: list[str] = field(default_factory=lambda: list(ROLES))
    bucket: str = "lepton-sdk"
    prefix: str = "release/"
    version_file: str = ""
    distribution: str = ""
    smoke: bool = True

    @property
    def wheel_name(self) -> str:
        """The wheel's name, however spelled."""
        return self.distribution or self.package


@dataclass(frozen=True)
class Image:
    """The runner image; `registry` is `ecr` or the URL of an OCI registry.

    `smoke` has a release start its images before it is published, where docker or podman is there.
    """

    config_file: str = "sdk/leptonai/config.py"
    config_variable: str = "BASE_IMAGE_VERSION"
    workflow: str = "photon-runner-docker-images.yaml"
    inputs: dict[str, Any] = field(default_factory=lambda: {"is_release": True})
    registry: str = "ecr"
    repository: str = "lepton"
    tags: str = "photon-py{python}-runner-{version}"
    pythons: list[str] = field(default_factory=lambda: ["3.7", "3.8", "3.9", "3.10", "3.11"])
    smoke: bool = True


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

    @property
    def image_repositories(self) -> list[str]:
        """The repositories that a release pushes to: the runner's, the platform's and the components'."""
        parts = [image for part in self.components.values() for image in part.images]
        runner = [self.image.repository] if self.image.config_file else []
        return list(dict.fromkeys([*runner, *self.platform.images, *parts]))

    def smoke(self, repository: str) -> Smoke | None:
        """Return what an image of the repository runs: the setting's, the runner's own, or nothing."""
        given = smokes_of(self.release.smoke)
        package = self.sdk.package
        own = Smoke(("python", "-c", f"import {package}; print({package}.__version__)"))
        return given.get(repository, own if repository == self.image.repository else None)

    def component(self, name: str) -> Component:
        """Return the component; raise Usage naming those there are."""
        known = self.components
        if name not in known:
            problem = f"there is no component {name!r}" if name else "which component?"
            near = suggestion(name, {each: f"--name {each}" for each in known})
            raise Usage(
                problem, f"{near}Give --name, one of: {', '.join(sorted(known))} (release.components in invoke.yaml)"
            )
        return known[name]


DEFAULTS: dict[str, dict[str, Any]] = asdict(Settings())


def defaults_beside(given: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the defaults beside what is given: a mapping that is given replaces the default's, it adds nothing to it.

    Another team's components and inputs are all that it names: it could not take ours away.
    """
    return {
        section: {
            key: {} if isinstance(value, dict) and key in given.get(section, {}) else copy.deepcopy(value)
            for key, value in keys.items()
        }
        for section, keys in DEFAULTS.items()
    }


def read(config: Mapping[str, Any]) -> Settings:
    """Return the settings in `config`; raise Usage naming a key that is unknown or of the wrong type."""
    sections = get_type_hints(Settings)
    _check_sections(config)
    settings = Settings(
        **{name: kind(**values_of(kind, config.get(name, {}), name)) for name, kind in sections.items()}
    )
    if settings.release.output not in ("text", "json"):
        raise Usage(f"release.output: {settings.release.output!r} is not an output", "It can be text or json.")
    components_of(settings.release.components)
    smokes_of(settings.release.smoke)
    _check_gates(settings.release)
    _check_names(settings.release)
    return settings


def _check_sections(config: Mapping[str, Any]) -> None:
    """Raise Usage for a section that is all but one of ours, with keys of it; another collection's passes."""
    for name, part in config.items():
        near = get_close_matches(name, DEFAULTS, 1, 0.75) if name not in DEFAULTS and hasattr(part, "keys") else []
        if near and not DEFAULTS[near[0]].keys().isdisjoint(part.keys()):
            raise Usage(f"{name}: no such section of settings", f"Did you mean {near[0]}?")


def _check_names(given: Release) -> None:
    """Raise Usage that names the key unless Git can take the names of remote and trunk (S3)."""
    for key, name in (("remote", given.remote), ("trunk", given.trunk or "main")):
        try:
            check_ref_name(name)
        except Usage as error:
            raise Usage(f"release.{key}: {error.problem}", error.hint) from error


def _check_gates(given: Release) -> None:
    """Raise Usage that names the gate unless it is one, of its type: its default's, or false for none."""
    for name, value in given.gates.items():
        key, kind = f"release.gates.{name}", type(GATES.get(name))
        if name not in GATES:
            raise Usage(f"{key}: no such gate", f"There are {', '.join(GATES)}.")
        value_of(value, bool if value is False else list[str] if kind is list else kind, key)


def components_of(settings: Mapping[str, Any], key: str = "release.components") -> dict[str, Component]:
    """Read components from settings, by name; raises Usage that names the key at fault."""
    found = {name: _component(name, value, f"{key}.{name}") for name, value in settings.items()}
    for name, component in found.items():
        for consumed in component.consumes:
            if consumed not in found or consumed == name:
                raise Usage(
                    f"{key}.{name}.consumes: {consumed!r} is not another component", f"known: {', '.join(found)}"
                )
    return found


def smokes_of(settings: Mapping[str, Any]) -> dict[str, Smoke]:
    """Read what images run from settings, by repository; raises Usage that names the key at fault."""
    key = "release.smoke"
    found = {
        name: Smoke(**{"command": (), **values_of(Smoke, value, f"{key}.{name}")}) for name, value in settings.items()
    }
    for name, smoke in found.items():
        if not smoke.command or not smoke.prints:
            raise Usage(f"{key}.{name} needs a command, a list of arguments, and what it prints")
    return found


def _component(name: str, value: Any, key: str) -> Component:
    component = Component(**{"name": name, "path": name, **values_of(Component, value, key)})
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
    return component
