"""What ships and where: wheel, S3, images and their registries."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    from release.artifacts import (
        aws,
        build,
        component_release,
        ecr,
        image_bump,
        image_release,
        images,
        oci,
        oci_auth,
        s3,
        wheel,
        wheel_release,
    )


def __getattr__(name: str) -> ModuleType:
    """Load a module of this room when it is first used, so that listing the tasks loads none."""
    if name.startswith("_"):
        raise AttributeError(name)
    return import_module(f"release.artifacts.{name}")
