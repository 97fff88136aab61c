"""The SDK's wheel, really built from a commit of the copy, once for each that is asked for."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path

from release.artifacts.build import PIP, TIMEOUT, build_wheel
from release.call.programs import child_environment
from release.errors import Failed, ReleaseError, Usage
from release.sandbox.git import Bare
from release.sandbox.runner.confinement import check_confinement, confined
from release.sandbox.runner.process import Command
from release.settings import Sdk


class NotBuilt(Exception):
    """The commit's wheel cannot be built here; the text says why."""


class Wheels:
    """Builds wheels into a folder; a build sees no index and no credentials.

    It is the repository's own code: where this machine can set it apart, it has no network and no home either (F36).
    """

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
            if _is_confinable():
                return self._build_apart(source, place)
            return build_wheel(source, place / "dist", variables=self.environment)
        except ReleaseError as error:
            return NotBuilt(f"the wheel of {sha[:7]} cannot be built here: {error}")

    def _build_apart(self, source: Path, place: Path) -> Path:
        own = {"HOME": place / "home", "TMPDIR": place / "temporary"}
        for folder in own.values():
            folder.mkdir()
        env = child_environment({**self.environment, **{name: str(folder) for name, folder in own.items()}})
        hidden = [each.parent for each in self.bare.lenders]
        argv = [*PIP, "wheel", "--quiet", "--no-deps", "--wheel-dir", str(place / "dist"), str(source)]
        with confined(Command(argv, place, env), place, shown=self._objects, hidden=hidden) as command:
            done = subprocess.run(
                command.argv, env=dict(command.env), pass_fds=command.handed, capture_output=True, text=True,
                timeout=TIMEOUT, check=False,
            )  # fmt: skip
        built = next((place / "dist").glob("*.whl"), None)
        if done.returncode or built is None:
            raise Failed("\n".join((done.stderr.strip() or done.stdout.strip()).splitlines()[-15:]))
        return built

    @property
    def _objects(self) -> list[Path]:
        """Where the objects of the copy are: it borrows those of the repository that it is of."""
        return [self.bare.path.resolve() / "objects", *self.bare.lenders]

    def _check_out(self, folder: Path, sha: str, tag: str) -> Path:
        """Check out what the build needs: the SDK's folder and the files above it, by reference to the copy."""
        folder.mkdir(parents=True)
        work = Bare(folder)
        work.git("init", "--quiet", "--template=")
        (folder / ".git" / "objects" / "info").mkdir(parents=True, exist_ok=True)
        (folder / ".git" / "objects" / "info" / "alternates").write_text(f"{self._objects[0]}\n", encoding="utf-8")
        tags = self.bare.refs(f"refs/tags/{tag}") if tag else self.bare.refs("refs/tags")
        lines = [f"create {ref} {target}\n" for ref, target in tags.items()]
        work.git("update-ref", "--stdin", text="".join(lines))
        if self.sdk.path not in ("", "."):
            work.git("sparse-checkout", "set", self.sdk.path)
        work.git("-c", "advice.detachedHead=false", "checkout", "--quiet", "--detach", sha)
        return folder / self.sdk.path


def _is_confinable() -> bool:
    try:
        check_confinement()
    except Usage:
        return False
    return True
