"""Where the wheel's version comes from: a file that fixes it is found, and a tag that it would belie refused."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import semver
from packaging.version import InvalidVersion
from packaging.version import Version as PythonVersion

from release import artifacts
from release.call.context import Context
from release.config_py import constant, replace_constant
from release.errors import Blocked, Usage
from release.git.refs import NEW
from release.git.repository import repository

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

VARIABLES = ("__version__", "VERSION", "version")  # as hatchling and flit read one
BY_TAG = re.compile(r"scm|vcs|versioneer|versioningit|dynamic.versioning|dunamai|pbr", re.IGNORECASE)
_TABLE = re.compile(
    r"^\[(?:project|tool\.poetry|metadata)\][ \t]*(?:#.*)?$(?:(?!^\[).)*?"
    r"""^version[ \t]*=[ \t]*["']?([0-9][^"'\s]*)""",
    re.MULTILINE | re.DOTALL,
)
_WHOLE = re.compile(r"\A\s*([0-9]\S*)\s*\Z")
Read = Callable[[str], "bytes | None"]


@dataclass(frozen=True)
class VersionFile:
    """A file that fixes the wheel's version, and the variable that does where it is a module."""

    path: str
    variable: str
    version: str

    def is_of(self, version: semver.Version) -> bool:
        """Whether it names the version, as Python packages spell theirs."""
        try:
            return PythonVersion(self.version) == PythonVersion(artifacts.wheel.python_version(version))
        except InvalidVersion:
            return False

    def text_with(self, content: bytes, version: semver.Version) -> bytes:
        """Return the file's text with the version in place of its own, every other byte as it was."""
        if self.variable:
            return replace_constant(content, self.variable, str(version), self.path)
        text = content.decode()
        found = _pattern(self.path).search(text)
        return (text[: found.start(1)] + str(version) + text[found.end(1) :]).encode() if found else content


def tree_reader(root: Path) -> Read:
    """Return what reads a file below the folder by its path, None where there is none."""
    return lambda path: (root / path).read_bytes() if (root / path).is_file() else None


def version_file(read: Read, folder: str) -> VersionFile | None:
    """Return the file that fixes the version of the project in the folder, by what its pyproject.toml names.

    None for a version by the tag, and where no reading tells: see `is_by_tag`.
    """
    for path, variables in _named(read, folder_prefix(folder)):
        content = read(path)
        for variable in variables if content is not None and path.endswith(".py") else ():
            with suppress(Usage):
                return VersionFile(path, variable, constant(content or b"", variable, path))
        found = None if content is None or path.endswith(".py") else _pattern(path).search(content.decode())
        if found:
            return VersionFile(path, "", found[1])
    return None


def is_by_tag(read: Read, folder: str) -> bool:
    """Whether the project names a plugin that takes the version from the tag."""
    setup = (read(f"{folder_prefix(folder)}setup.py") or b"").decode()
    return bool(BY_TAG.search(_plugins(project_data(read, folder)) + setup))


def project_data(read: Read, folder: str) -> dict[str, Any]:
    """Return the project's pyproject.toml, nothing where there is none; raise Usage for one that is no TOML."""
    path = f"{folder_prefix(folder)}pyproject.toml"
    try:
        return tomllib.loads((read(path) or b"").decode())
    except ValueError as error:
        raise Usage(f"{path}: {error}", "Mend it.") from error


def _plugins(data: Any) -> str:
    """Return the part of pyproject.toml in which a plugin for the version is named."""
    tool = data.get("tool", {})
    return str([data.get("build-system"), [*tool], _get(tool, "hatch", "version"), _get(tool, "pdm", "version")])


def folder_prefix(folder: str) -> str:
    """Return what comes before a path in the folder, nothing for the repository's own."""
    return "" if folder in ("", ".") else f"{folder.rstrip('/')}/"


def wheel_version_file(context: Context, sha: str) -> VersionFile | None:
    """Return the file that fixes the wheel's version at the commit; raise Usage where the settings name another."""
    repo = repository(context)
    repo.need_commit(sha)
    return fixed_version_file(context, lambda path: repo.file(sha, path))


def fixed_version_file(context: Context, read: Read) -> VersionFile | None:
    """Return the file that fixes the wheel's version in what is read; raises as `wheel_version_file` does."""
    sdk = context.settings.sdk
    found = version_file(read, sdk.path)
    if sdk.version_file and (found is None or found.path != sdk.version_file):
        where = f"comes from {found.path}" if found else "is in no file that pyproject.toml names"
        what = f"sdk.version_file is {sdk.version_file}, but the wheel's version {where}"
        raise Usage(what, "Set sdk.version_file in invoke.yaml.")
    return found


def check_wheel_version(context: Context, sha: str, version: semver.Version, *, is_set: bool = False) -> None:
    """Raise Blocked when a wheel built from the commit, tagged with the version, would have another.

    With `is_set` the release sets it in `sdk.version_file` before it tags.
    """
    found = None if sha == NEW else wheel_version_file(context, sha)
    if found is None or found.is_of(version) or (is_set and context.settings.sdk.version_file):
        return
    ways = f"sdk.version_file: {found.path} in invoke.yaml has a release set it; or take the version from the tag."
    if context.settings.sdk.version_file and not context.settings.image.config_file:
        ways = f"Set it there first, by a pull request: {version}"
    elif context.settings.sdk.version_file:
        ways = f"Set it, with the image's version: inv image.release --version {version}"
    raise Blocked(f"the tag would be {version}, the wheel {found.version}: {found.path} at {sha[:9]} fixes it", ways)


def _pattern(path: str) -> re.Pattern[str]:
    return _TABLE if path.endswith((".toml", ".cfg")) else _WHOLE


def _named(read: Read, at: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the files that may fix the version, with the variables that would, as the project's back end reads them."""
    data = project_data(read, at)
    tool, project = data.get("tool", {}), data.get("project", {})
    if "version" not in project and BY_TAG.search(_plugins(data)):
        return
    if "version" in project or "poetry" in tool:
        yield f"{at}pyproject.toml", ()
    for table in (_get(tool, "hatch", "version"), _get(tool, "pdm", "version")):
        if isinstance(table, dict) and "path" in table:
            yield f"{at}{table['path']}", VARIABLES
    dynamic = _get(tool, "setuptools", "dynamic", "version") or {}
    if "attr" in dynamic:
        module, _, variable = dynamic["attr"].rpartition(".")
        yield from _modules(at, module, variable)
    files = dynamic.get("file", [])
    yield from ((f"{at}{name}", ()) for name in ([files] if isinstance(files, str) else files))
    backend = str(_get(data, "build-system", "build-backend"))
    if backend.startswith("flit"):
        module = _get(tool, "flit", "module", "name") or project.get("name", "").replace("-", "_")
        yield from _modules(at, module, "__version__")
    if backend == "None" or "setuptools" in backend:
        yield f"{at}setup.cfg", ()


def _modules(at: str, module: str, variable: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    stem = module.replace(".", "/")
    for root in ("", "src/"):
        yield f"{at}{root}{stem}/__init__.py", (variable,)
        yield f"{at}{root}{stem}.py", (variable,)


def _get(data: Any, *keys: str) -> Any:
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data
