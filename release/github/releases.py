"""GitHub Releases: the one of a version, a draft too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter
from typing import Any

import semver

from release.call.context import Context
from release.errors import Usage
from release.git.lines import newest_good
from release.github.api import PAGE, github


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
    listed = github(context).pages("releases")
    first = list(islice(listed, PAGE))  # a draft is found in the list alone, and so is nearly all that is asked for
    named = [each for each in first if each["tag_name"] == str(version)]
    if len(first) == PAGE and all(each["draft"] for each in named):
        published = github(context).find(f"releases/tags/{version}")
        # It may be published between the two looks.
        named += [published] if published else [each for each in listed if each["tag_name"] == str(version)]
    found = min(named, key=itemgetter("draft", "id"), default=None)
    return GitHubRelease.parse(found) if found else None


def needed_release(context: Context, version: semver.Version) -> GitHubRelease:
    """Return the version's GitHub Release; raise Usage where there is none."""
    found = release_of(context, version)
    if found is None:
        raise Usage(f"there is no GitHub Release {version}", f"inv release.notes --version {version}")
    return found


def is_latest(context: Context, version: semver.Version) -> bool:
    """Whether the version's Release has to be GitHub's "Latest": that of the highest good final version alone (F30)."""
    return version == newest_good(context)
