"""The SDK's wheel, really built from a commit of the copy, once for each that is asked for."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

from release.artifacts.build import build_wheel
from release.errors import ReleaseError
from release.sandbox.git import Bare
from release.settings import Sdk


class NotBuilt(Exception):
    """The commit's wheel cannot be built here; the text says why."""


class Wheels:
    """Builds wheels into a folder; the build sees no network and no credentials."""

    def __init__(self, bare: Bare, folder: Path, sdk: Sdk, environment: Mapping[str, str]) -> None:
        self.bare = bare
        self.folder = folder
        self.sdk = sdk
        self.environment = environment
        self._built: dict[tuple[str, str], Path | NotBuilt] = {}
        self._lock = threading.Lock()

    def wheel(self, sha: str, tag: str = "") -> Path:
        """Return the wheel of a commit; `tag` is the only one that is seen there, nothing stands for all of them.

        Raises `NotBuilt`.
        """
        with self._lock:
            if (sha, tag) not in self._built:
                self._built[sha, tag] = self._build(sha, tag)
        found = self._built[sha, tag]
        if isinstance(found, NotBuilt):
            raise found
        return found

    def _build(self, sha: str, tag: str) -> Path | NotBuilt:
        place = self.folder / f"wheel-{len(self._built)}"
        try:
            source = self._check_out(place / "source", sha, tag)
            return build_wheel(source, place / "dist", variables=self.environment)
        except ReleaseError as error:
            return NotBuilt(f"the wheel of {sha[:7]} cannot be built here: {error}")

    def _check_out(self, folder: Path, sha: str, tag: str) -> Path:
        """Check out what the build needs: the SDK's folder and the files above it, by reference to the copy."""
        folder.mkdir(parents=True)
        work = Bare(folder)
        work.git("init", "--quiet", "--template=")
        objects = self.bare.path.resolve() / "objects"
        (folder / ".git" / "objects" / "info").mkdir(parents=True, exist_ok=True)
        (folder / ".git" / "objects" / "info" / "alternates").write_text(f"{objects}\n", encoding="utf-8")
        tags = self.bare.refs(f"refs/tags/{tag}") if tag else self.bare.refs("refs/tags")
        lines = [f"create {ref} {target}\n" for ref, target in tags.items()]
        work.git("update-ref", "--stdin", text="".join(lines))
        if self.sdk.path not in ("", "."):
            work.git("sparse-checkout", "set", self.sdk.path)
        work.git("-c", "advice.detachedHead=false", "checkout", "--quiet", "--detach", sha)
        return folder / self.sdk.path
