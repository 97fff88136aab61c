"""Compare two versions of a Python package by their sources, without importing or running them."""

from __future__ import annotations

import ast
import logging
import re
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from release.compat.python.surface import python_changes
from release.compat.verdicts import Change, Comparison, Files, verdict_on, write_files
from release.errors import CouldNotTellError

if TYPE_CHECKING:
    import griffe

NOT_COVERED = (
    "names made at run time", "all but the last of several definitions under conditions",
    "behaviour behind an unchanged signature", "a new value of the same type in a module's constant",
    "protected names that subclasses use",
)  # fmt: skip
_UNREAD = re.compile(r"(.*):(\d+): Failed to get ")  # how griffe begins what it says of an expression
MODULES = frozenset({".py", ".pyi"})
COMPILED = frozenset({".so", ".pyd", ".pyx"})


def python_comparison(interface: str, before: Files, after: Files) -> Comparison:
    """Compare the package in the folder `interface` at both sides.

    Raises CouldNotTellError when a side is empty, has a module that does not parse or is compiled, or when griffe is
    missing or left a module out (it skips what it cannot read without a word).
    """
    try:
        from griffe import GriffeError
    except ImportError as error:
        raise CouldNotTellError("griffe is not installed: pip install 'release-tasks[compat]'") from error
    sides = {"earlier": before, "later": after}
    with tempfile.TemporaryDirectory() as name, _warnings() as told:
        try:
            earlier, later = (_package(interface, sides[side], Path(name, side), side) for side in sides)
            unread = [_unread(told, interface, files, f"{Path(name, side)}/") for side, files in sides.items()]
            found = python_changes(earlier, later, interface)
        except GriffeError as error:
            said = re.sub(r" \(in .*\)", "", str(error))  # a temporary path
            raise CouldNotTellError(f"griffe cannot read {interface}: {said}") from error
    # What griffe left out on both sides, and is written as it was, did not change.
    left = [Change(f"griffe cannot read: {line}", file, certain=False) for file, line in unread[0] ^ unread[1]]
    return verdict_on([*found, *left], NOT_COVERED)


@contextmanager
def _warnings() -> Iterator[list[str]]:
    """Keep griffe's warnings from people, who would see temporary paths, and list them."""
    told: list[str] = []
    logger, handler = logging.getLogger("griffe"), logging.Handler()
    handler.emit = lambda record: told.append(record.getMessage())  # type: ignore[method-assign]
    propagated, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield told
    finally:
        logger.propagate = propagated
        logger.removeHandler(handler)


def _unread(told: list[str], interface: str, files: Files, root: str) -> set[tuple[str, str]]:
    """Return what griffe could not read below the folder: the file, and the line as written."""
    found = set()
    for path, number in [match.groups() for each in told if (match := _UNREAD.match(each))]:
        if path.startswith(root):
            file = str(PurePosixPath(interface).parent / path.removeprefix(root))
            found.add((file, files[file].decode(errors="replace").splitlines()[int(number) - 1].strip()))
    return found


def _package(interface: str, sources: Files, root: Path, side: str) -> griffe.Module:
    name, start = PurePosixPath(interface).name, f"{PurePosixPath(interface)}/"
    files = {path.removeprefix(start): content for path, content in sources.items() if path.startswith(start)}
    modules = {path: content for path, content in files.items() if _is_importable(path)}
    if not modules:
        raise CouldNotTellError(f"there is no Python package in {interface} at the {side} side")
    _check_not_compiled(files, f"{interface}/", side)
    # Folders without an __init__.py can be imported too, but griffe would leave them out.
    folders = {parent for path in modules for parent in PurePosixPath(path).parents}
    inits = {str(folder / "__init__.py"): b"" for folder in folders}
    write_files(root / name, {**inits, **modules})
    try:
        package = _griffe_module(name, root)
        _check_complete(package, modules, side)
    except CouldNotTellError:
        for path, content in sorted(modules.items()):
            _check_parses(content, f"{interface}/{path} at the {side} side")
        raise
    return package


def is_source(path: str) -> bool:
    """Whether the file may be a module, written or compiled."""
    return PurePosixPath(path).suffix in MODULES | COMPILED


def _is_importable(path: str) -> bool:
    """Leave out what no import statement can name, such as templates in folders with a hyphen."""
    place = PurePosixPath(path)
    return place.suffix in MODULES and all(part.isidentifier() for part in place.with_suffix("").parts)


def _check_parses(content: bytes, name: str) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise CouldNotTellError(f"{name} does not parse: {error}") from error


def _check_not_compiled(files: Files, prefix: str, side: str) -> None:
    for path in sorted(files):
        place = PurePosixPath(path)
        stem = str(place.with_name(place.name.split(".", 1)[0]))
        if place.suffix in COMPILED and f"{stem}.pyi" not in files:
            raise CouldNotTellError(f"{prefix}{path} at the {side} side is compiled, and has no stub (.pyi) to compare")


def _griffe_module(name: str, root: Path) -> griffe.Module:
    import griffe

    loader = griffe.GriffeLoader(search_paths=[root], allow_inspection=False)
    package = loader.load(name, try_relative_path=False)
    loader.resolve_aliases(external=False)
    if not isinstance(package, griffe.Module):
        raise CouldNotTellError(f"griffe took {name} for something that is not a package")
    return package


def _check_complete(package: griffe.Module, modules: Files, side: str) -> None:
    for path in sorted(modules):
        parts = PurePosixPath(path).with_suffix("").parts
        found: griffe.Object | griffe.Alias | None = package
        for part in parts[:-1] if parts[-1] == "__init__" else parts:
            found = found.members.get(part) if found is not None and not found.is_alias else None
        if found is None:
            raise CouldNotTellError(f"griffe did not load {path} at the {side} side")
