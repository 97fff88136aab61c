"""actions/cache, with its restore and save: files kept for the runs to come of this sandbox."""

from __future__ import annotations

import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from release.sandbox.runner.machine import ActionFailed, Inputs, Machine, Outputs

_FILTER: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # from 3.10.12 and 3.11.4 on


def cache(machine: Machine, inputs: Inputs, env: Mapping[str, str]) -> Outputs:
    """Restore what fits, and save it at the job's end where nothing had the very key."""
    found = restore(machine, inputs, env)
    if found.get("cache-hit") != "true":

        def save_after_success() -> None:
            """Save, unless the job failed."""
            if machine.status == "success":
                save(machine, inputs, env)

        machine.posts.append(save_after_success)
    return found


def restore(machine: Machine, inputs: Inputs, env: Mapping[str, str]) -> Outputs:
    """Unpack the files of the key, or the newest of the first prefix that has any."""
    key, folder = inputs.get("key", ""), _folder(machine)
    kept = {unquote(path.stem): path for path in sorted(folder.glob("*.tar"), key=lambda path: path.stat().st_mtime)}
    prefixes = [line.strip() for line in inputs.get("restore-keys", "").splitlines() if line.strip()]
    fits = [[name for name in kept if name.startswith(prefix)] for prefix in prefixes]
    matched = key if key in kept else next((names[-1] for names in fits if names), "")
    if not matched and inputs.get("fail-on-cache-miss") == "true":
        raise ActionFailed(f"Failed to restore cache entry. Input key: {key}")
    if matched and inputs.get("lookup-only") != "true":
        with tarfile.open(kept[matched]) as archive:
            for each in archive.getmembers():
                machine.inside(machine.folder / each.name)
            archive.extractall(machine.folder, **_FILTER)  # noqa: S202  # nosec B202 - held to the job by now
    machine.log.write(f"Cache restored from key: {matched}" if matched else f"Cache not found for input keys: {key}")
    hit = {"cache-hit": str(matched == key).lower()} if matched else {"cache-hit": ""}
    return {**hit, "cache-primary-key": key, "cache-matched-key": matched}


def save(machine: Machine, inputs: Inputs, env: Mapping[str, str]) -> Outputs:
    """Keep the files under a key that is not there yet."""
    place = _folder(machine) / f"{quote(inputs.get('key', ''), safe='')}.tar"
    found = [path for line in inputs.get("path", "").splitlines() if line.strip() for path in _paths(machine, line)]
    if place.exists() or not found:
        machine.log.write(f"##[warning]Nothing is saved for the key {inputs.get('key', '')}")
        return {}
    place.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(place, "w") as archive:
        for path in found:
            machine.inside(path)
            archive.add(path, path.relative_to(machine.folder))
    machine.log.write(f"Cache saved with key: {inputs.get('key', '')}")
    return {}


def _folder(machine: Machine) -> Path:
    return machine.run.folder.parent / "caches"


def _paths(machine: Machine, line: str) -> list[Path]:
    """List what a line names, below the job's own folders: the home's by `~`."""
    text = line.strip()
    start, rest = (machine.home, text[2:]) if text.startswith("~/") else (machine.workspace, text)
    place = start / rest
    if not place.is_relative_to(machine.folder):
        return []
    below = place.relative_to(machine.folder)
    return sorted(machine.folder.glob(str(below)))
