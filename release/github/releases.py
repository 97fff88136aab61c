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
from release.git.withdrawals import withdrawn_names
from release.github.api import PAGE, github
from release.versions import released_versions

MOST = 125_000  # characters of a Release's text: GitHub answers 422 to more


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

    @property
    def is_out(self) -> bool:
        """Whether people get it, and GitHub may call it Latest."""
        return not self.draft and not self.prerelease

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


def best_release(context: Context, but: semver.Version) -> GitHubRelease | None:
    """Return the published Release of the highest good final version, `but` left out; None where there is none."""
    best = newest_good(context, but)
    found = release_of(context, best) if best else None
    if best is None or (found and found.is_out):
        return found
    # The highest is not published yet: of those that are, the highest is Latest until then.
    listed = [GitHubRelease.parse(each) for each in github(context).pages("releases")]
    out = {each.key: each for each in listed if each.is_out}
    good = [
        each for each in released_versions(out.keys() - withdrawn_names(context) - {str(but)}) if not each.prerelease
    ]
    return out[str(good[-1])] if good else None


def is_latest(context: Context, version: semver.Version) -> bool:
    """Whether the version's Release has to be GitHub's "Latest": that of the highest good final version alone (F30)."""
    return version == newest_good(context)
