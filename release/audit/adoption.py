"""The settings of a repository that has none yet, told from what is in it."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import PurePosixPath
from typing import Any

from packaging.utils import canonicalize_name

from release.artifacts.version_file import Read, project_data, tree_reader, version_file
from release.call.context import Context
from release.errors import ReleaseError
from release.git.repository import repository
from release.git.snapshot import trunk
from release.github.requests import FOLDER
from release.settings import COMPONENTS, DEFAULTS, Settings, read

Found = dict[str, Any]
ASKED = {
    "release.trunk": "the trunk's branch",
    "sdk.path": "the folder with the Python project", "sdk.bucket": "the S3 bucket of the wheels",
    "image.registry": "ecr, or the address of the registry",
    "platform.images": "the images that get the version as their tag",
    "image.config_file": "the file that names the runner image's version",
}  # fmt: skip
NONE: Found = {"platform.images": [], "image.config_file": ""}
S3 = re.compile(r"s3://([a-z0-9][a-z0-9.-]+)/((?:[\w.-]+/)*)")
_TAG = r"(?:\$\{\{.*?\}\}|[^\s\"'])*"
_HOST = r"(?<![\w/.-])((?:[\w-]+\.)+[a-z]{2,}(?::\d+)?)"
_IMAGE = re.compile(rf"{_HOST}/([a-z0-9][a-z0-9._/-]*):(?=\S*\$)({_TAG})")
_VARIABLE = re.compile(r"^(\w*(?:IMAGE|RUNNER)\w*VERSION\w*)(?:: *str)? *= *[\"']\d+\.\d+\.\d+", re.MULTILINE)
_IN_TAG = re.compile(r"\$\{\{.*?\}\}|\$\{?\w+\}?")
INTERFACE, DEFAULT_INTERFACE = "interface", COMPONENTS["sdk"]["interface"]  # the package's folder


def adopted_settings(context: Context) -> tuple[Settings, dict[str, Found], list[str]]:
    """Return the settings, what of them invoke.yaml has to say, and the keys that nothing here tells.

    What is set already stands; at a terminal what nothing tells is asked.
    """
    names = tracked_files(context)
    found = dict(_found(names, tree_reader(repository(context).root)))
    with suppress(ReleaseError):
        found |= {"release.trunk": ""} if trunk(context) else {}  # the remote's HEAD names it
    unknown = [key for key in ASKED if key not in found and setting(context.settings, key) == _default(key)]
    # In a repository of its own the defaults' images are another team's: what nothing tells is not there.
    none = NONE if any(found[key] != _default(key) for key in found) else {}
    for key in unknown if context.report.interactive and not context.options.yes else ():
        answer = context.report.answer(f"{key}, {ASKED[key]} ({none.get(key, _default(key)) or 'none'})?")
        found |= {key: answer.split() if key == "platform.images" else answer} if answer else {}
    left = [key for key in unknown if key not in found]
    found |= {key: none[key] for key in left if key in none}
    if any(found[key] != _default(key) for key in found):
        found["release.components"] = _components(found, names)
    own = {section: _other(section, part) for section, part in asdict(context.settings).items()}
    told = {
        section: _other(section, {key: found[f"{section}.{key}"] for key in keys if f"{section}.{key}" in found})
        for section, keys in DEFAULTS.items()
    }
    stands = read(copy.deepcopy({section: {**told[section], **own[section]} for section in DEFAULTS}))
    told = {section: part for section, part in told.items() if part}
    return stands, told, left


def tracked_files(context: Context) -> list[str]:
    """Return the paths of the working tree's files, but for those that Git ignores."""
    listed = repository(context).git("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    return sorted(listed.split("\0")[:-1])


def setting(settings: Settings, key: str) -> Any:
    """Return the value of a setting by its full name."""
    section, _, name = key.partition(".")
    return getattr(getattr(settings, section), name)


def _default(key: str) -> object:
    return setting(Settings(), key) if key != INTERFACE else DEFAULT_INTERFACE


def _other(section: str, values: Found) -> Found:
    """Return those values that are not the defaults."""
    return {key: value for key, value in values.items() if value != DEFAULTS[section][key]}


def _found(names: list[str], read: Read) -> Iterator[tuple[str, Any]]:
    workflows = "\n".join((read(name) or b"").decode() for name in names if name.startswith(f"{FOLDER}/"))
    if bucket := S3.search(workflows):
        yield "sdk.bucket", bucket[1]
        yield "sdk.prefix", bucket[2]
    images = {name: (host, tag) for host, name, tag in _IMAGE.findall(workflows)}
    runner = next((name for name in images if "runner" in name), "")
    if images:
        host = next(iter(images.values()))[0]
        yield "image.registry", "ecr" if ".dkr.ecr." in host else f"https://{host}"
        yield "platform.images", [name for name in images if name != runner]
    projects = sorted((name for name in names if PurePosixPath(name).name == "pyproject.toml"), key=len)
    if projects:
        folder = str(PurePosixPath(projects[0]).parent)
        yield from _python(names, read, folder)
        modules = [name for name in names if name.endswith(".py") and PurePosixPath(name).is_relative_to(folder)]
        variables = ((name, _VARIABLE.search((read(name) or b"").decode())) for name in modules)
        for name, variable in ((name, variable) for name, variable in variables if variable):
            yield "image.config_file", name
            yield "image.config_variable", variable[1]
            break
    if runner:
        tag = _IN_TAG.sub("{version}", images[runner][1])
        yield from (("image.repository", runner), ("image.tags", tag), ("image.workflow", "runner-images.yaml"))
        if "{python}" not in tag:
            yield "image.pythons", ["3.12"]  # one image, whatever Python is in it


def _python(names: list[str], read: Read, folder: str) -> Iterator[tuple[str, Any]]:
    project = project_data(read, folder).get("project", {})
    roots = (PurePosixPath(folder), PurePosixPath(folder) / "src")
    packages = [path.parent for path in map(PurePosixPath, names) if path.name == "__init__.py"]
    packages = [path for path in packages if path.parent in roots]
    own = [path for path in packages if canonicalize_name(path.name) == canonicalize_name(project.get("name", ""))]
    yield "sdk.path", folder
    yield "sdk.command", next(iter(project.get("scripts", {})), "")
    if fixed := version_file(read, folder):
        yield "sdk.version_file", fixed.path
    if packages and not own:
        yield "sdk.distribution", project.get("name", "")
    for path in (own or packages)[:1]:
        yield "sdk.package", path.name
        yield INTERFACE, str(path)


def _components(found: Found, names: list[str]) -> Found:
    """Return the components: each image's folder, and the package."""
    folders = docker_folders(names)
    parts: Found = {}
    for image in found.get("platform.images", []):
        folder = next((each for each in folders if PurePosixPath(each).name in re.split("[-_/]", image)), "")
        described = next(
            (name for name in names if re.fullmatch(rf"{re.escape(folder)}/openapi\.(yaml|json)", name)), ""
        )
        kind = {"kind": "openapi", "interface": described} if described else {"has_interface": False}
        parts[PurePosixPath(folder or image).name] = {"path": folder or image, **kind, "images": [image]}
    if INTERFACE in found:
        kind = {"kind": "python", "interface": found[INTERFACE], "workflow": DEFAULTS["sdk"]["workflow"]}
        parts["sdk"] = {"path": found["sdk.path"], **kind}
    return parts


def docker_folders(names: list[str]) -> list[str]:
    """Return the folders that an image is built from."""
    return [str(PurePosixPath(name).parent) for name in names if PurePosixPath(name).name == "Dockerfile"]
