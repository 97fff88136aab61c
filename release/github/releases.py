"""GitHub Releases: the one of a version, a draft too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import semver

from release.call.context import Context
from release.git.lines import line_versions
from release.github.api import github


@dataclass(frozen=True)
class GitHubRelease:
    """One GitHub Release; a `draft` is seen by those who may push alone, an `immutable` one stays as it is."""

    id: int
    draft: bool
    url: str
    immutable: bool = False
    prerelease: bool = False
    upload_url: str = ""
    published_at: str = ""
    key: str = ""  # its tag

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> GitHubRelease:
        """Return the release in an answer of GitHub."""
        return cls(
            id=body["id"], draft=body["draft"], url=body["html_url"], immutable=bool(body.get("immutable")),
            upload_url=str(body.get("upload_url") or "").partition("{")[0], published_at=body.get("published_at") or "",
            prerelease=bool(body.get("prerelease")), key=body["tag_name"],
        )  # fmt: skip


def release_of(context: Context, version: semver.Version) -> GitHubRelease | None:
    """Return the version's GitHub Release, a draft too, or None; the one published goes first, then the first made."""
    planned = context.view.get(GitHubRelease, str(version))
    if planned:
        return planned
    found = github(context).find(f"releases/tags/{version}")
    if found is None:
        # GitHub finds no draft by its tag; one may be published between the two looks.
        named = (each for each in github(context).pages("releases") if each["tag_name"] == str(version))
        found = min(named, key=itemgetter("draft", "id"), default=None)
    return GitHubRelease.parse(found) if found else None


def is_latest(context: Context, version: semver.Version) -> bool:
    """Whether the version's Release has to be GitHub's "Latest": that of the highest final version alone (F30)."""
    return version == max((each for each in line_versions(context) if not each.prerelease), default=None)
