"""Building and publishing the package: Python's own tools, and this project's tasks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from release.sandbox.simulation.effects.deliveries import put_file
from release.sandbox.simulation.effects.options import Options, options
from release.sandbox.simulation.shell import Command, Result
from release.sandbox.simulation.unknown import is_known, shown, unknown
from release.sandbox.simulation.work import Refused, Work

_VALUES = {
    *("-o", "--outdir", "--out-dir", "--output", "-w", "--wheel-dir", "-d", "--dist-dir", "-C", "--config-setting"),
    *("--version", "--out", "--wheel", "--prefix", "--python", "-i", "--index-url", "-r", "--find-links", "-f", "-t"),
    *("--target", "--package", "--directory", "--project", "-P"),
}
# A tool's first words, what of them is no folder, and where the wheel goes unless said: below the project, or here.
_BUILDERS: dict[tuple[str, ...], str] = {
    ("python", "-m", "build"): "dist",
    ("pyproject-build",): "dist",
    ("pip", "wheel"): "",
    ("python", "-m", "pip", "wheel"): "",
    ("uv", "build"): "dist",
    ("poetry", "build"): "dist",
    ("hatch", "build"): "dist",
    ("flit", "build"): "dist",
    ("pdm", "build"): "dist",
    ("python", "setup.py"): "dist",
    ("maturin", "build"): "target/wheels",
}
_UPLOADERS = (
    *(("twine", "upload"), ("python", "-m", "twine", "upload"), ("uv", "publish"), ("poetry", "publish")),
    *(("flit", "publish"), ("hatch", "publish"), ("pdm", "publish"), ("maturin", "publish")),
)


def plain_words(words: list[str]) -> list[str]:
    """Return a command without what only finds its program: `python3.11`, `uv run`, `poetry run`, `pipx run`."""
    match words:
        case ["uv" | "poetry" | "pipx" | "hatch" | "pdm", "run", *rest] if rest and not rest[0].startswith("-"):
            return plain_words(rest)
    name = PurePosixPath(words[0]).name
    short = "python" if name.startswith("python") else "pip" if name.startswith("pip") and name != "pipx" else name
    return [short, *words[1:]]


def package(work: Work, command: Command) -> Result | None:
    """Do what a command builds or publishes; nothing where it does neither."""
    words = plain_words(command.words)
    for start, out in _BUILDERS.items():
        if tuple(words[: len(start)]) == start:
            return _build(work, command, words[len(start) :], out)
    if any(tuple(words[: len(start)]) == start for start in _UPLOADERS):
        files = " ".join(word for word in words[2:] if not word.startswith("-"))
        work.tell(
            command.line, f"upload {files or 'the package'} to a package index, which the sandbox has not", "listed"
        )
        return Result(0)
    if words[0] in ("inv", "invoke") or words[:3] in (["python", "-m", "invoke"], ["python", "-m", "inv"]):
        return _tasks(work, command, words[1:] if words[0] != "python" else words[3:])
    return None


def _build(work: Work, command: Command, words: list[str], out: str) -> Result:
    found = options(words, lambda name: name in _VALUES)
    if (found.has("--sdist", "-s") and not found.has("--wheel")) or words[:1] in (["sdist"], ["install"], ["develop"]):
        work.tell(command.line, shown(" ".join(command.words)), "listed")
        return Result(0)
    folders = [each for each in found.rest if each not in ("bdist_wheel", "sdist", "build")]
    folder = folders[0] if folders else "."
    given = found.value("-o", "--outdir", "--out-dir", "--output", "-w", "--wheel-dir", "-d", "--dist-dir")
    project = _inside(work, command, folder)
    target = given or (str(PurePosixPath(folder) / out) if out else ".")
    if project is not None and project != work.means.settings.sdk.path.strip("/").removeprefix("./"):
        work.tell(command.line, f"build the package in {project or '.'}", "listed")
        return Result(0)
    return built(work, command, target, told=project is not None)


def _inside(work: Work, command: Command, folder: str) -> str | None:
    """Return a project's folder in the repository; nothing where it cannot be told."""
    place = work.files.place(command.state.folder, folder)
    workspace = work.machine.workspace.resolve()
    if place is None or not place.is_relative_to(workspace):
        return None
    inside = place.relative_to(workspace).as_posix()
    above = getattr(work.files.tree, "folder", "").rstrip("/")
    return inside.removeprefix(above).strip("/") or "." if above else inside


def built(work: Work, command: Command, target: str, told: bool = True) -> Result:
    """Put the wheel where a build would leave it."""
    place = work.files.place(command.state.folder, target)
    inner = str(place) if place else "dist"
    wheel = work.put_wheel(inner)
    work.tell(command.line, f"build {wheel.name} into {target}/", "effect" if told else "untold")
    return Result(0)


def _tasks(work: Work, command: Command, words: list[str]) -> Result:
    """Do this project's own tasks, one after the other."""
    for name, found in _calls(words):
        if name == "sdk.build":
            built(work, command, found.value("--out") or "dist")
        elif name == "sdk.publish":
            _publish(work, command, found)
        elif name == "sdk.test":
            work.tell(command.line, f"try {found.value('--wheel') or 'the wheel in dist/'}", "listed")
        else:
            work.opaque = command.state.opaque = True
            work.tell(command.line, f"what inv {name} does", "untold")
    return Result(0, unknown(command.label))


def _calls(words: list[str]) -> Iterator[tuple[str, Options]]:
    rest = [*words]
    while rest and rest[0].startswith("-"):
        rest = rest[1:]
    while rest:
        name, *rest = rest
        size, after_value = 0, False
        while size < len(rest) and (rest[size].startswith("-") or after_value):
            after_value = not after_value and rest[size] in _VALUES
            size += 1
        yield name, options(rest[:size], lambda option: option in _VALUES)
        rest = rest[size:]


def _publish(work: Work, command: Command, found: Options) -> None:
    """Publish as `sdk.publish` does: never over other bytes."""
    sdk, files = work.means.settings.sdk, work.files
    folder = command.state.folder
    named = found.value("--wheel") or next(iter(files.paths(folder, "dist/*.whl")), "dist/*.whl")
    place = files.place(folder, named)
    if place is None or not place.is_file():
        if is_known(named) and not work.opaque:
            raise Refused(f"there is no wheel {named}")
        place = work.wheel()
        work.tell(command.line, f"which wheel {named} is: taken as {place.name}", "untold")
    key = f"{'' if found.has('--root') else found.value('--prefix') or sdk.prefix}{place.name}"
    content, there = place.read_bytes(), work.means.cloud.read(key) if is_known(key) else None
    if there is not None and there != content:
        raise Refused(f"s3://{sdk.bucket}/{key} exists with other bytes")
    put_file(work, command.line, f"s3://{sdk.bucket}/{key}", content, command.certain)
