"""One whole sandbox: a remote with its GitHub, a cloud, and a clone to work in, in a temporary folder."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from .bare import Bare
from .cloud import Cloud
from .git_http import configure_bare
from .github import TOKEN, GitHub

if TYPE_CHECKING:
    from typing_extensions import Self

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
"""


class Sandbox:
    """A world of its own, from `with` to its end; what it started ends with it and its folder goes."""

    def __init__(self, files: Mapping[str, str] | None = None, cloud: bool = True, owner: str = "acme") -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="release-sandbox-")).resolve()
        self.home = self.folder / "home"
        self.home.mkdir()
        self.work = self.folder / "platform"
        self.git_config = self.home / ".gitconfig"
        self.git_config.write_text(_GIT_CONFIG, encoding="utf-8")
        self.bare = self._sample() if files is None else self._repositories(files)
        self.github = GitHub(self.bare, self.folder, owner)
        self.cloud = Cloud() if cloud else None
        self._connect()

    def _repositories(self, files: Mapping[str, str]) -> Bare:
        """Make the user's repository with one commit, and the remote from it."""
        work = self._work_tree(files)
        work.git("init", "--quiet", "--initial-branch=main")
        work.git("add", "--all")
        work.git("commit", "--quiet", "--message", "Start the platform", **self._person())
        bare = Bare(self.folder / "remote.git")
        work.git("clone", "--quiet", "--bare", "--no-hardlinks", "--template=", ".", str(bare.path))
        configure_bare(bare)
        bare.git("remote", "remove", "origin")
        return bare

    def _sample(self) -> Bare:
        """Make the remote with the sample's history, and the user's clone of it."""
        from . import sample

        bare = Bare(self.folder / "remote.git")
        bare.path.mkdir()
        bare.git("init", "--quiet", "--bare", "--template=")
        sample.replay(bare.path)
        configure_bare(bare)
        work = self._work_tree({})
        work.git("init", "--quiet", "--template=", "--initial-branch=main")
        everything = ("+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
        work.git("fetch", "--quiet", str(bare.path), *everything)
        work.git("reset", "--quiet", "--hard", "refs/remotes/origin/main")
        return bare

    def _work_tree(self, files: Mapping[str, str]) -> Bare:
        for path, text in files.items():
            place = self.work / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
        self.work.mkdir(exist_ok=True)
        return Bare(self.work)

    def _person(self) -> dict[str, str]:
        return {"GIT_CONFIG_GLOBAL": str(self.git_config)}

    def _connect(self) -> None:
        """Have the user's repository follow the remote, as a clone does, without fetching."""
        sha = self.bare.sha("refs/heads/main") or ""
        work = Bare(self.work)
        with (self.work / ".git" / "config").open("a", encoding="utf-8") as config:
            config.write(f'[remote "origin"]\n\turl = {self.github.clone_url}\n')
            config.write("\tfetch = +refs/heads/*:refs/remotes/origin/*\n")
            config.write('[branch "main"]\n\tremote = origin\n\tmerge = refs/heads/main\n')
            # The token comes from the environment, and is sent to this host alone.
            helper = "!f() { echo username=x-access-token; echo password=$GITHUB_TOKEN; }; f"
            config.write(f'[credential "{self.github.url}"]\n\thelper = "{helper}"\n')
        work.git("update-ref", "refs/remotes/origin/main", sha)
        work.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start the servers."""
        self.github.start()
        if self.cloud:
            self.cloud.start()
        self.github.hub.job_environment = self.job_environment()

    def close(self) -> None:
        """End the runs and the servers, and remove the folder."""
        self.github.stop()
        if self.cloud:
            self.cloud.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

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
            "NO_PROXY": "127.0.0.1,localhost",
        }

    def job_environment(self) -> dict[str, str]:
        """Name all variables of a job: a runner has no token of the user, and nothing of the user's process."""
        ours = {
            key: value for key, value in self.environment().items() if key not in ("GITHUB_TOKEN", "HOME") and value
        }
        kept = {key: os.environ[key] for key in ("LC_ALL", "TMPDIR", "TZ", "USER") if key in os.environ}
        return {**kept, **ours}
