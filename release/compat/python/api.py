"""Compare two versions of a Python package by their sources, without importing or running them."""

from __future__ import annotations

import ast
import tempfile
import warnings
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from release.compat.python.surface import python_changes
from release.compat.verdicts import Comparison, Files, verdict_on, write_files
from release.errors import CouldNotTellError

if TYPE_CHECKING:
    import griffe

NOT_COVERED = (
    "names made at run time", "all but the last of several definitions under conditions",
    "behaviour behind an unchanged signature", "a new value of the same type in a module's constant",
    "protected names that subclasses use",
)  # fmt: skip
COMPILED = frozenset({".so", ".pyd", ".pyx"})


def python_comparison(interface: str, before: Files, after: Files) -> Comparison:
    """Compare the package in the folder `interface` at both sides.

    Raises CouldNotTellError when a side is empty, has a module that does not parse or is compiled, or when griffe is
    missing or left a module out (it skips what it cannot read without a word).
    """
    with tempfile.TemporaryDirectory() as name:
        sides = {"earlier": before, "later": after}
        earlier, later = (_package(interface, files, Path(name, side), side) for side, files in sides.items())
        found = python_changes(earlier, later, interface)
    return verdict_on(found, NOT_COVERED)


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


def _is_importable(path: str) -> bool:
    """Leave out what no import statement can name, such as templates in folders with a hyphen."""
    place = PurePosixPath(path)
    return place.suffix in {".py", ".pyi"} and all(part.isidentifier() for part in place.with_suffix("").parts)


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
    try:
        import griffe
    except ImportError as error:
        raise CouldNotTellError("griffe is not installed: pip install 'release-tasks[compat]'") from error
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
