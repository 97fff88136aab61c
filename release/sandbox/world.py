"""One whole sandbox: a remote with its GitHub, a cloud, and a clone to work in, in a temporary folder."""

from __future__ import annotations

import atexit
import fcntl
import os
import re
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING

from release.config_py import constant
from release.errors import Usage
from release.sandbox.cloud import Cloud
from release.sandbox.git import Bare
from release.sandbox.github.app import GitHub
from release.sandbox.github.git import configure_bare
from release.sandbox.github.records import TOKEN
from release.sandbox.rehearsal.copy import History, copy_history
from release.sandbox.sample import replay
from release.sandbox.simulation import Simulation
from release.settings import Image
from release.versions import image_tags, parse
from release.workflows import PERMISSIVE

if TYPE_CHECKING:
    from typing_extensions import Self

OLDEST_GIT = (2, 38)  # the first whose merge-tree writes a tree: what merges pull requests here
REMOTE = "remote.git"
WORK = "platform"
_PREFIX, _LOCK, _YOUNG = "release-sandbox-", "lock", 60  # seconds in which a new one is locked for sure
_PERSON = {f"GIT_{who}_NAME": "Release Person" for who in ("AUTHOR", "COMMITTER")}
_PERSON |= {f"GIT_{who}_EMAIL": "person@example.com" for who in ("AUTHOR", "COMMITTER")}
_NO_PROXY = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
_GIT_CONFIG = """[user]
\tname = Release Person
\temail = person@example.com
[init]
\tdefaultBranch = main
[advice]
\tdetachedHead = false
[gc]
\tauto = 0
[maintenance]
\tauto = false
[core]
\tfsync = none
"""


class Sandbox:
    """A world of its own, from `with` to its end; what it started ends with it and its folder goes."""

    def __init__(
        self,
        files: Mapping[str, str] | None = None,
        cloud: bool = True,
        owner: str = "acme",
        history: History | None = None,
        execute: bool = True,
    ) -> None:
        """Make it of the sample, of one commit with `files`, or of another repository's `history`.

        Its workflows' steps really run; with `execute` off, what they would do is told from their text. Raises Usage
        for a Git that is too old for its GitHub.
        """
        _check_git()
        self.folder, self._lock = _new_folder()
        self._execute = execute
        self.simulation: Simulation | None = None
        try:
            self.home = self.folder / "home"
            self.home.mkdir()
            self.git_config = self.home / ".gitconfig"
            self.git_config.write_text(_GIT_CONFIG, encoding="utf-8")
            trunk = history.trunk if history else "main"
            self.bare, clone = Bare(self.folder / REMOTE), Bare(self.folder / WORK)
            self.work = clone.path
            if history:
                copy_history(self.bare, clone, history)
            else:
                copy_repositories(self.folder, files)
            names = history.repository.split("/") if history else [owner]
            self.github = GitHub(self.bare, self.folder, *names)
            self.cloud = Cloud(history.settings if history else None) if cloud else None
            self._past = past_image_tags(self.bare, history.settings.image) if history else _template_tags(_key(files))
            follow_remote(clone, self.github.clone_url, trunk)
            self.github.hub.settings.default_branch = trunk
            if history:  # which it is only an administrator may read; nobody shall be told of what he has not to mend
                self.github.hub.default_grants = PERMISSIVE
        except BaseException:
            self._remove()
            raise

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start the servers."""
        self.github.start()
        if self.cloud:
            self.cloud.start(self._past)
        self.github.hub.job_environment = self.job_environment()
        if self.cloud and not self._execute:
            self.simulation = Simulation(self.cloud, self.job_environment())
            self.github.use_runner(self.simulation.runner)

    def close(self) -> None:
        """End the runs and the servers, and remove the folder."""
        self.github.stop()
        if self.cloud:
            self.cloud.stop()
        self.bare.objects.close()
        self._remove()

    def _remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.close()

    def environment(self) -> dict[str, str]:
        """Name the variables with which any task runs against this sandbox, on top of the process's own."""
        scripts = str(Path(sys.executable).parent)
        return {
            "GITHUB_TOKEN": TOKEN,
            "GITHUB_API_URL": self.github.api_url,
            "GITHUB_SERVER_URL": self.github.url,
            "GITHUB_REPOSITORY": self.github.hub.full_name,
            **(self.cloud.environment() if self.cloud else {}),
            "GIT_CONFIG_GLOBAL": str(self.git_config),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "HOME": str(self.home),
            "PATH": os.pathsep.join([scripts, os.environ.get("PATH", os.defpath)]),
            "PIP_NO_INDEX": "1",
            # pip inverts this one: 0 means no isolation, so that builds use what is installed.
            "PIP_NO_BUILD_ISOLATION": "0",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            **dict.fromkeys(_NO_PROXY, ""),
            "INVOKE_RELEASE_NOTIFY_WEBHOOK": "",  # nobody is told of a release that is none
            "INVOKE_IMAGE_SMOKE": "0",  # no registry here has what an image is made of
            **({"INVOKE_SDK_SMOKE": "0"} if self.simulation else {}),  # nor is a wheel that no step built
            "NO_PROXY": "127.0.0.1,localhost",
        }

    def write_environment(self) -> Path:
        """Write a file for a shell to `source`: the variables, and the way into the clone; for this user alone."""
        file = self.folder / "environment.sh"
        lines = [f"export {name}={shlex.quote(value)}" for name, value in self.environment().items()]
        file.touch(mode=0o600)
        file.write_text("\n".join([*lines, f"cd {shlex.quote(str(self.work))}", ""]), encoding="utf-8")
        return file

    def job_environment(self) -> dict[str, str]:
        """Name all variables of a job: a runner has no token of the user, and nothing of the user's process."""
        ours = {
            key: value for key, value in self.environment().items() if key not in ("GITHUB_TOKEN", "HOME") and value
        }
        kept = {key: os.environ[key] for key in ("LC_ALL", "TMPDIR", "TZ", "USER") if key in os.environ}
        return {**kept, **ours}


def copy_repositories(folder: Path, files: Mapping[str, str] | None) -> None:
    """Put a remote and the user's repository into a folder: one commit with these files, or the sample's history."""
    template = _template(_key(files))
    for name in (REMOTE, WORK):
        shutil.copytree(template / name, folder / name, symlinks=True)
    # The copies are other files to Git's index, though their content is the same.
    Bare(folder / WORK).git("update-index", "-q", "--refresh")


def past_image_tags(bare: Bare, image: Image) -> list[str]:
    """Return the tags of every image that config.py ever named in this history: they are built."""
    tags: dict[str, None] = {}
    for sha in bare.git("log", "--all", "--format=%H", "--", image.config_file).split() if image.config_file else ():
        with suppress(Usage):  # a commit in which it named none
            named = constant((bare.file(sha, image.config_file) or "").encode(), image.config_variable)
            tags |= dict.fromkeys(image_tags(image.tags, parse(named), image.pythons))
    return list(tags)


def follow_remote(work: Bare, url: str, trunk: str = "main") -> None:
    """Have the user's repository follow a remote, as after a clone; its token is asked of the environment."""
    server = "/".join(url.split("/")[:3])
    helper = "!f() { echo username=x-access-token; echo password=$GITHUB_TOKEN; }; f"
    with (work.path / ".git" / "config").open("a", encoding="utf-8") as config:
        config.write(f'[remote "origin"]\n\turl = {url}\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n')
        config.write(f'[branch "{trunk}"]\n\tremote = origin\n\tmerge = refs/heads/{trunk}\n')
        config.write(f'[credential "{server}"]\n\thelper = "{helper}"\n')


@cache
def _check_git() -> None:
    said = Bare(Path.cwd()).git("version").strip()
    if tuple(map(int, re.findall(r"[0-9]+", said)[:2])) < OLDEST_GIT:
        oldest = ".".join(map(str, OLDEST_GIT))
        raise Usage(f"the sandbox needs Git {oldest}, and this is {said}", f"Install Git {oldest} or newer.")


def _key(files: Mapping[str, str] | None) -> tuple[tuple[str, str], ...] | None:
    return None if files is None else tuple(sorted(files.items()))


def _new_folder() -> tuple[Path, IO[bytes]]:
    """Make a sandbox's folder with the lock that it holds while it lives, and take away those of killed ones (F33)."""
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX)).resolve()
    lock = (folder / _LOCK).open("wb")
    fcntl.flock(lock, fcntl.LOCK_EX)
    for other in folder.parent.glob(f"{_PREFIX}{'[a-z0-9_]' * 8}"):
        if _is_left(other):
            shutil.rmtree(other, ignore_errors=True)
    return folder, lock


def _is_left(folder: Path) -> bool:
    """Tell whether a sandbox's folder is one that a killed call of this user left: nobody holds its lock."""
    with suppress(OSError):  # it is gone, another user's, without a lock, or it lives
        if folder.is_symlink() or time.time() - folder.stat().st_mtime < _YOUNG:
            return False
        with (folder / _LOCK).open("r+b") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    return False


@cache
def _template_tags(files: tuple[tuple[str, str], ...] | None) -> list[str]:
    bare = Bare(_template(files) / REMOTE)
    found = past_image_tags(bare, Image())
    bare.objects.close()
    return found


@cache
def _template(files: tuple[tuple[str, str], ...] | None) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="release-sandbox-template-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    bare = Bare(folder / REMOTE)
    bare.path.mkdir()
    bare.git("init", "--quiet", "--bare", "--template=", "--initial-branch=main")
    if files is None:
        replay(bare.path)
    else:
        _commit_files(bare, folder / "once", dict(files))
    configure_bare(bare)
    _clone(bare, folder / WORK)
    for repository in (bare, Bare(folder / WORK)):
        _pack(repository)
    return folder


def _pack(repository: Bare) -> None:
    """Leave few files and folders to copy."""
    repository.git("repack", "-a", "-d", "-q")
    repository.git("pack-refs", "--all")
    objects = Path(repository.git("rev-parse", "--path-format=absolute", "--git-path", "objects").strip())
    for place in objects.glob("??"):
        place.rmdir()


def _commit_files(bare: Bare, folder: Path, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    bare.git("--work-tree", str(folder), "add", "--all")
    bare.git("--work-tree", str(folder), "commit", "--quiet", "--message", "Start the platform", **_PERSON)
    (bare.path / "index").unlink()
    shutil.rmtree(folder)


def _clone(bare: Bare, folder: Path, trunk: str = "main") -> None:
    folder.mkdir()
    work = Bare(folder)
    work.git("init", "--quiet", "--template=", f"--initial-branch={trunk}")
    everything = ("+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
    work.git("fetch", "--quiet", str(bare.path), *everything)
    (folder / ".git" / "FETCH_HEAD").unlink()
    work.git("reset", "--quiet", "--hard", f"refs/remotes/origin/{trunk}")
    work.git("symbolic-ref", "refs/remotes/origin/HEAD", f"refs/remotes/origin/{trunk}")
