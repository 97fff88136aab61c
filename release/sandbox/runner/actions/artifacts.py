"""actions/upload-artifact and actions/download-artifact: files passed from job to job."""

from __future__ import annotations

import fnmatch
import hashlib
import os
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

from release.sandbox.runner.machine import ActionFailed, Inputs, Machine, Outputs, check_inside

_MAGIC = set("*?[")
_NAME = re.compile(r'[^":<>|*?\r\n\\/]+')


def upload_artifact(machine: Machine, inputs: Inputs, env: Mapping[str, str]) -> Outputs:
    """Pack files into a new artifact of the run; one name is used once in an attempt, unless `overwrite`."""
    name = inputs.get("name", "artifact")
    if not _NAME.fullmatch(name):
        raise ActionFailed(f"The artifact name is not valid: {name}")
    archive = machine.run.folder / "artifacts" / f"attempt-{machine.run.root.attempt}" / f"{name}.zip"
    if archive.exists() and inputs.get("overwrite") != "true":
        raise ActionFailed(f"Failed to CreateArtifact: an artifact with the name {name!r} already exists")
    files = _matching_files(machine.workspace, inputs.get("path", ""), inputs.get("include-hidden-files") == "true")
    if not files:
        return _nothing(machine, inputs)
    for path in files.values():
        machine.inside(path)
    digest = _pack(files, archive)
    machine.run.artifacts[name] = archive
    machine.log.write(f"Artifact {name} has been successfully uploaded: {len(files)} file(s), SHA256 {digest}")
    return {"artifact-id": str(machine.job.id), "artifact-digest": digest}


def _nothing(machine: Machine, inputs: Inputs) -> Outputs:
    said = f"No files were found with the provided path: {inputs.get('path', '')}. No artifacts will be uploaded."
    if inputs.get("if-no-files-found") == "error":
        raise ActionFailed(said)
    machine.log.write(said if inputs.get("if-no-files-found") == "ignore" else f"##[warning]{said}")
    return {}


def download_artifact(machine: Machine, inputs: Inputs, env: Mapping[str, str]) -> Outputs:
    """Unpack one artifact by name, or every one that fits the pattern into a folder of its own."""
    folder = machine.inside(machine.workspace / inputs.get("path", "."))
    kept = dict(machine.run.artifacts)
    name, merged = inputs.get("name", ""), inputs.get("merge-multiple") == "true"
    if name and name not in kept:
        raise ActionFailed(f"Unable to download artifact(s): Artifact not found for name: {name}")
    wanted = [name] if name else fnmatch.filter(kept, inputs.get("pattern", "*"))
    for one in wanted:
        _unpack(kept[one], folder if name or merged else folder / one, machine.folder)
        machine.log.write(f"Downloaded artifact {one}")
    return {"download-path": str(folder)}


def _matching_files(workspace: Path, patterns: str, hidden: bool) -> dict[str, Path]:
    # The names in the archive start at the least common folder of all search paths.
    lines = [line.strip() for line in patterns.splitlines() if line.strip()]
    wanted = [_split(workspace / line) for line in lines if not line.startswith("!")]
    unwanted = [_split(workspace / line[1:]) for line in lines if line.startswith("!")]
    files = _files(wanted) - _files(unwanted)
    if not files:
        return {}
    root = Path(os.path.commonpath([base for base, _ in wanted]))
    start = root.parent if root.is_file() else root
    named = {path.relative_to(start).as_posix(): path for path in sorted(files)}
    return {name: path for name, path in named.items() if hidden or not _is_hidden(name)}


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))


def _split(pattern: Path) -> tuple[Path, str]:
    parts = pattern.parts
    plain = next((at for at, part in enumerate(parts) if _MAGIC & set(part)), len(parts))
    return Path(*parts[:plain]), "/".join(parts[plain:])


def _files(wanted: list[tuple[Path, str]]) -> set[Path]:
    found = [path for base, rest in wanted for path in (base.glob(rest) if rest else [base])]
    return {one for path in found for one in ([path] if path.is_file() else path.rglob("*")) if one.is_file()}


def _pack(files: Mapping[str, Path], archive: Path) -> str:
    archive.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as opened:
        for name, path in files.items():
            opened.write(path, name)
    return hashlib.sha256(archive.read_bytes()).hexdigest()


def _unpack(archive: Path, folder: Path, within: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive) as opened:
        for name in opened.namelist():
            check_inside(folder / name, within)
        opened.extractall(folder)
