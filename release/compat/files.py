"""The files of an interface at one commit, as plain values, and on disk for a program that needs them there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from release.errors import CouldNotTellError

Files = Mapping[str, bytes]
"""Repository paths (with `/`) to contents."""


def below(sources: Files, folder: str) -> dict[str, bytes]:
    """Give the files under a folder, by their paths relative to it."""
    start = f"{PurePosixPath(folder)}/"
    return {path[len(start) :]: content for path, content in sources.items() if path.startswith(start)}


def write_files(root: Path, files: Files) -> None:
    """Write files below an empty folder of the caller's own.

    Raises CouldNotTellError for a path that would leave the folder, or that the file system refuses.
    """
    for name, content in files.items():
        parts = PurePosixPath(name).parts
        if not parts or parts[0] == "/" or ".." in parts or "\\" in name:
            raise CouldNotTellError(f"the path {name!r} cannot be written to a folder")
        target = root.joinpath(*parts)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        except OSError as error:
            raise CouldNotTellError(f"the file {name!r} cannot be written: {error.strerror}") from error
