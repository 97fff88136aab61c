"""What another repository needs to release with these tasks: its task file, its settings and its workflows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from difflib import SequenceMatcher
from importlib import resources
from pathlib import Path

import yaml
from packaging.specifiers import SpecifierSet

from release.artifacts.oci import registry_url
from release.artifacts.version_file import project_data, tree_reader
from release.audit.adoption import ASKED, adopted_settings, docker_folders, setting, tracked_files
from release.call.context import Context
from release.call.texts import amount
from release.errors import Failed
from release.git.repository import repository
from release.github.requests import FOLDER

IMPORT = "from release import namespace"
PYTHON = "3.12"
TESTED = ("3.10", "3.11", "3.12", "3.13")
SETTINGS = "invoke.yaml"
SECRETS = "".join(
    f"          {name}: ${{{{ secrets.{name} }}}}\n" for name in ("REGISTRY_USERNAME", "REGISTRY_PASSWORD")
)


def starter_files(context: Context) -> dict[str, str]:
    """Return the files' texts by their paths in the repository, as the settings say; where there are none, as it tells.

    What nothing tells, and what a workflow would build from a folder that is not there, is said.
    """
    root = repository(context).root
    files: dict[str, str] = {}
    # A task file that has the tasks is as good as ours, and settings that are there are the team's.
    if IMPORT not in file_text(root / "tasks.py"):
        files["tasks.py"] = _template_text("tasks.py.in", {})
    if not (root / SETTINGS).exists():
        settings, told, unknown = context.once(adopted_settings, lambda: adopted_settings(context))
        context = replace(context, settings=settings)
        files |= {SETTINGS: yaml.safe_dump(told, sort_keys=False)} if told else {}
        for key in unknown:
            stands = f"else it is {setting(settings, key)!r}" if setting(settings, key) else "else there is none"
            context.report.step("note", f"nothing here tells {key}, {ASKED[key]}: set it in {SETTINGS}, {stands}")
    return {**files, **_workflows(context, root)}


def _workflows(context: Context, root: Path) -> dict[str, str]:
    settings, values = context.settings, _values(context, root)
    names = {settings.sdk.workflow: "sdk-release.yaml"}
    names |= {settings.image.workflow: "image.yaml"} if settings.image.config_file else {}
    names |= {settings.platform.workflow or "platform.yaml": "platform.yaml"} if settings.platform.images else {}
    names["release.yaml"] = "release.yaml"
    when = {"image.yaml": "inputs.is_release"}  # what is not to be pushed needs no login
    return {
        f"{FOLDER}/{name}": _template_text(
            f"workflows/{template}", {**values, "@WHEN@": when.get(template, "success()")}
        )
        for name, template in names.items()
    }


def _values(context: Context, root: Path) -> dict[str, str]:
    image, sdk = context.settings.image, context.settings.sdk
    folders = {name: part.path for part in context.settings.components.values() for name in part.images}
    images = [(name, folders.get(name, name)) for name in context.settings.platform.images]
    apart = [folder for folder in docker_folders(tracked_files(context)) if folder not in folders.values()]
    runner = next(
        (each for each in apart if "runner" in each), "images" if "images" in apart or not apart else apart[0]
    )
    for folder in dict.fromkeys([*([runner] if image.config_file else []), *(folder for _, folder in images)]):
        if not (root / folder / "Dockerfile").is_file():
            context.report.step("note", f"{folder}/Dockerfile is not there, and a workflow builds it")
    oci = image.registry != "ecr"
    project = project_data(tree_reader(root), sdk.path).get("project", {})
    wanted = SpecifierSet(project.get("requires-python", ""))
    return {
        "@PYTHON@": PYTHON,
        "@PYTHONS@": json.dumps([each for each in TESTED if wanted.contains(f"{each}.99")])[1:-1],
        "@IMAGE_PYTHONS@": json.dumps(image.pythons)[1:-1],
        "@IMAGE_FOLDER@": runner,
        "@REPOSITORY@": image.repository,
        "@TAG@": image.tags.replace("{python}", "$PYTHON").replace("{version}", "$VERSION"),
        "@IMAGES@": "\n".join(f"          - {{ image: {name}, folder: {folder} }}" for name, folder in images),
        "@LOGIN@\n": _template_text("login-oci.in" if oci else "login-ecr.in", {}),
        "@REGISTRY@": registry_url(image.registry).netloc if oci else "${{ steps.login.outputs.registry }}",
        "@SECRETS@": SECRETS if oci else "",
    }


def _template_text(template: str, values: dict[str, str]) -> str:
    text = resources.files("release").joinpath(f"templates/{template}").read_text(encoding="utf-8")
    for name, value in values.items():
        text = text.replace(name, value)
    return text


def check_files(context: Context, root: Path, texts: Mapping[str, str]) -> None:
    """Say of each file whether it is what would be written; raise Failed where one differs, a line each."""
    found = {path: difference(root / path, text) for path, text in texts.items()}
    for path in [path for path, differs in found.items() if not differs]:
        context.report.step("holds", path)
    if others := [f"{path}: {differs}" for path, differs in found.items() if differs]:
        hint = "Write what is missing: inv release.init; over what differs too: inv release.init --force"
        raise Failed("\n".join(["not what this version would write:", *others]), hint)


def difference(path: Path, text: str) -> str:
    """Say how a file differs from a text, with the first place; nothing where it does not."""
    if not path.is_file():
        return "is not there"
    there, wanted = file_text(path).splitlines(), text.splitlines()
    parts = [each for each in SequenceMatcher(None, there, wanted, autojunk=False).get_opcodes() if each[0] != "equal"]
    if not parts:
        return ""
    _, begin, end, first, last = parts[0]
    gone, new = "".join(there[begin:end][:1]).strip(), "".join(wanted[first:last][:1]).strip()
    change = f"{new!r} is missing" if begin == end else f"{gone!r} is not written"
    change = f"{gone!r} would be {new!r}" if begin < end and first < last else change
    more = f", and {amount(len(parts) - 1, 'other place')}" if len(parts) > 1 else ""
    return f"line {begin + 1}: {change}{more}"


def file_text(path: Path) -> str:
    """Return the file's text, nothing where there is none."""
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def write_file(path: Path, text: str) -> None:
    """Write the file, its folders too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
