"""What the tests of the gate and of individual releases share: a stand-in for oasdiff, and settings."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from release.sandbox import Sandbox
from release.sandbox.git import ZERO
from release.sandbox.sample.story import Edit
from release.settings import Release, Settings

CLIENT, OPENAPI, CONFIG = "sdk/leptonai/client.py", "backend/openapi.yaml", "sdk/leptonai/config.py"
FIX: Edit = (CLIENT, '"""Talks to one workspace."""', '"""Talks to one workspace, politely."""')
BREAK: Edit = (CLIENT, "    def remove(self, name):\n", "    def delete(self, name):\n")
ENVS = "        envs:\n          type: object\n          additionalProperties:\n            type: string\n"
FIT: Edit = (OPENAPI, ENVS, "")  # the sample's trunk sends what the released backend does not take
FINDS_NOTHING = 'case "$1" in changelog) echo "[]";; *) echo "{}";; esac'


def program(folder: Path, script: str = FINDS_NOTHING, name: str = "oasdiff") -> str:
    """Write a program that answers as oasdiff does of two descriptions without a difference, or runs the script."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def settings(oasdiff: str, components: Mapping[str, Any] | None = None) -> Settings:
    """Return the default settings with this program; components beside, or in place of, the usual three."""
    release = Release(poll=0.1, oasdiff=oasdiff)
    usual = {name: {**part, **(components or {}).get(name, {})} for name, part in release.components.items()}
    return Settings(release=replace(release, components={**(components or {}), **usual}))


def tag(sandbox: Sandbox, name: str, message: str = "") -> None:
    """Put a tag onto the remote's trunk, annotated where it has a message; nothing is started by it."""
    sha = sandbox.bare.sha("refs/heads/main")
    assert sha
    if message:
        who = "tagger Ana Field <ana@example.org> 1790000000 +0000"
        sha = sandbox.bare.git("mktag", text=f"object {sha}\ntype commit\ntag {name}\n{who}\n\n{message}\n").strip()
    sandbox.bare.update_ref(f"refs/tags/{name}", sha)
    sandbox.github.hub.known_refs[f"refs/tags/{name}"] = sha


def untag(sandbox: Sandbox, *names: str) -> None:
    for name in names:
        sandbox.bare.update_ref(f"refs/tags/{name}", ZERO)
        sandbox.github.hub.known_refs.pop(f"refs/tags/{name}", None)
