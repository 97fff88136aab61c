"""What another repository needs to release with these tasks: its task file and its workflows."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from release.cli import writes
from release.components import components_of
from release.contracts import FOLDER
from release.ensure import ensure
from release.errors import Conflict

if TYPE_CHECKING:
    from release.world import World

IMPORT = "from release import namespace"
PYTHON = "3.12"
TESTED = ("3.10", "3.11", "3.12", "3.13")


@writes
def init(world: World, force: bool = False) -> list[Path]:
    """Write tasks.py and the workflows into this repository.

    Example: inv release.init
    """
    texts = files(world)
    root = world.repo.root
    other = [path for path, text in texts.items() if (root / path).exists() and _text(root / path) != text]
    if other and not force:
        raise Conflict(f"not written over: {', '.join(other)}", "Compare them, or write over them: --force")
    for path, text in texts.items():
        ensure(
            world,
            f"{path} written",
            find=lambda path=path, text=text: root / path if _text(root / path) == text else None,  # type: ignore[misc]
            make=lambda path=path, text=text: _write(root / path, text),  # type: ignore[misc]
            planned=root / path,
        )
    world.report.line("Then: the environment release with its reviewers and the secret RELEASE_TOKEN,")
    world.report.line("the variables RELEASE_ROLE and AWS_REGION, and: inv release.doctor")
    return [root / path for path in texts]


def files(world: World) -> dict[str, str]:
    """Return the files' texts by their paths in the repository, as the settings name workflows and images."""
    settings = world.settings
    names = {
        settings.sdk.workflow: "sdk-release.yaml",
        settings.image.workflow: "image.yaml",
        settings.platform.workflow or "platform.yaml": "platform.yaml",
        "release.yaml": "release.yaml",
    }
    values = _values(world)
    # A task file that has the tasks is as good as ours.
    known = IMPORT in _text(world.repo.root / "tasks.py")
    texts = {} if known else {"tasks.py": _filled("tasks.py.in", values)}
    return texts | {f"{FOLDER}/{name}": _filled(f"workflows/{template}", values) for name, template in names.items()}


def _values(world: World) -> dict[str, str]:
    image = world.settings.image
    folders = {
        name: part.path for part in components_of(world.settings.release.components).values() for name in part.images
    }
    images = [(name, folders.get(name, name)) for name in world.settings.platform.images]
    return {
        "@PYTHON@": PYTHON,
        "@PYTHONS@": _listed(TESTED),
        "@IMAGE_PYTHONS@": _listed(tuple(image.pythons)),
        "@REPOSITORY@": image.repository,
        "@TAG@": image.tags.replace("{python}", "$PYTHON").replace("{version}", "$VERSION"),
        "@IMAGES@": "\n".join(f"          - {{ image: {name}, folder: {folder} }}" for name, folder in images),
    }


def _filled(template: str, values: dict[str, str]) -> str:
    text = resources.files("release").joinpath("templates", *template.split("/")).read_text(encoding="utf-8")
    for name, value in values.items():
        text = text.replace(name, value)
    return text


def _listed(texts: tuple[str, ...]) -> str:
    return ", ".join(f'"{text}"' for text in texts)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
