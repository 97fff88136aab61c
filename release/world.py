"""What one call of the tasks works with: settings, time, report, and the doors to the world."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from release.errors import Usage
from release.report import Report
from release.settings import Settings

if TYPE_CHECKING:
    import semver

    from release.aws import Bucket
    from release.github import GitHub, Http
    from release.refs import RemoteRef
    from release.repo import Repo
    from release.web import Clock


class Registry(Protocol):
    """A container registry: ECR, or any that speaks OCI's HTTP API."""

    def image_digest(self, repository: str, tag: str) -> str | None:
        """Return the tag's digest, or None when there is no such image."""

    def image_digests(self, repository: str) -> dict[str, str]:
        """Return every tag's digest."""


class SystemClock:
    """The machine's own time."""

    def now(self) -> float:
        """Return seconds since the epoch."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Let that many seconds pass."""
        if seconds > 0:
            time.sleep(seconds)


@dataclass
class World:
    """Open each door when it is first used; remember what this call was told and settled."""

    settings: Settings
    report: Report
    dry: bool = False
    asking: bool = False  # a dry run that a question follows: what it meets may still be resolved
    yes: bool = False
    version: semver.Version | None = None
    planned: dict[str, RemoteRef] = field(default_factory=dict)  # what a dry call would have made before
    timeout: float = 0
    rerun_failed: bool = False
    clock: Clock = field(default_factory=SystemClock)
    folder: Path = field(default_factory=Path.cwd)

    def confirm(self, what: str) -> None:
        """Return when writing is agreed to; raise Usage when nobody did and nobody can be asked."""
        if not self.yes:
            raise Usage(
                f"not done, nobody agreed to it: {what}",
                "Add --yes (or set CI=true); inv --dry … shows what would be written.",
            )

    def settle(self, version: semver.Version) -> semver.Version:
        """Keep the version for the later tasks of the same call, and say which it is."""
        if self.version != version:
            self.version = version
            self.report.record(version=str(version))
        return version

    @cached_property
    def repo(self) -> Repo:
        """Return the repository around the working directory, with the token for its host."""
        from release.refs import remote_repository
        from release.repo import Repo
        from release.web import serves

        repo = Repo(self.folder, self.settings.release.remote)
        url = repo.remote_url()
        if url.startswith(("http://", "https://")) and self.token:
            host, _ = remote_repository(url)
            if serves(self._api_url(host), host):
                repo.authenticate(self.token, url)
        return repo

    @cached_property
    def trunk(self) -> str:
        """Return the trunk's name: the setting, or what the remote's HEAD names."""
        return self.settings.release.trunk or self.repo.trunk()

    @cached_property
    def http(self) -> Http:
        """Return the one door to HTTP."""
        from release.github import Http

        return Http(self.clock)

    @cached_property
    def github(self) -> GitHub:
        """Return GitHub at the repository that GITHUB_REPOSITORY or the remote names."""
        from release.github import GitHub
        from release.refs import remote_repository

        name = os.environ.get("GITHUB_REPOSITORY", "")
        if name and "GITHUB_API_URL" in os.environ:
            return GitHub(self.http, self._api_url(""), name, self._needed_token())
        host, found = remote_repository(self.repo.remote_url())
        return GitHub(self.http, self._api_url(host), name or found, self._needed_token())

    @cached_property
    def bucket(self) -> Bucket:
        """Return the bucket that wheels are released to."""
        from release.aws import Bucket

        return Bucket(self.settings.sdk.bucket)

    @cached_property
    def registry(self) -> Registry:
        """Return the registry that images are released to.

        An OCI registry that asks who is there is shown REGISTRY_USERNAME and REGISTRY_PASSWORD.
        """
        if self.settings.image.registry == "ecr":
            from release.aws import Ecr

            return Ecr()
        from release.oci import OciRegistry

        name, password = os.environ.get("REGISTRY_USERNAME", ""), os.environ.get("REGISTRY_PASSWORD", "")
        return OciRegistry(self.http, self.settings.image.registry, (name, password) if name and password else None)

    @cached_property
    def token(self) -> str:
        """Return GITHUB_TOKEN or GH_TOKEN, else what `gh auth token` prints, else nothing."""
        given = os.environ.get("GITHUB_TOKEN") or os.environ.get("GH_TOKEN")
        if given or not shutil.which("gh"):
            return (given or "").strip()
        asked = subprocess.run(["gh", "auth", "token"], capture_output=True, text=True, check=False, timeout=20)
        return asked.stdout.strip()

    def _needed_token(self) -> str:
        if not self.token:
            raise Usage("no GitHub token", "Set GITHUB_TOKEN, or sign in: gh auth login")
        return self.token

    def _api_url(self, host: str) -> str:
        from release.web import api_url

        return os.environ.get("GITHUB_API_URL") or api_url(host)
