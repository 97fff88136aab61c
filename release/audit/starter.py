"""What another repository needs to release with these tasks: its task file and its workflows."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

from release.call.context import Context
from release.git.repository import repository
from release.github.requests import FOLDER

IMPORT = "from release import namespace"
PYTHON = "3.12"
TESTED = ("3.10", "3.11", "3.12", "3.13")


def starter_files(context: Context) -> dict[str, str]:
    """Return the files' texts by their paths in the repository, as the settings name workflows and images."""
    settings, values = context.settings, _values(context)
    names = {
        settings.sdk.workflow: "sdk-release.yaml", settings.image.workflow: "image.yaml",
        settings.platform.workflow or "platform.yaml": "platform.yaml", "release.yaml": "release.yaml",
    }  # fmt: skip
    # A task file that has the tasks is as good as ours.
    known = IMPORT in file_text(repository(context).root / "tasks.py")
    templates = {} if known else {"tasks.py": "tasks.py.in"}
    templates |= {f"{FOLDER}/{name}": f"workflows/{template}" for name, template in names.items()}
    return {path: _template_text(template, values) for path, template in templates.items()}


def _values(context: Context) -> dict[str, str]:
    image = context.settings.image
    folders = {name: part.path for part in context.settings.components.values() for name in part.images}
    images = [(name, folders.get(name, name)) for name in context.settings.platform.images]
    return {
        "@PYTHON@": PYTHON,
        "@PYTHONS@": json.dumps(TESTED)[1:-1],
        "@IMAGE_PYTHONS@": json.dumps(image.pythons)[1:-1],
        "@REPOSITORY@": image.repository,
        "@TAG@": image.tags.replace("{python}", "$PYTHON").replace("{version}", "$VERSION"),
        "@IMAGES@": "\n".join(f"          - {{ image: {name}, folder: {folder} }}" for name, folder in images),
    }


def _template_text(template: str, values: dict[str, str]) -> str:
    text = resources.files("release").joinpath(f"templates/{template}").read_text(encoding="utf-8")
    for name, value in values.items():
        text = text.replace(name, value)
    return text


def file_text(path: Path) -> str:
    """Return the file's text, nothing where there is none."""
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def write_file(path: Path, text: str) -> None:
    """Write the file, its folders too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
