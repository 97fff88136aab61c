"""Which comparisons a release needs, and settings that name no nonsense."""

from __future__ import annotations

from typing import Any

import pytest

from release.compat.interfaces import COMMIT, pairs
from release.errors import Usage
from release.settings import COMPONENTS, Settings, components_of


def asked(name: str, settings: Any = COMPONENTS) -> list[tuple[str, str, str]]:
    return [(pair.owner.name, pair.before, pair.after) for pair in pairs(name, components_of(settings))]


def test_the_sdk_keeps_its_own_interface_and_needs_the_released_backend() -> None:
    assert asked("sdk") == [("sdk", "sdk", COMMIT), ("backend", COMMIT, "backend")]


def test_the_web_needs_the_released_backend() -> None:
    assert asked("web") == [("web", "web", COMMIT), ("backend", COMMIT, "backend")]


def test_the_backend_keeps_what_every_released_client_was_written_for() -> None:
    expected = [("backend", "backend", COMMIT), ("backend", "web", COMMIT), ("backend", "sdk", COMMIT)]
    assert asked("backend") == expected


def test_a_fourth_component_is_settings_alone() -> None:
    fourth = {**COMPONENTS, "agent": {"kind": "command", "command": ["buf", "breaking"], "consumes": ["sdk"]}}
    assert asked("agent", fourth) == [("agent", "agent", COMMIT), ("sdk", COMMIT, "sdk")]
    assert asked("sdk", fourth)[-1] == ("sdk", "agent", COMMIT)
    assert components_of(fourth)["agent"].source_path == "agent"


def test_an_unknown_component_is_named_with_the_known_ones() -> None:
    with pytest.raises(Usage, match="'cli'") as raised:
        Settings().component("cli")
    assert "one of: backend, sdk, web" in raised.value.hint


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"api": "backend"}, "release.components.api"),
        ({"api": {"pth": "x"}}, "release.components.api.pth"),
        ({"api": {"name": "x"}}, "release.components.api.name"),
        ({"api": {"kind": "grpc"}}, "release.components.api.kind"),
        ({"api": {"kind": "openapi"}}, "release.components.api.interface"),
        ({"api": {"kind": "command"}}, "release.components.api.command"),
        ({"api": {"path": 3}}, "release.components.api.path"),
        ({"api": {"path": "../x"}}, "release.components.api.path"),
        ({"api": {"kind": "python", "interface": "/x"}}, "release.components.api.interface"),
        ({"api": {"images": "x"}}, "release.components.api.images"),
        ({"api": {"images": [1]}}, "release.components.api.images"),
        ({"api": {"has_interface": "no"}}, "release.components.api.has_interface"),
        ({"api": {"kind": "python", "interface": "x", "has_interface": False}}, "release.components.api.has_interface"),
        ({"api": {"consumes": ["web"]}}, "release.components.api.consumes"),
        ({"api": {"consumes": ["api"]}}, "release.components.api.consumes"),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, Any], key: str) -> None:
    with pytest.raises(Usage) as raised:
        components_of(settings)
    assert raised.value.problem.startswith(f"{key}:")
