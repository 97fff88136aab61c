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

from .cloud import Cloud
from .github import TOKEN, GitHub
from .repositories import History, copy_history, copy_repositories, follow_remote

if TYPE_CHECKING:
    from typing_extensions import Self

IMAGES = ("0.5.0", "0.6.0", "0.6.2")  # what config.py named in the sample's past: they are built
PYTHONS = ("3.7", "3.8", "3.9", "3.10", "3.11")
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

    def __init__(
        self,
        files: Mapping[str, str] | None = None,
        cloud: bool = True,
        owner: str = "acme",
        history: History | None = None,
    ) -> None:
        """Make it of the sample, of one commit with `files`, or of another repository's `history`."""
        self.folder = Path(tempfile.mkdtemp(prefix="release-sandbox-")).resolve()
        self.home = self.folder / "home"
        self.home.mkdir()
        self.git_config = self.home / ".gitconfig"
        self.git_config.write_text(_GIT_CONFIG, encoding="utf-8")
        try:
            trunk = history.trunk if history else "main"
            copied = copy_history(self.folder, history) if history else copy_repositories(self.folder, files)
            self.bare, clone = copied
            self.work = clone.path
            self.github = GitHub(self.bare, self.folder, owner)
            self.cloud = Cloud() if cloud else None
            self._images = () if files or history else IMAGES
            follow_remote(clone, self.github.clone_url, trunk)
            self.github.hub.settings.default_branch = trunk
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

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
            for version in self._images:
                for python in PYTHONS:
                    self.cloud.push_image("lepton", f"photon-py{python}-runner-{version}")
            self.cloud.front.clear()
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
