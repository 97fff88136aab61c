"""Fetch what tables are made of: public repositories and released packages."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from functools import cache
from pathlib import Path

KEPT = Path(os.environ.get("TABLES", Path(tempfile.gettempdir(), "release-tables")))


class Unreachable(Exception):
    """What the table is made of could not be fetched."""


@cache
def repository(name: str, ref: str = "") -> Path:
    """Return a copy of a repository of github.com at the tag or branch; at its head when none is given."""
    folder = KEPT / f"{name.replace('/', '+')}@{ref or 'HEAD'}"
    if not folder.exists():
        at = ["--branch", ref] if ref else []
        _run(["git", "clone", "-q", "--depth", "1", *at, f"https://github.com/{name}", str(folder)], name)
    return folder


@cache
def history(name: str) -> Path:
    """Return a copy of a repository of github.com with all its history."""
    folder = KEPT / f"{name.replace('/', '+')}@history"
    if not folder.exists():
        _run(["git", "clone", "-q", f"https://github.com/{name}", str(folder)], name)
    return folder


@cache
def wheel(package: str, version: str) -> dict[str, bytes]:
    """Return the files of a released wheel: its paths to contents."""
    with zipfile.ZipFile(_download(package, version, "--only-binary")) as archive:
        return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}


@cache
def sdist(package: str, version: str) -> dict[str, bytes]:
    """Return the files of a released source archive, without its top folder."""
    with tarfile.open(_download(package, version, "--no-binary")) as archive:
        files = [(each.name.partition("/")[2], archive.extractfile(each)) for each in archive if each.isfile()]
        return {name: content.read() for name, content in files if content is not None}


@cache
def package(requirement: str) -> Path:
    """Return a folder with an installed package and what it needs."""
    folder = KEPT / requirement
    if not folder.exists():
        pip = [sys.executable, "-m", "pip", "install", "-q", "--target", str(folder)]
        _run([*pip, requirement], requirement)
    return folder


@cache
def modules(requirement: str) -> Path:
    """Return the folder of modules in which a package of npm's is, with what it needs."""
    folder = KEPT / requirement.replace("/", "+")
    if not folder.exists():
        npm = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]
        _run([*npm, str(folder), requirement], requirement)
    return folder / "node_modules"


def _download(package: str, version: str, kind: str) -> Path:
    folder = KEPT / f"{package}-{version}{kind}"
    if not any(folder.glob("*")):
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--ignore-requires-python"]
        _run([*pip, kind, ":all:", "-d", str(folder), f"{package}=={version}"], f"{package} {version}")
    return next(folder.glob("*"))


def _run(command: list[str], name: str) -> None:
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise Unreachable(f"{name}: there is no {command[0]}") from error
    if ended.returncode:
        raise Unreachable(f"{name}: {(ended.stderr.strip().splitlines() or ['it said nothing'])[-1]}")
